/* SPDX-License-Identifier: MIT */
#ifndef MIGRATE_BASE_SORTER_H
#define MIGRATE_BASE_SORTER_H

#include "base/error.h"

#include <migrate/plugin.h>

/*
 * Sorts more records than fit into memory: fixed memory, the rest in runs in an
 * unlinked temporary file of `folder`. Records are (key, payload), ordered by
 * key in byte order, then by payload; equal ones all come out.
 *
 * Use: new, add ..., finish, then next until it returns 0. Not thread-safe.
 */
struct sorter;

/* memory: bytes held before a run is written (at least 64 KiB). folder: "" for $TMPDIR or /var/tmp. */
struct sorter *sorter_new(size_t memory, const char *folder);
int sorter_add(struct sorter *s, struct migrate_bytes key, struct migrate_bytes payload,
	       struct error *err);
/* After the last add. May be called again to read from the first record once more. */
int sorter_finish(struct sorter *s, struct error *err);
/* 1: *key and *payload are valid until the next call; 0: that was the last; -1: error. */
int sorter_next(struct sorter *s, struct migrate_bytes *key, struct migrate_bytes *payload,
		struct error *err);
void sorter_free(struct sorter *s);

#endif
