/* SPDX-License-Identifier: MIT */
#include "engine/run/feeder.h"

#include "base/clock.h"
#include "base/log.h"
#include "engine/copy/uploads.h"
#include "engine/plan/planner.h"
#include "engine/rows/rewriter.h"
#include "engine/texts/texts.h"

#include <inttypes.h>

/*
 * The order of a run: what earlier runs left open, then what the listing brings, and at the end
 * of a delta pass the rows that still name old keys.
 */

/* Batches with rows that were locked: now these are waited for. */
static int admit_put_off(struct run *run, struct error *err)
{
	if (run->options->only == RUN_COPY)
		return 0;
	if (window_drain(run))
		return -1;
	if (!atomic_load(&run->put_off))
		return 0;
	log_info("waiting for locked rows of %" PRIuFAST64 " batches", atomic_load(&run->put_off));
	atomic_store(&run->waiting_since, clock_monotonic());
	rowindex_forget(run->rowindex);
	if (resume_open(run, err) || window_drain(run))
		return -1;
	atomic_store(&run->waiting_since, 0);
	return 0;
}

/* Rows written since a pass began, by later passes; texts, by each. */
static int scan_rows(struct run *run, struct error *err)
{
	bool rows = run->task->pass.number > 1 && run->task->ends.database_count,
	     has_texts = job_has_texts(run->task->job);

	if ((!rows && !has_texts) || run->options->only == RUN_COPY ||
	    run->task->pass.state == PASS_DONE)
		return 0;
	if (window_drain(run))
		return -1;
	if (run->task->pass.state != PASS_SCANNING && pass_set_state(run->task, PASS_SCANNING, err))
		return -1;
	atomic_store(&run->scanning, true);
	rowindex_forget(run->rowindex);
	if (rows && (rows_await_scan(run, false, err) || rowscan(run, err)))
		return -1;
	return has_texts && (window_drain(run) || texts(run, err)) ? -1 : 0;
}

static int check_pairs(struct run *run, struct error *err)
{
	struct migrate_session *source = session_open(run->task->ends.source.end, err);
	int rc = source ? key_pairs_check(run->task, run->gate, source, err) : -1;

	session_close(source);
	return rc;
}

/*
 * A listing may find older objects changed: nobody shall hold their batches then, nor know rows
 * as they were before these were settled.
 */
static int list_behind(struct run *run, struct error *err)
{
	if (run->task->pass.number > 1) {
		if (window_drain(run))
			return -1;
		rowindex_forget(run->rowindex);
	}
	return plan_pass(run, err) == PLANNED_BROKEN_OFF ? -1 : 0;
}

static int feed(struct run *run, struct error *err)
{
	bool checked = plan_needs_check(run->task), listing = run->task->pass.state == PASS_LISTING;

	if (listing && check_pairs(run, err))
		return -1;
	if (run->options->remake && remake(run, err))
		return -1;
	/* the whole plan comes first when it must be checked before the first copy */
	if (checked && listing && plan_pass(run, err) == PLANNED_BROKEN_OFF)
		return -1;
	if (resume_open(run, err))
		return -1;
	if (!checked && listing && list_behind(run, err))
		return -1;
	if (admit_put_off(run, err))
		return -1;
	if (run->task->pass.state == PASS_LISTING)
		return 0; /* --first: the rest of the pass is a later run's */
	if (scan_rows(run, err) || window_drain(run) || uploads_sweep(run, err))
		return -1;
	/* also when rows are left: what was copied is another walk's to be compared with */
	return run->task->pass.state == PASS_DONE ? 0 : pass_set_state(run->task, PASS_DONE, err);
}

void *feeder_main(void *arg)
{
	struct run *run = arg;
	struct error err = ERROR_INIT;

	if (feed(run, &err))
		run_broke_off(run, &err);
	window_fed(run);
	return NULL;
}
