/* SPDX-License-Identifier: MIT */
#ifndef MIGRATE_ENGINE_RUN_TICKER_H
#define MIGRATE_ENGINE_RUN_TICKER_H

#include "engine/run/tune.h"
#include "engine/task/control.h"

/*
 * What happens beside the work, from the main thread: the progress line five times
 * a second, and once a second the control file, samples and the watchdog. Nothing
 * here waits for the journal's disk.
 */
struct ticker {
	struct run *run;
	struct progress *progress;
	struct journal_place place; /* of its journal: what is asked of it */
	struct control_watch watch;
	struct tuning tuning;
	uint32_t concurrency; /* as it was set when the run began; 0: auto */
	int64_t next_second;
};

int ticker_init(struct ticker *t, struct run *run, struct crew *crew, struct error *err);
/* Until no worker is left. */
void ticker_run(struct ticker *t);
void ticker_release(struct ticker *t);

/* obey.c: what migrate-control has asked, and asks. */
int obey_first(struct ticker *t, struct error *err);
void obey(struct ticker *t);

/* watchdog.c: a call that outlived its deadline by a grace time ends the run: see task_hooks. */
void watchdog_look(struct run *run);

#endif
