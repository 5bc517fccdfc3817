/* SPDX-License-Identifier: MIT */
#include "s3-help.h"

/* The examples that AWS publishes for signature version 4 in the Authorization header. */

#define ACCESS "AKIAIOSFODNN7EXAMPLE"
#define SECRET "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"
#define HOST "examplebucket.s3.amazonaws.com"

struct example {
	const char *what, *method, *path, *query, *payload;
	const char *headers[6][2]; /* in order */
	const char *names, *signature;
};

static const struct example examples[] = {
	{ "a range of an object",
	  "GET",
	  "/test.txt",
	  "",
	  S3_EMPTY_SHA256,
	  { { "host", HOST },
	    { "range", "bytes=0-9" },
	    { "x-amz-content-sha256", S3_EMPTY_SHA256 },
	    { "x-amz-date", "20130524T000000Z" } },
	  "host;range;x-amz-content-sha256;x-amz-date",
	  "f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41" },
	{ "a put whose key is encoded",
	  "PUT",
	  "/test%24file.text",
	  "",
	  "44ce7dd67c959e0d3524ffac1771dfbba87d2b6b4b4e99e42034a8b803f8b072",
	  { { "date", "Fri, 24 May 2013 00:00:00 GMT" },
	    { "host", HOST },
	    { "x-amz-content-sha256",
	      "44ce7dd67c959e0d3524ffac1771dfbba87d2b6b4b4e99e42034a8b803f8b072" },
	    { "x-amz-date", "20130524T000000Z" },
	    { "x-amz-storage-class", "REDUCED_REDUNDANCY" } },
	  "date;host;x-amz-content-sha256;x-amz-date;x-amz-storage-class",
	  "98ad721746da40c64f1a55b78f14c238d841ea1380cd77a1b5971af0ece108bd" },
	{ "a query without a value",
	  "GET",
	  "/",
	  "lifecycle=",
	  S3_EMPTY_SHA256,
	  { { "host", HOST },
	    { "x-amz-content-sha256", S3_EMPTY_SHA256 },
	    { "x-amz-date", "20130524T000000Z" } },
	  "host;x-amz-content-sha256;x-amz-date",
	  "fea454ca298b7da1c68078a5d1bdbfbbe0d65c699e0f91ac7a200a0136783543" },
	{ "a query of two",
	  "GET",
	  "/",
	  "max-keys=2&prefix=J",
	  S3_EMPTY_SHA256,
	  { { "host", HOST },
	    { "x-amz-content-sha256", S3_EMPTY_SHA256 },
	    { "x-amz-date", "20130524T000000Z" } },
	  "host;x-amz-content-sha256;x-amz-date",
	  "34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7" },
};

/*
 * Those of the test suite that AWS publishes for any service, whose requests are sent as they are
 * signed: order of the query, blanks in values, names in UTF-8, a form in the body.
 */
#define SUITE_EMPTY "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31"
static const struct {
	const char *what, *method, *path, *query, *payload;
	const char *headers[4][2];
	const char *signature;
} suite[] = {
	{ "get-vanilla",
	  "GET",
	  "/",
	  "",
	  S3_EMPTY_SHA256,
	  { { "host", "example.amazonaws.com" }, { "x-amz-date", "20150830T123600Z" } },
	  SUITE_EMPTY },
	{ "get-vanilla-query-order-key-case",
	  "GET",
	  "/",
	  "Param1=value1&Param2=value2",
	  S3_EMPTY_SHA256,
	  { { "host", "example.amazonaws.com" }, { "x-amz-date", "20150830T123600Z" } },
	  "b97d918cfa904a5beff61c982a1b6f458b799221646efd99d3219ec94cdf2500" },
	{ "get-vanilla-utf8-query",
	  "GET",
	  "/",
	  "%E1%88%B4=bar",
	  S3_EMPTY_SHA256,
	  { { "host", "example.amazonaws.com" }, { "x-amz-date", "20150830T123600Z" } },
	  "2cdec8eed098649ff3a119c94853b13c643bcf08f8b0a1d91e12c9027818dd04" },
	{ "get-unreserved",
	  "GET",
	  "/-._~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz",
	  "",
	  S3_EMPTY_SHA256,
	  { { "host", "example.amazonaws.com" }, { "x-amz-date", "20150830T123600Z" } },
	  "07ef7494c76fa4850883e2b006601f940f8a34d404d0cfa977f52a65bbf5f24f" },
	{ "get-header-value-trim",
	  "GET",
	  "/",
	  "",
	  S3_EMPTY_SHA256,
	  { { "host", "example.amazonaws.com" },
	    { "my-header1", " value1" },
	    { "my-header2", " \"a   b   c\"" },
	    { "x-amz-date", "20150830T123600Z" } },
	  "acc3ed3afb60bb290fc8d2dd0098b9911fcaa05412b367055dee359757a9c736" },
	{ "post-x-www-form-urlencoded",
	  "POST",
	  "/",
	  "",
	  "9095672bbd1f56dfc5b65f3e153adc8731a4a654192329106275f4c7b24d0b6e",
	  { { "content-type", "application/x-www-form-urlencoded" },
	    { "host", "example.amazonaws.com" },
	    { "x-amz-date", "20150830T123600Z" } },
	  "ff11897932ad3f4e8b18135d722051e5ac45fc38421b1da7b9d196a0fe09473a" },
};

