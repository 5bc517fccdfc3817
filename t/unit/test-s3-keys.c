/* SPDX-License-Identifier: MIT */
#include "../../plugins/s3/credentials.h"
#include "plugin/end-impl.h"
#include "s3-help.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

/* Where keys are written down, the JSON of those who give them, and whom we would ask. */

static char credentials[PATH_MAX], config[PATH_MAX];
static struct migrate_session ms;
static struct s3_session session = { .ms = &ms };

static void write_down(char path[PATH_MAX], const char *text)
{
	const char *tmp = getenv("TMPDIR");
	int fd;

	snprintf(path, PATH_MAX, "%s/s3-keys-XXXXXX", tmp ? tmp : "/tmp");
	fd = mkstemp(path);
	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(write(fd, text, strlen(text)), (ssize_t)strlen(text));
	close(fd);
}

static void setup(void)
{
	write_down(credentials, "# a comment\n"
				"[default]\n"
				"aws_access_key_id = AKIDDEFAULT\n"
				"AWS_Secret_Access_Key=secret/with=equals+and+plus\r\n"
				"\n"
				"[ other ]\n"
				"  aws_access_key_id = nested\n"
				"aws_access_key_id = AKIDOLD\n"
				"aws_access_key_id = AKIDOTHER\n"
				"; another comment\n"
				"aws_secret_access_key = othersecret\n"
				"aws_session_token = token\n"
				"[half]\n"
				"aws_access_key_id = AKIDHALF\n"
				"[blank]\n"
				"aws_access_key_id = AKID BLANK\n"
				"aws_secret_access_key = blank\n"
				"[mixed]\n"
				"aws_access_key_id = AKIDMIXED\n"
				"aws_secret_access_key = mixed\n"
				"[broken\n"
				"aws_secret_access_key = nobody\n");
	write_down(config, "[profile named]\n"
			   "region = eu-west-3\n"
			   "s3 =\n"
			   "  region = not-this\n"
			   "credential_process = /bin/helper --flag 'a b'\n"
			   "[profile \"two words\"]\n"
			   "region = eu-west-1\n"
			   "[profile mixed]\n"
			   "aws_session_token = of other keys\n"
			   "[profile self]\n"
			   "source_profile = circle\n"
			   "role_arn = arn:self\n"
			   "[profile circle]\n"
			   "source_profile = self\n"
			   "role_arn = arn:circle\n"
			   "[profile lonely]\n"
			   "role_arn = arn:lonely\n"
			   "[profile person]\n"
			   "role_arn = arn:person\n"
			   "source_profile = default\n"
			   "mfa_serial = arn:mfa\n"
			   "[profile single]\n"
			   "sso_session = corporate\n"
			   "[named]\n"
			   "region = not-a-profile\n");
	setenv("AWS_SHARED_CREDENTIALS_FILE", credentials, 1);
	setenv("AWS_CONFIG_FILE", config, 1);
}

static void teardown(void)
{
	unlink(credentials);
	unlink(config);
}

static struct s3_keys keys_of(const char *profile, enum migrate_status wanted)
{
	struct s3_keys k = { .expires = 0 };
	bool found;

	ms.message[0] = '\0';
	ck_assert_int_eq(s3_keys_profile(&session, profile, &k, &found), wanted);
	ck_assert(wanted != MIGRATE_OK || found);
	return k;
}

START_TEST(profiles_are_found)
{
	struct s3_keys k = keys_of("default", MIGRATE_OK);

	ck_assert_str_eq(k.access, "AKIDDEFAULT");
	ck_assert_str_eq(k.secret, "secret/with=equals+and+plus");
	ck_assert_str_eq(k.token, "");
	k = keys_of("other", MIGRATE_OK);
	ck_assert_str_eq(k.access, "AKIDOTHER");
	ck_assert_str_eq(k.token, "token");
}
END_TEST

START_TEST(keys_of_two_files_are_not_mixed)
{
	struct s3_keys k = keys_of("mixed", MIGRATE_OK);

	ck_assert_str_eq(k.access, "AKIDMIXED");
	ck_assert_str_eq(k.token, "");
}
END_TEST

START_TEST(settings_of_a_named_profile_are_found)
{
	struct s3_profile p;

	s3_profile_load(&p, "named");
	ck_assert(p.found);
	ck_assert_str_eq(s3_profile_value(&p, "region"), "eu-west-3");
	ck_assert_str_eq(s3_profile_value(&p, "credential_process"), "/bin/helper --flag 'a b'");
	ck_assert_ptr_null(s3_profile_value_in(&p, S3_CREDENTIALS_FILE, "region"));
	s3_profile_release(&p);
	s3_profile_load(&p, "two words");
	ck_assert_str_eq(s3_profile_value(&p, "region"), "eu-west-1");
	s3_profile_release(&p);
	s3_profile_load(&p, "nobody");
	ck_assert(!p.found);
	s3_profile_release(&p);
}
END_TEST

START_TEST(what_is_not_whole_is_refused)
{
	static const struct {
		const char *profile, *said;
	} cases[] = {
		{ "half", "profile 'half': the secret key is missing" },
		{ "blank", "the access key holds a blank" },
		{ "self", "leads round in a circle" },
		{ "lonely", "no source_profile" },
		{ "person", "mfa_serial" },
		{ "single", "export-credentials --profile single" },
	};

	for (size_t i = 0; i < COUNT(cases); i++) {
		keys_of(cases[i].profile, MIGRATE_INVALID);
		ck_assert_msg(strstr(ms.message, cases[i].said) != NULL, "%s", ms.message);
	}
}
END_TEST

