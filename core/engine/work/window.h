/* SPDX-License-Identifier: MIT */
#ifndef MIGRATE_ENGINE_WORK_WINDOW_H
#define MIGRATE_ENGINE_WORK_WINDOW_H

#include "journal/journal.h"

#include <pthread.h>
#include <stdatomic.h>

/*
 * The batches that a run has in hand, who is at work on them, and what waits for whom.
 *
 * Invariants. `lock` guards all of struct window, every struct work, its lists, and the records
 * of its batch while it is in the copy stage; window*.c and offers.c alone take it. A copier
 * works on its own copy of a record and writes the result back in window_return(). Once a batch
 * has left the copy stage exactly one thread holds it. No plugin is called under the lock. All
 * waits are bounded by a second: a lost wake-up costs time, never a hang.
 */
#define WINDOW_MAX 32 /* batches in memory at once, and not yet durable at most */
#define RUN_LENGTH 16 /* small objects a copier takes at a time */

struct run;

struct forward {
	struct work *work;
	uint32_t n;
};

/* A batch on its way. */
struct work {
	struct work *next;
	struct batch *batch;
	uint32_t taken;          /* objects given out so far */
	uint32_t left;           /* objects not settled */
	uint32_t held;           /* items that copiers hold */
	bool resumed;            /* began in an earlier run: its copies may be there already */
	bool dirty;              /* objects that are not journalled as they are now */
	bool finished;           /* window_close() was called: freed once nothing is held */
	int64_t touched;         /* monotonic: when something was settled last */
	struct forward *forward; /* stragglers: where they went */
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

struct offer; /* parts of large objects: offers.h */

/* Those that the window waits for, and that wait for it. */
enum hands { COPIERS, REWRITERS };

struct window {
	pthread_mutex_t lock;
	pthread_cond_t takeable; /* copiers wait for it: there may be something to take */
	pthread_cond_t changed;  /* everybody else: something changed */
	struct work_list open, syncing, rewriting;
	size_t works;                     /* in memory */
	struct item *waiting;             /* items to be tried again */
	struct offer *offers;             /* objects whose parts may be taken */
	bool fed;                         /* the feeder will admit nothing more */
	bool draining;                    /* the feeder waits until there is no work */
	bool synced;                      /* the syncer will hand on nothing more */
	bool saving;                      /* pictures of open batches are being journalled */
	uint32_t hands[2];                /* threads at work: enum hands */
	uint32_t idle;                    /* copiers that found nothing to take */
	_Atomic(struct item *) *inflight; /* per copier: what it works on */
	uint32_t inflight_size;
};

void window_init(struct run *run);
void window_release(struct run *run);
/* Blocks until it holds less than `most` works (WINDOW_MAX at most). False: leaving. */
bool window_wait_room(struct run *run, size_t most);
/* Hand a batch in; owns it from now on. NULL: out of memory (the run has failed). */
struct work *window_admit(struct run *run, struct batch *b, bool resumed);
/* Straight to the rewriters (its copies are settled). */
bool window_admit_copied(struct run *run, struct batch *b);
/* The feeder admits nothing more; the syncer hands on nothing more. */
void window_fed(struct run *run);
void window_synced(struct run *run);
bool window_is_fed(struct run *run);
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
/*
 * For the syncer: all works whose copies are settled; NULL: none will come. Blocks;
 * not before `earliest` (monotonic) unless the copiers have nothing else to do.
 */
struct work *window_take_settled(struct run *run, int64_t earliest);
void window_to_rewriters(struct run *run, struct work *w);
struct work *window_take_rewriting(struct run *run);
/* The work is done with (or left for the next run): frees it. */
void window_close(struct run *run, struct work *w);

/* ---- window-workers.c: who is at work ---- */

/* So many more; counted before they start: nobody must think that the last one left. */
void window_enlist(struct run *run, enum hands who, uint32_t n);
/* So many left, or could not start. */
void window_dismiss(struct run *run, enum hands who, uint32_t n);
bool window_has_copiers(struct run *run);
/* Feeder, copiers, syncer and rewriters have come to their end. */
bool window_is_over(struct run *run);
/* Copiers above that number wait from now on. */
void window_set_concurrency(struct run *run, uint32_t n);
/* What copier number c works on; NULL: nothing. */
void window_note_inflight(struct run *run, uint32_t c, struct item *it);
/* Batch and number of each object that is worked on; at most inflight_size. How many. */
uint32_t window_inflight(struct run *run, int64_t *batches, uint32_t *objects);
/* Wakes everybody: the run ends, or what may be taken changed at large. */
void window_wake_all(struct run *run);

/* ---- window-save.c ---- */

/*
 * Journal settled objects of works that are still open. durable: a sync of the destination
 * has ended since the last copy, so that the next run may rely on what is journalled.
 */
int window_save(struct run *run, bool durable, struct error *err);
/* window-stragglers.c: moves unfinished objects of old works to new batches. */
int window_move_stragglers(struct run *run, int64_t older_than, struct error *err);
/* Until then (monotonic). False: nothing is left to be saved. */
bool window_sleep_until(struct run *run, int64_t then);

/* ---- For window*.c and offers.c, with lock held ---- */

void window_wait(struct run *run, pthread_cond_t *cond, int64_t ns);
void window_wake(struct run *run);
/* Where the result of object n of w belongs now: stragglers have been moved. */
struct work *window_resolve(struct work *w, uint32_t *n);
/* `to` takes over objects which[] of w, which is settled by that. */
struct work *window_adopt(struct run *run, struct work *w, struct batch *to, const uint32_t *which,
			  struct forward *forward);

#endif
