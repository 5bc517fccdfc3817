/* SPDX-License-Identifier: MIT */
#ifndef MIGRATE_ENGINE_RUN_RUN_H
#define MIGRATE_ENGINE_RUN_RUN_H

#include "engine/task/task.h"

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

/*
 * Running a job: begins it, goes on with it, or makes a delta pass of a finished
 * one. What happens in which order stands in core/ARCHITECTURE.
 * Returns the exit status; with a message in err unless it is DONE, SOME_FAILED or INTERRUPTED.
 * Any thread may call it, and several at once, for several jobs; hooks: NULL: none.
 */
int run_job(const struct job *job, const struct run_options *o, const struct task_hooks *hooks,
	    struct run_result *r, struct error *err);

#endif