START_TEST(a_file_that_is_not_there_has_no_keys)
{
	struct s3_keys k;
	bool found = true;

	setenv("AWS_SHARED_CREDENTIALS_FILE", "no-such-file", 1);
	setenv("AWS_CONFIG_FILE", "no-such-file", 1);
	ck_assert_int_eq(s3_keys_profile(&session, "default", &k, &found), MIGRATE_OK);
	ck_assert(!found);
}
END_TEST

START_TEST(secrets_go_nowhere_far_in_clear)
{
	static const char *const may[] = {
		"https://example.com/a",   "http://127.0.0.1:80/",
		"http://127.9.8.7/",       "http://localhost/",
		"http://LOCALHOST:8080/a", "http://[::1]/",
		"http://169.254.169.254/", "http://169.254.170.2/v2/credentials/x",
		"http://169.254.170.23/",  "http://[fd00:ec2::23]/",
		"http://[fe80::1]/",       "HTTPS://example.com",
	};
	static const char *const may_not[] = {
		"http://example.com/",
		"http://127.0.0.1.example.com/",
		"http://127.0.0.1@example.com",
		"http://user:pw@127.0.0.1/",
		"http://10.0.0.1/",
		"http://169.255.170.2/",
		"http://localhost.example.com",
		"http://[fd00:ec3::23]/",
		"http://[2001:db8::1]/",
		"ftp://127.0.0.1/",
		"file:///etc/passwd",
		"",
		"127.0.0.1",
		"http://1270.0.0.1/",
	};

	for (size_t i = 0; i < COUNT(may); i++)
		ck_assert_msg(s3_may_ask(may[i]), "%s", may[i]);
	for (size_t i = 0; i < COUNT(may_not); i++)
		ck_assert_msg(!s3_may_ask(may_not[i]), "%s", may_not[i]);
}
END_TEST

static bool gives_keys(struct s3_keys *k, const char *json, size_t n)
{
	struct text t = { .p = NULL };
	bool ok;

	text_add(&t, json, n);
	ok = s3_json_keys(&session, k, &t, "it") == MIGRATE_OK;
	text_release(&t);
	return ok;
}

START_TEST(json_of_helpers_is_read)
{
	static const char json[] =
	    " {\"Code\": \"Success\", \"Nested\": {\"AccessKeyId\": \"wrong\", \"a\": [1, "
	    "\"}\"]},\n"
	    "\"AccessKeyId\" : \"AKID\\u0041\", \"SecretAccessKey\":\"s\\/e\\\"c\","
	    "\"Version\": 1, \"Token\":\"t\", \"Expiration\": \"2024-02-29T00:00:00Z\"}";
	struct s3_keys k = { .expires = 0 };

	ck_assert(gives_keys(&k, json, sizeof(json) - 1));
	ck_assert_str_eq(k.access, "AKIDA");
	ck_assert_str_eq(k.secret, "s/e\"c");
	ck_assert_str_eq(k.token, "t");
	ck_assert_int_eq(k.expires, INT64_C(1709164800));
}
END_TEST

START_TEST(what_does_not_fit_is_empty)
{
	static const char json[] = "{\"Code\": \"longer than it may be\", \"b\": \"\\u1\"}";
	char value[8];

	memset(value, 'x', sizeof(value));
	ck_assert(!s3_json_string(json, sizeof(json) - 1, "Code", value, sizeof(value)));
	ck_assert_str_eq(value, "");
	memset(value, 'x', sizeof(value));
	ck_assert(!s3_json_string(json, sizeof(json) - 1, "b", value, sizeof(value)));
	ck_assert_str_eq(value, "");
}
END_TEST

START_TEST(json_that_is_cut_or_hostile_is_refused)
{
	static const char whole[] = "{\"AccessKeyId\":\"a\",\"SecretAccessKey\":\"b\"}";
	static const char *const others[] = {
		"[]",
		"{}",
		"null",
		"{\"AccessKeyId\":1,\"SecretAccessKey\":\"b\"}",
		"{{{{",
		"{\"AccessKeyId\":\"\\u0000\",\"SecretAccessKey\":\"b\"}",
		"",
		"{\"AccessKeyId\":\"\",\"SecretAccessKey\":\"b\"}",
		"{\"AccessKeyId\":\"a\\nX: y\",\"SecretAccessKey\":\"b\"}",
		"{\"AccessKeyId\":\"a\",\"SecretAccessKey\":\"b\",\"Expiration\":\"soon\"}",
	};
	struct s3_keys k = { .expires = 0 };

	for (size_t n = 0; n < sizeof(whole) - 3; n++)
		ck_assert_msg(!gives_keys(&k, whole, n), "%zu bytes of it", n);
	for (size_t i = 0; i < COUNT(others); i++)
		ck_assert_msg(!gives_keys(&k, others[i], strlen(others[i])), "%s", others[i]);
}
END_TEST

static void add(TCase *t)
{
	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_test(t, profiles_are_found);
	tcase_add_test(t, settings_of_a_named_profile_are_found);
	tcase_add_test(t, keys_of_two_files_are_not_mixed);
	tcase_add_test(t, what_is_not_whole_is_refused);
	tcase_add_test(t, a_file_that_is_not_there_has_no_keys);
	tcase_add_test(t, secrets_go_nowhere_far_in_clear);
	tcase_add_test(t, json_of_helpers_is_read);
	tcase_add_test(t, what_does_not_fit_is_empty);
	tcase_add_test(t, json_that_is_cut_or_hostile_is_refused);
}

int main(void)
{
	return run_suite("s3-keys", add);
}
