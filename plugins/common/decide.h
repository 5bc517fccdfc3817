/* SPDX-License-Identifier: MIT */
#ifndef MIGRATE_PLUGINS_DECIDE_H
#define MIGRATE_PLUGINS_DECIDE_H

#include <migrate/plugin.h>

/*
 * The compare of compare-and-swap, for all databases: what becomes of a row, from what is
 * seen of it under a lock. Pure: nothing is written, nothing read.
 */

/* What the columns of `set:` hold, all together. */
enum sets {
	SETS_OTHER, /* one holds neither what was found nor what it shall hold */
	SETS_READY,
	SETS_DONE /* all hold what they shall, or there are none */
};

/* One row's columns of `set:`. p NULL: NULL. */
struct set_columns {
	const void *row;
	size_t count;
	struct migrate_bytes (*held)(const void *row, size_t i);
	struct migrate_bytes (*wanted)(const void *row, size_t i); /* as the job says */
};
/* With what an undo puts back (extra of c) and what was found when the change was planned. */
enum sets sets_compare(const struct set_columns *s, const struct migrate_change *c);

/* The next value of what row_extra() of a plugin wrote: NULL is a byte 0, else 1, length, bytes. */
bool extra_next(struct migrate_bytes *extra, struct migrate_bytes *value);

struct evidence {
	bool there;         /* the row, and in it the place */
	bool before, after; /* the place holds what was expected; what it shall hold */
	bool meant;         /* `where` is true of it, or there is none */
	enum sets sets;
};
/* GONE, ALREADY or CONFLICT; CHANGED: it is to be changed now. */
enum migrate_outcome row_decide(const struct migrate_change *c, const struct evidence *e);
/* Is it `where` alone that made it a conflict? */
bool row_is_left_out(const struct migrate_change *c, const struct evidence *e);

#endif
