/* SPDX-License-Identifier: MIT */
#include "../../plugins/redis/redis-impl.h"

#include "tap.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

/* Templates, addresses and answers of the plugin redis, without a server. */

static const struct migrate_changed_row row = {
	.old_key = { "old\0key", 7 },
	.new_key = { "new", 3 },
	.old_value = { "o/v", 3 },
	.new_value = { "n/v", 3 },
	.text = "a=1,b=x\\,y\\\\,c=z=1",
};

static const struct {
	const char *source, *becomes;
	size_t n;
	const char *text; /* NULL: the row's */
} good[] = {
	{ "fixed", "fixed", 5, NULL },
	{ "{old}", "old\0key", 7, NULL },
	{ "{new}:{old_value}:{new_value}", "new:o/v:n/v", 11, NULL },
	{ "{{}}", "{}", 2, NULL },
	{ "{{{new}}}", "{new}", 5, NULL },
	{ "{row.a}", "1", 1, NULL },
	{ "{row.b}!", "x,y\\!", 5, NULL },
	{ "{row.c}", "z=1", 3, NULL },
	{ "{row.id}", "17", 2, "id=17" },
	{ "{row.id}", "17", 2, "user_id=17" },
	{ "{row.user_id}", "17", 2, "user_id=17" },
	{ "{row.id}", "7", 1, "region=5,id=7" },
	{ "{row.id}", "", 0, "id=" },
	{ "{row.id}", "a,b=c", 5, "id=a\\,b=c" },
};

START_TEST(becomes_what_it_says)
{
	struct migrate_changed_row r = row;
	struct text out = { .n = 0 };
	struct template t;
	const char *missing;
	char why[256];

	ck_assert(template_parse(&t, good[_i].source, strlen(good[_i].source), why, sizeof(why)));
	r.text = good[_i].text ? good[_i].text : row.text;
	ck_assert_int_eq(template_expand(&t, &r, &out, &missing), EXPANDED);
	ck_assert_uint_eq(out.n, good[_i].n);
	if (out.n)
		ck_assert_mem_eq(out.p, good[_i].becomes, out.n);
	ck_assert_int_eq(template_is_fixed(&t),
			 !strchr(good[_i].source, '{') || !_i || !strcmp(good[_i].source, "{{}}"));
	template_release(&t);
	text_release(&out);
}
END_TEST

static const char *const bad[] = {
	"",      "{",      "}",      "a{",   "a}b",    "{}",    "{row}",    "{row.}",
	"{key}", "{ old}", "{old }", "{old", "{old}}", "{OLD}", "{a{old}}",
};

START_TEST(is_no_template)
{
	struct template t;
	char why[256] = "";

	ck_assert(!template_parse(&t, bad[_i], strlen(bad[_i]), why, sizeof(why)));
	ck_assert_ptr_nonnull(strstr(why, bad[_i]));
	template_release(&t);
}
END_TEST

START_TEST(leaves_out_what_a_key_has_not)
{
	static const char source[] = "x{old}{row.d}";
	struct text out = { .n = 0 };
	struct template t;
	const char *missing;
	char why[256];

	ck_assert(template_parse(&t, source, strlen(source), why, sizeof(why)));
	ck_assert_int_eq(template_expand(&t, &row, &out, &missing), EXPANDED_NOT);
	ck_assert_str_eq(missing, "d");
	ck_assert_uint_eq(out.n, 0);
	template_release(&t);
	text_release(&out);
}
END_TEST

START_TEST(is_too_long)
{
	static char key[NAME_BYTES_MAX / 2];
	const struct migrate_changed_row r = { .old_key = { key, sizeof(key) }, .text = "" };
	struct text out = { .n = 0 };
	struct template t;
	const char *missing;
	char why[256];

	ck_assert(template_parse(&t, "{old}{old}x", 11, why, sizeof(why)));
	ck_assert_int_eq(template_expand(&t, &r, &out, &missing), EXPANDED_TOO_LONG);
	ck_assert_uint_eq(out.n, 0);
	template_release(&t);
	text_release(&out);
}
END_TEST

