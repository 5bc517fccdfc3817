/* SPDX-License-Identifier: MIT */
#include "journal-both.h"

#include <pthread.h>

/*
 * The queue of writes, over a journal that fails as it is told: what passes is waited out,
 * what does not ends everything, and who waits is told the truth.
 */

static int plan_one(struct journal *j, unsigned first, struct error *e)
{
	struct batch *b = make_batch(1, BATCH_SORTED, first, 1, 3);
	int failed = journal_plan(j, &b, 1, e);

	batch_free(b);
	return failed;
}

static uint64_t objects_in(struct journal *j)
{
	struct batch_counts counts;

	WELL(journal_counts(j, 0, &counts, &err));
	return counts.objects;
}

static struct journal *open_patient(int64_t patience)
{
	struct journal_options o = {
		.place.path = path, .mode = JOURNAL_RUN, .create = true, .patience = patience
	};
	struct journal *j = journal_open_with(&memory_backend, &o, &err);

	ck_assert_msg(j != NULL, "%s", err.text);
	return j;
}

START_TEST(what_passes_is_waited_out_and_written_once)
{
	struct journal *j = open_patient(60000);

	memory_faults.full = 3;
	WELL(plan_one(j, 0, &err));
	ck_assert_uint_eq(memory_faults.commits, 4);
	ck_assert_uint_eq(memory_faults.done, 1);
	ck_assert_uint_eq(objects_in(j), 3);
	WELL(plan_one(j, 10, &err));
	ck_assert_uint_eq(objects_in(j), 6);
	journal_close(j);
}
END_TEST

/* And is not tried again: nothing comes behind what was given up. */
START_TEST(what_does_not_pass_in_time_ends_everything)
{
	struct journal *j = open_patient(0);

	WELL(plan_one(j, 0, &err));
	memory_faults.full = 1;
	ck_assert_int_eq(plan_one(j, 10, &err), -1);
	ck_assert_int_eq(err.exit, EXIT_JOURNAL);
	ck_assert_ptr_nonnull(strstr(err.text, "full"));
	ck_assert_uint_eq(memory_faults.full, 0);
	error_clear(&err);
	ck_assert_int_eq(plan_one(j, 20, &err), -1);
	ck_assert_ptr_nonnull(strstr(err.text, "full"));
	error_clear(&err);
	ck_assert_uint_eq(objects_in(j), 3);
	journal_close(j);
	ck_assert_uint_eq(memory_faults.commits, 2);
}
END_TEST

START_TEST(a_failed_commit_is_never_tried_again)
{
	struct journal *j = open_patient(60000);

	memory_faults.broken = true;
	ck_assert_int_eq(plan_one(j, 0, &err), -1);
	memory_faults.broken = false;
	error_clear(&err);
	ck_assert_int_eq(plan_one(j, 10, &err), -1);
	ck_assert_ptr_nonnull(strstr(err.text, "broken"));
	journal_event(j, 1, "nobody will read this");
	journal_close(j);
	ck_assert_uint_eq(memory_faults.commits, 1);
	error_clear(&err);
	j = open_patient(0);
	ck_assert_uint_eq(objects_in(j), 0);
	WELL(plan_one(j, 0, &err));
	journal_close(j);
}
END_TEST

/* A write that the journal itself refuses takes nothing of its group with it to the disk. */
START_TEST(a_refused_write_leaves_nothing_of_its_group)
{
	struct journal *j = open_patient(60000);
	struct batch *b = make_batch(1, BATCH_MOVED, 0, 1, 2);

	b->objects[1].moved_batch = 77;
	ck_assert_int_eq(journal_plan(j, &b, 1, &err), -1);
	ck_assert_int_eq(err.exit, EXIT_DAMAGED);
	ck_assert_ptr_nonnull(strstr(err.text, "batch 77 is missing"));
	error_clear(&err);
	ck_assert_uint_eq(objects_in(j), 0);
	batch_free(b);
	journal_close(j);
	ck_assert_uint_eq(memory_faults.commits, 0);
}
END_TEST

struct caller {
	pthread_t thread;
	struct journal *j;
	unsigned number;
	struct error err;
	int failed;
};

static void *call(void *arg)
{
	struct caller *c = arg;

	c->failed = plan_one(c->j, c->number * 10, &c->err);
	return NULL;
}

#define CALLERS 10

static void call_all(struct journal *j, struct caller *callers)
{
	for (unsigned i = 0; i < CALLERS; i++) {
		callers[i] = (struct caller){ .j = j, .number = i };
		ck_assert(!pthread_create(&callers[i].thread, NULL, call, &callers[i]));
	}
	for (unsigned i = 0; i < CALLERS; i++)
		pthread_join(callers[i].thread, NULL);
}

/* The first one waits for space, which takes longer than all of them need to queue behind it. */
START_TEST(who_waits_meanwhile_shares_one_commit)
{
	struct caller callers[CALLERS];
	struct journal *j = open_patient(60000);

	memory_faults.full = 5;
	call_all(j, callers);
	for (unsigned i = 0; i < CALLERS; i++)
		ck_assert_msg(!callers[i].failed, "%s", callers[i].err.text);
	ck_assert_uint_eq(objects_in(j), 3 * CALLERS);
	ck_assert_uint_lt(memory_faults.done, CALLERS);
	journal_close(j);
}
END_TEST

START_TEST(all_who_wait_are_told_of_a_failure)
{
	struct caller callers[CALLERS];
	struct journal *j = open_patient(0);

	memory_faults.full = 1000;
	call_all(j, callers);
	for (unsigned i = 0; i < CALLERS; i++)
		ck_assert(callers[i].failed && callers[i].err.exit == EXIT_JOURNAL);
	ck_assert_uint_eq(objects_in(j), 0);
	journal_close(j);
}
END_TEST

static void add(TCase *t)
{
	tcase_add_test(t, what_passes_is_waited_out_and_written_once);
	tcase_add_test(t, what_does_not_pass_in_time_ends_everything);
	tcase_add_test(t, a_failed_commit_is_never_tried_again);
	tcase_add_test(t, a_refused_write_leaves_nothing_of_its_group);
	tcase_add_test(t, who_waits_meanwhile_shares_one_commit);
	tcase_add_test(t, all_who_wait_are_told_of_a_failure);
}

int main(void)
{
	return run_suite("journal-queue", add);
}
