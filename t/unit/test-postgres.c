/* SPDX-License-Identifier: MIT */
#include "../../plugins/postgres/postgres-impl.h"

#include "tap.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

/* What the plugin postgres makes without a server: quoted names, arrays, paths; and what it hides. */

static const struct {
	const char *text, *name, *literal;
} quoted[] = {
	{ "", "\"\"", "''" },
	{ "plain", "\"plain\"", "'plain'" },
	{ "Or\"der", "\"Or\"\"der\"", "'Or\"der'" },
	{ "it's", "\"it's\"", "'it''s'" },
	{ "back\\slash", "\"back\\slash\"", "'back\\slash'" },
	{ "\";drop table t;--", "\"\"\";drop table t;--\"", "'\";drop table t;--'" },
	{ "caf\303\251 %s %n", "\"caf\303\251 %s %n\"", "'caf\303\251 %s %n'" },
};

START_TEST(quotes_names_and_literals)
{
	struct text s = { .n = 0 };
	char *text = quoted_name(quoted[_i].text);

	ck_assert_str_eq(text, quoted[_i].name);
	free(text);
	sql_literal(&s, quoted[_i].text);
	text = text_finish(&s);
	ck_assert_str_eq(text, quoted[_i].literal);
	free(text);
}
END_TEST

START_TEST(puts_texts_together)
{
	struct text s = { .n = 0 };
	char *text;

	for (int i = 0; i < 1000; i++)
		text_printf(&s, "%d,", i);
	text = text_finish(&s);
	ck_assert_uint_eq(strlen(text), 3890);
	ck_assert_str_eq(text + 3886, "999,");
	free(text);
	s = (struct text){ .n = 0 };
	text = text_finish(&s);
	ck_assert_str_eq(text, "");
	free(text);
}
END_TEST

START_TEST(reads_what_it_wrote)
{
	static const char large[70000] = "x";
	const struct migrate_bytes elements[] = {
		{ "a", 1 }, { "", 0 }, { "nul\0", 4 }, { large, sizeof(large) }
	};
	struct array a = { .n = 0 };
	struct migrate_bytes got;
	size_t at = 0;

	array_begin(&a, OID_TEXT);
	for (size_t i = 0; i < 4; i++)
		array_add(&a, elements[i]);
	array_null(&a);
	ck_assert(array_end(&a));
	for (size_t i = 0; i < 4; i++) {
		ck_assert(array_next((struct migrate_bytes){ a.p, a.n }, &at, &got));
		ck_assert_ptr_nonnull(got.p);
		ck_assert_uint_eq(got.n, elements[i].n);
		ck_assert(!got.n || !memcmp(got.p, elements[i].p, got.n));
	}
	ck_assert(array_next((struct migrate_bytes){ a.p, a.n }, &at, &got));
	ck_assert_ptr_null(got.p);
	ck_assert(!array_next((struct migrate_bytes){ a.p, a.n }, &at, &got));
	array_release(&a);
}
END_TEST

START_TEST(has_no_dimensions_without_elements)
{
	struct array a = { .n = 0 };
	struct migrate_bytes got;
	size_t at = 0;

	array_begin(&a, OID_INT8);
	ck_assert(array_end(&a));
	ck_assert_uint_eq(a.n, 12);
	ck_assert_uint_eq(get32(a.p), 0);
	ck_assert(!array_next((struct migrate_bytes){ a.p, a.n }, &at, &got));
	array_release(&a);
}
END_TEST

/* A server that lies about lengths leads to no byte that is not there. */
START_TEST(believes_no_length)
{
	struct array a = { .n = 0 };
	struct migrate_bytes got, whole;

	array_begin(&a, OID_TEXT);
	array_add(&a, (struct migrate_bytes){ "abc", 3 });
	ck_assert(array_end(&a));
	whole = (struct migrate_bytes){ a.p, a.n };
	for (size_t n = 0; n < a.n; n++) {
		struct migrate_bytes cut = { a.p, n };
		size_t at = 0;

		ck_assert(!array_next(cut, &at, &got));
	}
	put32(a.p + 20, 0x7fffffff);
	for (size_t at = 0; array_next(whole, &at, &got);)
		ck_abort_msg("an element that is longer than its array");
	array_release(&a);
}
END_TEST

