/* SPDX-License-Identifier: MIT */
#ifndef MIGRATE_ENGINE_WORK_ENGINE_H
#define MIGRATE_ENGINE_WORK_ENGINE_H

#include "engine/task/ends.h"
#include "engine/task/options.h"
#include "journal/journal.h"

#include <pthread.h>
#include <stdatomic.h>

/*
 * The engine's own state, shared by its threads (this header is for the rooms of
 * core/engine alone; run/run.h is for users):
 *
 *   feeder     plans batches from the source's listing, admits them to the window
 *   copiers    take objects of any open batch, copy and verify them, settle them
 *   syncer     makes what was copied durable and journals it
 *   rewriters  change the rows of a copied batch, invalidate caches, close it
 *   saver      once a second: journals what open batches settled, moves stragglers
 *   ticker     the main thread: progress; once a second the control file, samples,
 *              the watchdog. It never waits for the journal's disk.
 *   signals    one: hears them, and tells engine_stop()
 *
 * Invariants. `lock` guards the window: every struct work, its lists, and the
 * records of its batch while it is in the copy stage. A copier works on its own
 * copy of a record and writes the result back in work_settle(). Once a batch has
 * left the copy stage exactly one thread holds it. A thread that fails calls
 * engine_fail(), the first error wins, and all threads wind down.
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

struct gate; /* outages, pauses: gate.h */
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

/* What copy.concurrency: auto goes by; read once a second. */
struct pulse {
	atomic_uint_fast64_t busy, starved;       /* ns of copiers: at work, waiting for some */
	atomic_uint_fast64_t source, destination; /* answers that asked for less */
};

struct engine {
	const struct job *job;
	const struct run_options *options;
	struct ends ends;
	enum ends_relation relation;
	struct migrate_bytes inside; /* one end inside the other: the keys' prefix there */
	struct journal *journal;
	struct journal_job identity;
	struct journal_pass pass;
	struct {
		char *
		    change; /* of the job, since the journal remembered it; malloc'ed; NULL: none */
		bool relist; /* other keys may be selected now */
	} fit;
	bool begun; /* the journal knows of this run */
	bool fresh; /* the journal was made by this run, or nothing of it was begun */
	bool dry;   /* the journal, if there is one, is only read */
	bool can_copy, has_sync, has_parts, has_rows;

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

	atomic_bool stopping; /* finish what is in flight */
	atomic_bool failed;   /* error is set: leave */
	struct error error;
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
	atomic_uint_fast32_t why;                /* concurrency is what it is: enum auto_reason */
	atomic_bool scanning, listing;           /* for the progress line */
	enum migrate_digest_algorithm algorithm; /* of digests taken while bytes pass */
	struct losses *losses;                   /* attributes that could not be kept, by name */
	atomic_uint_fast64_t told;               /* failures that were named in the log */
	atomic_bool locks_stay;                  /* waiting for locked rows did not help */
	atomic_uint_fast64_t put_off;            /* batches with rows that were locked */
	_Atomic(int64_t) waiting_since;          /* for these (monotonic); 0: not yet */
	uint64_t orphaned;
	/* of this pass, by earlier runs; less when some of it is looked at again */
	atomic_uint_fast64_t objects_before, bytes_before, copied_before;
	uint64_t first_left; /* --first: objects that may still be planned; UINT64_MAX: any */
};

/* The first error ends the run; err is copied. Wakes everybody. */
void engine_fail(struct engine *e, const struct error *err);
/* The same, with lock held. */
void engine_fail_locked(struct engine *e, const struct error *err);
/* Ends the run if so (max_failures). The second with lock held. */
bool engine_too_many_failed(struct engine *e);
bool engine_too_many_failed_locked(struct engine *e);
/* A thread ends before its work is done: with err, or because the run ends anyway. */
void engine_broke_off(struct engine *e, struct error *err);
/* Finish what is in flight. */
void engine_stop(struct engine *e);
bool engine_leaving(const struct engine *e); /* stopping or failed */
/* Sleep, but not beyond the end of the run. False: leaving. */
bool engine_sleep(struct engine *e, int64_t ns);
/* Wait for a change of the window, at most ns (lock held). */
void engine_wait(struct engine *e, pthread_cond_t *cond, int64_t ns);
/* Wake everybody (lock held): the run ends, or what may be taken changed at large. */
void engine_wake(struct engine *e);
/* Before the n-th repetition of something (from 1): grows to 10 s, with jitter. In ns. */
int64_t engine_backoff(unsigned n);

/* ---- window.c ---- */

/* Blocks until the window has room. False: leaving. */
bool window_wait_room(struct engine *e);
void window_init(struct engine *e);
void window_release(struct engine *e);
/* Hand a batch in; owns it from now on. NULL: out of memory (engine_fail was called). */
struct work *window_admit(struct engine *e, struct batch *b, bool resumed);
/* Straight to the rewriters (its copies are settled). */
bool window_admit_copied(struct engine *e, struct batch *b);
void window_fed(struct engine *e);
/* Wait until it is empty. -1: the run ends (no error of its own). */
int window_drain(struct engine *e);

enum window_taken { TOOK_NOTHING, TOOK_ITEMS, TOOK_PARTS };
/*
 * For one copier, blocking: up to max items (*n); or word that a large object has
 * parts to help with; or that nothing will come any more.
 */
enum window_taken window_take(struct engine *e, uint32_t copier, struct item *items, size_t max,
			      size_t *n);
/* The results of n items, each as its `end` says. */
void window_return(struct engine *e, struct item *items, size_t n);
/* Somebody else than a copier keeps w from being freed; window_unhold() ends that. */
void window_unhold(struct engine *e, struct work *w);
/* With lock held: where the result of object n of w belongs now: stragglers have been moved. */
struct work *window_resolve(struct work *w, uint32_t *n);
/* With lock held: `to` takes over objects which[] of w, which is settled by that. */
struct work *window_adopt(struct engine *e, struct work *w, struct batch *to, const uint32_t *which,
			  struct forward *forward);

/*
 * For the syncer: all works whose copies are settled; NULL: none will come. Blocks;
 * not before `earliest` (monotonic) unless the copiers have nothing else to do.
 */
struct work *window_take_settled(struct engine *e, int64_t earliest);
void window_to_rewriters(struct engine *e, struct work *w);
struct work *window_take_rewriting(struct engine *e);
/* The work is done with (or left for the next run): frees it. */
void window_close(struct engine *e, struct work *w);
/*
 * Journal settled objects of works that are still open. durable: a sync of the destination
 * has ended since the last copy, so that the next run may rely on what is journalled.
 */
int window_save(struct engine *e, bool durable, struct error *err);
/* Move unfinished objects of old works to new batches. */
int window_move_stragglers(struct engine *e, int64_t older_than, struct error *err);

/* A deep copy, bytes in a. False: out of memory. */
bool object_record_copy(struct arena *a, const struct object_record *from,
			struct object_record *to);

/* A key as messages show it, escaped, in a. */
const char *shown_key(struct arena *a, struct migrate_bytes key);

/* tell.c: what failed, in the log, by name. */
void tell_failure(struct engine *e, const struct object_record *o);
void tell_rows(struct engine *e, const struct chunk *c);
/* A row that names an object which was not there before we came. */
void tell_missing(struct engine *e, const struct chunk *c, const struct row_record *row);

/* ---- syncer.c, saver.c: main functions of threads ---- */
void *syncer_main(void *engine);
void *saver_main(void *engine);

#endif
