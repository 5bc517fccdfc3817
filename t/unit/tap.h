/* SPDX-License-Identifier: MIT */
#ifndef MIGRATE_TEST_TAP_H
#define MIGRATE_TEST_TAP_H

#include <check.h>
#include <stdlib.h>

/* Runs and frees the suite, as TAP on standard output; the exit status of main(). */
static inline int run_tap(Suite *s)
{
	SRunner *r = srunner_create(s);
	int failed;

	srunner_set_tap(r, "-");
	srunner_run_all(r, CK_SILENT);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}

#endif
