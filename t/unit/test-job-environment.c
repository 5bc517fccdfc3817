/* SPDX-License-Identifier: MIT */
#include "job-fixture.h"

#include "tap.h"

/* Two ends that would take the same keys from the environment, and which do not. */

static const struct {
	const char *why, *source, *destination; /* what stands in their sections beside the root */
	const char *says;                       /* NULL: it is good */
} cases[] = {
	{ "one server, by default", "", "", NULL },
	{ "one server, by name", "endpoint: 'http://a'", "endpoint: 'http://a'", NULL },
	{ "two servers", "endpoint: 'http://a'", "endpoint: 'http://b'",
	  "job.yml:2:14: source and destination would both take their keys from the environment "
	  "(FIXTURE_KEY), although their 'endpoint' differs: say secret_key or flag in one of "
	  "them" },
	{ "one of them is the default", "endpoint: 'http://a'", "", "'endpoint' differs" },
	{ "one has its own", "endpoint: 'http://a', secret_key: '${OWN_KEY}'", "", NULL },
	{ "the other has", "endpoint: 'http://a'", "secret_key: '${OWN_KEY}'", NULL },
	{ "one needs none", "endpoint: 'http://a', flag: true", "", NULL },
	{ "or says that it does", "endpoint: 'http://a', flag: false", "", "'endpoint' differs" },
};

static struct job *load(size_t i, struct error *err)
{
	char text[512];

	snprintf(text, sizeof(text),
		 "source: {plugin: files, root: old%s%s}\n"
		 "destination: {plugin: files, root: new%s%s}\n",
		 *cases[i].source ? ", " : "", cases[i].source, *cases[i].destination ? ", " : "",
		 cases[i].destination);
	return fixture_load(text, err);
}

START_TEST(shared_keys)
{
	struct error err = ERROR_INIT;
	struct job *j;

	setenv("FIXTURE_KEY", "key", 1);
	setenv("OWN_KEY", "own", 1);
	j = load((size_t)_i, &err);
	if (cases[_i].says)
		ck_assert_msg(!j && strstr(err.text, cases[_i].says), "%s: '%s'", cases[_i].why,
			      err.text);
	else
		ck_assert_msg(j != NULL, "%s: %s", cases[_i].why, err.text);
	ck_assert_ptr_null(strstr(err.text, "own"));
	job_free(j);
}
END_TEST

/* Nothing is taken of what is not there. */
START_TEST(nothing_to_share)
{
	struct error err = ERROR_INIT;
	struct job *j;

	unsetenv("FIXTURE_KEY");
	setenv("FIXTURE_OTHER", "", 1);
	j = load(2, &err);
	ck_assert_msg(j != NULL, "%s", err.text);
	job_free(j);
	setenv("FIXTURE_OTHER", "x", 1);
	ck_assert_ptr_null(load(2, &err));
	ck_assert_ptr_nonnull(strstr(err.text, "(FIXTURE_OTHER)"));
}
END_TEST

int main(void)
{
	Suite *s = suite_create("job-environment");
	TCase *t = tcase_create("environment");

	tcase_add_checked_fixture(t, fixture_enter, fixture_leave);
	tcase_add_loop_test(t, shared_keys, 0, (int)(sizeof(cases) / sizeof(cases[0])));
	tcase_add_test(t, nothing_to_share);
	suite_add_tcase(s, t);
	return run_tap(s);
}
