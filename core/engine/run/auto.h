/* SPDX-License-Identifier: MIT */
#ifndef MIGRATE_ENGINE_RUN_AUTO_H
#define MIGRATE_ENGINE_RUN_AUTO_H

#include "journal/journal.h"

/*
 * copy.concurrency: auto. How many copiers may work is found by trying: some more as
 * long as that moves more, a good part fewer when an end says that it is too much, or
 * when the same work takes much longer than it did. No clock, no threads: it is told
 * what happened and answers with a number.
 *
 * A copier uses both ends, so there is one number for both; the reason names the end.
 * Invariant: 1 <= now <= most.
 */
#define AUTO_MOST 512

/* What happened in some stretch of time. */
struct auto_sample {
	int64_t ns;                   /* how long it was */
	uint64_t objects, bytes;      /* settled, moved */
	uint64_t busy, starved;       /* ns that copiers worked; waited for work, all together */
	uint64_t source, destination; /* answers that asked for less */
};

struct auto_tuner {
	uint32_t now, most;
	enum auto_reason reason;
	struct auto_sample seen; /* since the last judgement */
	unsigned int quiet;      /* judgements to sit out before more are tried */
	uint32_t best;           /* the smallest number that moved as much as any since */
	double best_rate;        /* what it moved; 0: not known */
	double cost;             /* the least that a piece of work took lately; 0: not known */
};

void auto_init(struct auto_tuner *t, uint32_t first, uint32_t most);
/* No more than that are possible from now on. */
void auto_limit(struct auto_tuner *t, uint32_t most);
/* The new number, also in t->now. */
uint32_t auto_step(struct auto_tuner *t, const struct auto_sample *s);
/* What was seen says nothing any more: a pause, another number by hand. */
void auto_forget(struct auto_tuner *t);

#endif
