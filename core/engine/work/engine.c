/* SPDX-License-Identifier: MIT */
#include "engine/work/engine.h"

#include "base/clock.h"

#include <inttypes.h>
#include <stdlib.h>

#define BACKOFF_FIRST (100 * NS_PER_MS)
#define BACKOFF_MAX (10 * NS_PER_S)

void engine_fail_locked(struct engine *e, const struct error *err)
{
	if (!atomic_load(&e->failed)) {
		e->error = *err;
		atomic_store(&e->failed, true);
	}
	engine_wake(e);
	host_cancel(&e->ends.host);
}

void engine_fail(struct engine *e, const struct error *err)
{
	pthread_mutex_lock(&e->lock);
	engine_fail_locked(e, err);
	pthread_mutex_unlock(&e->lock);
}

static bool has_too_many(const struct engine *e)
{
	return atomic_load(&e->tally.new_failures) > (uint64_t)e->job->max_failures;
}

bool engine_too_many_failed_locked(struct engine *e)
{
	struct error err = ERROR_INIT;

	if (!has_too_many(e))
		return false;
	error_set(&err, EXIT_TOO_MANY,
		  "more than %" PRId64 " objects failed (max_failures); migrate-status --failed "
		  "lists them",
		  e->job->max_failures);
	engine_fail_locked(e, &err);
	return true;
}

bool engine_too_many_failed(struct engine *e)
{
	if (!has_too_many(e)) /* asked for each key: without the lock */
		return false;
	pthread_mutex_lock(&e->lock);
	engine_too_many_failed_locked(e);
	pthread_mutex_unlock(&e->lock);
	return true;
}

void engine_broke_off(struct engine *e, struct error *err)
{
	if (!error_is_set(err) && !engine_leaving(e))
		error_set(err, EXIT_INTERNAL, "a part of the run ended without saying why");
	if (error_is_set(err))
		engine_fail(e, err);
}

void engine_stop(struct engine *e)
{
	pthread_mutex_lock(&e->lock);
	atomic_store(&e->stopping, true);
	engine_wake(e);
	pthread_mutex_unlock(&e->lock);
}

bool engine_leaving(const struct engine *e)
{
	return atomic_load_explicit(&e->stopping, memory_order_relaxed) ||
	       atomic_load_explicit(&e->failed, memory_order_relaxed);
}

void engine_wake(struct engine *e)
{
	pthread_cond_broadcast(&e->changed);
	pthread_cond_broadcast(&e->takeable);
}

void engine_wait(struct engine *e, pthread_cond_t *cond, int64_t ns)
{
	int64_t until = clock_monotonic() + ns;
	struct timespec t = { .tv_sec = until / NS_PER_S, .tv_nsec = until % NS_PER_S };

	pthread_cond_timedwait(cond, &e->lock, &t);
}

bool engine_sleep(struct engine *e, int64_t ns)
{
	int64_t end = clock_monotonic() + ns, left;

	pthread_mutex_lock(&e->lock);
	while (!engine_leaving(e) && (left = end - clock_monotonic()) > 0)
		engine_wait(e, &e->changed, left);
	pthread_mutex_unlock(&e->lock);
	return !engine_leaving(e);
}

int64_t engine_backoff(unsigned n)
{
	int64_t ns = BACKOFF_FIRST;

	while (n-- > 1 && ns < BACKOFF_MAX)
		ns *= 2;
	if (ns > BACKOFF_MAX)
		ns = BACKOFF_MAX;
	return ns / 2 + (int64_t)(random() % (ns / 2 + 1));
}
