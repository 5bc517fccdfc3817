/* SPDX-License-Identifier: MIT */
#include "run-fixture.h"

#include "engine/work/pace.h"

#include <limits.h>

/*
 * What would wait too long here waits for hours: a test that should not wait and does is ended by
 * its deadline.
 */
#define THREADS 3
#define MILLION 1000000

static struct pace *pace;

static void pace_setup(void)
{
	pace = pace_new(&run.halt, &job.limits);
	ck_assert_ptr_nonnull(pace);
}

static void pace_teardown(void)
{
	pace_free(pace);
}

START_TEST(without_a_limit_all_passes_and_is_counted)
{
	uint64_t taken[PACE_KINDS] = { 0 };

	sow(_i);
	for (int i = 0; i < 1000; i++) {
		unsigned kind = draw(PACE_KINDS);
		uint64_t n = draw(INT_MAX);

		ck_assert(pace_take(pace, (enum pace_kind)kind, n));
		taken[kind] += n;
	}
	for (int kind = 0; kind < PACE_KINDS; kind++)
		ck_assert_uint_eq(pace_taken(pace, (enum pace_kind)kind), taken[kind]);
}
END_TEST

struct taker {
	pthread_t thread;
	unsigned seed;
	uint64_t taken;
};

static void *take_some(void *arg)
{
	struct taker *t = arg;

	for (int i = 0; i < 50; i++) {
		uint64_t n = (uint64_t)rand_r(&t->seed) % 100;

		if (!pace_take(pace, PACE_BYTES, n))
			return NULL;
		t->taken += n;
	}
	return t;
}

/* However long threads may sleep: what has passed was due by then. */
START_TEST(no_more_passes_than_the_limit_allows)
{
	struct taker takers[THREADS] = { 0 };
	uint64_t sum = 0;
	int64_t began = clock_monotonic();
	void *well;

	pace_set(pace, PACE_BYTES, MILLION);
	for (unsigned i = 0; i < THREADS; i++) {
		takers[i].seed = i + 1;
		ck_assert_int_eq(pthread_create(&takers[i].thread, NULL, take_some, &takers[i]), 0);
	}
	for (unsigned i = 0; i < THREADS; i++) {
		ck_assert_int_eq(pthread_join(takers[i].thread, &well), 0);
		ck_assert_ptr_nonnull(well);
		sum += takers[i].taken;
	}
	ck_assert(pace_take(pace, PACE_BYTES, 5000));
	sum += 5000;
	ck_assert_uint_eq(pace_taken(pace, PACE_BYTES), sum);
	/* 1 us each; what is less than one is not waited for */
	ck_assert_int_ge(clock_monotonic() - began, (int64_t)sum * 1000 - 1000);
}
END_TEST

START_TEST(the_jobs_limits_hold_each_for_its_own_kind)
{
	job.limits.bandwidth = 1;
	job.limits.requests = 1;
	pace_free(pace);
	pace = pace_new(&run.halt, &job.limits);
	ck_assert(pace_take(pace, PACE_ROWS, MILLION)); /* has none */
	halt_stop(&run.halt);
	ck_assert(!pace_take(pace, PACE_BYTES, MILLION));
	ck_assert(!pace_take(pace, PACE_REQUESTS, MILLION));
	ck_assert(pace_take(pace, PACE_ROWS, MILLION));
	job.limits.rows = 1;
	pace_free(pace);
	pace = pace_new(&run.halt, &job.limits);
	ck_assert(!pace_take(pace, PACE_ROWS, MILLION));
	ck_assert_uint_eq(pace_taken(pace, PACE_ROWS), MILLION);
}
END_TEST

static void *take_for_hours(void *arg)
{
	return pace_take(pace, PACE_ROWS, MILLION) ? arg : NULL;
}

START_TEST(who_waits_is_refused_when_the_run_ends)
{
	pthread_t thread;
	void *passed = pace;

	pace_set(pace, PACE_ROWS, 1);
	ck_assert_int_eq(pthread_create(&thread, NULL, take_for_hours, pace), 0);
	while (!pace_taken(pace, PACE_ROWS))
		sched_yield();
	halt_stop(&run.halt);
	ck_assert_int_eq(pthread_join(thread, &passed), 0);
	ck_assert_ptr_null(passed);
}
END_TEST

/* A debt is of the limit under which it was made. */
START_TEST(a_changed_limit_begins_anew)
{
	pace_set(pace, PACE_REQUESTS, 1);
	halt_stop(&run.halt);
	ck_assert(!pace_take(pace, PACE_REQUESTS, UINT32_MAX));
	atomic_store(&run.halt.stopping, false);
	pace_set(pace, PACE_REQUESTS, 2 * MILLION);
	ck_assert(pace_take(pace, PACE_REQUESTS, 100));
	pace_set(pace, PACE_REQUESTS, 0);
	ck_assert(pace_take(pace, PACE_REQUESTS, UINT32_MAX));
	ck_assert_uint_eq(pace_taken(pace, PACE_REQUESTS), 2 * (uint64_t)UINT32_MAX + 100);
	pace_set(pace, PACE_REQUESTS, 1);
	halt_stop(&run.halt);
	ck_assert(!pace_take(pace, PACE_REQUESTS, 2));
}
END_TEST

static void add(TCase *t)
{
	tcase_set_timeout(t, 60);
	tcase_add_checked_fixture(t, pace_setup, pace_teardown);
	tcase_add_loop_test(t, without_a_limit_all_passes_and_is_counted, 0, 3);
	tcase_add_test(t, no_more_passes_than_the_limit_allows);
	tcase_add_test(t, the_jobs_limits_hold_each_for_its_own_kind);
	tcase_add_test(t, who_waits_is_refused_when_the_run_ends);
	tcase_add_test(t, a_changed_limit_begins_anew);
}

int main(void)
{
	return run_fixture_suite("pace", add);
}
