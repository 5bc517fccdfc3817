/* SPDX-License-Identifier: MIT */
#include "s3-help.h"

#include <stdio.h>
#include <unistd.h>

/* Where keys are written down: shared files and the JSON of helpers. */

static char file[] = "s3-keys-XXXXXX";

static void setup(void)
{
	static const char text[] = "# a comment\n"
				   "[default]\n"
				   "aws_access_key_id = AKIDDEFAULT\n"
				   "aws_secret_access_key=secret/with=equals+and+plus\r\n"
				   "\n"
				   "[ other ]\n"
				   "  aws_access_key_id = nested\n"
				   "aws_access_key_id = AKIDOTHER\n"
				   "; another comment\n"
				   "aws_secret_access_key = othersecret\n"
				   "aws_session_token = token\n"
				   "[profile named]\n"
				   "region = eu-west-3\n"
				   "s3 =\n"
				   "  region = not-this\n"
				   "credential_process = /bin/helper --flag 'a b'\n"
				   "[half]\n"
				   "aws_access_key_id = AKIDHALF\n"
				   "[broken\n"
				   "aws_secret_access_key = nobody\n";
	int fd = mkstemp(file);

	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(write(fd, text, sizeof(text) - 1), (ssize_t)sizeof(text) - 1);
	close(fd);
}

static void teardown(void)
{
	unlink(file);
}

START_TEST(profiles_are_found)
{
	struct s3_keys k = { .expires = 0 };

	ck_assert(s3_profile_read(&k, file, "default"));
	ck_assert_str_eq(k.access, "AKIDDEFAULT");
	ck_assert_str_eq(k.secret, "secret/with=equals+and+plus");
	ck_assert_str_eq(k.token, "");
	ck_assert(s3_profile_read(&k, file, "other"));
	ck_assert_str_eq(k.access, "AKIDOTHER");
	ck_assert_str_eq(k.token, "token");
}
END_TEST

START_TEST(settings_of_a_named_profile_are_found)
{
	char value[256];

	ck_assert(s3_profile_get(file, "named", "region", true, value, sizeof(value)));
	ck_assert_str_eq(value, "eu-west-3");
	ck_assert(s3_profile_get(file, "named", "credential_process", true, value, sizeof(value)));
	ck_assert_str_eq(value, "/bin/helper --flag 'a b'");
	ck_assert(!s3_profile_get(file, "named", "region", false, value, sizeof(value)));
}
END_TEST

START_TEST(what_is_not_whole_is_not_taken)
{
	struct s3_keys k = { .expires = 0 };
	char value[8];

	ck_assert(!s3_profile_read(&k, file, "half"));
	ck_assert(!s3_profile_read(&k, file, "nobody"));
	ck_assert(!s3_profile_read(&k, "no-such-file", "default"));
	ck_assert(
	    !s3_profile_get(file, "default", "aws_secret_access_key", false, value, sizeof(value)));
}
END_TEST

START_TEST(json_of_helpers_is_read)
{
	static const char json[] =
	    " {\"Code\": \"Success\", \"Nested\": {\"AccessKeyId\": \"wrong\", \"a\": [1, "
	    "\"}\"]},\n"
	    "\"AccessKeyId\" : \"AKID\\u0041\", \"SecretAccessKey\":\"s\\/e\\\"c\","
	    "\"Version\": 1, \"Token\":\"t\", \"Expiration\": \"2024-02-29T00:00:00Z\"}";
	struct s3_keys k = { .expires = 0 };

	ck_assert(s3_json_keys(&k, json, sizeof(json) - 1));
	ck_assert_str_eq(k.access, "AKIDA");
	ck_assert_str_eq(k.secret, "s/e\"c");
	ck_assert_str_eq(k.token, "t");
	ck_assert_int_eq(k.expires, INT64_C(1709164800));
}
END_TEST

START_TEST(json_that_is_cut_or_hostile_is_refused)
{
	static const char whole[] = "{\"AccessKeyId\":\"a\",\"SecretAccessKey\":\"b\"}";
	static const char *const others[] = {
		"[]",   "{}",
		"null", "{\"AccessKeyId\":1,\"SecretAccessKey\":\"b\"}",
		"{{{{", "{\"AccessKeyId\":\"\\u0000\",\"SecretAccessKey\":\"b\"}",
		"",     "{\"AccessKeyId\":\"\",\"SecretAccessKey\":\"b\"}",
	};
	struct s3_keys k = { .expires = 0 };

	for (size_t n = 0; n < sizeof(whole) - 3; n++)
		ck_assert_msg(!s3_json_keys(&k, whole, n), "%zu bytes of it", n);
	for (size_t i = 0; i < COUNT(others); i++)
		ck_assert_msg(!s3_json_keys(&k, others[i], strlen(others[i])), "%s", others[i]);
}
END_TEST

static void add(TCase *t)
{
	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_test(t, profiles_are_found);
	tcase_add_test(t, settings_of_a_named_profile_are_found);
	tcase_add_test(t, what_is_not_whole_is_not_taken);
	tcase_add_test(t, json_of_helpers_is_read);
	tcase_add_test(t, json_that_is_cut_or_hostile_is_refused);
}

int main(void)
{
	return run_suite("s3-keys", add);
}
