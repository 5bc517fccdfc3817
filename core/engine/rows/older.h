/* SPDX-License-Identifier: MIT */
#ifndef MIGRATE_ENGINE_ROWS_OLDER_H
#define MIGRATE_ENGINE_ROWS_OLDER_H

#include "engine/task/task.h"

/*
 * A row has one outcome, its newest. What a batch said of a row that conflicted or failed steps
 * back when another batch is about to change that row: in a later pass, after its object changed,
 * or in the scan. Of exact values; texts are read anew by each pass. Any thread.
 */
struct older_rows;

/* Knows what the journal counts now. */
struct older_rows *older_rows_new(const struct task *t, struct error *err);
void older_rows_free(struct older_rows *o);
/* Before the chunk's intent, while its batch is open in the journal: killed, it is found again. */
int older_rows_step_back(struct older_rows *o, const struct chunk *c, struct error *err);
/* After its outcome: what conflicted or failed now is older one day. */
int older_rows_note(struct older_rows *o, const struct chunk *c, struct error *err);

#endif
