/* SPDX-License-Identifier: MIT */
#ifndef MIGRATE_ENGINE_TASK_CONTROL_H
#define MIGRATE_ENGINE_TASK_CONTROL_H

#include "job/job.h"
#include "journal/journal.h"

/*
 * What migrate-control asks of a run: a small text that belongs to its journal.
 *
 * Pause and settings stay until they are taken back, also for later runs; a stop
 * is for the run that is going on. serial grows with each change; 0: there is no
 * such file. A damaged one is an error and changes nothing.
 */
struct control {
	uint64_t serial;
	bool paused, stop;
	/* Settings that take the place of the job file's; only where set. */
	bool concurrency_set, bandwidth_set, requests_set, rows_set;
	int64_t concurrency; /* 0: auto */
	struct job_limits limits;
};

/* One that others could have written is an error, and is not read. */
int control_read(const struct journal_place *p, struct control *c, struct error *err);

/*
 * Read, let change() change it, give it a new serial and make it durable: no other writer comes
 * between.
 */
int control_change(const struct journal_place *p,
		   int (*change)(void *arg, struct control *c, struct error *err), void *arg,
		   struct control *c, struct error *err);

/* ---- For the engine ---- */

struct control_watch {
	uint64_t version[4]; /* of what was read last */
	uint64_t serial;
};

/* At the start of a run: an old stop is taken out of the file; c is what holds. */
int control_begin(const struct journal_place *p, struct control_watch *w, struct control *c,
		  struct error *err);
/* 1: it changed, c is new; 0: as before (one stat, c is left alone); -1: unreadable, said once. */
int control_poll(const struct journal_place *p, struct control_watch *w, struct control *c,
		 struct error *err);

/* "paused, copy.concurrency=16, limits.rows=100/s" or "nothing"; for log, event and people. */
void control_text(const struct control *c, char *text, size_t size);

/* What the job says, with the settings of c over it. *concurrency 0: auto. */
void control_apply(const struct control *c, const struct job *job, uint32_t *concurrency,
		   struct job_limits *limits);

#endif
