/* SPDX-License-Identifier: MIT */
#include "job-fixture.h"

#include "tap.h"

/* Keys in columns: what a value pattern writes it reads again, and nothing else. */
#define K(s_) s_, sizeof(s_) - 1
static const struct {
	const char *why, *pattern, *key;
	size_t key_n;
	const char *value;
	size_t value_n;
} pairs[] = {
	{ "the key alone", "{key}", K("a/b c"), K("a/b c") },
	{ "bytes of any kind", "{key}", K("a\0\377\n"), K("a\0\377\n") },
	{ "in a URL", "https://h/{key}", K("a/b"), K("https://h/a/b") },
	{ "with something behind", "x{key}y", K("y"), K("xyy") },
	{ "braces", "{{{key}}}", K("a"), K("{a}") },
	{ "braces in the text", "{{a}}{key}", K("b"), K("{a}b") },
	{ "percent-encoding", "/{key:url}", K("a b/\303\251+~%2F"), K("/a%20b/%C3%A9%2B~%252F") },
	{ "percent-encoded NUL", "{key:url}", K("\0"), K("%00") },
};

START_TEST(a_value_and_its_key_are_one_to_one)
{
	BUF_AUTO struct buf value = BUF_INIT(1u << 20);
	BUF_AUTO struct buf key = BUF_INIT(1u << 20);
	struct error err = ERROR_INIT;
	struct value_pattern *v = value_pattern_new(pairs[_i].pattern, &err);

	ck_assert_msg(v != NULL, "%s: %s", pairs[_i].why, err.text);
	ck_assert(value_pattern_encode(v, bytes_of(pairs[_i].key, pairs[_i].key_n), &value));
	ck_assert_msg(
	    bytes_equal(bytes_of(value.p, value.len), bytes_of(pairs[_i].value, pairs[_i].value_n)),
	    "%s: '%.*s'", pairs[_i].why, (int)value.len, (char *)value.p);
	ck_assert(value_pattern_decode(v, bytes_of(value.p, value.len), &key));
	ck_assert(bytes_equal(bytes_of(key.p, key.len), bytes_of(pairs[_i].key, pairs[_i].key_n)));
	value_pattern_free(v);
}
END_TEST

static const struct {
	const char *why, *pattern, *value;
	size_t value_n;
} strangers[] = {
	{ "an empty value", "{key}", K("") },
	{ "an empty key", "a{key}b", K("ab") },
	{ "before and behind share bytes", "aba{key}ba", K("abaa") },
	{ "another start", "a/{key}", K("b/x") },
	{ "another end", "{key}.png", K("x.jpg") },
	{ "lower case digits", "{key:url}", K("%c3") },
	{ "encoded without need", "{key:url}", K("%41") },
	{ "an encoded slash", "{key:url}", K("a%2Fb") },
	{ "not encoded at all", "{key:url}", K("a b") },
	{ "a plus is no blank", "{key:url}", K("a+b") },
	{ "a cut escape", "{key:url}", K("a%2") },
	{ "a percent at the end", "{key:url}", K("a%") },
	{ "no hexadecimal digits", "{key:url}", K("%GG") },
};

START_TEST(a_value_that_cannot_be_made_again_is_no_match)
{
	BUF_AUTO struct buf key = BUF_INIT(1u << 20);
	struct error err = ERROR_INIT;
	struct value_pattern *v = value_pattern_new(strangers[_i].pattern, &err);

	ck_assert_ptr_nonnull(v);
	ck_assert(buf_add_text(&key, "kept"));
	ck_assert_msg(
	    !value_pattern_decode(v, bytes_of(strangers[_i].value, strangers[_i].value_n), &key),
	    "%s", strangers[_i].why);
	ck_assert_uint_eq(key.len, 4);
	value_pattern_free(v);
}
END_TEST

START_TEST(a_value_that_is_too_long_is_refused)
{
	static char key[MIGRATE_KEY_MAX];
	BUF_AUTO struct buf value = BUF_INIT(1u << 20);
	struct error err = ERROR_INIT;
	struct value_pattern *v = value_pattern_new("a{key}", &err);

	memset(key, 'k', sizeof(key));
	ck_assert(value_pattern_encode(v, bytes_of(key, sizeof(key) - 1), &value));
	buf_reset(&value);
	ck_assert(!value_pattern_encode(v, bytes_of(key, sizeof(key)), &value));
	ck_assert_uint_eq(value.len, 0);
	value_pattern_free(v);
}
END_TEST

START_TEST(equal_patterns_are_told_from_others)
{
	static const char *const texts[] = { "{key}", "{key:url}", "a{key}", "{key}a", "b{key}" };
	const size_t n = sizeof(texts) / sizeof(texts[0]);
	struct error err = ERROR_INIT;

	for (size_t i = 0; i < n; i++) {
		for (size_t k = 0; k < n; k++) {
			struct value_pattern *a = value_pattern_new(texts[i], &err);
			struct value_pattern *b = value_pattern_new(texts[k], &err);

			ck_assert_int_eq(value_pattern_equal(a, b), i == k);
			value_pattern_free(a);
			value_pattern_free(b);
		}
	}
}
END_TEST

/* ---- Globs ---- */

