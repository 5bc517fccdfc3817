/* SPDX-License-Identifier: MIT */
#include "text-help.h"

#include "tap.h"

/* match: contains: which places of a text are values, and what stands there afterwards. */
#define COUNT(array_) (sizeof(array_) / sizeof((array_)[0]))

struct text {
	const char *why, *text, *wanted; /* wanted NULL: as it is */
};

static void run_all(struct helped *h, const struct text *texts, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		const char *wanted = texts[i].wanted ? texts[i].wanted : texts[i].text;

		help_expect(h, bytes_of_text(texts[i].text), bytes_of_text(wanted));
		/* and then never again */
		help_expect(h, bytes_of_text(wanted), bytes_of_text(wanted));
	}
	help_end(h);
}

static const struct pair images[] = {
	{ "image/1", "new/image/1" },
	{ "image/10", "new/image/10" },
	{ "image/1.png", "new/image/1.png" },
	{ "image/a b", "new/image/a b" },
	{ "image/a", "new/image/a" },
	{ "image/lost", NULL },
	{ "image/\303\251.png", "new/image/\303\251.png" },
	{ "image/x&y", "new/image/x&y" },
};

static const struct text plain[] = {
	{ "alone", "image/1", "new/image/1" },
	{ "the longest key", "image/10", "new/image/10" },
	{ "inside a longer name", "image/11 image/1x image/1-2 image/1_2", NULL },
	{ "behind other letters", "old-image/1 ximage/1 /image/1 a/image/1 1image/1", NULL },
	{ "in front of a folder", "image/1/thumb image/1\\/thumb", NULL },
	{ "with an ending", "image/1.png image/1.jpg", "new/image/1.png image/1.jpg" },
	{ "at the end of a sentence", "image/1. image/1.", "new/image/1. new/image/1." },
	{ "dots", "image/1... image/1..x", "new/image/1... image/1..x" },
	{ "several, with marks between", "(image/1),image/10;\"image/1\"",
	  "(new/image/1),new/image/10;\"new/image/1\"" },
	{ "with a query", "image/1?w=1&src=image/10#x", "new/image/1?w=1&src=new/image/10#x" },
	{ "in HTML", "<img src='image/1'><a href=\"image/10\">image/1</a>",
	  "<img src='new/image/1'><a href=\"new/image/10\">new/image/1</a>" },
	{ "in Markdown", "![x](image/1 \"t\") *image/10*",
	  "![x](new/image/1 \"t\") *new/image/10*" },
	{ "keys with blanks, the longest", "image/a b image/a c", "new/image/a b new/image/a c" },
	{ "a larger resolution", "image/1@2x.png", NULL },
	{ "percent behind", "image/1%20b", NULL },
	{ "what was not copied", "image/lost image/1", "image/lost new/image/1" },
	{ "JSON with slashes escaped", "{\"a\":\"image\\/1\"}", "{\"a\":\"new\\/image\\/1\"}" },
	{ "JSON, behind a line break", "\"a\\nimage/1\\timage/10\"",
	  "\"a\\nnew/image/1\\tnew/image/10\"" },
	{ "JSON, letters escaped", "\"image\\/\\u00e9.png\"", "\"new\\/image\\/\\u00e9.png\"" },
	{ "JSON, the letter escaped behind", "image/1\\u00e9", NULL },
	{ "JSON, the letter escaped before", "\\u00e9image/1 \\u0022image/1\\u0022",
	  "\\u00e9image/1 \\u0022new/image/1\\u0022" },
	{ "a backslash that is one", "\"\\\\nimage/1\"", NULL },
	{ "letters of other scripts", "image/\303\251.png \303\251image/1 image/1\303\251",
	  "new/image/\303\251.png \303\251image/1 image/1\303\251" },
	{ "marks of other scripts", "\302\253image/1\302\273 image/1\343\200\202",
	  "\302\253new/image/1\302\273 new/image/1\343\200\202" },
	{ "bytes that are no character", "\377image/1 image/1\377", NULL },
	{ "HTML references", "&quot;image/1&quot; &#34;image/10&#34;",
	  "&quot;new/image/1&quot; &#34;new/image/10&#34;" },
	{ "HTML references that are letters", "&eacute;image/1 image/1&eacute;", NULL },
	{ "an ampersand, as itself", "image/x&y", "new/image/x&y" },
	{ "an ampersand, as HTML has it", "image/x&amp;y image/x&#038;y",
	  "new/image/x&amp;y new/image/x&amp;y" },
	{ "new ones are no old ones", "new/image/1 new/image/10", NULL },
	{ "nothing", "", NULL },
	{ "cut off", "image/", NULL },
	{ "an escape that is cut", "image/1\\", "new/image/1\\" },
	{ "a reference that is cut", "image/1&", "new/image/1&" },
	{ "half a pair of surrogates", "image\\/1\\ud800", "new\\/image\\/1\\ud800" },
};

