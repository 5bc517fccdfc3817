/* SPDX-License-Identifier: MIT */
#ifndef MIGRATE_ENGINE_RUN_TUNE_H
#define MIGRATE_ENGINE_RUN_TUNE_H

#include "engine/run/auto.h"
#include "engine/run/crew.h"

/*
 * How many copiers work: a number that was set, or what auto.c makes of the last
 * seconds. The main thread's alone; e->why says why, for whoever shows it.
 */
struct tuning {
	struct crew *crew;
	struct auto_tuner tuner;
	struct auto_sample last; /* sums since the beginning, when it was looked last */
	bool automatic;
	bool paused;
};

/* n 0: auto. Before crew_start() and at any time after it. */
void tune_set(struct tuning *t, uint32_t n);
/* Once a second. paused: what happened meanwhile says nothing. */
void tune_step(struct tuning *t, bool paused);

#endif
