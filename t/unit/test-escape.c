/* SPDX-License-Identifier: MIT */
#include "base/escape.h"

#include "tap.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

#define KEY(s) s, sizeof(s) - 1

static const struct {
	const char *why;
	const char *in;
	size_t n;
	const char *out;
} cases[] = {
	{ "plain text passes", KEY("image/avatar-1.png"), "image/avatar-1.png" },
	{ "so do other scripts", KEY("日本/ünï😀"), "日本/ünï😀" },
	{ "no terminal commands", KEY("a\033[2Jb"), "a\\x1b[2Jb" },
	{ "no second log line", KEY("a\nb\r"), "a\\x0ab\\x0d" },
	{ "a NUL does not end a key", KEY("a\0b"), "a\\x00b" },
	{ "C1 controls are two bytes", KEY("\302\233m"), "\\xc2\\x9bm" },
	{ "no right-to-left override", KEY("\342\200\256gnp"), "\\xe2\\x80\\xaegnp" },
	{ "overlong slash is not a slash", KEY("\300\257"), "\\xc0\\xaf" },
	{ "a surrogate is not a character", KEY("\355\240\200"), "\\xed\\xa0\\x80" },
	{ "a cut sequence at the end", KEY("a\342\202"), "a\\xe2\\x82" },
	{ "the escape can be told from text", KEY("a\\x0a"), "a\\x5cx0a" },
	{ "nothing stays nothing", KEY(""), "" },
};

START_TEST(escapes)
{
	BUF_AUTO struct buf b = BUF_INIT(256);

	ck_assert(escape_add(&b, cases[_i].in, cases[_i].n));
	ck_assert_msg(b.len == strlen(cases[_i].out) &&
			  !memcmp(b.len ? (char *)b.p : "", cases[_i].out, b.len),
		      "%s: got '%.*s'", cases[_i].why, (int)b.len, b.p ? (char *)b.p : "");
}
END_TEST

START_TEST(stops_at_the_ceiling)
{
	BUF_AUTO struct buf b = BUF_INIT(5);

	ck_assert(!escape_add(&b, KEY("ab\n\n")));
	ck_assert_uint_eq(b.len, 2);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("escape");
	TCase *t = tcase_create("escape");

	tcase_add_loop_test(t, escapes, 0, sizeof(cases) / sizeof(cases[0]));
	tcase_add_test(t, stops_at_the_ceiling);
	suite_add_tcase(s, t);
	return run_tap(s);
}
