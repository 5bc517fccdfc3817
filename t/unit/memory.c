/* SPDX-License-Identifier: MIT */
#include "memory-impl.h"

#include "base/bytes.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct memory_faults memory_faults;
bool memory_is_shared;
_Atomic int64_t memory_silent_run;

static struct memory *memories;
static pthread_mutex_t memories_lock = PTHREAD_MUTEX_INITIALIZER;

static struct memory_connection *connection_of(struct connection *c)
{
	return (struct memory_connection *)c;
}

void *memory_need(void *p)
{
	if (!p)
		BUG("out of memory");
	return p;
}

struct list *memory_list_of(struct connection *c, enum kind kind)
{
	struct memory_connection *mc = connection_of(c);

	return mc->is_writer ? &mc->lists[kind] : &mc->m->committed[kind];
}

void *memory_make(struct connection *c, size_t n)
{
	return memory_need(arena_alloc(&connection_of(c)->m->arena, n ? n : 1));
}

struct migrate_bytes memory_keep(struct connection *c, struct migrate_bytes b)
{
	struct migrate_bytes copy = bytes_of(NULL, 0);

	if (b.n && !arena_bytes(&connection_of(c)->m->arena, b, &copy))
		BUG("out of memory");
	return copy;
}

const char *memory_keep_text(struct connection *c, const char *text)
{
	return text ? memory_need(arena_text(&connection_of(c)->m->arena, text)) : NULL;
}

void memory_append(struct connection *c, enum kind kind, void *item)
{
	struct list *l = memory_list_of(c, kind);

	l->items = memory_need(realloc(l->items, (l->n + 1) * sizeof(*l->items)));
	l->items[l->n++] = item;
}

static void copy_lists(struct list *to, const struct list *from)
{
	for (int i = 0; i < KINDS; i++) {
		free(to[i].items);
		to[i] = (struct list){ .n = from[i].n };
		to[i].items = memory_need(calloc(from[i].n ? from[i].n : 1, sizeof(void *)));
		if (from[i].n)
			memcpy(to[i].items, from[i].items, from[i].n * sizeof(void *));
	}
}

struct migrate_bytes memory_give(struct arena *a, struct migrate_bytes b)
{
	struct migrate_bytes copy = bytes_of(NULL, 0);

	if (b.n && !arena_bytes(a, b, &copy))
		BUG("out of memory");
	return copy;
}

const char *memory_give_text(struct arena *a, const char *text)
{
	return text ? memory_need(arena_text(a, text)) : NULL;
}

/* ---- The store ---- */

static struct memory *memory_of(const struct journal_options *o, struct error *err)
{
	struct memory *m = memories;

	while (m && strcmp(m->path, o->place.path) != 0)
		m = m->next;
	if (!m && !(o->create && o->mode == JOURNAL_RUN)) {
		error_set(err, EXIT_USAGE, "there is no journal %s", o->place.path);
		return NULL;
	}
	if (m && m->runs && !memory_is_shared && o->mode == JOURNAL_RUN) {
		error_set(err, EXIT_LOCKED, "another run holds %s", o->place.path);
		return NULL;
	}
	if (!m) {
		m = memory_need(calloc(1, sizeof(*m)));
		m->path = memory_need(strdup(o->place.path));
		pthread_mutex_init(&m->lock, NULL);
		pthread_mutex_init(&m->writing, NULL);
		m->next = memories;
		memories = m;
	}
	m->runs += o->mode == JOURNAL_RUN;
	return m;
}

static struct store *memory_open(const struct journal_options *o, struct error *err)
{
	struct memory_store *s = memory_need(calloc(1, sizeof(*s)));

	pthread_mutex_lock(&memories_lock);
	s->m = memory_of(o, err);
	pthread_mutex_unlock(&memories_lock);
	if (!s->m) {
		free(s);
		return NULL;
	}
	s->reader.m = s->writer.m = s->m;
	s->reader.base.backend = s->writer.base.backend = &memory_backend;
	s->reader.base.journal = s->writer.base.journal = s->m->path;
	s->writer.is_writer = true;
	s->base.reader = &s->reader.base;
	s->base.writer = o->mode == JOURNAL_RUN ? &s->writer.base : NULL;
	return &s->base;
}

