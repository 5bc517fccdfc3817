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

/*
 * One row's columns of `set:`: what they hold, and what they shall as the job says, unless this
 * change says that an undo puts something else back. p NULL: NULL.
 */
enum sets sets_compare(const struct migrate_bytes *held, const struct migrate_bytes *asked,
		       size_t count, const struct migrate_change *c);

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
