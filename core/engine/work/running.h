/* SPDX-License-Identifier: MIT */
#ifndef MIGRATE_ENGINE_WORK_RUNNING_H
#define MIGRATE_ENGINE_WORK_RUNNING_H

#include "engine/task/halt.h"
#include "engine/task/task.h"
#include "engine/work/gate.h"

#include <pthread.h>
#include <stdatomic.h>

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
 * Invariants. `lock` guards the window: every struct work, its lists, and the
 * records of its batch while it is in the copy stage. A copier works on its own
 * copy of a record and writes the result back in window_return(). Once a batch has
 * left the copy stage exactly one thread holds it. A thread that fails calls
 * halt_fail(), the first error wins, and all threads wind down.
 */
#define WINDOW_MAX 32         /* batches in memory at once, and not yet durable at most */
#define RUN_LENGTH 16         /* small objects a copier takes at a time */
#define CHUNK_ROWS 1000       /* rows in a chunk */
#define WHOLE_MAX (64u << 20) /* objects up to this may go in one piece, whatever part_size */

/* A batch on its way. */
struct work {
	struct work *next;
	struct batch *batch;
	uint32_t taken;  /* objects given out so far */
	uint32_t left;   /* objects not settled */
	uint32_t held;   /* items that copiers hold */
	bool resumed;    /* began in an earlier run: its copies may be there already */
	bool dirty;      /* objects that are not journalled as they are now */
	bool finished;   /* window_close() was called: freed once nothing is held */
	int64_t touched; /* monotonic: when something was settled last */
	struct forward {
		struct work *work;
		uint32_t n;
	} * forward; /* stragglers: where they went */
};

struct work_list {
	struct work *first, **last;
	size_t n;
};

enum item_end {
	ITEM_SETTLED = 0,
	ITEM_AGAIN, /* try it again later */
	ITEM_LEFT   /* the run ends: it is the next one's */
};

/* What a copier holds: one object of a work, in its own copy. */
struct item {
	struct work *work;
	uint32_t n;
	struct object_record record; /* bytes belong to the batch or to the copier's arena */
	struct {
		struct migrate_bytes etag;
		uint64_t size;
		int64_t mtime;
	} planned;     /* the source, as the record said when it was given out */
	uint64_t lost; /* attributes that were counted as lost: see losses.c */
	uint8_t end;   /* out: enum item_end */
	int64_t due;   /* ITEM_AGAIN: not before (monotonic) */
	struct item *next;
};

/* Parts of one object that any copier may take; whoever offers them knows the rest (parts.c). */
struct offer {
	struct offer *next;
	uint32_t left;
};

/* Who may rewrite rows of a database. */
struct turn {
	uint32_t now; /* calls of rewrite() under way */
	/* where but one may be: */
	int64_t busy, next_look; /* ns that were spent so; when to look for other writers */
	int64_t contended;       /* when some were seen last (monotonic); 0: never */
};

struct pace; /* limits: pace.h */
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

	pthread_mutex_t lock;
	pthread_cond_t takeable; /* copiers wait for it: there may be something to take */
	pthread_cond_t changed;  /* everybody else: something in the window changed */
	struct work_list open, syncing, rewriting;
	size_t window;               /* works in memory */
	struct item *waiting;        /* items to be tried again */
	struct offer *offers;        /* objects whose parts may be taken */
	bool fed;                    /* the feeder will admit nothing more */
	bool draining;               /* the feeder waits until the window is empty */
	bool synced;                 /* the syncer will hand on nothing more */
	bool saving;                 /* pictures of open batches are being journalled */
	uint32_t copiers, rewriters; /* threads at work */
	struct turn *turns;          /* of rewrite(), by database: turn.c */
	uint32_t idle;               /* copiers that found nothing to take */
	uint64_t memory;             /* bytes of buffers in use */

	_Atomic(struct item *) *inflight; /* per copier: what it works on */
	uint32_t inflight_size;

	struct gate *gate;
	struct pace *pace;
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

/* All but the locks and the window is the caller's. */
void run_init(struct run *run);
void run_release(struct run *run);
/* halt_fail() with lock held. */
void run_fail_locked(struct run *run, const struct error *err);
/* Ends the run if so (max_failures). The second with lock held. */
bool run_too_many_failed(struct run *run);
bool run_too_many_failed_locked(struct run *run);
/* A thread ends before its work is done: with err, or because the run ends anyway. */
void run_broke_off(struct run *run, struct error *err);
/* Wait for a change of the window, at most ns (lock held). */
void window_wait(struct run *run, pthread_cond_t *cond, int64_t ns);
/* Wake everybody (lock held): the run ends, or what may be taken changed at large. */
void window_wake(struct run *run);

/* ---- window.c ---- */

/* Blocks until the window has room. False: leaving. */
bool window_wait_room(struct run *run);
void window_init(struct run *run);
void window_release(struct run *run);
/* Hand a batch in; owns it from now on. NULL: out of memory (run_fail was called). */
struct work *window_admit(struct run *run, struct batch *b, bool resumed);
/* Straight to the rewriters (its copies are settled). */
bool window_admit_copied(struct run *run, struct batch *b);
void window_fed(struct run *run);
/* Wait until it is empty. -1: the run ends (no error of its own). */
int window_drain(struct run *run);

enum window_taken { TOOK_NOTHING, TOOK_ITEMS, TOOK_PARTS };
/*
 * For one copier, blocking: up to max items (*n); or word that a large object has
 * parts to help with; or that nothing will come any more.
 */
enum window_taken window_take(struct run *run, uint32_t copier, struct item *items, size_t max,
			      size_t *n);
/* The results of n items, each as its `end` says. */
void window_return(struct run *run, struct item *items, size_t n);
/* Somebody else than a copier keeps w from being freed; window_unhold() ends that. */
void window_unhold(struct run *run, struct work *w);
/* With lock held: where the result of object n of w belongs now: stragglers have been moved. */
struct work *window_resolve(struct work *w, uint32_t *n);
/* With lock held: `to` takes over objects which[] of w, which is settled by that. */
struct work *window_adopt(struct run *run, struct work *w, struct batch *to, const uint32_t *which,
			  struct forward *forward);

/*
 * For the syncer: all works whose copies are settled; NULL: none will come. Blocks;
 * not before `earliest` (monotonic) unless the copiers have nothing else to do.
 */
struct work *window_take_settled(struct run *run, int64_t earliest);
void window_to_rewriters(struct run *run, struct work *w);
struct work *window_take_rewriting(struct run *run);
/* The work is done with (or left for the next run): frees it. */
void window_close(struct run *run, struct work *w);
/*
 * Journal settled objects of works that are still open. durable: a sync of the destination
 * has ended since the last copy, so that the next run may rely on what is journalled.
 */
int window_save(struct run *run, bool durable, struct error *err);
/* Move unfinished objects of old works to new batches. */
int window_move_stragglers(struct run *run, int64_t older_than, struct error *err);

/* A deep copy, bytes in a. False: out of memory. */
bool object_record_copy(struct arena *a, const struct object_record *from,
			struct object_record *to);

/* tell.c: what failed, in the log, by name. */
void tell_failure(struct run *run, const struct object_record *o);
void tell_rows(struct run *run, const struct chunk *c);
/* A row that names an object which was not there before we came. */
void tell_missing(struct run *run, const struct chunk *c, const struct row_record *row);

/* ---- syncer.c, saver.c: main functions of threads ---- */
void *syncer_main(void *engine);
void *saver_main(void *engine);

#endif
