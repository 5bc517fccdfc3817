/* SPDX-License-Identifier: MIT */
#include "engine/work/running.h"

#include "base/clock.h"

#include <inttypes.h>

static void wake_all(void *arg)
{
	struct run *run = arg;

	pthread_mutex_lock(&run->lock);
	window_wake(run);
	pthread_mutex_unlock(&run->lock);
}

void run_init(struct run *run)
{
	pthread_condattr_t attr;

	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(&run->changed, &attr);
	pthread_cond_init(&run->takeable, &attr);
	pthread_condattr_destroy(&attr);
	pthread_mutex_init(&run->lock, NULL);
	halt_init(&run->halt, &run->task->ends.host);
	run->halt.wake = wake_all;
	run->halt.arg = run;
	window_init(run);
}

void run_release(struct run *run)
{
	window_release(run);
	halt_release(&run->halt);
	pthread_cond_destroy(&run->changed);
	pthread_cond_destroy(&run->takeable);
	pthread_mutex_destroy(&run->lock);
}

void run_fail_locked(struct run *run, const struct error *err)
{
	halt_fail_here(&run->halt, err);
	window_wake(run);
}

static bool has_too_many(const struct run *run)
{
	return atomic_load(&run->tally.new_failures) > (uint64_t)run->task->job->max_failures;
}

bool run_too_many_failed_locked(struct run *run)
{
	struct error err = ERROR_INIT;

	if (!has_too_many(run))
		return false;
	error_set(&err, EXIT_TOO_MANY,
		  "more than %" PRId64 " objects failed (max_failures); migrate-status --failed "
		  "lists them",
		  run->task->job->max_failures);
	run_fail_locked(run, &err);
	return true;
}

bool run_too_many_failed(struct run *run)
{
	if (!has_too_many(run)) /* asked for each key: without the lock */
		return false;
	pthread_mutex_lock(&run->lock);
	run_too_many_failed_locked(run);
	pthread_mutex_unlock(&run->lock);
	return true;
}

void run_broke_off(struct run *run, struct error *err)
{
	if (!error_is_set(err) && !halt_leaving(&run->halt))
		error_set(err, EXIT_INTERNAL, "a part of the run ended without saying why");
	if (error_is_set(err))
		halt_fail(&run->halt, err);
}

void window_wake(struct run *run)
{
	pthread_cond_broadcast(&run->changed);
	pthread_cond_broadcast(&run->takeable);
}

void window_wait(struct run *run, pthread_cond_t *cond, int64_t ns)
{
	int64_t until = clock_monotonic() + ns;
	struct timespec t = { .tv_sec = until / NS_PER_S, .tv_nsec = until % NS_PER_S };

	pthread_cond_timedwait(cond, &run->lock, &t);
}
