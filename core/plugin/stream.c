/* SPDX-License-Identifier: MIT */
#include "plugin/stream-impl.h"

#include "plugin/end-impl.h"

#include <stdlib.h>
#include <string.h>

#define DIGEST_BUFFER 65536

/* ---- What plugins call ---- */

void *migrate_sink_space(struct migrate_sink *s, size_t *n)
{
	void *at = NULL;

	*n = 0;
	if (!migrate_cancelled(s->session))
		at = s->space(s, n);
	s->room = at ? *n : 0;
	return at;
}

bool migrate_sink_filled(struct migrate_sink *s, size_t n)
{
	if (n > s->room)
		return call_nonsense(s->session, "it filled %zu bytes where %zu had room", n,
				     s->room);
	s->room -= n;
	migrate_progress(s->session);
	if (n && s->throttle && !s->throttle(s->arg, n))
		return false;
	return s->filled(s, n) && !migrate_cancelled(s->session);
}

bool migrate_sink_write(struct migrate_sink *s, const void *bytes, size_t n)
{
	const unsigned char *from = bytes;

	if (!from && n)
		return call_nonsense(s->session, "it wrote bytes that are nowhere");
	while (n) {
		size_t part;
		void *to = migrate_sink_space(s, &part);

		if (!to)
			return false;
		part = part < n ? part : n;
		memcpy(to, from, part);
		if (!migrate_sink_filled(s, part))
			return false;
		from += part;
		n -= part;
	}
	return true;
}

bool migrate_sink_restart(struct migrate_sink *s)
{
	s->room = 0;
	return s->restart(s);
}

bool migrate_body_span(struct migrate_body *b, const void **bytes, size_t *n)
{
	bool ok = !migrate_cancelled(b->session) && b->span(b, bytes, n);

	if (!ok) {
		*bytes = NULL;
		*n = 0;
	}
	b->room = *n;
	return ok;
}

void migrate_body_used(struct migrate_body *b, size_t n)
{
	if (n > b->room) {
		call_nonsense(b->session, "it used %zu bytes of a span of %zu", n, b->room);
		return;
	}
	b->room -= n;
	migrate_progress(b->session);
	b->used(b, n);
}

ptrdiff_t migrate_body_read(struct migrate_body *b, void *buffer, size_t n)
{
	const void *bytes;
	size_t got;

	if (!migrate_body_span(b, &bytes, &got))
		return -1;
	got = got < n ? got : n;
	if (got)
		memcpy(buffer, bytes, got);
	migrate_body_used(b, got);
	return (ptrdiff_t)got;
}

bool migrate_body_restart(struct migrate_body *b)
{
	b->room = 0;
	return b->restart(b);
}

bool sink_overflowed(const struct migrate_sink *s)
{
	return s && s->overflow;
}

/* ---- Memory ---- */

static void *memory_space(struct migrate_sink *s, size_t *n)
{
	*n = s->size - (size_t)s->count;
	if (*n)
		return s->bytes + s->count;
	*n = sizeof(s->spare);
	return s->spare;
}

static bool memory_filled(struct migrate_sink *s, size_t n)
{
	if (n > s->size - s->count) {
		s->overflow = true;
		return false;
	}
	s->count += n;
	return true;
}

static bool memory_restart(struct migrate_sink *s)
{
	s->count = 0;
	return true;
}

/* The same sink serves as memory and as digest: digest buffers are its own, memory is not. */
struct own_sink {
	struct migrate_sink sink; /* first */
	unsigned char *buffer;
};

struct migrate_sink *sink_memory(void)
{
	struct own_sink *o = calloc(1, sizeof(*o));

	return o ? &o->sink : NULL;
}

void sink_free(struct migrate_sink *s)
{
	struct own_sink *o = (struct own_sink *)(void *)s;

	if (!o)
		return;
	free(o->buffer);
	free(o);
}

void sink_memory_begin(struct migrate_sink *s, struct migrate_session *session, void *bytes,
		       size_t size, stream_throttle *throttle, void *arg)
{
	*s = (struct migrate_sink){
		.space = memory_space,
		.filled = memory_filled,
		.restart = memory_restart,
		.session = session,
		.throttle = throttle,
		.arg = arg,
		.bytes = bytes,
		.size = size,
	};
}

size_t sink_memory_count(const struct migrate_sink *s)
{
	return (size_t)s->count;
}

/* ---- Digest only ---- */

static void *digest_space(struct migrate_sink *s, size_t *n)
{
	struct own_sink *o = (struct own_sink *)(void *)s;

	if (!o->buffer)
		o->buffer = malloc(DIGEST_BUFFER);
	*n = o->buffer ? DIGEST_BUFFER : 0;
	return o->buffer;
}

static bool digest_filled(struct migrate_sink *s, size_t n)
{
	struct own_sink *o = (struct own_sink *)(void *)s;

	if (s->digest)
		digest_add(s->digest, o->buffer, n);
	s->count += n;
	return true;
}

/* What went into a digest does not come out again. */
static bool digest_restart(struct migrate_sink *s)
{
	if (s->digest && s->count)
		return false;
	s->count = 0;
	return true;
}

void sink_digest_begin(struct migrate_sink *s, struct migrate_session *session,
		       struct digest_context *c)
{
	*s = (struct migrate_sink){
		.space = digest_space,
		.filled = digest_filled,
		.restart = digest_restart,
		.session = session,
		.digest = c,
	};
}

uint64_t sink_digest_count(const struct migrate_sink *s)
{
	return s->count;
}

/* ---- Bodies in memory ---- */

static bool memory_span(struct migrate_body *b, const void **bytes, size_t *n)
{
	*bytes = b->bytes + b->at;
	*n = b->size - b->at;
	return true;
}

static void memory_used(struct migrate_body *b, size_t n)
{
	b->at += n;
}

static bool body_rewind(struct migrate_body *b)
{
	b->at = 0;
	return true;
}

struct migrate_body *body_memory(void)
{
	return calloc(1, sizeof(struct migrate_body));
}

void body_memory_begin(struct migrate_body *b, struct migrate_session *session, const void *bytes,
		       size_t size)
{
	*b = (struct migrate_body){
		.span = memory_span,
		.used = memory_used,
		.restart = body_rewind,
		.session = session,
		.bytes = bytes ? bytes : (const void *)"",
		.size = bytes ? size : 0,
	};
}

void body_free(struct migrate_body *b)
{
	free(b);
}