static const struct {
	const char *url, *host, *port, *user, *password;
	int64_t database;
	bool tls;
} urls[] = {
	{ "redis://h", "h", "6379", NULL, NULL, 0, false },
	{ "redis://h:1", "h", "1", NULL, NULL, 0, false },
	{ "redis://h/", "h", "6379", NULL, NULL, 0, false },
	{ "redis://h/12", "h", "6379", NULL, NULL, 12, false },
	{ "rediss://:p@h:2/3", "h", "2", NULL, "p", 3, true },
	{ "redis://u:p@h", "h", "6379", "u", "p", 0, false },
	{ "redis://u%40x:p%3A%2F%25@h", "h", "6379", "u@x", "p:/%", 0, false },
	{ "redis://u:a@b@h", "h", "6379", "u", "a@b", 0, false },
	{ "redis://u:a:b@h", "h", "6379", "u", "a:b", 0, false },
	{ "redis://[::1]", "::1", "6379", NULL, NULL, 0, false },
	{ "redis://[::1]:7/1", "::1", "7", NULL, NULL, 1, false },
};

static void same_text(const char *a, const char *b)
{
	if (a && b)
		ck_assert_str_eq(a, b);
	else
		ck_assert_ptr_eq(a, b);
}

START_TEST(takes_a_url)
{
	const struct redis_config config = { .url = urls[_i].url };
	struct address a;
	const char *option;
	char why[256];

	ck_assert(address_take(&config, &a, &option, why, sizeof(why)));
	same_text(a.host, urls[_i].host);
	same_text(a.port, urls[_i].port);
	same_text(a.user, urls[_i].user);
	same_text(a.password, urls[_i].password);
	ck_assert_int_eq(a.database, urls[_i].database);
	ck_assert_int_eq(a.tls, urls[_i].tls);
	address_release(&a);
}
END_TEST

static const char *const bad_urls[] = {
	"http://h",      "redis://",         "redis://:1",
	"redis://h:",    "redis://h:x",      "redis://h/x",
	"redis://h/1/2", "redis://h?db=1",   "redis://h/1234567",
	"redis://[::1",  "redis://[::1]x:1", "redis://u@h",
	"redis://u:%@h", "redis://u:%zz@h",  "redis://u:%00@h",
	"redisx://h",    "REDIS://h",        "redis://u:canary@h:x",
};

START_TEST(is_no_url)
{
	const struct redis_config config = { .url = bad_urls[_i] };
	struct address a;
	const char *option;
	char why[256] = "";

	ck_assert(!address_take(&config, &a, &option, why, sizeof(why)));
	ck_assert_str_eq(option, "url");
	ck_assert_ptr_null(strstr(why, "canary"));
	address_release(&a);
}
END_TEST

START_TEST(makes_actions_in_order)
{
	static const char *const rewrite[] = { "s:{old}", "h:{old}  f {new}" };
	static const char *const invalidate[] = { "k" };
	static const struct migrate_pair publish[] = { { "c", "m" } };
	const struct redis_config config = { .rewrite = { 2, rewrite },
					     .invalidate = { 1, invalidate },
					     .publish = { 1, publish } };
	static const enum action_kind kinds[] = { ACTION_STRING, ACTION_HASH, ACTION_UNLINK,
						  ACTION_PUBLISH };
	struct instance inst = { .count = 0 };
	const char *option;
	char why[256];
	size_t at;

	ck_assert(actions_take(&config, &inst, &option, &at, why, sizeof(why)));
	ck_assert_uint_eq(inst.count, 4);
	for (size_t i = 0; i < 4; i++)
		ck_assert_int_eq(inst.actions[i].kind, kinds[i]);
	ck_assert_str_eq(inst.actions[1].field.source, "f {new}");
	actions_release(&inst);
}
END_TEST

START_TEST(knows_its_script)
{
	char sha[41];

	ck_assert(script_sha(sha));
	ck_assert_uint_eq(strlen(sha), 40);
	ck_assert_uint_eq(strspn(sha, "0123456789abcdef"), 40);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("redis");
	TCase *t = tcase_create("redis");

	tcase_add_loop_test(t, becomes_what_it_says, 0, sizeof(good) / sizeof(good[0]));
	tcase_add_loop_test(t, is_no_template, 0, sizeof(bad) / sizeof(bad[0]));
	tcase_add_test(t, leaves_out_what_a_key_has_not);
	tcase_add_test(t, is_too_long);
	tcase_add_loop_test(t, takes_a_url, 0, sizeof(urls) / sizeof(urls[0]));
	tcase_add_loop_test(t, is_no_url, 0, sizeof(bad_urls) / sizeof(bad_urls[0]));
	tcase_add_test(t, makes_actions_in_order);
	tcase_add_test(t, knows_its_script);
	suite_add_tcase(s, t);
	return run_tap(s);
}