static void memory_disconnect(struct store *store, bool clean)
{
	struct memory_store *s = (struct memory_store *)store;

	(void)clean;
	for (int i = 0; i < KINDS; i++) {
		free(s->writer.lists[i].items);
		s->writer.lists[i] = (struct list){ .n = 0 };
	}
}

static int memory_discard(struct store *store, struct error *err)
{
	(void)err;
	((struct memory_store *)store)->m->path[0] = '\0';
	return 0;
}

static int memory_set_aside(struct store *store, char **name, struct error *err)
{
	struct memory *m = ((struct memory_store *)store)->m;
	char *aside;

	(void)err;
	if (asprintf(&aside, "%s.aside", m->path) < 0)
		BUG("out of memory");
	free(m->path);
	m->path = aside;
	*name = memory_need(strdup(aside));
	return 0;
}

static void memory_close(struct store *store)
{
	struct memory_store *s = (struct memory_store *)store;

	pthread_mutex_lock(&memories_lock);
	if (s->base.writer)
		s->m->runs--;
	pthread_mutex_unlock(&memories_lock);
	free(s);
}

/* ---- Transactions ---- */

static enum result memory_begin_write(struct connection *c, struct error *err)
{
	struct memory_connection *mc = connection_of(c);
	bool fenced;

	pthread_mutex_lock(&mc->m->writing);
	mc->is_writing = true;
	pthread_mutex_lock(&mc->m->lock);
	copy_lists(mc->lists, mc->m->committed);
	pthread_mutex_unlock(&mc->m->lock);
	memory_fenced(c, c->run, &fenced, err);
	if (!fenced)
		return RESULT_OK;
	error_set(err, EXIT_LOCKED, "journal %s: another run took over from this one", c->journal);
	return RESULT_FAILED;
}

/* The next one begins with what is committed. */
static void memory_roll_back(struct connection *c)
{
	struct memory_connection *mc = connection_of(c);

	if (mc->is_writing)
		pthread_mutex_unlock(&mc->m->writing);
	mc->is_writing = false;
}

static enum result memory_commit(struct connection *c, struct error *err)
{
	struct memory_connection *mc = connection_of(c);

	memory_faults.commits++;
	if (memory_faults.broken) {
		error_set(err, EXIT_JOURNAL, "journal %s: broken", c->journal);
		return RESULT_FAILED;
	}
	if (memory_faults.full) {
		memory_faults.full--;
		error_set(err, EXIT_JOURNAL, "journal %s: full", c->journal);
		return RESULT_WAIT;
	}
	pthread_mutex_lock(&mc->m->lock);
	copy_lists(mc->m->committed, mc->lists);
	pthread_mutex_unlock(&mc->m->lock);
	memory_faults.done++;
	memory_roll_back(c);
	return RESULT_OK;
}

static enum result memory_tidy(struct connection *c, enum tidy when, struct error *err)
{
	(void)c;
	(void)when;
	(void)err;
	return RESULT_OK;
}

static enum result memory_begin_read(struct connection *c, struct error *err)
{
	(void)err;
	pthread_mutex_lock(&connection_of(c)->m->lock);
	return RESULT_OK;
}

static void memory_end_read(struct connection *c)
{
	pthread_mutex_unlock(&connection_of(c)->m->lock);
}

/* ---- Job, runs, passes, events ---- */

static char *text_of(const char *text)
{
	return memory_need(strdup(text ? text : ""));
}

static enum result memory_job_get(struct connection *c, struct journal_job *job, struct error *err)
{
	struct list *l = memory_list_of(c, JOBS);
	const struct journal_job *kept;

	(void)err;
	if (!l->n)
		return RESULT_NONE;
	kept = l->items[l->n - 1];
	*job = *kept;
	job->canonical = text_of(kept->canonical);
	job->source = text_of(kept->source);
	job->destination = text_of(kept->destination);
	job->databases = text_of(kept->databases);
	job->caches = text_of(kept->caches);
	return RESULT_OK;
}

/* Its texts are not const, and never written. */
static char *keep_own(struct connection *c, const char *text)
{
	return text ? memory_need(arena_text(&connection_of(c)->m->arena, text)) : NULL;
}

