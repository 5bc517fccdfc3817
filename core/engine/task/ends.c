/* SPDX-License-Identifier: MIT */
#include "engine/task/ends.h"

#include "base/clock.h"
#include "base/log.h"

#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define POLL_MS 200

/* Problems of several ends, one line each, cut at the ceiling of an error. */
struct failures {
	struct error *err;
	size_t n;
};

static void add_failure(struct failures *f, const char *label, const struct error *one)
{
	size_t have = strlen(f->err->text), n = strlen(label);
	bool labelled = !strncmp(one->text, label, n) && one->text[n] == ':';

	snprintf(f->err->text + have, sizeof(f->err->text) - have, "%s%s%s%s", f->n ? "\n" : "",
		 labelled ? "" : label, labelled ? "" : ": ", one->text);
	f->err->exit = EXIT_USAGE;
	f->n++;
}

/* Nobody knows what became of the last request. */
static bool is_cut_short(enum migrate_status status)
{
	return status == MIGRATE_CANCELLED || status_may_retry(status);
}

/*
 * What is wrong at the start is the job file's fault, but for what passes by itself: an end that
 * is there and has no time, and a database that somebody's backup holds locked already when it
 * is opened.
 */
struct waiting {
	const struct host *host;
	const char *label;
	int64_t end; /* monotonic */
	bool said;
};

static bool wait_more(struct waiting *w, enum migrate_status status, const char *why)
{
	struct pollfd cancelled = { .fd = w->host->cancel_fd, .events = POLLIN };

	if ((status != MIGRATE_TRANSIENT && status != MIGRATE_THROTTLED) ||
	    clock_monotonic() >= w->end || atomic_load(&w->host->cancelled))
		return false;
	if (!w->said && !strncmp(why, w->label, strlen(w->label)))
		log_warn("waiting: %s", why);
	else if (!w->said)
		log_warn("waiting: %s: %s", w->label, why);
	w->said = true;
	poll(&cancelled, 1, POLL_MS);
	return true;
}

static struct waiting patiently(const struct ends *e, const struct open_end *o)
{
	return (struct waiting){ .host = &e->host,
				 .label = o->job->label,
				 .end = clock_monotonic() + e->job->patience * NS_PER_MS };
}

static int open_session(struct ends *e, struct open_end *o, unsigned int access, struct error *err)
{
	const struct job_end *j = o->job;
	struct waiting w = patiently(e, o);
	enum migrate_status how;

	if (!j->descriptor->database)
		w.end = 0;
	do {
		error_clear(err);
		o->end = end_open_texts(&e->host, j->label, j->descriptor, j->config, access,
					j->value_max ? j->value_max : MIGRATE_KEY_MAX, &how, err);
	} while (!o->end && wait_more(&w, how, err->text));
	o->cut_short = is_cut_short(how);
	if (!o->end)
		return -1;
	o->session = session_open(o->end, err);
	return o->session ? 0 : -1;
}

static enum migrate_status probe_patiently(const struct ends *e, struct open_end *o, bool write)
{
	struct waiting w = patiently(e, o);
	enum migrate_status status;

	do
		status = end_probe(o->session, write);
	while (status && wait_more(&w, status, session_message(o->session)));
	return status;
}

static int identify(struct ends *e, struct open_end *o, bool probe, bool write, struct error *err)
{
	enum migrate_status status = MIGRATE_OK;

	if (probe)
		status = probe_patiently(e, o, write);
	o->cut_short |= is_cut_short(status);
	if (status == MIGRATE_OK)
		status = end_identity(o->session, &o->identity);
	return status == MIGRATE_OK ? 0 : session_error(err, EXIT_USAGE, o->session, status);
}

/* facts: struct store_facts of a store, struct database_facts of a database, NULL of a cache. */
static int describe_end(struct open_end *o, void *facts, struct error *err)
{
	enum migrate_status status = MIGRATE_OK;

	if (o->job->descriptor->kind == MIGRATE_STORE)
		status = store_describe(o->session, facts);
	else if (o->job->descriptor->kind == MIGRATE_DATABASE)
		status = database_describe(o->session, facts);
	return status == MIGRATE_OK ? 0 : session_error(err, EXIT_USAGE, o->session, status);
}

static void open_one(struct ends *e, struct open_end *o, const struct job_end *job,
		     unsigned int access, bool probe, void *facts, struct failures *f)
{
	struct error err = ERROR_INIT;

	o->job = job;
	if (open_session(e, o, access, &err) || identify(e, o, probe, access & END_WRITES, &err) ||
	    describe_end(o, facts, &err))
		add_failure(f, job->label, &err);
}

/* A plugin of before, or of a database that keeps no texts. */
static void check_reads_texts(struct ends *e, size_t i, struct failures *f)
{
	struct error err = ERROR_INIT;

	if (!e->databases[i].identity || e->job->databases[i].match != MATCH_CONTAINS ||
	    e->database_facts[i].d.flags & MIGRATE_TEXTS)
		return;
	error_set(&err, EXIT_USAGE, "match: contains: the plugin '%s' cannot read texts",
		  e->job->databases[i].end.plugin);
	add_failure(f, e->job->databases[i].end.label, &err);
}

