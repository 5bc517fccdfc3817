/* SPDX-License-Identifier: MIT */
#include "s3-help.h"

/* Keys that somebody once took for something else, and how they stand in a path. */
static const struct {
	const char *key;
	size_t n;
	const char *path;
} keys[] = {
	{ BYTES_OF("plain.png"), "plain.png" },
	{ BYTES_OF("a b"), "a%20b" },
	{ BYTES_OF(" lead"), "%20lead" },
	{ BYTES_OF("trail "), "trail%20" },
	{ BYTES_OF("a+b"), "a%2Bb" },
	{ BYTES_OF("a%b"), "a%25b" },
	{ BYTES_OF("%41"), "%2541" },
	{ BYTES_OF("%00"), "%2500" },
	{ BYTES_OF("%zz"), "%25zz" },
	{ BYTES_OF("a#b"), "a%23b" },
	{ BYTES_OF("a?b=c"), "a%3Fb%3Dc" },
	{ BYTES_OF("a&b"), "a%26b" },
	{ BYTES_OF("a;b"), "a%3Bb" },
	{ BYTES_OF("a:b"), "a%3Ab" },
	{ BYTES_OF("a@b"), "a%40b" },
	{ BYTES_OF("a!b"), "a%21b" },
	{ BYTES_OF("a$b"), "a%24b" },
	{ BYTES_OF("a'b"), "a%27b" },
	{ BYTES_OF("a\"b"), "a%22b" },
	{ BYTES_OF("a(b)"), "a%28b%29" },
	{ BYTES_OF("a*b"), "a%2Ab" },
	{ BYTES_OF("a,b"), "a%2Cb" },
	{ BYTES_OF("a[b]"), "a%5Bb%5D" },
	{ BYTES_OF("a{b}"), "a%7Bb%7D" },
	{ BYTES_OF("a|b"), "a%7Cb" },
	{ BYTES_OF("a^b"), "a%5Eb" },
	{ BYTES_OF("a`b"), "a%60b" },
	{ BYTES_OF("a\\b"), "a%5Cb" },
	{ BYTES_OF("a<b>"), "a%3Cb%3E" },
	{ BYTES_OF("a~b"), "a~b" },
	{ BYTES_OF("a_b-c.d"), "a_b-c.d" },
	{ BYTES_OF("/lead"), "/lead" },
	{ BYTES_OF("trail/"), "trail/" },
	{ BYTES_OF("a//b"), "a//b" },
	{ BYTES_OF("//"), "//" },
	{ BYTES_OF("."), "." },
	{ BYTES_OF(".."), ".." },
	{ BYTES_OF("../up"), "../up" },
	{ BYTES_OF("a/./b/../c"), "a/./b/../c" },
	{ BYTES_OF("new\nline"), "new%0Aline" },
	{ BYTES_OF("re\rturn"), "re%0Dturn" },
	{ BYTES_OF("tab\t"), "tab%09" },
	{ BYTES_OF("\001\033\177"), "%01%1B%7F" },
	{ BYTES_OF("\303\251"), "%C3%A9" },
	{ BYTES_OF("e\314\201"), "e%CC%81" },
	{ BYTES_OF("\360\237\230\200"), "%F0%9F%98%80" },
	{ BYTES_OF("\342\200\256rtl"), "%E2%80%AErtl" },
};

START_TEST(keys_are_encoded_once)
{
	struct text t = { .p = NULL };

	s3_encode(&t, keys[_i].key, keys[_i].n, true);
	ck_assert_str_eq(t.p, keys[_i].path);
	text_release(&t);
}
END_TEST

START_TEST(keys_come_back)
{
	struct text t = { .p = NULL };

	s3_encode(&t, keys[_i].key, keys[_i].n, false);
	ck_assert_ptr_null(strpbrk(t.p, "/+ &?#"));
	ck_assert(s3_decode(t.p, &t.n, true));
	ck_assert_uint_eq(t.n, keys[_i].n);
	ck_assert_mem_eq(t.p, keys[_i].key, t.n);
	text_release(&t);
}
END_TEST

