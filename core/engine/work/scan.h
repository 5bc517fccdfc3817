/* SPDX-License-Identifier: MIT */
#ifndef MIGRATE_ENGINE_WORK_SCAN_H
#define MIGRATE_ENGINE_WORK_SCAN_H

#include "base/arena.h"
#include "engine/work/gate.h"

/*
 * All rows of a database, page by page. Trouble is waited out as the gate says: an
 * error while scanning is never the end of the rows.
 */
#define SCAN_ROWS 1000 /* in a page */

struct row_scan {
	struct gate *gate;
	struct migrate_session *session;
	struct row_page page; /* the present one */
	struct migrate_bytes cursor;
	struct arena arena; /* of the cursor */
	bool started;
	uint64_t bytes;    /* set after init: of values in a page; 0: any */
	uint64_t too_long; /* rows passed over, as their values are too long */
};

void row_scan_init(struct row_scan *s, struct gate *gate, struct migrate_session *session);
/* 1: rows in s->page; 0: there are no more; -1 (err is clear when the run is ending). */
int row_scan_next(struct row_scan *s, struct error *err);
void row_scan_release(struct row_scan *s);

#endif