static int make_ends_room(struct ends *e, const struct job *job, struct error *err)
{
	e->databases = calloc(job->database_count + 1, sizeof(*e->databases));
	e->database_facts = calloc(job->database_count + 1, sizeof(*e->database_facts));
	e->caches = calloc(job->cache_count + 1, sizeof(*e->caches));
	if (!e->databases || !e->database_facts || !e->caches)
		return error_set(err, EXIT_INTERNAL, "out of memory");
	e->database_count = job->database_count;
	e->cache_count = job->cache_count;
	return 0;
}

static int open_all(struct ends *e, const struct job *job, int flags, struct error *err)
{
	unsigned int access = (flags & ENDS_WRITE ? (unsigned int)END_WRITES : 0) |
			      (flags & ENDS_DRY ? (unsigned int)END_DRY : 0);
	unsigned int to = flags & ENDS_SCRATCH ? access & ~(unsigned int)END_DRY : access;
	bool probe = flags & ENDS_PROBE;
	struct failures f = { .err = err };

	open_one(e, &e->source, &job->source, END_READS, probe, &e->source_facts, &f);
	open_one(e, &e->destination, &job->destination, to, probe, &e->destination_facts, &f);
	for (size_t i = 0; i < e->database_count; i++) {
		open_one(e, &e->databases[i], &job->databases[i].end, access, probe,
			 &e->database_facts[i], &f);
		check_reads_texts(e, i, &f);
	}
	for (size_t i = 0; i < e->cache_count; i++)
		open_one(e, &e->caches[i], &job->caches[i], access, probe, NULL, &f);
	return f.n ? -1 : 0;
}

/* Opening takes as long as a server that does not answer. */
static void cancel_calls(void *host)
{
	host_cancel(host);
}

int ends_open(struct ends *e, const struct job *job, const char *job_id, int flags,
	      stoppable_fn *stoppable, struct error *err)
{
	bool failed, cancelled, left;

	*e = (struct ends){ .job = job };
	error_clear(err);
	if (host_init(&e->host, job_id, job->timeout, err))
		return -1;
	e->host_ready = true;
	if (stoppable)
		stoppable(cancel_calls, &e->host);
	failed = make_ends_room(e, job, err) || open_all(e, job, flags, err);
	if (stoppable)
		stoppable(NULL, NULL);
	cancelled = atomic_load(&e->host.cancelled);
	if (cancelled)
		host_resume(&e->host);
	if (!failed)
		return 0;
	if (cancelled) {
		error_clear(err);
		error_set(err, EXIT_INTERRUPTED,
			  "interrupted before source and destination were open");
	}
	left = flags & ENDS_WRITE && e->destination.cut_short;
	ends_close(e);
	e->may_be_left = left;
	return -1;
}

static void close_one(struct open_end *o)
{
	if (o->session)
		session_close(o->session);
	if (o->end)
		end_close(o->end);
	free(o->identity);
	*o = (struct open_end){ .job = NULL };
}

void ends_close(struct ends *e)
{
	for (size_t i = 0; i < e->cache_count; i++)
		close_one(&e->caches[i]);
	for (size_t i = 0; i < e->database_count; i++) {
		close_one(&e->databases[i]);
		database_facts_release(&e->database_facts[i]);
	}
	close_one(&e->destination);
	close_one(&e->source);
	store_facts_release(&e->source_facts);
	store_facts_release(&e->destination_facts);
	free(e->databases);
	free(e->database_facts);
	free(e->caches);
	if (e->host_ready)
		host_release(&e->host);
	*e = (struct ends){ .job = NULL };
}

char *ends_identities(const struct open_end *ends, size_t n)
{
	size_t size = 1;
	char *text, *at;

	for (size_t i = 0; i < n; i++)
		size += strlen(ends[i].identity) + 1;
	text = malloc(size);
	if (!text)
		return NULL;
	at = text;
	*at = '\0';
	for (size_t i = 0; i < n; i++) {
		size_t len = strlen(ends[i].identity);

		memcpy(at, ends[i].identity, len);
		at[len] = '\n';
		at += len + 1;
		*at = '\0';
	}
	return text;
}

/*
 * Where in an identity the path begins: behind the last " path=", or at its start
 * when there is no such field. *head: bytes that name what the path belongs to
 * (a file system, a server); what tells one folder of it from another, as an
 * inode does, is no part of that.
 */
static const char *path_of(const char *identity, size_t *head)
{
	static const char field[] = " path=", inode[] = " ino=";
	const char *path = NULL, *at = identity, *ino;

	while ((at = strstr(at, field)))
		path = at++;
	*head = 0;
	if (!path)
		return identity;
	ino = strstr(identity, inode);
	*head = (size_t)((ino && ino < path ? ino : path) - identity);
	return path + sizeof(field) - 1;
}

const char *ends_below(const char *outer, const char *inner)
{
	size_t outer_head, inner_head, n;
	const char *a = path_of(outer, &outer_head), *b = path_of(inner, &inner_head);

	if (outer_head != inner_head || strncmp(outer, inner, outer_head) != 0)
		return NULL;
	n = strlen(a);
	if (strncmp(a, b, n) != 0)
		return NULL;
	if (n && a[n - 1] == '/')
		return b[n] ? b + n : NULL;
	return b[n] == '/' && b[n + 1] ? b + n + 1 : NULL;
}

enum ends_relation ends_relation(const char *source, const char *destination)
{
	if (!strcmp(source, destination))
		return ENDS_SAME;
	if (ends_below(source, destination))
		return ENDS_DESTINATION_INSIDE;
	return ends_below(destination, source) ? ENDS_SOURCE_INSIDE : ENDS_APART;
}
