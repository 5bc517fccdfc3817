/* SPDX-License-Identifier: MIT */
#ifndef MIGRATE_JOURNAL_LOOKASIDE_H
#define MIGRATE_JOURNAL_LOOKASIDE_H

#include "journal/journal.h"

/*
 * A temporary table on disk, gone with the process: (key, payload) records found again
 * by key, any number per key, such as the rows of a database whose column has no index.
 * A file near the journal, unlinked as soon as it is open. One thread at a time.
 */
struct lookaside;
struct lookaside *lookaside_new(const struct journal_place *p, struct error *err);
/* What a process left that was killed between making its file and unlinking it. Under the lock. */
void lookaside_sweep(const struct journal_place *p);
int lookaside_add(struct lookaside *l, struct migrate_bytes key, struct migrate_bytes payload,
		  struct error *err);
/* Calls each() for every record of this key, in the order they were added. */
int lookaside_find(struct lookaside *l, struct migrate_bytes key,
		   int (*each)(void *arg, struct migrate_bytes payload), void *arg,
		   struct error *err);
void lookaside_free(struct lookaside *l);

#endif
