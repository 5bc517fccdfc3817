/* SPDX-License-Identifier: MIT */
#include "report/progress.h"

#include "tap.h"

#include <check.h>
#include <stdlib.h>

#define S INT64_C(1000000000)

static const struct {
	uint64_t n;
	const char *text;
} sizes[] = {
	{ 0, "0 B" },
	{ 1023, "1023 B" },
	{ 1024, "1.0 KiB" },
	{ 1536, "1.5 KiB" },
	{ 1048575, "1.0 MiB" }, /* never 1024.0 KiB */
	{ 16777216, "16.0 MiB" },
	{ UINT64_C(3650722202), "3.4 GiB" },
	{ UINT64_MAX, "16.0 EiB" },
};

START_TEST(bytes_read_in_the_unit_that_fits)
{
	char text[32];

	format_bytes(text, sizeof(text), sizes[_i].n);
	ck_assert_str_eq(text, sizes[_i].text);
}
END_TEST

static const struct {
	uint64_t n;
	const char *text;
} counts[] = {
	{ 0, "0" },
	{ 7, "7" },
	{ 999, "999" },
	{ 1000, "1,000" },
	{ 27000, "27,000" },
	{ 1234567, "1,234,567" },
	{ UINT64_MAX, "18,446,744,073,709,551,615" },
};

START_TEST(counts_have_thousands)
{
	char text[32];

	format_count(text, sizeof(text), counts[_i].n);
	ck_assert_str_eq(text, counts[_i].text);
}
END_TEST

static const struct {
	int64_t ns;
	const char *text;
} durations[] = {
	{ -S, "0s" },          { 0, "0ms" },           { 850000000, "850ms" },   { 59 * S, "59s" },
	{ 200 * S, "3m 20s" }, { 3905 * S, "1h 05m" }, { 183600 * S, "2d 03h" },
};

START_TEST(durations_read_in_two_units)
{
	char text[32];

	format_duration(text, sizeof(text), durations[_i].ns);
	ck_assert_str_eq(text, durations[_i].text);
}
END_TEST

START_TEST(nothing_is_written_beyond_the_text)
{
	char text[6] = "abcde";

	format_count(text, 4, 1234567);
	ck_assert_str_eq(text, "1,2");
	ck_assert_int_eq(text[4], 'e');
}
END_TEST

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

int main(void)
{
	Suite *s = suite_create("format");
	TCase *t = tcase_create("format");

	tcase_add_loop_test(t, bytes_read_in_the_unit_that_fits, 0, COUNT(sizes));
	tcase_add_loop_test(t, counts_have_thousands, 0, COUNT(counts));
	tcase_add_loop_test(t, durations_read_in_two_units, 0, COUNT(durations));
	tcase_add_test(t, nothing_is_written_beyond_the_text);
	suite_add_tcase(s, t);
	return run_tap(s);
}
