/* SPDX-License-Identifier: MIT */
#ifndef MIGRATE_PLUGINS_HELD_H
#define MIGRATE_PLUGINS_HELD_H

#include <migrate/plugin.h>

/*
 * What a row holds under the lock instead of what was expected, for
 * migrate_set_conflict(): path = 'x', size = NULL; where is not true of it any more.
 */
#define HELD_VALUE_MAX 100 /* bytes shown of a value */

struct held {
	char text[900];
	size_t n;
};

#define HELD_INIT                                                                                  \
	{                                                                                          \
		.n = 0                                                                             \
	}

/* One column; p NULL: NULL. Columns beyond the room are left out. */
void held_column(struct held *h, const char *name, struct migrate_bytes value);
/* The job's condition is not true of the row. */
void held_left_out(struct held *h);

#endif
