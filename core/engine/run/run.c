/* SPDX-License-Identifier: MIT */
#include "engine/run/run.h"

#include "base/clock.h"
#include "base/log.h"
#include "engine/run/begin.h"
#include "engine/run/ticker.h"

#include <string.h>

/* The progress of this pass begins where earlier runs left it. */
static int count_before(struct run *run, struct error *err)
{
	struct batch_counts c;
	struct tally *t = &run->tally;

	if (journal_counts(run->task->journal, run->task->pass.number, &c, err))
		return -1;
	atomic_store(&t->objects, c.objects);
	atomic_store(&t->bytes, c.bytes);
	atomic_store(&run->objects_before, c.copied + c.same + c.skipped + c.gone + c.failed);
	atomic_store(&run->bytes_before, c.copied_bytes);
	atomic_store(&t->objects_done, atomic_load(&run->objects_before));
	atomic_store(&t->bytes_done, c.copied_bytes);
	atomic_store(&t->copied, c.copied);
	atomic_store(&run->copied_before, c.copied);
	atomic_store(&t->same, c.same);
	atomic_store(&t->skipped, c.skipped);
	atomic_store(&t->gone, c.gone);
	atomic_store(&t->failed, c.failed);
	atomic_store(&t->rows, c.rows_changed + c.rows_already);
	return 0;
}

static void stop(void *run)
{
	struct run *r = run;

	log_warn("finishing what is in flight; once more to leave at once");
	halt_stop(&r->halt);
}

/* What the message says can be looked at. */
static void save_failures(struct run *run)
{
	struct error second = ERROR_INIT;

	if (run->halt.error.exit == EXIT_TOO_MANY && window_save(run, false, &second))
		log_warn("%s", second.text);
}

static int work(struct run *run, bool *interrupted, struct error *err)
{
	struct crew c;
	struct ticker t;
	int rc = -1;

	if (count_before(run, err) || ticker_init(&t, run, &c, err))
		return -1;
	if (!crew_hire(&c, run, err)) {
		tune_set(&t.tuning, t.concurrency);
		task_stoppable(run->task, stop, run);
		crew_start(&c);
		ticker_run(&t);
		crew_join(&c);
		task_stoppable(run->task, NULL, NULL);
		rc = 0;
	}
	crew_dismiss(&c);
	*interrupted = atomic_load(&run->halt.stopping);
	ticker_release(&t);
	if (!rc && atomic_load(&run->halt.failed)) {
		save_failures(run);
		*err = run->halt.error;
		rc = -1;
	}
	return rc;
}

static int exit_of_result(const struct run_result *r)
{
	const struct batch_counts *c = &r->all;

	if (!r->finished && r->interrupted)
		return EXIT_INTERRUPTED;
	if (c->failed || c->rows_conflict || c->rows_failed)
		return EXIT_SOME_FAILED;
	return EXIT_DONE;
}

static int finish_run(struct run *run, struct run_result *r, struct error *err)
{
	struct batch_counts pass;
	int open = journal_has_open(run->task->journal, err);

	if (open < 0 || journal_counts(run->task->journal, run->task->pass.number, &pass, err) ||
	    journal_counts(run->task->journal, 0, &r->all, err))
		return err->exit;
	memcpy(r->passed_over, pass.skips, sizeof(r->passed_over));
	r->pass = run->task->pass.number;
	r->copied = atomic_load(&run->tally.copied) - atomic_load(&run->copied_before);
	r->copied_bytes = atomic_load(&run->tally.copied_bytes);
	r->finished = run->task->pass.state == PASS_DONE;
	r->rows_left = r->finished && open;
	r->more = !r->interrupted && run->task->pass.state == PASS_LISTING;
	r->orphaned = run->task->orphaned;
	losses_report(run->losses);
	return exit_of_result(r);
}

/* The job file's fault, found before anything was done: the file may be corrected freely. */
static bool came_to_nothing(const struct run *run, int status)
{
	const struct tally *t = &run->tally;

	return status == EXIT_USAGE && run->fresh && !atomic_load(&t->copied) &&
	       !atomic_load(&t->same) && !atomic_load(&t->rows);
}

static int run_task(struct run *run, struct task *t, const struct run_options *o,
		    struct run_result *r, struct error *err)
{
	struct error second = ERROR_INIT;
	int status;

	if (run_begin(run, t, o, err)) {
		if (run->begun && t->journal)
			journal_end_run(t->journal, err->exit, err->text, &second);
		return err->exit;
	}
	if (work(run, &r->interrupted, err))
		status = err->exit;
	else
		status = finish_run(run, r, err);
	/* a journal that cannot be written says so itself; the first error stands */
	if (status != EXIT_JOURNAL && journal_end_run(t->journal, status, err->text, &second) &&
	    !error_is_set(err)) {
		*err = second;
		status = second.exit;
	}
	if (came_to_nothing(run, status))
		task_discard_journal(t);
	return status;
}

int run_job(const struct job *job, const struct run_options *o, const struct task_hooks *hooks,
	    struct run_result *r, struct error *err)
{
	struct task t = { .job = job, .hooks = hooks };
	int64_t began = clock_monotonic();
	struct run run;
	int status;

	*r = (struct run_result){ .pass = 0 };
	status = run_task(&run, &t, o, r, err);
	run_end(&run);
	task_close(&t);
	r->elapsed = clock_monotonic() - began;
	return status;
}
