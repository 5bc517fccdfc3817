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

/* Without the bucket. What anybody can have a machine or a name answer by is not theirs. */
static const struct {
	const char *host;
	enum s3_aws_name name;
} hosts[] = {
	{ "s3.amazonaws.com", S3_AWS_BUCKETS },
	{ "s3-external-1.amazonaws.com", S3_AWS_BUCKETS },
	{ "s3.us-east-1.amazonaws.com", S3_AWS_BUCKETS },
	{ "s3.ap-southeast-7.amazonaws.com", S3_AWS_BUCKETS },
	{ "s3.us-gov-west-1.amazonaws.com", S3_AWS_BUCKETS },
	{ "s3.cn-north-1.amazonaws.com.cn", S3_AWS_BUCKETS },
	{ "s3.dualstack.eu-west-1.amazonaws.com", S3_AWS_BUCKETS },
	{ "s3.dualstack.cn-northwest-1.amazonaws.com.cn", S3_AWS_BUCKETS },
	{ "s3-fips.us-east-2.amazonaws.com", S3_AWS_BUCKETS },
	{ "s3-fips.dualstack.us-gov-east-1.amazonaws.com", S3_AWS_BUCKETS },
	{ "s3-eu-west-1.amazonaws.com", S3_AWS_BUCKETS },
	{ "s3-us-gov-west-1.amazonaws.com", S3_AWS_BUCKETS },
	{ "s3-fips-us-gov-west-1.amazonaws.com", S3_AWS_BUCKETS },
	{ "s3-accelerate.amazonaws.com", S3_AWS_BUCKETS },
	{ "s3-accelerate.dualstack.amazonaws.com", S3_AWS_BUCKETS },
	{ "s3.eusc-de-east-1.amazonaws.eu", S3_AWS_BUCKETS },
	{ "s3.us-iso-east-1.c2s.ic.gov", S3_AWS_BUCKETS },
	{ "s3.us-isob-east-1.sc2s.sgov.gov", S3_AWS_BUCKETS },
	{ "s3-accesspoint.eu-west-1.amazonaws.com", S3_AWS_OTHER },
	{ "s3-accesspoint-fips.dualstack.us-east-1.amazonaws.com", S3_AWS_OTHER },
	{ "bucket.vpce-1a2b3c4d-5e6f.s3.us-east-1.vpce.amazonaws.com", S3_AWS_OTHER },
	{ "bucket.vpce-1a2b3c4d-5e6f-us-east-1a.s3.us-east-1.vpce.amazonaws.com", S3_AWS_OTHER },
	{ "accesspoint.vpce-1a2b3c4d-5e6f.s3.cn-north-1.vpce.amazonaws.com.cn", S3_AWS_OTHER },
	/* load balancers, machines, interfaces, other services */
	{ "s3-x.eu-west-1.elb.amazonaws.com", S3_AWS_NOT },
	{ "s3-eu-west-1.eu-west-1.elb.amazonaws.com", S3_AWS_NOT },
	{ "s3-123456789.eu-west-1.elb.amazonaws.com", S3_AWS_NOT },
	{ "s3.elb.eu-west-1.amazonaws.com", S3_AWS_NOT },
	{ "s3-minio-1234.elb.eu-west-1.amazonaws.com", S3_AWS_NOT },
	{ "s3.elb.cn-north-1.amazonaws.com.cn", S3_AWS_NOT },
	{ "ec2-192-0-2-1.compute-1.amazonaws.com", S3_AWS_NOT },
	{ "s3.compute-1.amazonaws.com", S3_AWS_NOT },
	{ "s3.eu-west-1.compute.amazonaws.com", S3_AWS_NOT },
	{ "vpce-1a2b-x.vpce-svc-0123.us-east-1.vpce.amazonaws.com", S3_AWS_NOT },
	{ "bucket.vpce-1a2b.vpce-svc-s3.us-east-1.vpce.amazonaws.com", S3_AWS_NOT },
	{ "bucket.vpce-1a2b.s3.us-east-1.amazonaws.com", S3_AWS_NOT },
	{ "s3.example.amazonaws.com", S3_AWS_NOT },
	{ "s3-website.eu-central-1.amazonaws.com", S3_AWS_NOT },
	{ "s3-website-us-east-1.amazonaws.com", S3_AWS_NOT },
	{ "s3-control.us-east-1.amazonaws.com", S3_AWS_NOT },
	{ "s3-object-lambda.us-east-1.amazonaws.com", S3_AWS_NOT },
	{ "s3-outposts.us-east-1.amazonaws.com", S3_AWS_NOT },
	{ "s3express-use1-az4.us-east-1.amazonaws.com", S3_AWS_NOT },
	{ "s3express-control.us-east-1.amazonaws.com", S3_AWS_NOT },
	{ "accesspoint.s3-global.amazonaws.com", S3_AWS_NOT },
	/* not quite */
	{ "", S3_AWS_NOT },
	{ "s3", S3_AWS_NOT },
	{ "s3.", S3_AWS_NOT },
	{ "amazonaws.com", S3_AWS_NOT },
	{ "s3amazonaws.com", S3_AWS_NOT },
	{ "s3.us-east-1.amazonaws.com.", S3_AWS_NOT },
	{ "s3.us-east-1.amazonaws.com:8443", S3_AWS_NOT },
	{ "s3.us-east-1.amazonaws.com.example.com", S3_AWS_NOT },
	{ "s3.us-east-1.amazonaws.com.cn", S3_AWS_NOT },
	{ "s3.cn-north-1.amazonaws.com", S3_AWS_NOT },
	{ "s3.us-east-1.amazonaws.eu", S3_AWS_NOT },
	{ "s3.us-east-1.evilamazonaws.com", S3_AWS_NOT },
	{ "s3.us-east.amazonaws.com", S3_AWS_NOT },
	{ "s3.us-east-0.amazonaws.com", S3_AWS_NOT },
	{ "s3.us-east-1a.amazonaws.com", S3_AWS_NOT },
	{ "s3.us--1.amazonaws.com", S3_AWS_NOT },
	{ "s3..us-east-1.amazonaws.com", S3_AWS_NOT },
	{ "s3.dualstack.dualstack.us-east-1.amazonaws.com", S3_AWS_NOT },
	{ "s3.fips.us-east-1.amazonaws.com", S3_AWS_NOT },
	{ "S3.us-east-1.amazonaws.com", S3_AWS_NOT },
	{ "xs3.us-east-1.amazonaws.com", S3_AWS_NOT },
	{ "bucket.s3.us-east-1.amazonaws.com", S3_AWS_NOT },
};

