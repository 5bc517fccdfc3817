/* SPDX-License-Identifier: MIT */
#include "journal-both.h"

#include "journal/lookaside.h"

START_TEST(a_job_is_found_again_and_its_change_is_remembered)
{
	struct journal *j = open_run();
	struct journal_job job;
	char id[17];
	char *before;

	ck_assert_int_eq(journal_get_job(j, &job, &err), 0);
	ck_assert(!job.exists);
	ck_assert_uint_eq(strspn(job.id, "0123456789abcdef"), 16);
	memcpy(id, job.id, sizeof(id));
	snprintf(job.fingerprint, sizeof(job.fingerprint), "abc");
	job.canonical = strdup("mapping rename = a");
	job.source = strdup("posix:1:2");
	WELL(journal_set_job(j, &job, NULL, &err));
	free(job.canonical);
	job.canonical = strdup("mapping rename = b");
	WELL(journal_set_job(j, &job, NULL, &err));
	journal_job_release(&job);
	journal_close(j);

	j = open_run();
	WELL(journal_get_job(j, &job, &err));
	ck_assert(job.exists);
	ck_assert_str_eq(job.id, id);
	ck_assert_str_eq(job.canonical, "mapping rename = b");
	ck_assert_str_eq(job.source, "posix:1:2");
	ck_assert_str_eq(job.caches, "");
	ck_assert_int_gt(job.created, 0);
	journal_job_release(&job);
	before = dump(j, &err);
	ck_assert_ptr_nonnull(before);
	free(before);
	journal_close(j);
}
END_TEST

static int see_event(void *arg, int64_t at, int level, const char *text)
{
	char *seen = arg;

	ck_assert_int_gt(at, 0);
	snprintf(seen + strlen(seen), 256 - strlen(seen), "%d:%s;", level, text);
	return 0;
}

START_TEST(events_come_back_in_order_the_last_ones_first_dropped)
{
	struct journal *j = open_run();
	char seen[256] = "";

	journal_event(j, 2, "one");
	journal_event(j, 1, "two");
	journal_event(j, 0, "three");
	journal_close(j);
	j = open_run();
	WELL(journal_each_event(j, 2, see_event, seen, &err));
	ck_assert_str_eq(seen, "1:two;0:three;");
	journal_close(j);
}
END_TEST

START_TEST(samples_come_newest_first)
{
	struct journal *j = open_run();
	struct journal_sample s = { .at = 1, .objects = 10 }, out[4];
	size_t got;

	for (; s.at < 6; s.at++, s.objects += 10)
		journal_sample(j, &s);
	journal_close(j);
	j = open_run();
	WELL(journal_samples(j, out, 4, &got, &err));
	ck_assert_uint_eq(got, 4);
	ck_assert_int_eq(out[0].at, 5);
	ck_assert_uint_eq(out[0].objects, 50);
	ck_assert_int_eq(out[3].at, 2);
	journal_close(j);
}
END_TEST

START_TEST(a_run_is_known_and_how_it_ended)
{
	struct journal_run run;
	struct journal *j = open_run();

	WELL(journal_begin_run(j, "run", &err));
	journal_close(j);

	j = open_run();
	WELL(journal_last_run(j, &run, &err));
	ck_assert_int_eq(run.id, 1);
	ck_assert_int_eq(run.ended, 0);
	WELL(journal_begin_run(j, "run", &err));
	WELL(journal_end_run(j, EXIT_INTERRUPTED, "signal", &err));
	journal_close(j);

	j = open_run();
	WELL(journal_last_run(j, &run, &err));
	ck_assert_int_eq(run.id, 2);
	ck_assert_int_eq(run.exit, EXIT_INTERRUPTED);
	ck_assert_str_eq(run.reason, "signal");
	ck_assert_int_eq(run.pid, getpid());
	journal_close(j);
}
END_TEST

START_TEST(the_newest_pass_is_the_one_that_counts)
{
	ARENA_AUTO struct arena a = ARENA_INIT;
	struct journal_pass pass, one = { .number = 1, .state = PASS_DONE, .started = 5 };
	struct journal_pass two = { .number = 2, .state = PASS_SCANNING, .orphaned = 7 };
	struct journal *j = open_run();

	WELL(journal_last_pass(j, &a, &pass, &err));
	ck_assert_int_eq(pass.number, 0);
	two.cursor = BYTES("\1\0\2");
	WELL(journal_set_pass(j, &one, &err));
	two.state = PASS_LISTING;
	WELL(journal_set_pass(j, &two, &err));
	two.state = PASS_SCANNING;
	WELL(journal_set_pass(j, &two, &err));
	WELL(journal_last_pass(j, &a, &pass, &err));
	ck_assert_int_eq(pass.number, 2);
	ck_assert_int_eq(pass.state, PASS_SCANNING);
	ck_assert_uint_eq(pass.orphaned, 7);
	ck_assert(bytes_equal(pass.cursor, BYTES("\1\0\2")));
	journal_close(j);
}
END_TEST

