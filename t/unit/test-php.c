/* SPDX-License-Identifier: MIT */
#include "job/texts/php.h"
#include "tap.h"
#include "text-help.h"

/* codec: php: lengths fit afterwards, and what is no such value stays as it is. */
#define COUNT(array_) (sizeof(array_) / sizeof((array_)[0]))
#define B(s_) s_, sizeof(s_) - 1

static const struct pair images[] = {
	{ "image/1", "new/image/1" },
	{ "image/10", "new/image/10" },
	{ "x", "a name that is much longer than all the others, so that lengths get more digits: "
	       "0123456789" },
};

static const struct {
	const char *why, *text;
	size_t n;
	const char *wanted;
	size_t wanted_n;
} values[] = {
	{ "a string", B("s:7:\"image/1\";"), B("s:11:\"new/image/1\";") },
	{ "more digits", B("s:1:\"x\";"),
	  B("s:91:\"a name that is much longer than all the others, so that lengths get more "
	    "digits: 0123456789\";") },
	{ "one among others", B("s:18:\"a image/1 image/10\";"),
	  B("s:26:\"a new/image/1 new/image/10\";") },
	{ "an array", B("a:2:{s:5:\"image\";s:8:\"image/10\";i:5;i:7;}"),
	  B("a:2:{s:5:\"image\";s:12:\"new/image/10\";i:5;i:7;}") },
	{ "arrays in each other", B("a:1:{i:0;a:1:{i:0;a:1:{i:0;s:7:\"image/1\";}}}"),
	  B("a:1:{i:0;a:1:{i:0;a:1:{i:0;s:11:\"new/image/1\";}}}") },
	{ "an object with references",
	  B("O:8:\"stdClass\":3:{s:1:\"a\";s:7:\"image/1\";s:1:\"b\";R:2;s:1:\"c\";r:1;}"),
	  B("O:8:\"stdClass\":3:{s:1:\"a\";s:11:\"new/image/1\";s:1:\"b\";R:2;s:1:\"c\";r:1;}") },
	{ "a property that is protected", B("O:1:\"A\":1:{s:4:\"\0*\0p\";s:7:\"image/1\";}"),
	  B("O:1:\"A\":1:{s:4:\"\0*\0p\";s:11:\"new/image/1\";}") },
	{ "all scalars",
	  B("a:6:{i:0;N;i:1;b:1;i:2;i:-12;i:3;d:-1.0E+25;i:4;d:NAN;i:5;"
	    "s:7:\"image/1\";}"),
	  B("a:6:{i:0;N;i:1;b:1;i:2;i:-12;i:3;d:-1.0E+25;i:4;d:NAN;i:5;s:11:\"new/image/1\";}") },
	{ "a value in a value", B("s:14:\"s:7:\"image/1\";\";"),
	  B("s:19:\"s:11:\"new/image/1\";\";") },
	{ "and in that another", B("a:1:{i:0;s:22:\"s:14:\"s:7:\"image/1\";\";\";}"),
	  B("a:1:{i:0;s:27:\"s:19:\"s:11:\"new/image/1\";\";\";}") },
	{ "quotes and braces in a string", B("s:15:\"\";}{ image/1;;\"\";"), NULL, 0 },
	{ "lengths count bytes", B("s:10:\"\303\251 image/1\";"),
	  B("s:14:\"\303\251 new/image/1\";") },
	{ "JSON in a string", B("s:22:\"{\"a\":\"image\\/1\",\"b\":0}\";"), NULL, 0 },
	{ "blanks behind", B("s:7:\"image/1\"; \n"), B("s:11:\"new/image/1\"; \n") },
	{ "an enumeration's case", B("a:2:{i:0;E:7:\"A:image\";i:1;s:7:\"image/1\";}"),
	  B("a:2:{i:0;E:7:\"A:image\";i:1;s:11:\"new/image/1\";}") },
	{ "what a class wrote", B("a:2:{i:0;C:1:\"A\":7:{image_1}i:1;s:7:\"image/1\";}"),
	  B("a:2:{i:0;C:1:\"A\":7:{image_1}i:1;s:11:\"new/image/1\";}") },
	{ "escaped strings stay", B("a:2:{i:0;S:3:\"a\\62c\";i:1;s:7:\"image/1\";}"),
	  B("a:2:{i:0;S:3:\"a\\62c\";i:1;s:11:\"new/image/1\";}") },
	{ "an empty array", B("a:0:{}"), B("a:0:{}") },
	{ "other text", B("see image/1; s: 7, \"image/1\";"),
	  B("see new/image/1; s: 7, \"new/image/1\";") },
	{ "a word with a colon", B("a:image/1"), B("a:new/image/1") },
};