static enum result memory_job_set(struct connection *c, const struct journal_job *job,
				  struct error *err)
{
	struct journal_job *kept = memory_make(c, sizeof(*kept));

	(void)err;
	*kept = *job;
	kept->canonical = keep_own(c, job->canonical);
	kept->source = keep_own(c, job->source);
	kept->destination = keep_own(c, job->destination);
	kept->databases = keep_own(c, job->databases);
	kept->caches = keep_own(c, job->caches);
	memory_append(c, JOBS, kept);
	return RESULT_OK;
}

static enum result memory_run_last(struct connection *c, struct journal_run *run, struct error *err)
{
	struct list *l = memory_list_of(c, RUNS);

	(void)err;
	if (!l->n)
		return RESULT_NONE;
	memcpy(run, l->items[l->n - 1], sizeof(*run));
	return RESULT_OK;
}

static enum result memory_run_begin(struct connection *c, struct journal_run *run,
				    struct error *err)
{
	struct journal_run *kept = memory_make(c, sizeof(*kept)), last = { .id = 0 };

	memory_run_last(c, &last, err);
	run->id = last.id + 1;
	*kept = *run;
	memory_append(c, RUNS, kept);
	return RESULT_OK;
}

static enum result memory_run_end(struct connection *c, const struct journal_run *run,
				  struct error *err)
{
	struct list *l = memory_list_of(c, RUNS);
	struct journal_run *kept;

	(void)err;
	for (size_t i = 0; i < l->n; i++) {
		if (((struct journal_run *)l->items[i])->id != run->id)
			continue;
		kept = memory_make(c, sizeof(*kept));
		memcpy(kept, l->items[i], sizeof(*kept));
		kept->ended = run->ended;
		kept->exit = run->exit;
		if (run->reason[0])
			memcpy(kept->reason, run->reason, sizeof(kept->reason));
		l->items[i] = kept;
	}
	return RESULT_OK;
}

static enum result memory_pass_last(struct connection *c, struct arena *a,
				    struct journal_pass *pass, struct error *err)
{
	struct list *l = memory_list_of(c, PASSES);
	const struct journal_pass *last = NULL;

	(void)err;
	for (size_t i = 0; i < l->n; i++) {
		const struct journal_pass *p = l->items[i];

		if (!last || p->number >= last->number)
			last = p;
	}
	if (!last)
		return RESULT_NONE;
	*pass = *last;
	pass->cursor = memory_give(a, last->cursor);
	return RESULT_OK;
}

/* The newest of a number counts. */
static enum result memory_pass_set(struct connection *c, const struct journal_pass *pass,
				   struct error *err)
{
	struct journal_pass *kept = memory_make(c, sizeof(*kept));

	(void)err;
	*kept = *pass;
	kept->cursor = memory_keep(c, pass->cursor);
	memory_append(c, PASSES, kept);
	return RESULT_OK;
}

static enum result memory_event_add(struct connection *c, int64_t at, int level, const char *text,
				    struct error *err)
{
	struct journal_event_record *kept = memory_make(c, sizeof(*kept));

	(void)err;
	*kept = (struct journal_event_record){ .at = at, .level = level };
	kept->text = memory_keep_text(c, text);
	memory_append(c, EVENTS, kept);
	return RESULT_OK;
}

static enum result memory_events(struct connection *c, size_t n, struct arena *a,
				 struct journal_event_record **first, struct error *err)
{
	struct list *l = memory_list_of(c, EVENTS);

	(void)err;
	*first = NULL;
	for (size_t i = l->n > n ? l->n - n : 0; i < l->n; i++) {
		struct journal_event_record *e = memory_need(arena_alloc(a, sizeof(*e)));

		memcpy(e, l->items[i], sizeof(*e));
		e->text = memory_give_text(a, e->text);
		*first = e;
		first = &e->next;
	}
	return RESULT_OK;
}

static enum result memory_sample_add(struct connection *c, const struct journal_sample *s,
				     struct error *err)
{
	struct journal_sample *kept = memory_make(c, sizeof(*kept));

