/* SPDX-License-Identifier: MIT */
#include "../../plugins/common/text.h"

#include "tap.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

START_TEST(grows_and_ends_with_a_nul)
{
	struct text t = { .n = 0 };
	char *text;

	for (size_t i = 0; i < 3000; i++) {
		ck_assert(text_char(&t, (char)('a' + i % 26)));
		ck_assert_uint_eq(t.n, i + 1);
		ck_assert_int_eq(t.p[t.n], '\0');
		ck_assert_uint_gt(t.cap, t.n);
	}
	ck_assert(text_add(&t, "\0b", 2));
	text = text_finish(&t);
	ck_assert_ptr_nonnull(text);
	ck_assert_mem_eq(text + 2998, "ij\0b", 5);
	ck_assert_ptr_null(t.p);
	ck_assert_uint_eq(t.n, 0);
	free(text);
}
END_TEST

START_TEST(prints_whatever_its_length)
{
	static char longest[5000];
	struct text t = { .n = 0 };

	memset(longest, 'x', sizeof(longest) - 1);
	ck_assert(text_printf(&t, "%d,%s", 7, "seven"));
	ck_assert_str_eq(text_get(&t), "7,seven");
	ck_assert(text_printf(&t, "%s!", longest));
	ck_assert_uint_eq(t.n, 7 + 4999 + 1);
	ck_assert_mem_eq(t.p + 7, longest, 4999);
	ck_assert_str_eq(t.p + 7 + 4999, "!");
	text_release(&t);
}
END_TEST

START_TEST(nothing_is_a_text_too)
{
	struct text t = { .n = 0 };
	char *text;

	ck_assert_str_eq(text_get(&t), "");
	text_cut(&t, 0);
	text_reset(&t);
	ck_assert(text_add(&t, NULL, 0));
	ck_assert(text_str(&t, ""));
	text = text_finish(&t);
	ck_assert_str_eq(text, "");
	free(text);
	text = text_finish(&t);
	ck_assert_str_eq(text, "");
	free(text);
}
END_TEST

START_TEST(what_is_too_much_stays_bad)
{
	struct text t = { .n = 0 };

	ck_assert(text_str(&t, "good"));
	ck_assert(!text_add(&t, "x", SIZE_MAX));
	ck_assert(t.bad);
	ck_assert(!text_char(&t, 'y'));
	ck_assert(!text_printf(&t, "%s", "z"));
	ck_assert(!text_hex(&t, "z", 1));
	ck_assert(!text_quoted(&t, "z", '"'));
	ck_assert_str_eq(text_get(&t), "good");
	text_reset(&t);
	ck_assert(text_str(&t, "again"));
	ck_assert_str_eq(text_get(&t), "again");
	ck_assert(!text_hex(&t, "x", SIZE_MAX / 2 + 2));
	ck_assert_ptr_null(text_finish(&t));
	ck_assert(!t.bad);
	ck_assert_ptr_null(t.p);
}
END_TEST

START_TEST(goes_back_to_where_it_was)
{
	struct text t = { .n = 0 };

	text_str(&t, "kept, dropped");
	text_cut(&t, 4);
	ck_assert_str_eq(text_get(&t), "kept");
	text_str(&t, "!");
	ck_assert_str_eq(text_get(&t), "kept!");
	text_shrink(&t, t.cap);
	ck_assert_str_eq(text_get(&t), "kept!");
	text_shrink(&t, t.cap - 1);
	ck_assert_uint_eq(t.cap, 0);
	ck_assert_str_eq(text_get(&t), "");
}
END_TEST

START_TEST(writes_digits_and_quotes)
{
	struct text t = { .n = 0 };

	ck_assert(text_hex(&t, "\x00\x7f\xa0\xff", 4));
	ck_assert(text_hex(&t, NULL, 0));
	ck_assert_str_eq(text_get(&t), "007fa0ff");
	text_reset(&t);
	ck_assert(text_quoted(&t, "a\"\"b'`\\", '"'));
	ck_assert(text_quoted(&t, "", '`'));
	ck_assert(text_quoted(&t, "it's", '\''));
	ck_assert_str_eq(text_get(&t), "\"a\"\"\"\"b'`\\\"``'it''s'");
	text_wipe(&t);
	ck_assert_ptr_null(t.p);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("text");
	TCase *tc = tcase_create("text");

	tcase_add_test(tc, grows_and_ends_with_a_nul);
	tcase_add_test(tc, prints_whatever_its_length);
	tcase_add_test(tc, nothing_is_a_text_too);
	tcase_add_test(tc, what_is_too_much_stays_bad);
	tcase_add_test(tc, goes_back_to_where_it_was);
	tcase_add_test(tc, writes_digits_and_quotes);
	suite_add_tcase(suite, tc);
	return run_tap(suite);
}