START_TEST(lengths_fit_afterwards)
{
	struct helped h;

	help_begin(&h, images, COUNT(images), "{key}", NULL, CODEC_PHP, NULL);
	if (values[_i].wanted) {
		struct migrate_bytes wanted = bytes_of(values[_i].wanted, values[_i].wanted_n);

		help_expect(&h, bytes_of(values[_i].text, values[_i].n), wanted);
		help_expect(&h, wanted, wanted);
	} else {
		BUF_AUTO struct buf out = BUF_INIT(1u << 20);

		/* whatever became of it: it can be read again */
		help_replace(&h, bytes_of(values[_i].text, values[_i].n), &out);
		ck_assert_uint_gt(h.counts.places, 0);
		ck_assert_int_eq(php_kind(bytes_of(out.p, out.len)), PHP_VALUE);
	}
	ck_assert_uint_eq(h.counts.fixed, 0);
	help_end(&h);
}
END_TEST

static const struct {
	const char *why, *text;
} malformed[] = {
	{ "too long a length", "s:8:\"image/1\";" },
	{ "too short a length", "s:6:\"image/1\";" },
	{ "a length without end", "s:99999999999999999999999999:\"image/1\";" },
	{ "an absurd length", "s:18446744073709551615:\"image/1\";" },
	{ "a leading zero", "s:07:\"image/1\";" },
	{ "no semicolon", "s:7:\"image/1\"" },
	{ "something behind", "s:7:\"image/1\";x" },
	{ "two values", "s:7:\"image/1\";s:7:\"image/1\";" },
	{ "fewer members", "a:2:{i:0;s:7:\"image/1\";}" },
	{ "more members", "a:0:{i:0;s:7:\"image/1\";}" },
	{ "an absurd count", "a:999999999:{i:0;s:7:\"image/1\";}" },
	{ "an open array", "a:1:{i:0;s:7:\"image/1\";" },
	{ "a key that cannot be one", "a:1:{N;s:7:\"image/1\";}" },
	{ "an unknown kind", "a:2:{i:0;q:1;i:1;s:7:\"image/1\";}" },
	{ "an empty number", "a:2:{i:0;i:;i:1;s:7:\"image/1\";}" },
	{ "an object without a class", "O:0:1:{s:1:\"a\";s:7:\"image/1\";}" },
	{ "custom, cut", "C:1:\"A\":99:{ image/1 }" },
	{ "an escape that is cut", "a:2:{i:0;S:1:\"\\6\";i:1;s:7:\"image/1\";}" },
	{ "a value behind something", "name|s:7:\"image/1\";" },
	{ "a piece of one", "image/1 and a:1:{ and so on" },
	{ "cut in the middle", "a:1:{s:4:\"file\";s:7:\"image/1\"" },
};

START_TEST(what_is_malformed_stays_and_is_counted)
{
	struct migrate_bytes text = bytes_of_text(malformed[_i].text);
	struct helped h;

	help_begin(&h, images, COUNT(images), "{key}", NULL, CODEC_PHP, NULL);
	help_expect(&h, text, text);
	ck_assert_msg(h.counts.fixed > 0, "%s", malformed[_i].why);
	ck_assert_uint_eq(h.counts.places, 0);
	help_end(&h);
}
END_TEST

/* A malformed value as a string of a good one: that string alone stays. */
START_TEST(what_is_malformed_inside_stays_alone)
{
	struct helped h;

	help_begin(&h, images, COUNT(images), "{key}", NULL, CODEC_PHP, NULL);
	help_expect(&h, BYTES("a:2:{i:0;s:14:\"s:9:\"image/1\";\";i:1;s:7:\"image/1\";}"),
		    BYTES("a:2:{i:0;s:14:\"s:9:\"image/1\";\";i:1;s:11:\"new/image/1\";}"));
	ck_assert_uint_eq(h.counts.fixed, 1);
	ck_assert_uint_eq(h.counts.places, 1);
	help_end(&h);
}
END_TEST

