/* SPDX-License-Identifier: MIT */
#ifndef MIGRATE_ENGINE_PLAN_MADE_H
#define MIGRATE_ENGINE_PLAN_MADE_H

#include "journal/journal.h"

/* New keys of a job at which its copies may stand, in byte order and fixed memory. */
struct made;

/* Of the passes before this one; folder: for temporary files. NULL: err. */
struct made *made_open(struct journal *j, int before, const char *folder, struct error *err);
/* Is it one? 1, 0, -1. Keys ascend from call to call. */
int made_has(struct made *m, struct migrate_bytes key, struct error *err);
void made_close(struct made *m);

#endif
