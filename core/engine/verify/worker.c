/* SPDX-License-Identifier: MIT */
#include "engine/verify/verify-impl.h"

#include "base/escape.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* What looks at one batch after the other, with sessions of its own. */

#define TEXT_MAX 2048

static bool is_sampled(struct verifier *w, struct migrate_bytes key)
{
	const struct verify_options *o = &w->verify->options;
	uint8_t hash[16];
	uint64_t sample, slice;

	if (o->ppm >= 1000000 && o->slices <= 1)
		return true;
	digest_key(w->digest, key, hash);
	memcpy(&sample, hash, sizeof(sample));
	memcpy(&slice, hash + sizeof(sample), sizeof(slice));
	return sample % 1000000 < o->ppm && slice % o->slices == o->slice - 1;
}

bool verify_wants(struct verifier *w, const struct batch *b, uint32_t n)
{
	const struct object_record *o = &b->objects[n];

	return object_is_there(o) && o->new_key.n && is_sampled(w, o->key);
}

bool verify_wants_rows(struct verifier *w, const struct batch *b, uint32_t n)
{
	const struct object_record *o = &b->objects[n];

	return o->state != OBJECT_PLANNED && o->new_key.n && is_sampled(w, o->key);
}

/* A later pass may have copied the key anew: then its record counts. */
static bool is_newest(struct verifier *w, const struct batch *b, uint32_t n)
{
	struct object_record newest;
	struct error err = ERROR_INIT;
	int64_t batch;
	uint32_t at;
	int found = journal_find_key(w->verify->task.journal, b->objects[n].key, &w->arena, &newest,
				     &batch, &at, &err);

	if (found < 0)
		halt_fail(&w->verify->halt, &err);
	return found <= 0 || (batch == b->id && at == n) || b->kind == BATCH_ROWS ||
	       b->kind == BATCH_TEXTS;
}

static MIGRATE_PRINTF(4, 0) void tell_difference(struct verify *v, enum difference d,
						 const struct object_record *o, const char *format,
						 va_list ap)
{
	BUF_AUTO struct buf escaped = BUF_INIT(4 * TEXT_MAX);
	char text[TEXT_MAX];

	vsnprintf(text, sizeof(text), format, ap);
	escape_message(&escaped, text, strlen(text));
	buf_add(&escaped, "", 1);
	pthread_mutex_lock(&v->lock);
	v->result.different[d]++;
	v->found(v->arg, d, o, (const char *)escaped.p);
	pthread_mutex_unlock(&v->lock);
}

void verify_differs(struct verify *v, enum difference d, const struct object_record *o,
		    const char *format, ...)
{
	va_list ap;

	va_start(ap, format);
	tell_difference(v, d, o, format, ap);
	va_end(ap);
}

void verify_report(struct verifier *w, const struct batch *b, uint32_t n, enum difference d,
		   const char *format, ...)
{
	va_list ap;

	if (!is_newest(w, b, n))
		return;
	va_start(ap, format);
	tell_difference(w->verify, d, &b->objects[n], format, ap);
	va_end(ap);
}

/* ---- Workers ---- */

static int open_verifier_sessions(struct verifier *w, struct error *err)
{
	struct ends *e = &w->verify->task.ends;

	w->source = session_open(e->source.end, err);
	w->destination = w->source ? session_open(e->destination.end, err) : NULL;
	w->databases = calloc(e->database_count + 1, sizeof(*w->databases));
	w->digest = digest_new();
	w->sink = sink_memory();
	if (!w->destination)
		return -1;
	if (!w->databases || !w->digest || !w->sink)
		return error_set(err, EXIT_INTERNAL, "out of memory");
	for (size_t i = 0; i < e->database_count; i++)
		if (!(w->databases[i] = session_open(e->databases[i].end, err)))
			return -1;
	return 0;
}

static void close_sessions(struct verifier *w)
{
	for (size_t i = 0; w->databases && i < w->verify->task.ends.database_count; i++)
		if (w->databases[i])
			session_close(w->databases[i]);
	free(w->databases);
	if (w->destination)
		session_close(w->destination);
	if (w->source)
		session_close(w->source);
	if (w->sink)
		sink_free(w->sink);
	digest_free(w->digest);
	arena_release(&w->arena);
}

static struct batch *take_batch(struct verify *v)
{
	struct batch *b;

	pthread_mutex_lock(&v->lock);
	while (!v->next && !v->fed && !halt_leaving(&v->halt))
		pthread_cond_wait(&v->changed, &v->lock);
	b = v->next;
	v->next = NULL;
	pthread_cond_broadcast(&v->changed);
	pthread_mutex_unlock(&v->lock);
	return b;
}

void *verify_work(void *arg)
{
	struct verifier *w = arg;
	struct verify *v = w->verify;
	struct error err = ERROR_INIT;
	struct batch *b;

	if (open_verifier_sessions(w, &err))
		halt_fail(&v->halt, &err);
	while ((b = take_batch(v))) {
		if (!halt_leaving(&v->halt))
			verify_objects(w, b);
		if (!halt_leaving(&v->halt) && verify_is_done(b))
			verify_rows(w, b);
		arena_reset(&w->arena);
		batch_free(b);
	}
	close_sessions(w);
	pthread_mutex_lock(&v->lock);
	v->workers--;
	pthread_cond_broadcast(&v->changed);
	pthread_mutex_unlock(&v->lock);
	return NULL;
}
