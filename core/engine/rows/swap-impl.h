/* SPDX-License-Identifier: MIT */
#ifndef MIGRATE_ENGINE_ROWS_SWAP_IMPL_H
#define MIGRATE_ENGINE_ROWS_SWAP_IMPL_H

#include "engine/rows/rewriter.h"

/* One chunk on its way through the database: swap.c, swap-locked.c. */
struct swap {
	struct rewriter *r;
	size_t database;
	struct row_record *rows;
	struct migrate_change *changes; /* of each row */
	struct migrate_change **call;   /* those of the present call */
	uint32_t *all;                  /* 0, 1, ...: the numbers of all rows */
	uint32_t *held, *again;         /* numbers, ascending: those that are come back to */
	size_t held_n;
	bool in_doubt;               /* a call was cut off: its transaction may hold rows still */
	bool doubtful;               /* of the last call: as rewrite() says */
	enum migrate_status doubted; /* what may be of rows, or not; OK: nothing */
	bool well;                   /* some were rewritten */
	size_t failed;
	int64_t since; /* when the first of them was met (monotonic) */
	struct error *err;
};

/* In pieces of the size that goes well. Who is held is gathered in w->held. 0, or -1: the run ends. */
int swap_rows(struct swap *w, const uint32_t *rows, size_t n);
/*
 * One row, for which may be waited. OK, INVALID (it failed), TRANSIENT (it is held still); else
 * the run ends.
 */
enum migrate_status swap_wait(struct swap *w, uint32_t row);
/* For those that are held, or they are put off. */
int swap_held(struct swap *w);

#endif
