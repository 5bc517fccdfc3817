/* SPDX-License-Identifier: MIT */
#include "journal/journal.h"

#include <string.h>

static const char *const classes[FAIL_CLASS_COUNT] = {
	[FAIL_NONE] = "none",           [FAIL_UNMATCHED] = "unmatched",
	[FAIL_RENAME] = "rename",       [FAIL_COLLISION] = "collision",
	[FAIL_INVALID] = "invalid",     [FAIL_CONFLICT] = "conflict",
	[FAIL_CHANGED] = "changed",     [FAIL_MISSING] = "missing",
	[FAIL_DENIED] = "denied",       [FAIL_MISMATCH] = "mismatch",
	[FAIL_TRANSIENT] = "transient", [FAIL_ATTRIBUTES] = "attributes",
	[FAIL_UNLISTED] = "unlisted",   [FAIL_POISON] = "poison",
	[FAIL_OTHER] = "other",
};

static const char *const reasons[SKIP_COUNT] = {
	[SKIP_RULE] = "rule",   [SKIP_SYMLINK] = "symlink",   [SKIP_SPECIAL] = "special",
	[SKIP_MOUNT] = "mount", [SKIP_ARCHIVED] = "archived", [SKIP_EMPTY_FOLDER] = "empty_folder",
	[SKIP_OWN] = "own",
};

const char *fail_class_name(enum fail_class c)
{
	return (unsigned)c < FAIL_CLASS_COUNT ? classes[c] : "unknown";
}

enum fail_class fail_class_of(const char *name)
{
	for (int i = FAIL_NONE + 1; i < FAIL_CLASS_COUNT; i++)
		if (!strcmp(classes[i], name))
			return (enum fail_class)i;
	return FAIL_NONE;
}

const char *skip_reason_name(enum skip_reason r)
{
	return (unsigned)r < SKIP_COUNT ? reasons[r] : "unknown";
}

const char *auto_reason_text(uint32_t reason)
{
	static const char *const texts[AUTO_REASONS] = {
		[AUTO_SET] = "as it was set",
		[AUTO_STARTING] = "to begin with",
		[AUTO_GROWING] = "more moved more",
		[AUTO_TRYING] = "trying whether more move more",
		[AUTO_ENOUGH] = "more did not move more",
		[AUTO_IDLE] = "there is no work for more",
		[AUTO_SLOWER] = "requests take longer",
		[AUTO_SOURCE] = "the source asks for less",
		[AUTO_DESTINATION] = "the destination asks for less",
		[AUTO_LIMIT] = "no more are possible",
	};

	return reason < AUTO_REASONS ? texts[reason] : "unknown";
}
