/* SPDX-License-Identifier: MIT */
#include "base/utf8.h"

#include "tap.h"

#include <migrate/plugin.h>

#include <check.h>
#include <stdlib.h>
#include <string.h>

#define SAID(text) text, sizeof(text) - 1

static const struct {
	const char *what, *bytes;
	size_t n;
	bool good;
} samples[] = {
	{ "nothing", SAID(""), true },
	{ "a NUL", SAID("a\0b"), true },
	{ "one of each length", SAID("a\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80"), true },
	{ "the last before the surrogates", SAID("\xed\x9f\xbf"), true },
	{ "the first behind them", SAID("\xee\x80\x80"), true },
	{ "no character, but a code point", SAID("\xef\xbf\xbe\xef\xbf\xbf"), true },
	{ "the last of all", SAID("\xf4\x8f\xbf\xbf"), true },
	{ "one above it", SAID("\xf4\x90\x80\x80"), false },
	{ "far above it", SAID("\xf7\xbf\xbf\xbf"), false },
	{ "five bytes", SAID("\xf8\x88\x80\x80\x80"), false },
	{ "six bytes", SAID("\xfc\x84\x80\x80\x80\x80"), false },
	{ "never a byte of it", SAID("\xfe"), false },
	{ "nor this", SAID("\xff"), false },
	{ "a NUL in two bytes", SAID("\xc0\x80"), false },
	{ "a slash in two bytes", SAID("\xc0\xaf"), false },
	{ "DEL in two bytes", SAID("\xc1\xbf"), false },
	{ "a slash in three", SAID("\xe0\x80\xaf"), false },
	{ "the last of two bytes in three", SAID("\xe0\x9f\xbf"), false },
	{ "the first of three", SAID("\xe0\xa0\x80"), true },
	{ "the last of three bytes in four", SAID("\xf0\x8f\xbf\xbf"), false },
	{ "the first of four", SAID("\xf0\x90\x80\x80"), true },
	{ "the first surrogate", SAID("\xed\xa0\x80"), false },
	{ "the last surrogate", SAID("\xed\xbf\xbf"), false },
	{ "a pair of them", SAID("\xed\xa0\xbd\xed\xb8\x80"), false },
	{ "cut off after one of two", SAID("a\xc3"), false },
	{ "after two of three", SAID("a\xe2\x82"), false },
	{ "after three of four", SAID("a\xf0\x9f\x98"), false },
	{ "cut off, and more behind it", SAID("\xe2\x82z"), false },
	{ "a new one too early", SAID("\xf0\x9f\xc3\xa9"), false },
	{ "no beginning", SAID("\x80"), false },
	{ "one byte too many", SAID("\xc3\xa9\xa9"), false },
	{ "Latin-1", SAID("caf\xe9"), false },
};

START_TEST(knows_the_ugly_ones)
{
	const char *what = samples[_i].what;

	ck_assert_msg(is_utf8(samples[_i].bytes, samples[_i].n) == samples[_i].good, "%s", what);
	ck_assert_msg(migrate_is_utf8(samples[_i].bytes, samples[_i].n) == samples[_i].good, "%s",
		      what);
}
END_TEST

START_TEST(looks_at_no_byte_behind_the_end)
{
	uint32_t c;

	ck_assert(migrate_is_utf8(NULL, 0));
	ck_assert_uint_eq(utf8_decode(NULL, 0, &c), 0);
	ck_assert_uint_eq(utf8_decode("\xc3\xa9", 1, &c), 0);
	ck_assert_uint_eq(utf8_decode("\xc3\xa9z", 3, &c), 2);
	ck_assert_uint_eq(c, 0xe9);
	ck_assert_uint_eq(utf8_decode("\xf0\x9f\x98\x80", 4, &c), 4);
	ck_assert_uint_eq(c, 0x1f600);
}
END_TEST

/* How many of all sequences of so many bytes are one character: no more than there are. */
static size_t characters_of(size_t length)
{
	uint32_t all = (uint32_t)1 << 8 * length, last = 0, c;
	size_t count = 0;

	for (uint32_t v = 0; v < all; v++) {
		const unsigned char bytes[] = {
			(unsigned char)(v >> 8 * (length - 1)),
			(unsigned char)(length > 1 ? v >> 8 * (length - 2) : 0), (unsigned char)v
		};

		if (utf8_decode(bytes, length, &c) != length)
			continue;
		if (count && c <= last) /* in their order, none twice */
			ck_abort_msg("%x behind %x", (unsigned)c, (unsigned)last);
		last = c;
		count++;
	}
	return count;
}

START_TEST(there_are_as_many_as_there_are_code_points)
{
	ck_assert_uint_eq(characters_of(1), 0x80);
	ck_assert_uint_eq(characters_of(2), 0x800 - 0x80);
	ck_assert_uint_eq(characters_of(3), 0x10000 - 0x800 - 0x800);
}
END_TEST

START_TEST(all_of_four_bytes_are_read)
{
	for (uint32_t v = 0; v < 0x200000; v++) {
		const unsigned char bytes[] = { (unsigned char)(0xf0 | v >> 18),
						(unsigned char)(0x80 | (v >> 12 & 63)),
						(unsigned char)(0x80 | (v >> 6 & 63)),
						(unsigned char)(0x80 | (v & 63)) };
		bool good = v >= 0x10000 && v <= 0x10ffff;
		uint32_t c = 0;

		if (utf8_decode(bytes, 4, &c) != (good ? 4 : 0) || (good && c != v))
			ck_abort_msg("%x is read as %x", (unsigned)v, (unsigned)c);
	}
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("utf8");
	TCase *tc = tcase_create("utf8");

	tcase_set_timeout(tc, 60);
	tcase_add_loop_test(tc, knows_the_ugly_ones, 0, sizeof(samples) / sizeof(samples[0]));
	tcase_add_test(tc, looks_at_no_byte_behind_the_end);
	tcase_add_test(tc, there_are_as_many_as_there_are_code_points);
	tcase_add_test(tc, all_of_four_bytes_are_read);
	suite_add_tcase(suite, tc);
	return run_tap(suite);
}
