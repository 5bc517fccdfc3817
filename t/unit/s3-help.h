/* SPDX-License-Identifier: MIT */
#ifndef MIGRATE_TEST_S3_HELP_H
#define MIGRATE_TEST_S3_HELP_H

#include "../../plugins/s3/s3.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

/* What the tests of the plugin's inside share. */

#define BYTES_OF(s_) s_, sizeof(s_) - 1
#define COUNT(a_) (sizeof(a_) / sizeof((a_)[0]))

static inline int run_suite(const char *name, void (*add)(TCase *t))
{
	Suite *s = suite_create(name);
	TCase *t = tcase_create(name);
	SRunner *r = srunner_create(s);
	int failed;

	add(t);
	suite_add_tcase(s, t);
	srunner_set_tap(r, "-");
	srunner_run_all(r, CK_SILENT);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}

#endif
