/* SPDX-License-Identifier: MIT */
#include "base/clock.h"
#include "plugin/end-impl.h"
#include "plugin/plugin.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static enum migrate_status call_open(struct migrate_session *s, struct migrate_open *r)
{
	enum migrate_status (*open)(struct migrate_open *) = s->store      ? s->store->open
							     : s->database ? s->database->open
									   : s->cache->open;

	r->session = s;
	call_begin(s, "open");
	return call_end(s, "open", (int)open(r));
}

static enum migrate_status call_session(struct migrate_session *s, struct migrate_begin *r)
{
	enum migrate_status (*begin)(struct migrate_begin *) = s->store      ? s->store->begin
							       : s->database ? s->database->begin
									     : s->cache->begin;

	r->session = s;
	call_begin(s, "begin");
	return call_end(s, "begin", (int)begin(r));
}

void session_init(struct migrate_session *s, struct end *e)
{
	s->end = e;
	s->host = e->host;
	s->store = e->plugin->kind == MIGRATE_STORE ? e->plugin->store : NULL;
	s->database = e->plugin->kind == MIGRATE_DATABASE ? e->plugin->database : NULL;
	s->cache = e->plugin->kind == MIGRATE_CACHE ? e->plugin->cache : NULL;
	atomic_init(&s->operation, NULL);
	atomic_init(&s->progress, 0);
	s->lost = (struct buf)BUF_INIT(4096);
	pthread_mutex_lock(&e->lock);
	s->next = e->sessions;
	s->link = &e->sessions;
	if (s->next)
		s->next->link = &s->next;
	e->sessions = s;
	pthread_mutex_unlock(&e->lock);
}

void session_release(struct migrate_session *s)
{
	pthread_mutex_lock(&s->end->lock);
	*s->link = s->next;
	if (s->next)
		s->next->link = s->link;
	pthread_mutex_unlock(&s->end->lock);
	buf_release(&s->lost);
	arena_release(&s->notes.arena);
}

/* The instance is opened through a passing session, so that open() can fail and note like others. */
static int open_instance(struct end *e, const void *config, unsigned int access,
			 enum migrate_status *how, struct error *err)
{
	struct migrate_session *s = calloc(1, sizeof(*s));
	struct migrate_open r = { .config = config,
				  .writes = access & END_WRITES,
				  .dry = access & END_DRY,
				  .value_max = e->value_max };
	enum migrate_status status;
	int result = 0;

	if (!s)
		return error_set(err, EXIT_INTERNAL, "%s: out of memory", e->label);
	session_init(s, e);
	*how = status = call_open(s, &r);
	if (status != MIGRATE_OK)
		result = session_error(err, EXIT_USAGE, s, status);
	e->instance = r.instance;
	session_release(s);
	free(s);
	return result;
}

struct end *end_open(struct host *h, const char *label, const struct migrate_plugin *plugin,
		     const void *config, unsigned int access, struct error *err)
{
	enum migrate_status how;

	return end_open_texts(h, label, plugin, config, access, MIGRATE_KEY_MAX, &how, err);
}

struct end *end_open_texts(struct host *h, const char *label, const struct migrate_plugin *plugin,
			   const void *config, unsigned int access, uint64_t value_max,
			   enum migrate_status *how, struct error *err)
{
	struct end *e = calloc(1, sizeof(*e));

	*how = MIGRATE_FATAL;
	if (!e || !(e->label = strdup(label))) {
		error_set(err, EXIT_INTERNAL, "%s: out of memory", label);
		free(e);
		return NULL;
	}
	e->host = h;
	e->plugin = plugin;
	e->value_max = value_max;
	pthread_mutex_init(&e->lock, NULL);
	if (plugin_start(plugin, err) == 0 && open_instance(e, config, access, how, err) == 0)
		return e;
	pthread_mutex_destroy(&e->lock);
	free(e->label);
	free(e);
	return NULL;
}

void end_close(struct end *e)
{
	const struct migrate_plugin *p = e ? e->plugin : NULL;

	if (!e)
		return;
	if (e->sessions)
		BUG("%s is closed before its sessions", e->label);
	if (p->kind == MIGRATE_STORE)
		p->store->close(e->instance);
	else if (p->kind == MIGRATE_DATABASE)
		p->database->close(e->instance);
	else
		p->cache->close(e->instance);
	pthread_mutex_destroy(&e->lock);
	free(e->label);
	free(e);
}

const struct migrate_plugin *end_plugin(const struct end *e)
{
	return e->plugin;
}

const char *end_label(const struct end *e)
{
	return e->label;
}

struct migrate_session *session_open(struct end *e, struct error *err)
{
	struct migrate_session *s = calloc(1, sizeof(*s));
	struct migrate_begin r = { .instance = e->instance };
	enum migrate_status status;

	if (!s) {
		error_set(err, EXIT_INTERNAL, "%s: out of memory", e->label);
		return NULL;
	}
	session_init(s, e);
	status = call_session(s, &r);
	s->self = r.self;
	if (status == MIGRATE_OK)
		return s;
	session_error(err, EXIT_USAGE, s, status);
	session_release(s);
	free(s);
	return NULL;
}

void session_close(struct migrate_session *s)
{
	if (!s)
		return;
	if (s->store)
		s->store->end(s->self);
	else if (s->database)
		s->database->end(s->self);
	else
		s->cache->end(s->self);
	session_release(s);
	free(s);
}

struct end *session_end(const struct migrate_session *s)
{
	return s->end;
}

void *session_self(const struct migrate_session *s)
{
	return s->self;
}

const char *session_message(const struct migrate_session *s)
{
	return s->message;
}

int64_t session_retry_after(const struct migrate_session *s)
{
	return s->retry_after;
}

const char *session_lost(const struct migrate_session *s)
{
	return s->lost.len ? (const char *)s->lost.p : "";
}

int session_error(struct error *err, int exit, const struct migrate_session *s,
		  enum migrate_status status)
{
	if (!s->message[0])
		return error_set(err, exit, "%s: %s", s->end->label, status_name(status));
	return error_set(err, exit, "%s: %s: %s", s->end->label, status_name(status), s->message);
}

void end_each_busy(struct end *e,
		   void (*each)(void *arg, struct migrate_session *s, const char *operation,
				int64_t stalled),
		   void *arg)
{
	int64_t now = clock_monotonic();

	pthread_mutex_lock(&e->lock);
	for (struct migrate_session *s = e->sessions; s; s = s->next) {
		const char *operation = atomic_load_explicit(&s->operation, memory_order_acquire);
		int64_t since = atomic_load_explicit(&s->progress, memory_order_relaxed);

		if (operation)
			each(arg, s, operation, now > since ? now - since : 0);
	}
	pthread_mutex_unlock(&e->lock);
}
