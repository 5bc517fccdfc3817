/* SPDX-License-Identifier: MIT */
#include "report/progress-impl.h"

#include "tap.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

#define S INT64_C(1000000000)

static struct snapshot half(void)
{
	return (struct snapshot){ .at = 100 * S,
				  .state = "copying",
				  .pass = 1,
				  .total_known = true,
				  .objects = 27000,
				  .bytes = 2 << 20,
				  .objects_done = 13500,
				  .bytes_done = 1 << 20 };
}

/* Columns of a line without colours. */
static size_t width(const struct buf *b)
{
	size_t n = 0;

	for (size_t i = 0; i < b->len; i++)
		n += (b->p[i] & 0xc0) != 0x80;
	return n;
}

static bool holds(const struct buf *b, const char *text)
{
	return memmem(b->p, b->len, text, strlen(text)) != NULL;
}

static void draw(struct buf *b, const struct line_style *style, const struct snapshot *s)
{
	struct rates r = { .at = s->at, .began = 1, .object_rate = 1000, .byte_rate = 1 << 20 };

	buf_reset(b);
	line_draw(b, style, "avatars", s, &r);
}

START_TEST(never_wider_than_the_terminal)
{
	BUF_AUTO struct buf b = BUF_INIT(8192);
	struct snapshot s = half();

	s.failed = 3;
	s.rows = 1234;
	s.note = "the destination is full: waiting for room to go on with the rest of it";
	for (unsigned columns = 40; columns < 250; columns++) {
		draw(&b, &(struct line_style){ .width = columns, .unicode = columns & 1 }, &s);
		ck_assert_msg(width(&b) <= columns, "%zu columns of %u: %.*s", width(&b), columns,
			      (int)b.len, (char *)b.p);
	}
}
END_TEST

START_TEST(failures_are_seen_on_the_narrowest)
{
	BUF_AUTO struct buf b = BUF_INIT(8192);
	struct snapshot s = half();

	s.failed = 3;
	draw(&b, &(struct line_style){ .width = 40 }, &s);
	ck_assert(holds(&b, "3 failed"));
	ck_assert(holds(&b, " 50%"));
	ck_assert(holds(&b, "13,500/27,000"));
}
END_TEST

START_TEST(a_wide_line_holds_everything)
{
	BUF_AUTO struct buf b = BUF_INIT(8192);
	struct snapshot s = half();

	draw(&b, &(struct line_style){ .width = 160 }, &s);
	ck_assert(holds(&b, "avatars  copying  "));
	ck_assert(holds(&b, "1.0 MiB/2.0 MiB"));
	ck_assert(holds(&b, "1,000/s"));
	ck_assert(holds(&b, "ETA 13s"));
	ck_assert(holds(&b, "###############---------------"));
}
END_TEST

START_TEST(colour_only_when_wanted)
{
	BUF_AUTO struct buf b = BUF_INIT(8192);
	struct snapshot s = half();

	s.failed = 1;
	draw(&b, &(struct line_style){ .width = 120 }, &s);
	ck_assert(!memchr(b.p, '\033', b.len));
	draw(&b, &(struct line_style){ .width = 120, .colour = true }, &s);
	ck_assert(holds(&b, "\033[31m1 failed\033[0m"));
}
END_TEST

START_TEST(no_promise_while_the_total_is_unknown)
{
	BUF_AUTO struct buf b = BUF_INIT(8192);
	struct snapshot s = half();

	s.total_known = false;
	for (s.at = 0; s.at < 20 * S; s.at += S / 10) {
		draw(&b, &(struct line_style){ .width = 120 }, &s);
		ck_assert(!holds(&b, "%") && !holds(&b, "ETA"));
		ck_assert(holds(&b, "13,500/27,000+"));
		ck_assert(holds(&b, "####"));
	}
}
END_TEST

START_TEST(what_earlier_runs_did_is_no_speed)
{
	struct snapshot s = half();
	struct rates r = { .at = 0 };

	s.objects_before = s.objects_done;
	s.bytes_before = s.bytes_done;
	rates_add(&r, &s);
	for (int i = 0; i < 100; i++) {
		s.at += S / 5;
		s.objects_done += 20;
		rates_add(&r, &s);
	}
	ck_assert(r.object_rate > 99 && r.object_rate < 101);
	ck_assert(r.byte_rate < 1);
	ck_assert_int_eq(rates_left(&r, &s) / S, (27000 - 15500) / 100);
}
END_TEST

START_TEST(nobody_knows_when_a_standstill_ends)
{
	struct snapshot s = half();
	struct rates r = { .at = 0 };

	for (int i = 0; i < 1000; i++, s.at += S)
		rates_add(&r, &s);
	ck_assert_int_eq(rates_left(&r, &s), -1);
}
END_TEST

START_TEST(the_plain_line_is_one_sentence)
{
	BUF_AUTO struct buf b = BUF_INIT(8192);
	struct snapshot s = half();
	struct rates r = { .at = s.at, .began = 1, .object_rate = 1000, .byte_rate = 1 << 20 };

	s.failed = 2;
	s.note = "a\nb";
	line_plain(&b, "avatars", &s, &r);
	ck_assert_msg(holds(&b,
			    "avatars: copying (a\\x0ab): 13,500 of 27,000 objects, 1.0 MiB of 2.0 "
			    "MiB, 1,000/s, 1.0 MiB/s, about 13s left, 2 failed\n"),
		      "%.*s", (int)b.len, (char *)b.p);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("progress");
	TCase *t = tcase_create("progress");

	tcase_add_test(t, never_wider_than_the_terminal);
	tcase_add_test(t, failures_are_seen_on_the_narrowest);
	tcase_add_test(t, a_wide_line_holds_everything);
	tcase_add_test(t, colour_only_when_wanted);
	tcase_add_test(t, no_promise_while_the_total_is_unknown);
	tcase_add_test(t, what_earlier_runs_did_is_no_speed);
	tcase_add_test(t, nobody_knows_when_a_standstill_ends);
	tcase_add_test(t, the_plain_line_is_one_sentence);
	suite_add_tcase(s, t);
	return run_tap(s);
}