	(void)err;
	*kept = *s;
	memory_append(c, SAMPLES, kept);
	return RESULT_OK;
}

static enum result memory_samples(struct connection *c, struct journal_sample *out, size_t n,
				  size_t *got, struct error *err)
{
	struct list *l = memory_list_of(c, SAMPLES);

	(void)err;
	for (*got = 0; *got < n && *got < l->n; ++*got)
		memcpy(&out[*got], l->items[l->n - 1 - *got], sizeof(*out));
	return RESULT_OK;
}

/* ---- Uploads ---- */

static enum result memory_upload_drop(struct connection *c, struct migrate_bytes new_key,
				      struct error *err)
{
	struct list *l = memory_list_of(c, UPLOADS);
	size_t stay = 0;

	(void)err;
	for (size_t i = 0; i < l->n; i++)
		if (!bytes_equal(((struct upload_record *)l->items[i])->new_key, new_key))
			l->items[stay++] = l->items[i];
	l->n = stay;
	return RESULT_OK;
}

static enum result memory_upload_set(struct connection *c, const struct upload_record *u,
				     struct error *err)
{
	struct upload_record *kept = memory_make(c, sizeof(*kept));

	memory_upload_drop(c, u->new_key, err);
	*kept = *u;
	kept->new_key = memory_keep(c, u->new_key);
	kept->id = memory_keep(c, u->id);
	kept->etag = memory_keep(c, u->etag);
	memory_append(c, UPLOADS, kept);
	return RESULT_OK;
}

static enum result memory_upload_get(struct connection *c, struct migrate_bytes new_key, bool next,
				     struct arena *a, struct upload_record *u, struct error *err)
{
	struct list *l = memory_list_of(c, UPLOADS);
	const struct upload_record *best = NULL;

	(void)err;
	for (size_t i = 0; i < l->n; i++) {
		const struct upload_record *k = l->items[i];
		int order = bytes_compare(k->new_key, new_key);

		if ((next ? order > 0 : !order) &&
		    (!best || bytes_compare(k->new_key, best->new_key) < 0))
			best = k;
	}
	if (!best)
		return RESULT_NONE;
	*u = *best;
	u->new_key = memory_give(a, best->new_key);
	u->id = memory_give(a, best->id);
	u->etag = memory_give(a, best->etag);
	return RESULT_OK;
}

const struct backend memory_backend = {
	.open = memory_open,
	.disconnect = memory_disconnect,
	.discard = memory_discard,
	.set_aside = memory_set_aside,
	.close = memory_close,
	.begin_write = memory_begin_write,
	.commit = memory_commit,
	.roll_back = memory_roll_back,
	.tidy = memory_tidy,
	.begin_read = memory_begin_read,
	.end_read = memory_end_read,
	.job_get = memory_job_get,
	.job_set = memory_job_set,
	.run_last = memory_run_last,
	.run_begin = memory_run_begin,
	.run_end = memory_run_end,
	.pass_last = memory_pass_last,
	.pass_set = memory_pass_set,
	.event_add = memory_event_add,
	.events = memory_events,
	.sample_add = memory_sample_add,
	.samples = memory_samples,
	.batch_insert = memory_batch_insert,
	.batch_set = memory_batch_set,
	.batch_get = memory_batch_get,
	.batch_drop = memory_batch_drop,
	.batches = memory_batches,
	.batch_before = memory_batch_before,
	.counts = memory_counts,
	.objects_set = memory_objects_set,
	.object_hung = memory_object_hung,
	.objects_get = memory_objects_get,
	.claim = memory_claim,
	.renew = memory_renew,
	.release = memory_release,
	.fenced = memory_fenced,
	.last_pass = memory_last_pass,
	.batch_of_key = memory_batch_of_key,
	.batch_behind = memory_batch_behind,
	.position = memory_position,
	.key_range = memory_key_range,
	.next_of_key = memory_next_of_key,
	.chunk_insert = memory_chunk_insert,
	.chunk_settle = memory_chunk_settle,
	.chunks = memory_chunks,
	.rows = memory_rows,
	.upload_set = memory_upload_set,
	.upload_drop = memory_upload_drop,
	.upload_get = memory_upload_get,
};
