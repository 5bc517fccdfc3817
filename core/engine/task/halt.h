/* SPDX-License-Identifier: MIT */
#ifndef MIGRATE_ENGINE_TASK_HALT_H
#define MIGRATE_ENGINE_TASK_HALT_H

#include "base/error.h"
#include "plugin/end.h"

#include <pthread.h>
#include <stdatomic.h>

/*
 * Whether those who work on a task shall go on, and why not: asked to stop, or because of the
 * first error. Whoever sleeps wakes then. Any thread; its lock is held by nobody who waits for
 * another one.
 */
struct halt {
	struct host *host;       /* whose calls an error cancels */
	void (*wake)(void *arg); /* whoever waits elsewhere; NULL: nobody */
	void *arg;
	pthread_mutex_t lock;
	pthread_cond_t changed;
	atomic_bool stopping; /* finish what is in flight */
	atomic_bool failed;   /* error is set: leave */
	struct error error;
};

/* host outlives it, and may be opened later. wake() is set afterwards. */
void halt_init(struct halt *h, struct host *host);
void halt_release(struct halt *h);
/* The first error counts; err is copied. */
void halt_fail(struct halt *h, const struct error *err);
/* The same for who holds what wake() takes, and wakes them himself. */
void halt_fail_here(struct halt *h, const struct error *err);
void halt_stop(struct halt *h);
/* Stopping, failed, or all calls were cancelled. */
bool halt_leaving(const struct halt *h);
/* Not beyond the moment when the others leave. False: they do. */
bool halt_sleep(struct halt *h, int64_t ns);
/* Before the n-th repetition of something (from 1): grows to 10 s, with jitter. In ns. */
int64_t backoff(unsigned n);

#endif
