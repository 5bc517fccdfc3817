/* SPDX-License-Identifier: MIT */
#include "journal-both.h"

/* Whose work it is: of one run, over both; of two that share a journal, in memory. */

#define N 6

static void plan_all(struct journal *j)
{
	for (unsigned i = 0; i < N; i++) {
		struct batch *b = make_batch(1, BATCH_SORTED, i * 10, 1, 2);

		b->state = i == 1 ? BATCH_DONE : i == 2 ? BATCH_COPYING : BATCH_PLANNED;
		WELL(journal_plan(j, &b, 1, &err));
		batch_free(b);
	}
}

static void set_state(struct journal *j, int64_t id, enum batch_state state)
{
	struct batch *b = journal_load(j, id, &err);

	ck_assert_msg(b != NULL, "%s", err.text);
	b->state = state;
	WELL(journal_save(j, &b, 1, &err));
	batch_free(b);
}

static void claims(struct journal *j, int64_t after, size_t max, size_t want, const int64_t *which)
{
	int64_t ids[N];
	size_t n;

	WELL(journal_claim(j, after, ids, max, &n, &err));
	ck_assert_uint_eq(n, want);
	for (size_t i = 0; i < n; i++)
		ck_assert_int_eq(ids[i], which[i]);
}

START_TEST(one_run_has_all_that_is_open)
{
	static const int64_t open[] = { 1, 3, 4, 5, 6 }, three = 3;
	struct journal *j = open_run();

	WELL(journal_begin_run(j, "run", &err));
	ck_assert_int_eq(journal_epoch(j), 1);
	plan_all(j);
	claims(j, 0, N, 5, open);
	claims(j, 0, 2, 2, open);
	claims(j, 3, N, 3, open + 2);
	WELL(journal_release(j, &three, 1, &err));
	claims(j, 0, N, 5, open);
	WELL(journal_renew(j, &err));
	ck_assert_int_eq(journal_fenced(j, journal_epoch(j), &err), 0);
	journal_close(j);
}
END_TEST

START_TEST(a_pass_is_at_a_state_when_all_its_copies_are)
{
	struct batch *rows = make_batch(1, BATCH_FOUND, 0, 1, 0);
	struct batch *other = make_batch(2, BATCH_SORTED, 0, 1, 1);
	struct journal *j = open_run();

	plan_all(j);
	WELL(journal_plan(j, &rows, 1, &err));
	WELL(journal_plan(j, &other, 1, &err));
	ck_assert_int_eq(journal_pass_is_at(j, 1, BATCH_COPIED, &err), 0);
	ck_assert_int_eq(journal_pass_is_at(j, 1, BATCH_PLANNED, &err), 1);
	ck_assert_int_eq(journal_pass_is_at(j, 3, BATCH_DONE, &err), 1);
	for (int64_t id = 1; id <= N; id++) {
		ck_assert_int_eq(journal_pass_is_at(j, 1, BATCH_COPIED, &err), 0);
		if (id != 2)
			set_state(j, id, BATCH_COPIED);
	}
	ck_assert_int_eq(journal_pass_is_at(j, 1, BATCH_COPIED, &err), 1);
	ck_assert_int_eq(journal_pass_is_at(j, 1, BATCH_DONE, &err), 0);
	ck_assert_int_eq(journal_pass_is_at(j, 2, BATCH_COPIED, &err), 0);
	batch_free(rows);
	batch_free(other);
	journal_close(j);
}
END_TEST

/* More open batches than are looked at at once. */
START_TEST(the_last_of_many_open_batches_is_seen)
{
	struct journal *j = open_run();
	struct batch *b[130];

	for (unsigned i = 0; i < 130; i++) {
		b[i] = make_batch(1, BATCH_SORTED, i * 10, 1, 1);
		b[i]->state = i < 129 ? BATCH_COPIED : BATCH_COPYING;
	}
	WELL(journal_plan(j, b, 130, &err));
	ck_assert_int_eq(journal_pass_is_at(j, 1, BATCH_COPIED, &err), 0);
	set_state(j, 130, BATCH_COPIED);
	ck_assert_int_eq(journal_pass_is_at(j, 1, BATCH_COPIED, &err), 1);
	for (unsigned i = 0; i < 130; i++)
		batch_free(b[i]);
	journal_close(j);
}
END_TEST

