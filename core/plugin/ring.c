/* SPDX-License-Identifier: MIT */
#include "base/clock.h"
#include "plugin/end-impl.h"
#include "plugin/stream-impl.h"

#include <stdlib.h>
#include <time.h>

/* How often a side that waits looks whether the run was cancelled. */
#define LOOK_MS 50
#define WORTH 8 /* a thread that waits is woken for this share of the ring, not for each byte */

/*
 * Invariants: pushed - pulled <= size; the bytes between them stand at
 * pushed % size .. in `bytes`. The producer alone moves pushed, the consumer
 * pulled; both under the lock, which is never held while bytes are copied.
 */
struct ring {
	struct migrate_sink sink;
	struct migrate_body body;
	unsigned char *bytes;
	size_t size;
	struct digest_context *digest; /* of what was pulled; the consumer's */
	pthread_mutex_t lock;
	pthread_cond_t moved;
	uint64_t pushed, pulled;
	bool finished, failed, abandoned;
};

/* Wait for the other side. A side that waits is not the one that hangs. */
static bool wait_moved(struct ring *r, struct migrate_session *s)
{
	int64_t at = clock_monotonic() + LOOK_MS * NS_PER_MS;
	struct timespec until = { .tv_sec = at / NS_PER_S, .tv_nsec = at % NS_PER_S };

	pthread_cond_timedwait(&r->moved, &r->lock, &until);
	migrate_progress(s);
	return !migrate_cancelled(s);
}

/*
 * With lock held. Two threads that wake each other for every piece spend more on that
 * than on the bytes; who waits looks by itself now and then, and takes what there is.
 */
static void wake_for(struct ring *r, uint64_t n)
{
	if (n > r->size / WORTH)
		pthread_cond_signal(&r->moved);
}

static void *ring_space(struct migrate_sink *s, size_t *n)
{
	struct ring *r = s->ring;
	size_t at, room = 0;
	bool ok = true;

	pthread_mutex_lock(&r->lock);
	while (ok && !r->abandoned && r->pushed - r->pulled == r->size)
		ok = wait_moved(r, s->session);
	at = (size_t)(r->pushed % r->size);
	if (ok && !r->abandoned)
		room = r->size - (size_t)(r->pushed - r->pulled);
	pthread_mutex_unlock(&r->lock);
	*n = room < r->size - at ? room : r->size - at;
	return room ? r->bytes + at : NULL;
}

static bool ring_filled(struct migrate_sink *s, size_t n)
{
	struct ring *r = s->ring;
	bool wanted;

	pthread_mutex_lock(&r->lock);
	r->pushed += n;
	wanted = !r->abandoned;
	wake_for(r, r->pushed - r->pulled);
	pthread_mutex_unlock(&r->lock);
	return wanted;
}

/* Possible while nothing was taken out. */
static bool ring_sink_restart(struct migrate_sink *s)
{
	struct ring *r = s->ring;
	bool ok;

	pthread_mutex_lock(&r->lock);
	ok = !r->pushed;
	pthread_mutex_unlock(&r->lock);
	return ok;
}

static bool ring_span(struct migrate_body *b, const void **bytes, size_t *n)
{
	struct ring *r = b->ring;
	size_t at, there;
	bool ok = true;

	pthread_mutex_lock(&r->lock);
	while (ok && !r->finished && r->pushed == r->pulled)
		ok = wait_moved(r, b->session);
	ok = ok && !r->failed;
	there = (size_t)(r->pushed - r->pulled);
	at = (size_t)(r->pulled % r->size);
	pthread_mutex_unlock(&r->lock);
	*bytes = r->bytes + at;
	*n = there < r->size - at ? there : r->size - at;
	return ok;
}

static void ring_used(struct migrate_body *b, size_t n)
{
	struct ring *r = b->ring;

	/* pulled is the consumer's own: nobody else changes it. */
	if (r->digest && n)
		digest_add(r->digest, r->bytes + r->pulled % r->size, n);
	pthread_mutex_lock(&r->lock);
	r->pulled += n;
	wake_for(r, r->size - (r->pushed - r->pulled));
	pthread_mutex_unlock(&r->lock);
}

static bool ring_body_restart(struct migrate_body *b)
{
	return !b->ring->pulled;
}

struct ring *ring_new(size_t size)
{
	struct ring *r = calloc(1, sizeof(*r));
	pthread_condattr_t attributes;

	if (!r)
		return NULL;
	r->size = size ? size : 1;
	r->bytes = malloc(r->size);
	if (!r->bytes) {
		free(r);
		return NULL;
	}
	pthread_mutex_init(&r->lock, NULL);
	pthread_condattr_init(&attributes);
	pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
	pthread_cond_init(&r->moved, &attributes);
	pthread_condattr_destroy(&attributes);
	return r;
}

void ring_begin(struct ring *r, struct migrate_session *producer, struct migrate_session *consumer,
		struct digest_context *c, stream_throttle *throttle, void *arg)
{
	r->sink = (struct migrate_sink){
		.space = ring_space,
		.filled = ring_filled,
		.restart = ring_sink_restart,
		.session = producer,
		.throttle = throttle,
		.arg = arg,
		.ring = r,
	};
	r->body = (struct migrate_body){
		.span = ring_span,
		.used = ring_used,
		.restart = ring_body_restart,
		.session = consumer,
		.ring = r,
	};
	r->digest = c;
	r->pushed = 0;
	r->pulled = 0;
	r->finished = false;
	r->failed = false;
	r->abandoned = false;
}

struct migrate_sink *ring_sink(struct ring *r)
{
	return &r->sink;
}

struct migrate_body *ring_body(struct ring *r)
{
	return &r->body;
}

void ring_finish(struct ring *r, bool ok)
{
	pthread_mutex_lock(&r->lock);
	r->finished = true;
	r->failed |= !ok;
	pthread_cond_broadcast(&r->moved);
	pthread_mutex_unlock(&r->lock);
}

void ring_abandon(struct ring *r)
{
	pthread_mutex_lock(&r->lock);
	r->abandoned = true;
	pthread_cond_broadcast(&r->moved);
	pthread_mutex_unlock(&r->lock);
}

/* For the consumer, or once both are done. */
uint64_t ring_count(const struct ring *r)
{
	return r->pulled;
}

void ring_free(struct ring *r)
{
	if (!r)
		return;
	pthread_cond_destroy(&r->moved);
	pthread_mutex_destroy(&r->lock);
	free(r->bytes);
	free(r);
}
