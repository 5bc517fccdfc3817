/* SPDX-License-Identifier: MIT */
#include "engine/work/pace.h"

#include "base/clock.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

struct bucket {
	atomic_uint_fast64_t rate;  /* a second; 0: no limit */
	atomic_uint_fast64_t taken; /* since the beginning */
	double tokens;              /* may be negative: what was let through in advance */
	int64_t filled;
};

struct pace {
	struct halt *halt;
	pthread_mutex_t lock;
	struct bucket buckets[PACE_KINDS];
};

struct pace *pace_new(struct halt *h, const struct job_limits *limits)
{
	struct pace *p = calloc(1, sizeof(*p));

	if (!p)
		return NULL;
	p->halt = h;
	pthread_mutex_init(&p->lock, NULL);
	pace_set(p, PACE_BYTES, limits->bandwidth);
	pace_set(p, PACE_REQUESTS, (uint64_t)limits->requests);
	pace_set(p, PACE_ROWS, (uint64_t)limits->rows);
	return p;
}

void pace_free(struct pace *p)
{
	if (!p)
		return;
	pthread_mutex_destroy(&p->lock);
	free(p);
}

void pace_set(struct pace *p, enum pace_kind kind, uint64_t per_second)
{
	struct bucket *b = &p->buckets[kind];

	pthread_mutex_lock(&p->lock);
	atomic_store(&b->rate, per_second);
	b->tokens = 0;
	b->filled = clock_monotonic();
	pthread_mutex_unlock(&p->lock);
}

/* Takes n and returns how long to wait for them: a debt is paid by who made it. */
static int64_t take_tokens(struct pace *p, struct bucket *b, uint64_t n)
{
	int64_t now = clock_monotonic(), wait = 0;
	double rate;

	pthread_mutex_lock(&p->lock);
	rate = (double)atomic_load(&b->rate);
	if (rate > 0) {
		b->tokens += (double)(now - b->filled) * rate / (double)NS_PER_S;
		if (b->tokens > rate)
			b->tokens = rate;
		b->filled = now;
		b->tokens -= (double)n;
		if (b->tokens < 0)
			wait = (int64_t)(-b->tokens * (double)NS_PER_S / rate);
	}
	pthread_mutex_unlock(&p->lock);
	return wait;
}

bool pace_take(struct pace *p, enum pace_kind kind, uint64_t n)
{
	struct bucket *b = &p->buckets[kind];
	int64_t wait;

	atomic_fetch_add_explicit(&b->taken, n, memory_order_relaxed);
	if (!atomic_load_explicit(&b->rate, memory_order_relaxed))
		return true;
	wait = take_tokens(p, b, n);
	return wait <= 0 || halt_sleep(p->halt, wait);
}

uint64_t pace_taken(struct pace *p, enum pace_kind kind)
{
	return atomic_load_explicit(&p->buckets[kind].taken, memory_order_relaxed);
}
