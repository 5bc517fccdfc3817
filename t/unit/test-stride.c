/* SPDX-License-Identifier: MIT */
#include "engine/rows/stride.h"

#include "tap.h"

#include <check.h>
#include <stdlib.h>

#define MS INT64_C(1000000)

/* A database in which a transaction takes `fixed`, and each of its rows `each`. Returns the last size. */
static size_t after(struct stride *s, int rewrites, int64_t fixed, int64_t each)
{
	size_t n = 0;

	while (rewrites-- > 0) {
		n = stride_rows(s);
		stride_took(s, n, fixed + (int64_t)n * each);
	}
	return n;
}

START_TEST(begins_with_few)
{
	struct stride s;

	stride_init(&s, 50 * MS);
	ck_assert_uint_eq(stride_rows(&s), STRIDE_LEAST);
	stride_init(&s, 0);
	ck_assert_uint_eq(stride_rows(&s), STRIDE_MOST);
}
END_TEST

START_TEST(takes_its_time)
{
	struct stride s;
	size_t n;

	stride_init(&s, 50 * MS);
	ck_assert_uint_eq(after(&s, 5, MS, MS / 100), STRIDE_MOST); /* 11 ms for all */
	n = after(&s, 10, MS, MS / 4);                              /* it became slow */
	ck_assert_uint_ge(n, 150);
	ck_assert_uint_le(n, 200);
	ck_assert_uint_eq(after(&s, 10, 0, 100 * MS), STRIDE_LEAST);
	ck_assert_uint_eq(after(&s, 12, MS, MS / 100), STRIDE_MOST);
}
END_TEST

START_TEST(any_time_will_do)
{
	struct stride s;

	stride_init(&s, 0);
	ck_assert_uint_eq(after(&s, 10, 1000 * MS, 100 * MS), STRIDE_MOST);
}
END_TEST

START_TEST(fails_and_grows)
{
	struct stride s;

	stride_init(&s, 50 * MS);
	after(&s, 5, 0, MS / 100);
	stride_failed(&s, 1000);
	ck_assert_uint_eq(stride_rows(&s), 500);
	for (size_t n = 500; n > 1; n /= 2)
		stride_failed(&s, n);
	ck_assert_uint_eq(stride_rows(&s), 1); /* fewer than what it begins with, if need be */
	stride_failed(&s, 1);
	ck_assert_uint_eq(stride_rows(&s), 1);
	ck_assert_uint_eq(after(&s, 4, 0, MS / 100), 8);
	ck_assert_uint_eq(after(&s, 20, 0, MS / 100), STRIDE_MOST);
}
END_TEST

START_TEST(a_clock_that_stands_still)
{
	struct stride s;

	stride_init(&s, 50 * MS);
	stride_took(&s, 0, 0);
	ck_assert_uint_eq(stride_rows(&s), STRIDE_LEAST);
	stride_took(&s, STRIDE_LEAST, 0);
	stride_took(&s, STRIDE_LEAST, -5);
	ck_assert_uint_eq(stride_rows(&s), STRIDE_MOST);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("stride");
	TCase *tc = tcase_create("stride");

	tcase_add_test(tc, begins_with_few);
	tcase_add_test(tc, takes_its_time);
	tcase_add_test(tc, any_time_will_do);
	tcase_add_test(tc, fails_and_grows);
	tcase_add_test(tc, a_clock_that_stands_still);
	suite_add_tcase(suite, tc);
	return run_tap(suite);
}
