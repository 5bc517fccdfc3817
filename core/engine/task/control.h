/* SPDX-License-Identifier: MIT */
#ifndef MIGRATE_ENGINE_TASK_CONTROL_H
#define MIGRATE_ENGINE_TASK_CONTROL_H

#include "job/job.h"

#include <sys/stat.h>

/*
 * What migrate-control asks of a run: a small text file beside the journal,
 * JOURNAL-control, replaced whole by rename, so that a reader sees the old one or
 * the new one.
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

/* Whose it is. One that others could have written is an error, and is not read. */
struct control_file {
	const char *journal;
	uid_t trusted; /* see journal_options */
};

/* "<journal>-control"; malloc'ed, NULL: out of memory. */
char *control_path(const char *journal);

int control_read(const struct control_file *f, struct control *c, struct error *err);

/* Gives c->serial and makes it durable (0600, the journal's owner's when root writes it). */
int control_write(const struct control_file *f, struct control *c, struct error *err);

/* Read, let change() change it, write: no other writer comes between. */
int control_change(const struct control_file *f,
		   int (*change)(void *arg, struct control *c, struct error *err), void *arg,
		   struct control *c, struct error *err);

/* ---- For the engine ---- */

struct control_watch {
	struct stat seen;
	uint64_t serial;
};

/* At the start of a run: an old stop is taken out of the file; c is what holds. */
int control_begin(const struct control_file *f, struct control_watch *w, struct control *c,
		  struct error *err);
/* 1: it changed, c is new; 0: as before (one stat, c is left alone); -1: unreadable, said once. */
int control_poll(const struct control_file *f, struct control_watch *w, struct control *c,
		 struct error *err);

/* "paused, copy.concurrency=16, limits.rows=100/s" or "nothing"; for log, event and people. */
void control_text(const struct control *c, char *text, size_t size);

/* What the job says, with the settings of c over it. *concurrency 0: auto. */
void control_apply(const struct control *c, const struct job *job, uint32_t *concurrency,
		   struct job_limits *limits);

#endif