START_TEST(a_plus_is_a_space_in_listings_alone)
{
	char one[] = "a+b%2Bc", two[] = "a+b";
	size_t n = strlen(one);

	ck_assert(s3_decode(one, &n, true));
	ck_assert_str_eq(one, "a b+c");
	n = strlen(two);
	ck_assert(s3_decode(two, &n, false));
	ck_assert_str_eq(two, "a+b");
}
END_TEST

START_TEST(broken_encodings_are_refused)
{
	static const char *const broken[] = { "%", "a%4", "%zz", "%4z", "abc%" };

	for (size_t i = 0; i < COUNT(broken); i++) {
		char text[16];
		size_t n = strlen(broken[i]);

		text_copy(text, sizeof(text), broken[i]);
		ck_assert_msg(!s3_decode(text, &n, true), "%s", broken[i]);
	}
}
END_TEST

START_TEST(keys_that_are_no_utf8_are_seen)
{
	ck_assert(s3_is_utf8((const unsigned char *)"\303\251\360\237\230\200", 6));
	ck_assert(!s3_is_utf8((const unsigned char *)"\377", 1));
	ck_assert(!s3_is_utf8((const unsigned char *)"\300\257", 2));
	ck_assert(!s3_is_utf8((const unsigned char *)"\355\240\200", 3));
	ck_assert(!s3_is_utf8((const unsigned char *)"a\342\202", 3));
	ck_assert(!s3_is_utf8((const unsigned char *)"\364\220\200\200", 4));
}
END_TEST

static const struct {
	const char *url, *host, *path;
	bool tls;
} places[] = {
	{ "https://S3.example.com", "s3.example.com", "", true },
	{ "https://s3.example.com:443/", "s3.example.com", "", true },
	{ "http://127.0.0.1:9000", "127.0.0.1:9000", "", false },
	{ "http://host:80/base/path/", "host", "/base/path", false },
	{ "https://host:80", "host:80", "", true },
	{ "http://[::1]:9000", "[::1]:9000", "", false },
	{ "s3.example.com", "s3.example.com", "", true },
};

START_TEST(endpoints_are_understood)
{
	struct s3_place p;

	ck_assert(s3_place_parse(places[_i].url, &p));
	ck_assert_str_eq(p.host, places[_i].host);
	ck_assert_str_eq(p.path, places[_i].path);
	ck_assert_int_eq(p.tls, places[_i].tls);
}
END_TEST

START_TEST(what_is_no_endpoint_is_refused)
{
	static const char *const urls[] = { "",
					    "https://",
					    "ftp://host",
					    "https://ho st",
					    "https://host?x=1",
					    "http://a@host",
					    "https://a/?b",
					    "file:///etc/passwd",
					    "https://host\r\nX",
					    "https://host#f" };
	struct s3_place p;

	for (size_t i = 0; i < COUNT(urls); i++)
		ck_assert_msg(!s3_place_parse(urls[i], &p), "'%s'", urls[i]);
}
END_TEST

START_TEST(dots_keep_a_bucket_out_of_a_certificates_name)
{
	ck_assert(s3_bucket_is_label("my-bucket", true));
	ck_assert(!s3_bucket_is_label("my.bucket", true));
	ck_assert(s3_bucket_is_label("my.bucket", false));
	ck_assert(!s3_bucket_is_label("My_Bucket", false));
}
END_TEST

static void add(TCase *t)
{
	tcase_add_loop_test(t, keys_are_encoded_once, 0, (int)COUNT(keys));
	tcase_add_loop_test(t, keys_come_back, 0, (int)COUNT(keys));
	tcase_add_test(t, a_plus_is_a_space_in_listings_alone);
	tcase_add_test(t, broken_encodings_are_refused);
	tcase_add_test(t, keys_that_are_no_utf8_are_seen);
	tcase_add_loop_test(t, endpoints_are_understood, 0, (int)COUNT(places));
	tcase_add_test(t, what_is_no_endpoint_is_refused);
	tcase_add_test(t, dots_keep_a_bucket_out_of_a_certificates_name);
}

int main(void)
{
	return run_suite("s3-uri", add);
}