START_TEST(a_value_is_replaced_where_it_is_a_word)
{
	struct helped h;

	help_begin(&h, images, COUNT(images), "{key}", NULL, CODEC_NONE, NULL);
	run_all(&h, plain, COUNT(plain));
}
END_TEST

static const struct pair files[] = {
	{ "a/1.png", "z/1.png" },
	{ "a/b c(1).png", "z/b c(1).png" },
	{ "a/\303\251.png", "z/\303\251.png" },
	{ "a/p+q.png", "z/p+q.png" },
};

static const struct text urls[] = {
	{ "in prose", "see https://o.example/a/1.png.", "see https://n.example/z/1.png." },
	{ "canonical", "https://o.example/a/b%20c%281%29.png",
	  "https://n.example/z/b%20c%281%29.png" },
	{ "brackets as they are", "https://o.example/a/b%20c(1).png",
	  "https://n.example/z/b%20c%281%29.png" },
	{ "small digits", "https://o.example/a/%c3%a9.png", "https://n.example/z/%C3%A9.png" },
	{ "letters as they are", "https://o.example/a/\303\251.png",
	  "https://n.example/z/%C3%A9.png" },
	{ "encoded without need", "https://o.example/a/%31.png", "https://n.example/z/1.png" },
	{ "a plus is a plus", "https://o.example/a/p+q.png https://o.example/a/p%2Bq.png",
	  "https://n.example/z/p%2Bq.png https://n.example/z/p%2Bq.png" },
	{ "and no blank", "https://o.example/a/b+c(1).png", NULL },
	{ "an encoded slash is another spelling", "https://o.example/a%2F1.png", NULL },
	{ "blanks end it", "https://o.example/a/b c(1).png", NULL },
	{ "in Markdown", "![](https://o.example/a/1.png) (https://o.example/a/1.png)",
	  "![](https://n.example/z/1.png) (https://n.example/z/1.png)" },
	{ "with a query", "https://o.example/a/1.png?x=1", "https://n.example/z/1.png?x=1" },
	{ "in JSON", "\"https:\\/\\/o.example\\/a\\/1.png\"",
	  "\"https:\\/\\/n.example\\/z\\/1.png\"" },
	{ "another host", "https://xo.example/a/1.png http://o.example/a/1.png", NULL },
	{ "another scheme behind a letter", "xhttps://o.example/a/1.png", NULL },
	{ "behind letters of another script", "\350\247\201https://o.example/a/1.png",
	  "\350\247\201https://n.example/z/1.png" },
	{ "inside another URL", "?u=https%3A%2F%2Fo.example%2Fa%2F1.png", NULL },
	{ "a broken escape", "https://o.example/a/1.png%2", NULL },
};

START_TEST(urls_are_read_in_any_encoding_and_written_in_one)
{
	struct helped h;

	help_begin(&h, files, COUNT(files), "https://o.example/{key:url}",
		   "https://n.example/{key:url}", CODEC_NONE, NULL);
	run_all(&h, urls, COUNT(urls));
}
END_TEST

static const struct pair behinds[] = { { "1", "one" }, { "1 2", "one two" } };

static const struct text between[] = {
	{ "something behind", "[[1]] [[1 2]] [[3]]", "[[one]] [[one two]] [[3]]" },
	{ "cut off", "[[1] [[1", NULL },
	{ "no boundary is needed", "x[[1]]y", "x[[one]]y" },
};

START_TEST(a_pattern_may_have_an_end)
{
	struct helped h;

	help_begin(&h, behinds, COUNT(behinds), "[[{key}]]", NULL, CODEC_NONE, NULL);
	run_all(&h, between, COUNT(between));
}
END_TEST