START_TEST(a_run_that_began_later_has_the_file)
{
	struct journal *j = open_run();

	WELL(journal_begin_run(j, "run", &err));
	journal_close(j);
	j = open_run();
	WELL(journal_begin_run(j, "run", &err));
	ck_assert_int_eq(journal_fenced(j, 1, &err), 1);
	ck_assert_int_eq(journal_fenced(j, 2, &err), 0);
	journal_close(j);
}
END_TEST

static struct journal *share(void)
{
	struct journal *j;

	kept_by = &memory_backend;
	memory_is_shared = true;
	j = open_run();
	WELL(journal_begin_run(j, "run", &err));
	return j;
}

START_TEST(two_runs_divide_what_is_open)
{
	static const int64_t first[] = { 1, 3 }, rest[] = { 4, 5, 6 }, back[] = { 1, 4, 5, 6 };
	struct journal *planner = share(), *one, *two;
	int64_t all[N];
	size_t n;

	plan_all(planner);
	one = share();
	two = share();
	claims(one, 0, N, 0, NULL);
	WELL(journal_open_batches(planner, 0, all, N, &n, &err));
	WELL(journal_release(planner, all, n, &err));
	claims(one, 0, 2, 2, first);
	claims(two, 0, N, 3, rest);
	claims(one, 0, N, 2, first);
	WELL(journal_release(one, &all[0], 1, &err));
	WELL(journal_release(one, &all[2], 1, &err)); /* not its own: nothing happens */
	claims(two, 0, N, 4, back);
	set_state(two, 4, BATCH_DONE);
	claims(two, 0, 2, 2, (const int64_t[]){ 1, 5 });
	ck_assert_int_eq(journal_fenced(two, journal_epoch(one), &err), 0);
	journal_close(one);
	journal_close(two);
	journal_close(planner);
}
END_TEST

/* Whatever it still wants to write is refused. */
START_TEST(who_is_taken_for_dead_is_fenced)
{
	static const int64_t open[] = { 1, 3, 4, 5, 6 };
	struct journal *silent = share(), *other = share();
	struct journal_run run;

	plan_all(silent);
	claims(other, 0, N, 0, NULL);
	WELL(journal_renew(silent, &err));
	memory_silent_run = journal_epoch(silent);
	claims(other, 0, N, 5, open);
	ck_assert_int_eq(journal_fenced(other, journal_epoch(silent), &err), 1);
	ck_assert_int_eq(journal_fenced(silent, journal_epoch(silent), &err), 1);
	ck_assert_int_eq(journal_fenced(silent, journal_epoch(other), &err), 0);
	ck_assert_int_eq(journal_end_run(silent, 0, "done", &err), -1);
	ck_assert_int_eq(err.exit, EXIT_LOCKED);
	error_clear(&err);
	ck_assert_int_eq(journal_renew(silent, &err), -1);
	error_clear(&err);
	WELL(journal_last_run(other, &run, &err));
	ck_assert_int_eq(run.ended, 0);
	WELL(journal_renew(other, &err));
	journal_close(silent);
	journal_close(other);
}
END_TEST

static void add(TCase *t)
{
	tcase_add_test(t, one_run_has_all_that_is_open);
	tcase_add_test(t, a_pass_is_at_a_state_when_all_its_copies_are);
	tcase_add_test(t, the_last_of_many_open_batches_is_seen);
}

static void add_rest(TCase *t)
{
	tcase_add_test(t, a_run_that_began_later_has_the_file);
	tcase_add_test(t, two_runs_divide_what_is_open);
	tcase_add_test(t, who_is_taken_for_dead_is_fenced);
}

int main(void)
{
	return run_suite_over_both("journal-claims", add, add_rest);
}
