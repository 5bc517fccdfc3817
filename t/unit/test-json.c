/* SPDX-License-Identifier: MIT */
#include "report/json.h"

#include "base/bytes.h"

#include <check.h>
#include <signal.h>
#include <stdlib.h>

static const struct {
	const char *why;
	const char *in;
	size_t n;
	const char *out;
} keys[] = {
#define KEY(s) s, sizeof(s) - 1
	{ "a plain key is a plain string", KEY("a/b.png"), "{\"k\":\"a/b.png\"}" },
	{ "other scripts stay readable", KEY("日本/ünï😀"), "{\"k\":\"日本/ünï😀\"}" },
	{ "quotes and backslashes", KEY("a\"b\\c"), "{\"k\":\"a\\\"b\\\\c\"}" },
	{ "newlines and controls", KEY("a\nb\033"), "{\"k\":\"a\\nb\\u001b\"}" },
	{ "a NUL does not end a key", KEY("a\0b"), "{\"k\":\"a\\u0000b\"}" },
	{ "what would reorder a terminal's text", KEY("a\342\200\256b"), "{\"k\":\"a\\u202eb\"}" },
	{ "C1 controls", KEY("\302\233m"), "{\"k\":\"\\u009bm\"}" },
	{ "invalid UTF-8 comes in base64", KEY("\377"),
	  "{\"k\":{\"base64\":\"/w==\",\"text\":\"\\\\xff\"}}" },
	{ "two bytes of it", KEY("a\377"), "{\"k\":{\"base64\":\"Yf8=\",\"text\":\"a\\\\xff\"}}" },
	{ "three", KEY("ab\377"), "{\"k\":{\"base64\":\"YWL/\",\"text\":\"ab\\\\xff\"}}" },
	{ "an overlong slash is not a slash", KEY("\300\257"),
	  "{\"k\":{\"base64\":\"wK8=\",\"text\":\"\\\\xc0\\\\xaf\"}}" },
	{ "a surrogate is not a character", KEY("\355\240\200"),
	  "{\"k\":{\"base64\":\"7aCA\",\"text\":\"\\\\xed\\\\xa0\\\\x80\"}}" },
	{ "nor is a cut sequence", KEY("\342\202"),
	  "{\"k\":{\"base64\":\"4oI=\",\"text\":\"\\\\xe2\\\\x82\"}}" },
	{ "nothing is an empty string", KEY(""), "{\"k\":\"\"}" },
};

static void expect(const struct buf *b, const char *why, const char *text)
{
	ck_assert_msg(b->len == strlen(text) && !memcmp(b->p, text, b->len), "%s: got %.*s", why,
		      (int)b->len, (const char *)b->p);
}

START_TEST(keys_survive)
{
	BUF_AUTO struct buf b = BUF_INIT(1024);
	struct json j = JSON_INIT(&b);

	json_object(&j, NULL);
	json_key(&j, "k", bytes_of(keys[_i].in, keys[_i].n));
	json_end_object(&j);
	ck_assert(j.ok);
	expect(&b, keys[_i].why, keys[_i].out);
}
END_TEST

START_TEST(commas_stand_where_they_belong)
{
	BUF_AUTO struct buf b = BUF_INIT(1024);
	struct json j = JSON_INIT(&b);

	json_object(&j, NULL);
	json_array(&j, "empty");
	json_end_array(&j);
	json_array(&j, "a");
	json_uint(&j, NULL, UINT64_MAX);
	json_int(&j, NULL, INT64_MIN);
	json_object(&j, NULL);
	json_bool(&j, "t", true);
	json_bool(&j, "f", false);
	json_end_object(&j);
	json_text(&j, NULL, NULL);
	json_end_array(&j);
	json_text(&j, "last", "x");
	json_end_object(&j);
	expect(&b, "nesting",
	       "{\"empty\":[],\"a\":[18446744073709551615,-9223372036854775808,"
	       "{\"t\":true,\"f\":false},null],\"last\":\"x\"}");
}
END_TEST

START_TEST(text_that_is_not_utf8_is_escaped)
{
	BUF_AUTO struct buf b = BUF_INIT(1024);
	struct json j = JSON_INIT(&b);

	json_text(&j, NULL, "server said \377");
	expect(&b, "text", "\"server said \\\\xff\"");
}
END_TEST

START_TEST(no_time_is_null)
{
	BUF_AUTO struct buf b = BUF_INIT(1024);
	struct json j = JSON_INIT(&b);

	json_array(&j, NULL);
	json_time(&j, NULL, 0);
	json_time(&j, NULL, INT64_C(1795255872000000000));
	json_end_array(&j);
	expect(&b, "times", "[null,\"2026-11-21T10:11:12Z\"]");
}
END_TEST

START_TEST(a_full_buffer_is_noticed)
{
	BUF_AUTO struct buf b = BUF_INIT(8);
	struct json j = JSON_INIT(&b);

	json_text(&j, NULL, "longer than that");
	ck_assert(!j.ok);
	json_text(&j, NULL, "");
	ck_assert(!j.ok);
}
END_TEST

START_TEST(misnesting_is_a_bug)
{
	BUF_AUTO struct buf b = BUF_INIT(8);
	struct json j = JSON_INIT(&b);

	json_end_object(&j);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("json");
	TCase *t = tcase_create("json");
	SRunner *r = srunner_create(s);
	int failed;

	tcase_add_loop_test(t, keys_survive, 0, sizeof(keys) / sizeof(keys[0]));
	tcase_add_test(t, commas_stand_where_they_belong);
	tcase_add_test(t, text_that_is_not_utf8_is_escaped);
	tcase_add_test(t, no_time_is_null);
	tcase_add_test(t, a_full_buffer_is_noticed);
	if (srunner_fork_status(r) == CK_FORK)
		tcase_add_test_raise_signal(t, misnesting_is_a_bug, SIGABRT);
	suite_add_tcase(s, t);
	srunner_set_tap(r, "-");
	srunner_run_all(r, CK_SILENT);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