START_TEST(an_upload_is_known_until_it_is_gone)
{
	ARENA_AUTO struct arena a = ARENA_INIT;
	struct journal *j = open_run();
	struct upload_record u, old = { .new_key = BYTES("b"), .id = BYTES("old"), .part_size = 1 };
	struct upload_record other = { .new_key = BYTES("a\0a"), .id = BYTES("x"), .mtime = 7 };
	struct upload_record new = { .new_key = BYTES("b"),
				     .id = BYTES("up\0load"),
				     .part_size = 16777216,
				     .etag = BYTES("\"e\""),
				     .size = 99,
				     .mtime = INT64_MIN };

	ck_assert_int_eq(journal_get_upload(j, BYTES("b"), &a, &u, &err), 0);
	WELL(journal_upload(j, &old, &err));
	WELL(journal_upload(j, &other, &err));
	WELL(journal_upload(j, &new, &err));
	ck_assert_int_eq(journal_get_upload(j, BYTES("b"), &a, &u, &err), 1);
	ck_assert(bytes_equal(u.id, BYTES("up\0load")) && bytes_equal(u.etag, BYTES("\"e\"")));
	ck_assert(u.part_size == 16777216 && u.size == 99 && u.mtime == INT64_MIN);
	ck_assert_int_eq(journal_next_upload(j, BYTES(""), &a, &u, &err), 1);
	ck_assert(bytes_equal(u.new_key, BYTES("a\0a")) && u.mtime == 7);
	ck_assert_int_eq(journal_next_upload(j, u.new_key, &a, &u, &err), 1);
	ck_assert(bytes_equal(u.new_key, BYTES("b")));
	ck_assert_int_eq(journal_next_upload(j, u.new_key, &a, &u, &err), 0);
	WELL(journal_upload_gone(j, BYTES("b"), &err));
	ck_assert_int_eq(journal_get_upload(j, BYTES("b"), &a, &u, &err), 0);
	journal_close(j);
}
END_TEST

static int collect(void *arg, struct migrate_bytes payload)
{
	char *out = arg;

	memcpy(out + strlen(out), payload.p, payload.n);
	return 0;
}

static int stop_at_once(void *arg, struct migrate_bytes payload)
{
	(void)payload;
	++*(int *)arg;
	return 7;
}

START_TEST(lookaside_gives_back_every_record_of_a_key_in_order)
{
	const struct journal_place place = { .path = path };
	struct lookaside *l = lookaside_new(&place, &err);
	char out[64] = "", key[16];
	int calls = 0;

	ck_assert_msg(l != NULL, "%s", err.text);
	for (int i = 0; i < 1000; i++) {
		snprintf(key, sizeof(key), "key%d", i % 500);
		WELL(lookaside_add(l, bytes_of_text(key), bytes_of(i < 500 ? "a" : "b", 1), &err));
	}
	WELL(lookaside_add(l, BYTES("\0\1"), BYTES("x"), &err));
	WELL(lookaside_find(l, BYTES("key17"), collect, out, &err));
	ck_assert_str_eq(out, "ab");
	WELL(lookaside_find(l, BYTES("\0\1"), collect, out, &err));
	WELL(lookaside_find(l, BYTES("\0"), collect, out, &err));
	WELL(lookaside_add(l, BYTES("key17"), BYTES("late"), &err));
	WELL(lookaside_find(l, BYTES("key17"), collect, out, &err));
	ck_assert_str_eq(out, "abxablate");
	ck_assert_int_eq(lookaside_find(l, BYTES("key17"), stop_at_once, &calls, &err), 7);
	ck_assert_int_eq(calls, 1);
	lookaside_free(l);
	/* Nothing is left behind, and nothing was visible meanwhile. */
	ck_assert_int_eq(rmdir(folder), 0);
}
END_TEST

START_TEST(names_of_classes_can_be_typed_back)
{
	for (int i = FAIL_NONE + 1; i < FAIL_CLASS_COUNT; i++)
		ck_assert_int_eq(fail_class_of(fail_class_name((enum fail_class)i)), i);
	ck_assert_int_eq(fail_class_of("nonsense"), FAIL_NONE);
	ck_assert_int_eq(fail_class_of("none"), FAIL_NONE);
	for (int i = 0; i < SKIP_COUNT; i++)
		ck_assert_ptr_nonnull(skip_reason_name((enum skip_reason)i));
}
END_TEST

static void add(TCase *t)
{
	tcase_add_test(t, a_job_is_found_again_and_its_change_is_remembered);
	tcase_add_test(t, events_come_back_in_order_the_last_ones_first_dropped);
	tcase_add_test(t, samples_come_newest_first);
	tcase_add_test(t, a_run_is_known_and_how_it_ended);
	tcase_add_test(t, the_newest_pass_is_the_one_that_counts);
	tcase_add_test(t, an_upload_is_known_until_it_is_gone);
}

static void add_rest(TCase *t)
{
	tcase_add_test(t, lookaside_gives_back_every_record_of_a_key_in_order);
	tcase_add_test(t, names_of_classes_can_be_typed_back);
}

int main(void)
{
	return run_suite_over_both("journal-records", add, add_rest);
}
