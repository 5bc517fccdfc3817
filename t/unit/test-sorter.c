/* SPDX-License-Identifier: MIT */
#include "base/bytes.h"
#include "base/sorter.h"
#include "tap.h"

#include <check.h>
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Everything that goes in comes out, in order, whatever fits into memory. */
static struct error err;

static struct sorter *new_sorter(size_t memory)
{
	struct sorter *s = sorter_new(memory, "");

	ck_assert_ptr_nonnull(s);
	return s;
}

static void add(struct sorter *s, const void *key, size_t n, const void *payload, size_t m)
{
	ck_assert_msg(sorter_add(s, bytes_of(key, n), bytes_of(payload, m), &err) == 0, "%s",
		      err.text);
}

START_TEST(nothing_in_nothing_out)
{
	struct sorter *s = new_sorter(0);
	struct migrate_bytes k, p;

	ck_assert_int_eq(sorter_finish(s, &err), 0);
	ck_assert_int_eq(sorter_next(s, &k, &p, &err), 0);
	ck_assert_int_eq(sorter_next(s, &k, &p, &err), 0);
	sorter_free(s);
	sorter_free(NULL);
}
END_TEST

START_TEST(bytes_decide_then_payloads_and_equal_ones_stay)
{
	static const struct {
		const char *k;
		size_t n;
		const char *p;
	} in[] = {
		{ "b", 1, "" },        { "a\0b", 3, "" },      { "a", 1, "2" },
		{ "\377", 1, "" },     { "a", 1, "1" },        { "", 0, "x" },
		{ "a", 1, "1" },       { "a\0", 2, "" },       { "aaaaaaaab", 9, "" },
		{ "aaaaaaaa", 8, "" }, { "aaaaaaaaa", 9, "" },
	};
	static const struct {
		const char *k;
		size_t n;
		const char *p;
	} out[] = {
		{ "", 0, "x" },        { "a", 1, "1" },        { "a", 1, "1" },
		{ "a", 1, "2" },       { "a\0", 2, "" },       { "a\0b", 3, "" },
		{ "aaaaaaaa", 8, "" }, { "aaaaaaaaa", 9, "" }, { "aaaaaaaab", 9, "" },
		{ "b", 1, "" },        { "\377", 1, "" },
	};
	struct sorter *s = new_sorter(0);
	struct migrate_bytes k, p;

	for (size_t i = 0; i < sizeof(in) / sizeof(in[0]); i++)
		add(s, in[i].k, in[i].n, in[i].p, strlen(in[i].p));
	for (int round = 0; round < 2; round++) {
		ck_assert_int_eq(sorter_finish(s, &err), 0);
		for (size_t i = 0; i < sizeof(out) / sizeof(out[0]); i++) {
			ck_assert_int_eq(sorter_next(s, &k, &p, &err), 1);
			ck_assert(bytes_equal(k, bytes_of(out[i].k, out[i].n)));
			ck_assert(bytes_equal(p, bytes_of_text(out[i].p)));
		}
		ck_assert_int_eq(sorter_next(s, &k, &p, &err), 0);
	}
	sorter_free(s);
}
END_TEST

/* Each number from 0 to n once, in a scrambled order; 40 to 240 bytes a record. */
static void add_numbers(struct sorter *s, unsigned int n)
{
	char key[32], payload[256];

	memset(payload, 'p', sizeof(payload));
	for (unsigned int i = 0; i < n; i++) {
		unsigned int v = (unsigned int)((i * UINT64_C(2654435761)) % n);
		int len = snprintf(key, sizeof(key), "key/%010u", v);

		add(s, key, (size_t)len, payload, v % 200);
	}
}

static void expect_numbers(struct sorter *s, unsigned int n)
{
	struct migrate_bytes k, p;
	char key[32];

	for (unsigned int i = 0; i < n; i++) {
		snprintf(key, sizeof(key), "key/%010u", i);
		ck_assert_int_eq(sorter_next(s, &k, &p, &err), 1);
		ck_assert_msg(bytes_equal(k, bytes_of_text(key)), "%.*s instead of %s", (int)k.n,
			      (const char *)k.p, key);
		ck_assert_uint_eq(p.n, i % 200);
	}
	ck_assert_int_eq(sorter_next(s, &k, &p, &err), 0);
}

/* 60,000 records of 130 bytes in 64 KiB: over a hundred runs, four at a time. */
START_TEST(far_more_than_memory_holds)
{
	const unsigned int n = 60013; /* a prime, so that the scramble hits each number once */
	struct sorter *s = new_sorter(0);

	add_numbers(s, n);
	for (int round = 0; round < 2; round++) {
		ck_assert_msg(sorter_finish(s, &err) == 0, "%s", err.text);
		expect_numbers(s, n);
	}
	sorter_free(s);
}
END_TEST

START_TEST(a_record_larger_than_the_memory)
{
	static char big[300000];
	struct sorter *s = new_sorter(0);
	struct migrate_bytes k, p;

	memset(big, 'x', sizeof(big));
	for (char c = 'c'; c >= 'a'; c--)
		add(s, &c, 1, big, sizeof(big));
	ck_assert_int_eq(sorter_finish(s, &err), 0);
	for (char c = 'a'; c <= 'c'; c++) {
		ck_assert_int_eq(sorter_next(s, &k, &p, &err), 1);
		ck_assert(bytes_equal(k, bytes_of(&c, 1)));
		ck_assert(bytes_equal(p, bytes_of(big, sizeof(big))));
	}
	ck_assert_int_eq(sorter_next(s, &k, &p, &err), 0);
	sorter_free(s);
}
END_TEST

static size_t entries(const char *folder)
{
	DIR *d = opendir(folder);
	size_t n = 0;

	ck_assert_ptr_nonnull(d);
	while (readdir(d))
		n++;
	closedir(d);
	return n;
}

START_TEST(no_file_has_a_name)
{
	char folder[] = "/tmp/migrate-sorter-XXXXXX";
	struct sorter *s;

	ck_assert_ptr_nonnull(mkdtemp(folder));
	s = sorter_new(0, folder);
	add_numbers(s, 5003);
	ck_assert_int_eq(sorter_finish(s, &err), 0);
	ck_assert_uint_eq(entries(folder), 2);
	expect_numbers(s, 5003);
	sorter_free(s);
	ck_assert_int_eq(rmdir(folder), 0);
}
END_TEST

START_TEST(a_folder_that_is_not_there_is_an_error)
{
	struct sorter *s = sorter_new(0, "/nowhere/at/all");
	char key[32];
	int rc = 0;

	for (unsigned int i = 0; i < 100000 && !rc; i++) {
		snprintf(key, sizeof(key), "%u", i);
		rc = sorter_add(s, bytes_of_text(key), bytes_of("", 0), &err);
	}
	ck_assert_int_eq(rc, -1);
	ck_assert_ptr_nonnull(
	    strstr(err.text, "cannot make a temporary file in '/nowhere/at/all'"));
	sorter_free(s);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("sorter");
	TCase *t = tcase_create("sorter");

	tcase_set_timeout(t, 60);
	tcase_add_test(t, nothing_in_nothing_out);
	tcase_add_test(t, bytes_decide_then_payloads_and_equal_ones_stay);
	tcase_add_test(t, far_more_than_memory_holds);
	tcase_add_test(t, a_record_larger_than_the_memory);
	tcase_add_test(t, no_file_has_a_name);
	tcase_add_test(t, a_folder_that_is_not_there_is_an_error);
	suite_add_tcase(s, t);
	return run_tap(s);
}
