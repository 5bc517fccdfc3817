/* SPDX-License-Identifier: MIT */
#ifndef MIGRATE_PLUGIN_STREAM_H
#define MIGRATE_PLUGIN_STREAM_H

#include "base/digest.h"

#include <migrate/plugin.h>

/*
 * What get() pushes into and put() pulls from. Plugins cannot tell which: memory
 * for objects and parts up to part_size, a bounded ring between two threads for
 * a larger object of a store that has no ranges or no parts.
 *
 * Every transfer marks progress on the session that does it. throttle, when set,
 * is called with the bytes that just passed, before they are counted (limits:
 * bandwidth); it returns false on cancel.
 */
typedef bool stream_throttle(void *arg, size_t n);

/* Memory: `size` bytes at `bytes` to fill; more than that makes the sink refuse. */
struct migrate_sink *sink_memory(void);
void sink_memory_begin(struct migrate_sink *s, struct migrate_session *session, void *bytes,
		       size_t size, stream_throttle *throttle, void *arg);
size_t sink_memory_count(const struct migrate_sink *s); /* bytes filled */
/* Counts and digests only: nothing is kept. c may be NULL. */
void sink_digest_begin(struct migrate_sink *s, struct migrate_session *session,
		       struct digest_context *c);
uint64_t sink_digest_count(const struct migrate_sink *s);
void sink_free(struct migrate_sink *s);

struct migrate_body *body_memory(void);
void body_memory_begin(struct migrate_body *b, struct migrate_session *session, const void *bytes,
		       size_t size);
void body_free(struct migrate_body *b);

/*
 * A ring: one thread pushes into ring_sink(), another pulls from ring_body(). A
 * digest is taken of what was pulled. Either side ends it: ring_finish(ok) says
 * that the producer is done (ok: all was pushed), ring_abandon() that the
 * consumer wants no more.
 */
struct ring;
struct ring *ring_new(size_t size);
void ring_begin(struct ring *r, struct migrate_session *producer, struct migrate_session *consumer,
		struct digest_context *c, /* may be NULL */
		stream_throttle *throttle, void *arg);
struct migrate_sink *ring_sink(struct ring *r);
struct migrate_body *ring_body(struct ring *r);
void ring_finish(struct ring *r, bool ok);
void ring_abandon(struct ring *r);
uint64_t ring_count(const struct ring *r); /* bytes pulled */
void ring_free(struct ring *r);

#endif