/* image/x -> image/x 2: the old value stands in the new one, with a boundary behind it. */
START_TEST(a_new_value_that_holds_an_old_one_is_not_changed_again)
{
	static const struct pair pairs[] = { { "image/x", "image/x 2" },
					     { "image/y", "copy of image/y" } };
	static const char *const guards[] = { "image/x 2", "copy of image/y", NULL };
	static const struct text texts[] = {
		{ "replaced once", "image/x image/y", "image/x 2 copy of image/y" },
		{ "nor with something behind", "image/x 2", NULL },
		{ "an old one beside it", "image/x 2, image/x", "image/x 2, image/x 2" },
	};
	struct helped h;

	help_begin(&h, pairs, COUNT(pairs), "{key}", NULL, CODEC_NONE, guards);
	run_all(&h, texts, COUNT(texts));
}
END_TEST

START_TEST(what_would_need_quotes_is_left_alone_and_counted)
{
	static const struct pair pairs[] = { { "a", "say \"a\"" }, { "b\"c", "d\"e" } };
	struct helped h;

	help_begin(&h, pairs, COUNT(pairs), "{key}", NULL, CODEC_NONE, NULL);
	help_expect(&h, BYTES("<a title=\"a\">"), BYTES("<a title=\"a\">"));
	ck_assert_uint_eq(h.counts.unspelled, 2);
	help_expect(&h, BYTES("b\"c"), BYTES("d\"e"));
	help_expect(&h, BYTES("b\\\"c"), BYTES("d\\u0022e"));
	ck_assert_uint_eq(h.counts.unspelled, 0);
	help_end(&h);
}
END_TEST

START_TEST(places_are_counted)
{
	struct helped h;

	help_begin(&h, images, COUNT(images), "{key}", NULL, CODEC_NONE, NULL);
	help_expect(&h, BYTES("image/1 image/lost image/1 image/7"),
		    BYTES("new/image/1 image/lost new/image/1 image/7"));
	ck_assert_uint_eq(h.counts.places, 2);
	ck_assert_uint_eq(h.counts.left, 1);
	help_end(&h);
}
END_TEST

/* A megabyte of places, of beginnings, of boundaries: time must not explode. */
START_TEST(large_and_hostile_texts_take_their_time_and_no_more)
{
	static const char *const units[] = { "image/1 ", "image/", "i", "\\",       "&",
					     "&#",       "%",      ".", "image/a ", "https://" };
	const size_t n = 1u << 20;
	char *text = malloc(n);
	struct helped h;

	ck_assert_ptr_nonnull(text);
	help_begin(&h, images, COUNT(images), "{key}", NULL, CODEC_NONE, NULL);
	for (size_t u = 0; u < COUNT(units); u++) {
		BUF_AUTO struct buf out = BUF_INIT(1u << 24);
		size_t unit = strlen(units[u]);

		for (size_t i = 0; i < n; i++)
			text[i] = units[u][i % unit];
		help_replace(&h, bytes_of(text, n), &out);
		ck_assert_uint_eq(h.counts.places, u == 0 || u == 8 ? n / 8 : 0);
		arena_reset(&h.arena);
	}
	free(text);
	help_end(&h);
}
END_TEST

/* ---- Edits ---- */

START_TEST(what_is_no_packed_form_is_refused)
{
	static const unsigned char forms[][6] = {
		{ 0x80, 0x80, 0x80, 0x80, 0x80, 0x80 }, /* a number without end */
		{ 0, 0, 0, 9, 'x', 'y' },               /* cut */
		{ 100, 1, 0, 1, 'x', 0 },               /* behind the text */
		{ 0, 200, 1, 0, 0, 0 },                 /* more than the text */
	};

	for (size_t i = 0; i < COUNT(forms); i++) {
		BUF_AUTO struct buf out = BUF_INIT(4096);

		ck_assert(
		    !edits_unpack(bytes_of(forms[i], sizeof(forms[i])), BYTES("abcdef"), &out));
	}
}
END_TEST

/* ---- Layouts ---- */

static const struct {
	const char *why, *layout, *part, *key;
} layouts[] = {
	{ "folders by the first letters", "{key:0:2}/{key:2:2}/{key}", "abcdef", "ab/cd/abcdef" },
	{ "just long enough", "{key:0:2}/{key:2:2}/{key}", "abcd", "ab/cd/abcd" },
	{ "something around", "x{{{key}}}/{key:0:1}", "name", "x{name}/n" },
	{ "the key alone", "{key}", "a/b", "a/b" },
};

