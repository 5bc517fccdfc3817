/* SPDX-License-Identifier: MIT */
#ifndef MIGRATE_JOB_KEYS_SELECT_H
#define MIGRATE_JOB_KEYS_SELECT_H

#include <migrate/plugin.h>

/*
 * Selection of keys: prefix, include and exclude globs over the whole key, as
 * bytes: * crosses slashes, ? is one byte, [a-z] and [!a-z] classes, \ quotes.
 * Exclude wins; with no include all are in. Linear in key x pattern.
 */
struct selection {
	struct migrate_bytes prefix;
	struct migrate_strings include, exclude;
};

/* NULL: a pattern we accept in a job file; else what is wrong with it. */
const char *glob_problem(const char *pattern);
bool glob_match(const char *pattern, struct migrate_bytes text);

/* *why, when false: the exclude pattern that kept it out, or "keys.prefix", "keys.include". */
bool selection_takes(const struct selection *s, struct migrate_bytes key, const char **why);
/*
 * Of what could not be listed: might it take the key, or, where that is a folder's (it ends in a
 * slash), one below? A folder that an exclude pattern matches is left out with all that is in it.
 */
bool selection_may_take(const struct selection *s, struct migrate_bytes key, const char **why);

#endif