static const struct {
	const char *pattern, *text;
	size_t n;
	bool matches;
} globs[] = {
	{ "*.png", K("a/b/c.png"), true },
	{ "*.png", K("a.png2"), false },
	{ "*", K(""), true },
	{ "", K("a"), false },
	{ "a?c", K("abc"), true },
	{ "a?c", K("ac"), false },
	{ "a?c", K("a/c"), true },
	{ "a*b*c", K("axxbyybzc"), true },
	{ "a*b*c", K("axxbyyb"), false },
	{ "**", K("x"), true },
	{ "[a-c]x", K("bx"), true },
	{ "[a-c]x", K("dx"), false },
	{ "[!a-c]x", K("dx"), true },
	{ "[!a-c]x", K("ax"), false },
	{ "[]]", K("]"), true },
	{ "[!]]", K("]"), false },
	{ "[a-]", K("-"), true },
	{ "[\\]]", K("]"), true },
	{ "\\*", K("*"), true },
	{ "\\*", K("a"), false },
	{ "a\\", K("a\\"), true },
	{ "[a", K("[a"), true },
	{ "a*", K("a\0\n\377"), true },
	{ "?", K("\377"), true },
	{ "[\200-\377]", K("\303"), true },
	{ "*a*", K("bbb"), false },
	{ "image/*", K("image/"), true },
	{ "image/*", K("Image/x"), false },
};

START_TEST(a_glob_takes_the_whole_key)
{
	ck_assert_msg(glob_match(globs[_i].pattern, bytes_of(globs[_i].text, globs[_i].n)) ==
			  globs[_i].matches,
		      "'%s' on '%s'", globs[_i].pattern, globs[_i].text);
}
END_TEST

/* Stars that backtrack into each other would take years here. */
START_TEST(a_glob_takes_no_time)
{
	static char text[60000];

	memset(text, 'a', sizeof(text));
	ck_assert(!glob_match("*a*a*a*a*a*a*a*a*a*a*a*a*b", bytes_of(text, sizeof(text))));
	ck_assert(glob_match("*a*a*a*a*a*a*a*a*a*a*a*a*", bytes_of(text, sizeof(text))));
}
END_TEST

START_TEST(exclude_wins_and_says_why)
{
	static const char *const include[] = { "*.png", "*.jpg" }, *const exclude[] = { "a/tmp/*" };
	const struct selection s = { .prefix = BYTES("a/"),
				     .include = { 2, include },
				     .exclude = { 1, exclude } };
	const struct selection all = { .prefix = BYTES("") };
	const char *why;

	ck_assert(selection_takes(&s, BYTES("a/x.jpg"), &why));
	ck_assert(!selection_takes(&s, BYTES("b/x.jpg"), &why));
	ck_assert_str_eq(why, "keys.prefix");
	ck_assert(!selection_takes(&s, BYTES("a/x.gif"), &why));
	ck_assert_str_eq(why, "keys.include");
	ck_assert(!selection_takes(&s, BYTES("a/tmp/x.png"), &why));
	ck_assert_str_eq(why, "a/tmp/*");
	ck_assert(selection_takes(&all, BYTES("\0"), &why));
}
END_TEST

START_TEST(what_cannot_be_listed_is_taken_for_what_may_be_in_it)
{
	static const char *const include[] = { "a/x/*.png", "a/[0-9]/?/z" }, *const exclude[] = {
		"a/x/tmp/*", "*/old/"
	};
	const struct selection s = { .prefix = BYTES("a/"),
				     .include = { 2, include },
				     .exclude = { 2, exclude } };
	const char *why;

	ck_assert(selection_may_take(&s, BYTES("a/x/"), &why));
	ck_assert(selection_may_take(&s, BYTES("a/x/deep/er/"), &why));
	ck_assert(selection_may_take(&s, BYTES("a/5/b/"), &why));
	ck_assert(!selection_may_take(&s, BYTES("a/5/bb/"), &why));
	ck_assert(!selection_may_take(&s, BYTES("a/y/"), &why));
	ck_assert_str_eq(why, "keys.include");
	ck_assert(!selection_may_take(&s, BYTES("a/x/tmp/"), &why));
	ck_assert_str_eq(why, "a/x/tmp/*");
	ck_assert(!selection_may_take(&s, BYTES("a/x/old/"), &why));
	ck_assert(!selection_may_take(&s, BYTES("b/"), &why));
	ck_assert_str_eq(why, "keys.prefix");
	/* one that is no folder is what it is */
	ck_assert(!selection_may_take(&s, BYTES("a/x"), &why));
	ck_assert(selection_may_take(&s, BYTES("a/x/1.png"), &why));
}
END_TEST

int main(void)
{
	Suite *s = suite_create("pattern");
	TCase *t = tcase_create("pattern");

	tcase_add_loop_test(t, a_value_and_its_key_are_one_to_one, 0,
			    sizeof(pairs) / sizeof(pairs[0]));
	tcase_add_loop_test(t, a_value_that_cannot_be_made_again_is_no_match, 0,
			    sizeof(strangers) / sizeof(strangers[0]));
	tcase_add_test(t, a_value_that_is_too_long_is_refused);
	tcase_add_test(t, equal_patterns_are_told_from_others);
	tcase_add_loop_test(t, a_glob_takes_the_whole_key, 0, sizeof(globs) / sizeof(globs[0]));
	tcase_add_test(t, a_glob_takes_no_time);
	tcase_add_test(t, exclude_wins_and_says_why);
	tcase_add_test(t, what_cannot_be_listed_is_taken_for_what_may_be_in_it);
	suite_add_tcase(s, t);
	return run_tap(s);
}
