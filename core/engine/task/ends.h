/* SPDX-License-Identifier: MIT */
#ifndef MIGRATE_ENGINE_TASK_ENDS_H
#define MIGRATE_ENGINE_TASK_ENDS_H

#include "job/job.h"
#include "plugin/end.h"

/*
 * All ends of a job, open: what a run, a check and a verification begin with.
 *
 * Invariants after ends_open() returned 0: every end of the job has an instance,
 * one session (the opener's own; workers open theirs with session_open), its
 * identity and its facts. After it failed everything is closed again, and may_be_left says
 * whether scratch objects may be at the destination.
 *
 * Failures are the job file's fault (EXIT_USAGE), begin with the end's label, and
 * are all reported at once: one line each.
 */
enum ends_flags {
	ENDS_WRITE = 1 << 0,  /* destination, databases and caches will be changed */
	ENDS_PROBE = 1 << 1,  /* ask every end whether it is well */
	ENDS_DRY = 1 << 2,    /* with WRITE: but not now: nothing may be changed through them */
	ENDS_SCRATCH = 1 << 3 /* with DRY: but scratch objects at the destination */
};

struct open_end {
	const struct job_end *job;
	struct end *end;
	struct migrate_session *session;
	char *identity;
	bool cut_short; /* its probe: what was tried there may be left */
};

struct ends {
	const struct job *job;
	struct host host;
	bool host_ready;
	bool may_be_left; /* opening failed, and the job's id finds what was tried there */
	struct open_end source, destination;
	struct open_end *databases, *caches;
	size_t database_count, cache_count;
	struct store_facts source_facts, destination_facts;
	struct database_facts *database_facts;
};

/*
 * Tells the caller what can be stopped now, from any thread: stop(what). NULL: nothing can any
 * more. It may be called at once, and not any more once the next such word was taken. Whoever
 * wanted to stop meanwhile, when nothing could be stopped, calls it at once.
 */
typedef void stoppable_fn(void (*stop)(void *what), void *what);

/* flags: enum ends_flags. job_id: 16 hex digits; job outlives the ends. stoppable: may be NULL. */
int ends_open(struct ends *e, const struct job *job, const char *job_id, int flags,
	      stoppable_fn *stoppable, struct error *err);
/* After all other sessions of the ends were closed. Safe on zeroed ends. */
void ends_close(struct ends *e);

/* Identities of a list, one per line, as the journal keeps them; malloc'ed. NULL: out of memory. */
char *ends_identities(const struct open_end *ends, size_t n);

/* How source and destination lie to each other, by their identities. */
enum ends_relation {
	ENDS_APART,
	ENDS_SAME,
	ENDS_DESTINATION_INSIDE, /* of the source */
	ENDS_SOURCE_INSIDE       /* of the destination */
};
enum ends_relation ends_relation(const char *source, const char *destination);
/*
 * The path of inner below outer ("a/b"), within inner's identity; NULL: it is not
 * there. Identities are paths, or end in a field " path=...".
 */
const char *ends_below(const char *outer, const char *inner);

#endif
