/* SPDX-License-Identifier: MIT */
#ifndef MIGRATE_TEST_S3_HELP_H
#define MIGRATE_TEST_S3_HELP_H

#include "../../plugins/s3/s3.h"
#include "tap.h"

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

	add(t);
	suite_add_tcase(s, t);
	return run_tap(s);
}

#endif