START_TEST(names_of_aws_are_told_by_their_forms)
{
	ck_assert_msg(s3_aws_name(hosts[_i].host) == hosts[_i].name, "%s", hosts[_i].host);
}
END_TEST

/* What conditions do is believed of AWS alone: another server of that name would overwrite. */
START_TEST(only_aws_is_believed)
{
	ck_assert_str_eq(s3_dialect_of(0, "s3.eu-west-1.amazonaws.com")->name, "aws");
	ck_assert_str_eq(s3_dialect_of(0, hosts[20].host)->name, "aws");
	ck_assert_str_eq(s3_dialect_of(0, "ec2-192-0-2-1.compute-1.amazonaws.com")->name,
			 "generic");
	ck_assert_str_eq(s3_dialect_of(0, "s3-x.eu-west-1.elb.amazonaws.com")->name, "generic");
	ck_assert_str_eq(s3_dialect_of(0, "s3.eu-west-1.wasabisys.com")->name, "wasabi");
}
END_TEST

START_TEST(partitions_do_not_serve_each_other)
{
	ck_assert(s3_aws_same_partition("s3.us-east-1.amazonaws.com", "s3.amazonaws.com"));
	ck_assert(s3_aws_same_partition("s3.cn-north-1.amazonaws.com.cn",
					"s3.cn-northwest-1.amazonaws.com.cn"));
	ck_assert(
	    !s3_aws_same_partition("s3.us-east-1.amazonaws.com", "s3.cn-north-1.amazonaws.com.cn"));
	ck_assert(!s3_aws_same_partition("s3.eusc-de-east-1.amazonaws.eu", "s3.amazonaws.com"));
}
END_TEST

START_TEST(each_region_has_its_partitions_name)
{
	struct s3_place p = { .host_style = true };

	s3_place_aws(&p, "eu-west-1");
	ck_assert_str_eq(p.host, "s3.eu-west-1.amazonaws.com");
	ck_assert(p.host_style && p.aws && p.tls);
	s3_place_aws(&p, "cn-north-1");
	ck_assert_str_eq(p.host, "s3.cn-north-1.amazonaws.com.cn");
	s3_place_aws(&p, "eusc-de-east-1");
	ck_assert_str_eq(p.host, "s3.eusc-de-east-1.amazonaws.eu");
}
END_TEST

static void add(TCase *t)
{
	tcase_add_loop_test(t, keys_are_encoded_once, 0, (int)COUNT(keys));
	tcase_add_loop_test(t, keys_come_back, 0, (int)COUNT(keys));
	tcase_add_test(t, a_plus_is_a_space_in_listings_alone);
	tcase_add_test(t, broken_encodings_are_refused);
	tcase_add_loop_test(t, endpoints_are_understood, 0, (int)COUNT(places));
	tcase_add_test(t, what_is_no_endpoint_is_refused);
	tcase_add_test(t, dots_keep_a_bucket_out_of_a_certificates_name);
	tcase_add_loop_test(t, names_of_aws_are_told_by_their_forms, 0, (int)COUNT(hosts));
	tcase_add_test(t, only_aws_is_believed);
	tcase_add_test(t, partitions_do_not_serve_each_other);
	tcase_add_test(t, each_region_has_its_partitions_name);
}

int main(void)
{
	return run_suite("s3-uri", add);
}
