/* SPDX-License-Identifier: MIT */
#ifndef MIGRATE_T_UNIT_JOURNAL_BOTH_H
#define MIGRATE_T_UNIT_JOURNAL_BOTH_H

#include "journal-help.h"
#include "memory.h"

/*
 * Tests of what stands above journal/backend.h run twice: over a file, and over memory. Those
 * of files, logs, damage, locks and disks (open, crash, damage, errors, full, kept) are about
 * what keeps the one in a file, and run over that alone.
 */
static void setup_memory(void)
{
	setup();
	kept_by = &memory_backend;
}

__attribute__((unused)) static bool is_in_memory(void)
{
	return kept_by == &memory_backend;
}

/* rest: what is tried once; NULL: nothing. */
__attribute__((unused)) static int run_suite_over_both(const char *name, void (*add)(TCase *t),
						       void (*rest)(TCase *t))
{
	Suite *s = suite_create(name);

	add_case(s, "in a file", setup, add);
	add_case(s, "in memory", setup_memory, add);
	if (rest)
		add_case(s, "once", setup, rest);
	return run_cases(s);
}

#endif
