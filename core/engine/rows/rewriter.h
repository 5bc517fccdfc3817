/* SPDX-License-Identifier: MIT */
#ifndef MIGRATE_ENGINE_ROWS_REWRITER_H
#define MIGRATE_ENGINE_ROWS_REWRITER_H

#include "engine/rows/stride.h"
#include "engine/work/again.h"
#include "engine/work/running.h"

/*
 * One row worker: a session of each database and each cache. For a batch it finds
 * the rows that name its objects, journals what it intends, rewrites, journals
 * the outcome, invalidates caches, and closes the batch.
 */
struct rewriter {
	struct run *run;
	pthread_t thread;
	struct migrate_session **databases, **caches;
	struct row_page page;
	int64_t *lag_seen;      /* by database: when its replicas were near enough; 0: never */
	size_t slice;           /* values to look for at a time */
	struct stride *strides; /* rows that one rewrite() takes, by database */
	bool puts_off;          /* rows that are locked may wait for the end of all work */
	bool put_off;           /* of the present batch, some do */
	struct arena arena;     /* of the present batch */
	struct arena rows;      /* of the present chunk: a key may have millions of rows */
	struct chunk pending;   /* its outcome is journalled with what comes next */
	bool is_pending;
	struct chunk *resolved; /* that an earlier run had left open, of the present batch */
	size_t resolved_n;
	struct buf value, key;
};

struct rewriter *rewriter_new(struct run *run, struct error *err);
void rewriter_free(struct rewriter *r);
void *rewriter_main(void *rewriter); /* of its thread */

/* find.c: which rows name this batch's objects? Calls each() with chunks in the arena. */
struct wanted {                       /* what find() looks for */
	struct migrate_bytes *values; /* old values, distinct */
	uint32_t *objects;            /* index in the batch of each */
	size_t n;
};
typedef int each_chunk(struct rewriter *r, struct batch *b, struct chunk *c, struct error *err);
int rows_find(struct rewriter *r, struct batch *b, size_t database, each_chunk *each,
	      struct error *err);

/* turn.c: one rewrite(), which took ns; contended: as it says. */
struct turns *turns_new(struct run *run); /* NULL: out of memory */
void turns_free(struct turns *t);
void turn_take(struct turns *t, size_t database);
void turn_end(struct turns *t, size_t database, int64_t ns, bool contended);

/* swap.c: rewrite a chunk whose intent is durable; outcomes into its rows. */
int rows_rewrite(struct rewriter *r, struct chunk *c, struct error *err);
/* The outcomes of a chunk, added to counts. */
void rows_count(const struct chunk *c, struct batch_counts *counts);
/*
 * step-back.c: rows of a settled chunk with this outcome (CONFLICT, FAILED) are looked for
 * again: it becomes RETRIED, and b does not count them any more. Returns how many.
 */
uint64_t rows_step_back(struct batch *b, struct chunk *c, enum migrate_outcome outcome);
/* The same of one row that conflicted or failed. */
void row_step_back(struct batch *b, struct row_record *r);
/* Batches with rows that conflicted or failed; ids is malloc'ed, also after an error. */
struct bad_batches {
	int64_t *ids;
	size_t n;
};
enum bad_rows { BAD_ALL, BAD_EXACT, BAD_TEXTS }; /* whose values are whole, or stand in texts */
int bad_batches_find(struct run *run, enum bad_rows which, struct bad_batches *bad,
		     struct error *err);
/*
 * Before a scan that finds them again, what earlier passes said of rows steps back: of rows
 * that failed; with texts, of texts alone, also of those that conflicted.
 */
int rows_await_scan(struct run *run, bool texts, struct error *err);

/*
 * invalidate.c: tell all caches of the rows of a settled chunk that changed, until
 * each has acknowledged them. Again: of what a run before settled in this batch,
 * as nobody knows whether it came to that.
 */
int rows_invalidate(struct rewriter *r, const struct batch *b, const struct chunk *c,
		    struct error *err);
int rows_invalidate_again(struct rewriter *r, const struct batch *b, struct error *err);

/* lag.c: returns once the replicas are near enough; -1: the run ends. */
int rows_await_replicas(struct rewriter *r, size_t database, struct error *err);

/*
 * For a call on a database or a cache. What passes by itself (locks, deadlocks, statements that
 * take too long) is waited for as long as `patience` says.
 */
struct again rows_again(const struct rewriter *r);

/* unindexed.c: databases whose column has no index are scanned once, on first need. */
struct rowindex *rowindex_new(struct run *run);
void rowindex_free(struct rowindex *x);
/* What was read is stale from now on. */
void rowindex_forget(struct rowindex *x);
bool rowindex_serves(const struct rowindex *x, size_t database);
int rowindex_find(struct rowindex *x, struct rewriter *r, size_t database, struct migrate_bytes key,
		  int (*each)(void *arg, const struct migrate_row *row), void *arg,
		  struct error *err);

#endif
