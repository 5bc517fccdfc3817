/* SPDX-License-Identifier: MIT */
#ifndef MIGRATE_ENGINE_RUN_H
#define MIGRATE_ENGINE_RUN_H

#include "job/job.h"
#include "journal/journal.h"
#include "report/progress.h"

/*
 * Running a job: begins it, goes on with it, or makes a delta pass of a finished
 * one. What happens in which order stands in core/ARCHITECTURE.
 */
enum run_only { RUN_ALL, RUN_COPY, RUN_ROWS };

struct run_options {
	bool dry_run;
	int64_t first; /* objects to plan in this run; 0: all */
	bool retry_failed;
	enum fail_class retry_class; /* FAIL_NONE: any */
	bool remake;                 /* copies that are gone from the destination */
	int only;                    /* enum run_only */
	bool accept_change;
	bool new_journal;
	enum progress_mode progress;
};

/* What a run did, for its last lines and its exit status. */
struct run_result {
	uint64_t copied, copied_bytes;    /* by this run */
	struct batch_counts all;          /* of the whole journal, afterwards */
	uint64_t passed_over[SKIP_COUNT]; /* by this pass */
	int pass;
	bool finished;  /* the pass is complete */
	bool rows_left; /* of objects that --only=copy has copied */
	bool more;      /* --first: the source was not listed to its end */
	bool interrupted;
	uint64_t orphaned;
	int64_t elapsed; /* ns */
};

/* Returns the exit status; with a message in err unless it is DONE, SOME_FAILED or INTERRUPTED. */
int run_job(const struct job *job, const struct run_options *o, struct run_result *r,
	    struct error *err);

/* What would happen; writes nothing but unlinked temporary files, prints to standard output. */
int run_dry(const struct job *job, const struct run_options *o, struct error *err);

#endif
