/* SPDX-License-Identifier: MIT */
#ifndef MIGRATE_PLUGIN_CONFORMANCE_ROWS_H
#define MIGRATE_PLUGIN_CONFORMANCE_ROWS_H

#include "plugin/conformance/conformance-impl.h"

/* What trials of rows share. Values begin with the trial's prefix, as keys do. */
#define ROWS_MAX 256

struct rows {
	struct arena arena;
	struct found_row items[ROWS_MAX];
	size_t n;
};

/* Insert one row for each value (prefix + text). */
bool insert_rows(struct hand *h, const struct migrate_bytes *values, size_t n);
/* prefix + text, in a. */
struct migrate_bytes value_of(struct hand *h, struct arena *a, struct migrate_bytes text);
/* All rows that hold one of the values, in pages of `limit`. */
bool find_rows(struct hand *h, const struct migrate_bytes *values, size_t n, uint32_t limit,
	       struct rows *out);
/* All rows of the table whose value begins with the trial's prefix. */
bool scan_rows(struct hand *h, uint32_t limit, struct rows *out);

const char *lacks_insert(const struct battery *b);

#endif