static EVP_MD *sha256;
static struct s3_signer signer;

static void setup(void)
{
	sha256 = EVP_MD_fetch(NULL, "SHA256", NULL);
	ck_assert(s3_signer_init(&signer, sha256));
}

static void teardown(void)
{
	s3_signer_release(&signer);
	EVP_MD_free(sha256);
}

/* The headers as a session has them. */
static size_t take_headers(const char *const given[][2], size_t max, struct text *bytes,
			   struct s3_header *headers)
{
	size_t n = 0;

	for (; n < max && given[n][0]; n++) {
		const char *name = given[n][0], *value = given[n][1];

		headers[n].name = bytes->n;
		headers[n].nname = strlen(name);
		text_str(bytes, name);
		headers[n].value = bytes->n;
		headers[n].nvalue = strlen(value);
		text_str(bytes, value);
	}
	return n;
}

static void sign_as(const struct example *e, const char *secret, unsigned int generation,
		    struct text *got)
{
	struct text bytes = { .p = NULL };
	struct s3_header headers[6] = { { .name = 0 } };
	struct s3_signing in = { .method = e->method,
				 .path = e->path,
				 .query = e->query,
				 .region = "us-east-1",
				 .service = "s3",
				 .payload = e->payload,
				 .time = "20130524T000000Z",
				 .access = ACCESS,
				 .secret = secret,
				 .generation = generation,
				 .headers = headers };

	in.header_count = take_headers(e->headers, 6, &bytes, headers);
	in.header_bytes = bytes.p;
	text_reset(got);
	ck_assert(s3_sign(&signer, &in, got));
	text_release(&bytes);
}

static void ck_signed(const struct example *e, const struct text *got)
{
	struct text want = { .p = NULL };

	text_str(&want, "AWS4-HMAC-SHA256 Credential=" ACCESS
			"/20130524/us-east-1/s3/aws4_request,SignedHeaders=");
	text_str(&want, e->names);
	text_str(&want, ",Signature=");
	text_str(&want, e->signature);
	ck_assert_msg(!strcmp(want.p, text_get(got)), "%s: %s", e->what, text_get(got));
	text_release(&want);
}

START_TEST(signs_what_is_published)
{
	struct text got = { .p = NULL };

	sign_as(&examples[_i], SECRET, 1, &got);
	ck_signed(&examples[_i], &got);
	text_release(&got);
}
END_TEST

START_TEST(signs_what_the_suite_has)
{
	struct text bytes = { .p = NULL }, got = { .p = NULL };
	struct s3_header headers[6] = { { .name = 0 } };
	struct s3_signing in = { .method = suite[_i].method,
				 .path = suite[_i].path,
				 .query = suite[_i].query,
				 .region = "us-east-1",
				 .service = "service",
				 .payload = suite[_i].payload,
				 .time = "20150830T123600Z",
				 .access = "AKIDEXAMPLE",
				 .secret = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY",
				 .generation = 1,
				 .headers = headers };

	in.header_count = take_headers(suite[_i].headers, 4, &bytes, headers);
	in.header_bytes = bytes.p;
	ck_assert(s3_sign(&signer, &in, &got));
	ck_assert_msg(strstr(got.p, suite[_i].signature) != NULL, "%s: %s", suite[_i].what, got.p);
	text_release(&bytes);
	text_release(&got);
}
END_TEST

/* The derived key is kept from request to request: not beyond the keys it was made of. */
START_TEST(new_keys_sign_otherwise)
{
	struct text got = { .p = NULL };

	sign_as(&examples[0], "another", 1, &got);
	ck_assert_ptr_null(strstr(got.p, examples[0].signature));
	sign_as(&examples[0], SECRET, 2, &got);
	ck_signed(&examples[0], &got);
	sign_as(&examples[1], SECRET, 2, &got);
	ck_signed(&examples[1], &got);
	text_release(&got);
}
END_TEST

START_TEST(a_secret_longer_than_a_block_signs)
{
	char secret[200];
	struct text got = { .p = NULL };

	memset(secret, 'k', sizeof(secret) - 1);
	secret[sizeof(secret) - 1] = '\0';
	sign_as(&examples[0], secret, 1, &got);
	ck_assert_ptr_nonnull(strstr(got.p, ",Signature="));
	text_release(&got);
}
END_TEST

static void add(TCase *t)
{
	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_loop_test(t, signs_what_is_published, 0, (int)COUNT(examples));
	tcase_add_loop_test(t, signs_what_the_suite_has, 0, (int)COUNT(suite));
	tcase_add_test(t, new_keys_sign_otherwise);
	tcase_add_test(t, a_secret_longer_than_a_block_signs);
}

int main(void)
{
	return run_suite("s3-sign", add);
}
