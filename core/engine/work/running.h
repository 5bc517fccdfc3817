/* SPDX-License-Identifier: MIT */
#ifndef MIGRATE_ENGINE_WORK_RUNNING_H
#define MIGRATE_ENGINE_WORK_RUNNING_H

#include "engine/task/halt.h"
#include "engine/task/task.h"
#include "engine/work/budget.h"
#include "engine/work/gate.h"
#include "engine/work/window.h"

/*
 * A task while it is run: what its threads share (this header is for the rooms of
 * core/engine alone; run/run.h is for users):
 *
 *   feeder     plans batches from the source's listing, admits them to the window
 *   copiers    take objects of any open batch, copy and verify them, settle them
 *   syncer     makes what was copied durable and journals it
 *   rewriters  change the rows of a copied batch, invalidate caches, close it
 *   saver      once a second: journals what open batches settled, moves stragglers
 *   ticker     the main thread: progress; once a second the control file, samples,
 *              the watchdog. It never waits for the journal's disk.
 *
 * A thread that fails calls halt_fail(), the first error wins, and all threads wind down.
 */
#define CHUNK_ROWS 1000       /* rows in a chunk */
#define WHOLE_MAX (64u << 20) /* objects up to this may go in one piece, whatever part_size */

struct pace; /* limits: pace.h */
struct turns;
struct rowindex;
struct losses;

/* Counters of this run; read by the ticker at any time. */
struct tally {
	atomic_uint_fast64_t objects, bytes;           /* planned in this pass */
	atomic_uint_fast64_t objects_done, bytes_done; /* settled by copiers */
	atomic_uint_fast64_t copied, same, skipped, gone, failed;
	atomic_uint_fast64_t copied_bytes; /* by this run */
	atomic_uint_fast64_t rows, rows_conflict, passed_over;
	atomic_uint_fast64_t new_failures; /* against max_failures */
};

struct run {
	struct task *task;
	const struct run_options *options;
	struct halt halt; /* the run ends, and why: no error, asked to stop, the first error */
	bool begun;       /* the journal knows of it */
	bool hangs;       /* a call was found that will not return */
	bool fresh;       /* the journal was made by this run, or nothing of it was begun */

	struct window window;
	struct budget budget; /* of memory */
	struct gate *gate;
	struct pace *pace;
	struct turns *turns;       /* of rewrite(): turn.c */
	struct rowindex *rowindex; /* databases without an index on the column */
	struct older_rows *older_rows;
	struct tally tally;
	atomic_uint_fast32_t concurrency;  /* copiers that may take work */
	atomic_uint_fast32_t most_copiers; /* no more are possible */
	atomic_uint_fast32_t equipped;     /* copiers that have sessions */
	struct pulse pulse;
	atomic_uint_fast32_t why;       /* concurrency is what it is: enum auto_reason */
	atomic_bool scanning, listing;  /* for the progress line */
	struct losses *losses;          /* attributes that could not be kept, by name */
	atomic_uint_fast64_t told;      /* failures that were named in the log */
	atomic_bool locks_stay;         /* waiting for locked rows did not help */
	atomic_uint_fast64_t put_off;   /* batches with rows that were locked */
	_Atomic(int64_t) waiting_since; /* for these (monotonic); 0: not yet */
	/* of this pass, by earlier runs; less when some of it is looked at again */
	atomic_uint_fast64_t objects_before, bytes_before, copied_before;
	uint64_t first_left; /* --first: objects that may still be planned; UINT64_MAX: any */
};

/* task is set. The rest is the caller's. */
void run_init(struct run *run);
void run_release(struct run *run);
/* ---- failing.c ---- */

/* More than max_failures? The second ends the run then. */
bool run_has_too_many_failed(const struct run *run, struct error *err);
bool run_too_many_failed(struct run *run);
/* A thread ends before its work is done: with err, or because the run ends anyway. */
void run_broke_off(struct run *run, struct error *err);
/* A deep copy, bytes in a. False: out of memory. */
bool object_record_copy(struct arena *a, const struct object_record *from,
			struct object_record *to);

/* tell.c: what failed, in the log, by name. */
void tell_failure(struct run *run, const struct object_record *o);
void tell_rows(struct run *run, const struct chunk *c);
/* A row that names an object which was not there before we came. */
void tell_missing(struct run *run, const struct chunk *c, const struct row_record *row);

/* ---- syncer.c, saver.c: main functions of threads ---- */
void *syncer_main(void *run);
void *saver_main(void *run);

#endif