START_TEST(a_layout_is_one_to_one)
{
	for (size_t i = 0; i < COUNT(layouts); i++) {
		BUF_AUTO struct buf out = BUF_INIT(4096);
		struct error err = ERROR_INIT;
		struct value_pattern *v = value_pattern_new("<{key}>", &err);
		char value[64];

		ck_assert_msg(!value_pattern_set_layout(v, layouts[i].layout, &err), "%s",
			      err.text);
		snprintf(value, sizeof(value), "<%s>", layouts[i].part);
		ck_assert(value_pattern_decode(v, bytes_of_text(value), &out));
		ck_assert_msg(bytes_equal(bytes_of(out.p, out.len), bytes_of_text(layouts[i].key)),
			      "%s: '%.*s'", layouts[i].why, (int)out.len, (char *)out.p);
		buf_reset(&out);
		ck_assert(value_pattern_encode(v, bytes_of_text(layouts[i].key), &out));
		ck_assert(bytes_equal(bytes_of(out.p, out.len), bytes_of_text(value)));
		value_pattern_free(v);
	}
}
END_TEST

START_TEST(a_key_of_another_form_stands_in_no_row)
{
	static const char *const keys[] = { "ab/cd/abxdef", "ab/cd/",       "ab/cd/ab", "",
					    "xx/cd/abcd",   "ab-cd/abcdef", "image/1" };
	struct error err = ERROR_INIT;
	struct value_pattern *v = value_pattern_new("{key}", &err);
	BUF_AUTO struct buf out = BUF_INIT(4096);

	ck_assert(!value_pattern_set_layout(v, "{key:0:2}/{key:2:2}/{key}", &err));
	for (size_t i = 0; i < COUNT(keys); i++)
		ck_assert_msg(!value_pattern_encode(v, bytes_of_text(keys[i]), &out), "%s",
			      keys[i]);
	ck_assert(!value_pattern_decode(v, BYTES("abc"), &out));
	ck_assert_uint_eq(out.len, 0);
	value_pattern_free(v);
}
END_TEST

START_TEST(a_bad_layout_says_why)
{
	static const struct {
		const char *layout, *says;
	} bad[] = {
		{ "a/b", "once" },
		{ "{key}{key}", "once" },
		{ "{key:0:2}", "once" },
		{ "{name}", "only {key} and slices" },
		{ "{key:0:0}/{key}", "only {key} and slices" },
		{ "{key:0}/{key}", "only {key} and slices" },
		{ "{key:99999:1}{key}", "only {key} and slices" },
		{ "{key", "only {key} and slices" },
		{ "}{key}", "only {key} and slices" },
	};

	for (size_t i = 0; i < COUNT(bad); i++) {
		struct error err = ERROR_INIT;
		struct value_pattern *v = value_pattern_new("{key}", &err);

		ck_assert_msg(value_pattern_set_layout(v, bad[i].layout, &err), "%s",
			      bad[i].layout);
		ck_assert_msg(strstr(err.text, bad[i].says), "%s: %s", bad[i].layout, err.text);
		value_pattern_free(v);
	}
}
END_TEST

int main(void)
{
	Suite *s = suite_create("replace");
	TCase *texts = tcase_create("texts"), *parts = tcase_create("parts");

	tcase_add_test(texts, a_value_is_replaced_where_it_is_a_word);
	tcase_add_test(texts, urls_are_read_in_any_encoding_and_written_in_one);
	tcase_add_test(texts, a_pattern_may_have_an_end);
	tcase_add_test(texts, a_new_value_that_holds_an_old_one_is_not_changed_again);
	tcase_add_test(texts, what_would_need_quotes_is_left_alone_and_counted);
	tcase_add_test(texts, places_are_counted);
	tcase_add_test(texts, large_and_hostile_texts_take_their_time_and_no_more);
	tcase_set_timeout(texts, 60);
	tcase_add_test(parts, what_is_no_packed_form_is_refused);
	tcase_add_test(parts, a_layout_is_one_to_one);
	tcase_add_test(parts, a_key_of_another_form_stands_in_no_row);
	tcase_add_test(parts, a_bad_layout_says_why);
	suite_add_tcase(s, texts);
	suite_add_tcase(s, parts);
	return run_tap(s);
}