START_TEST(keys_and_what_a_class_wrote_stay_and_are_counted)
{
	struct helped h;

	help_begin(&h, images, COUNT(images), "{key}", NULL, CODEC_PHP, NULL);
	help_expect(&h, BYTES("a:1:{s:7:\"image/1\";s:8:\"image/10\";}"),
		    BYTES("a:1:{s:7:\"image/1\";s:12:\"new/image/10\";}"));
	ck_assert_uint_eq(h.counts.fixed, 1);
	help_expect(&h, BYTES("a:1:{i:0;C:1:\"A\":7:{image/1}}"),
		    BYTES("a:1:{i:0;C:1:\"A\":7:{image/1}}"));
	ck_assert_uint_eq(h.counts.fixed, 1);
	help_end(&h);
}
END_TEST

/* Each prefix of a good value is malformed, or is no value: nothing is ever broken. */
START_TEST(every_cut_is_noticed)
{
	static const char whole[] = "a:2:{s:4:\"file\";s:14:\"s:7:\"image/1\";\";s:1:\"b\";b:0;}";
	struct helped h;

	help_begin(&h, images, COUNT(images), "{key}", NULL, CODEC_PHP, NULL);
	for (size_t n = 5; n < sizeof(whole) - 1; n++) {
		ck_assert_int_eq(php_kind(bytes_of(whole, n)), PHP_MALFORMED);
		help_expect(&h, bytes_of(whole, n), bytes_of(whole, n));
	}
	ck_assert_int_eq(php_kind(bytes_of(whole, sizeof(whole) - 1)), PHP_VALUE);
	help_end(&h);
}
END_TEST

static char *nested_arrays(size_t depth, size_t *n)
{
	char *text = malloc(depth * 16 + 64), *p = text;

	ck_assert_ptr_nonnull(text);
	for (size_t i = 0; i < depth; i++)
		p += snprintf(p, 16, "a:1:{i:0;");
	p += snprintf(p, 32, "s:7:\"image/1\";");
	memset(p, '}', depth);
	*n = (size_t)(p - text) + depth;
	return text;
}

START_TEST(depth_has_an_end_and_the_stack_none_to_fear)
{
	static const struct {
		size_t depth;
		enum php_kind kind;
	} depths[] = { { 500, PHP_VALUE }, { 513, PHP_MALFORMED }, { 100000, PHP_MALFORMED } };

	for (size_t i = 0; i < COUNT(depths); i++) {
		size_t n;
		char *text = nested_arrays(depths[i].depth, &n);

		ck_assert_int_eq(php_kind(bytes_of(text, n)), depths[i].kind);
		free(text);
	}
}
END_TEST

/* Values in values, deeper than we follow: left alone and counted. */
START_TEST(nesting_has_an_end)
{
	char text[8192] = "s:7:\"image/1\";", outer[8192];
	struct helped h;

	help_begin(&h, images, COUNT(images), "{key}", NULL, CODEC_PHP, NULL);
	for (int i = 0; i < PHP_NESTED + 4; i++) {
		BUF_AUTO struct buf out = BUF_INIT(1u << 20);
		int n;

		help_replace(&h, bytes_of_text(text), &out);
		ck_assert_int_eq(php_kind(bytes_of(out.p, out.len)), PHP_VALUE);
		ck_assert_uint_eq(h.counts.places + h.counts.fixed, 1);
		ck_assert_uint_eq(h.counts.places, i <= PHP_NESTED);
		n = snprintf(outer, sizeof(outer), "s:%zu:\"%s\";", strlen(text), text);
		ck_assert_int_lt(n, (int)sizeof(text));
		memcpy(text, outer, (size_t)n + 1);
	}
	help_end(&h);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("php");
	TCase *t = tcase_create("php");

	tcase_add_loop_test(t, lengths_fit_afterwards, 0, COUNT(values));
	tcase_add_loop_test(t, what_is_malformed_stays_and_is_counted, 0, COUNT(malformed));
	tcase_add_test(t, what_is_malformed_inside_stays_alone);
	tcase_add_test(t, keys_and_what_a_class_wrote_stay_and_are_counted);
	tcase_add_test(t, every_cut_is_noticed);
	tcase_add_test(t, depth_has_an_end_and_the_stack_none_to_fear);
	tcase_add_test(t, nesting_has_an_end);
	suite_add_tcase(s, t);
	return run_tap(s);
}
