/* SPDX-License-Identifier: MIT */
#ifndef MIGRATE_ENGINE_TASK_TASK_H
#define MIGRATE_ENGINE_TASK_TASK_H

#include "engine/task/ends.h"
#include "engine/task/options.h"
#include "journal/journal.h"

/*
 * A job that is open: its ends, its journal, and what is known of both. Runs, dry runs, checks
 * and verifications are made of one; a process may have several. Nothing here owns the process:
 * no signals, no exit.
 *
 * Zeroed but for job and hooks, it is closed: task_close() may be called at any time.
 */
struct task_hooks {
	stoppable_fn *stoppable; /* NULL: nobody wants to stop anything */
	/*
	 * A call of a plugin hangs: it will never return, nor will the thread that made it; what
	 * happened is logged and in the journal. NULL, or it returns: the task fails with this
	 * error, and waits for that call for as long as it takes.
	 */
	void (*hung)(void);
};

struct task {
	const struct job *job;
	const struct task_hooks *hooks; /* NULL: none */
	struct ends ends;
	bool open; /* they are */
	enum ends_relation relation;
	struct migrate_bytes inside; /* one end inside the other: the keys' prefix there */
	bool can_copy, has_sync, has_rows;
	enum migrate_digest_algorithm algorithm; /* of digests taken while bytes pass */

	struct journal *journal;  /* NULL: there is none */
	bool read_only;           /* it is only read */
	struct journal_job known; /* what it says the job is */
	struct journal_pass pass; /* the one that is worked on; number 0: none yet */
	uint64_t orphaned;        /* of this pass, so far */
	struct {
		/* of the job, since the journal remembered it; malloc'ed; NULL: none */
		char *change;
		bool relist; /* other keys may be selected now */
	} fit;
};

/* Where the job's journal is. */
struct journal_place task_place(const struct task *t);
/* RUN: locked, made where there is none. READ: left out where no run has begun. */
int task_open_journal(struct task *t, enum journal_mode mode, struct error *err);
/* --new-journal: the old one is kept under another name, nothing is lost. */
int task_renew_journal(struct task *t, struct error *err);
/* A journal that was made and could not be used: it never existed. */
void task_discard_journal(struct task *t);
/* flags: enum ends_flags; job_id: 16 hex digits, by which scratch objects are known. */
int task_open_ends(struct task *t, const char *job_id, int flags, struct error *err);
void task_close(struct task *t);
/* Tell whoever may want to stop it: see task_hooks. */
void task_stoppable(const struct task *t, void (*stop)(void *what), void *what);

/* ---- fit.c: does the job fit its journal? ---- */

/* Status 5 if it does not, or is over; notes what changed. */
int fit_job(struct task *t, const struct run_options *o, struct error *err);
/*
 * Before anything is written anywhere: what a run leaves behind when it is killed
 * while it opens the ends (scratch objects) is known by the job's id.
 */
int fit_remember_id(struct task *t, struct error *err);
/* The ends of a new job; a change that was accepted. */
int fit_remember(struct task *t, struct error *err);

/* ---- pass.c: which pass does a run go on with, or begin? ---- */

/* The newest one of the journal. */
int pass_read(struct task *t, struct error *err);
/* It is over, or has to be listed anew. */
bool pass_begins(const struct task *t);
/* Of a run that begins one: 1: it lists nothing, 0; -1: error, or it cannot begin one. */
int pass_check_next(const struct task *t, const struct run_options *o, struct error *err);
/* Go on with it, or begin the next. */
int pass_find(struct task *t, const struct run_options *o, struct error *err);
/* In the journal as well. */
int pass_set_state(struct task *t, enum pass_state state, struct error *err);

/* twin.c: warns of a journal beside this new one that is of the same ends. */
void twin_tell(const struct task *t);

#endif