START_TEST(keeps_numbers)
{
	static const uint64_t numbers[] = { 0, 1, UINT64_C(0x0102030405060708), UINT64_MAX };
	unsigned char bytes[8];

	for (size_t i = 0; i < 4; i++) {
		put64(bytes, numbers[i]);
		ck_assert_uint_eq(get64(bytes), numbers[i]);
	}
	ck_assert_int_eq(bytes[0], 0xff);
}
END_TEST

static const struct {
	const char *path, *array;
	size_t steps;
} paths[] = {
	{ "$.url", "'{\"url\"}'::pg_catalog.text[]", 1 },
	{ "$.a.b", "'{\"a\",\"b\"}'::pg_catalog.text[]", 2 },
	{ "$[3].a", "'{\"3\",\"a\"}'::pg_catalog.text[]", 2 },
	{ "$.\"odd name\"", "'{\"odd name\"}'::pg_catalog.text[]", 1 },
	{ "$['it\\'s']", "'{\"it''s\"}'::pg_catalog.text[]", 1 },
	{ "$.\"q\\\"b\\\\\"", "'{\"q\\\"b\\\\\"}'::pg_catalog.text[]", 1 },
};

START_TEST(reads_a_path)
{
	struct instance inst = { .table = NULL };
	struct self self = { .instance = &inst };

	ck_assert_int_eq(path_read(&self, paths[_i].path), MIGRATE_OK);
	ck_assert_str_eq(inst.json_array, paths[_i].array);
	ck_assert_uint_eq(inst.path.count, paths[_i].steps);
	path_free(&inst);
}
END_TEST

static const char *const secrets[] = {
	"postgresql://u:hunter-two@h/d",
	"postgresql://u:hunter-two@h:5432,h2/d?sslmode=require",
	"host=h password=hunter-two user=u",
	"password='hunter-two' host=h",
	"postgresql://u:p@hunter-two@h/d",
};

START_TEST(hides_passwords)
{
	char text[] = "could not log in as u with \"hunter-two\" at h: hunter-two";

	conninfo_mask(secrets[_i], text);
	ck_assert_ptr_null(strstr(text, "hunter-two"));
	ck_assert_ptr_nonnull(strstr(text, "could not log in as u"));
}
END_TEST

START_TEST(takes_whole_lists_alone)
{
	struct array a = { .n = 0 };
	struct migrate_bytes whole;

	array_begin(&a, OID_TEXT);
	array_add(&a, (struct migrate_bytes){ "one", 3 });
	array_null(&a);
	array_add(&a, (struct migrate_bytes){ "", 0 });
	ck_assert(array_end(&a));
	whole = (struct migrate_bytes){ a.p, a.n };
	ck_assert(array_is_sound(whole));
	for (size_t n = 0; n < whole.n; n++)
		ck_assert(!array_is_sound((struct migrate_bytes){ a.p, n }));
	for (size_t at = 0; at < 20; at++) { /* its head: only flags are of no matter */
		a.p[at] ^= 1;
		ck_assert(array_is_sound(whole) == (at >= 4 && at < 8));
		a.p[at] ^= 1;
	}
	array_release(&a);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("postgres");
	TCase *t = tcase_create("postgres");

	tcase_add_loop_test(t, quotes_names_and_literals, 0, sizeof(quoted) / sizeof(quoted[0]));
	tcase_add_test(t, puts_texts_together);
	tcase_add_test(t, reads_what_it_wrote);
	tcase_add_test(t, has_no_dimensions_without_elements);
	tcase_add_test(t, believes_no_length);
	tcase_add_test(t, takes_whole_lists_alone);
	tcase_add_test(t, keeps_numbers);
	tcase_add_loop_test(t, reads_a_path, 0, sizeof(paths) / sizeof(paths[0]));
	tcase_add_loop_test(t, hides_passwords, 0, sizeof(secrets) / sizeof(secrets[0]));
	suite_add_tcase(s, t);
	return run_tap(s);
}
