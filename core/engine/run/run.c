/* SPDX-License-Identifier: MIT */
#include "engine/run/run.h"

#include "base/clock.h"
#include "base/log.h"
#include "engine/run/begin.h"
#include "engine/run/ticker.h"
#include "engine/task/signals.h"

#include <string.h>

/* The progress of this pass begins where earlier runs left it. */
static int count_before(struct engine *e, struct error *err)
{
	struct batch_counts c;
	struct tally *t = &e->tally;

	if (journal_counts(e->journal, e->pass.number, &c, err))
		return -1;
	atomic_store(&t->objects, c.objects);
	atomic_store(&t->bytes, c.bytes);
	atomic_store(&e->objects_before, c.copied + c.same + c.skipped + c.gone + c.failed);
	atomic_store(&e->bytes_before, c.copied_bytes);
	atomic_store(&t->objects_done, atomic_load(&e->objects_before));
	atomic_store(&t->bytes_done, c.copied_bytes);
	atomic_store(&t->copied, c.copied);
	atomic_store(&e->copied_before, c.copied);
	atomic_store(&t->same, c.same);
	atomic_store(&t->skipped, c.skipped);
	atomic_store(&t->gone, c.gone);
	atomic_store(&t->failed, c.failed);
	atomic_store(&t->rows, c.rows_changed + c.rows_already);
	return 0;
}

static void on_signal(void *engine)
{
	log_warn("finishing what is in flight; once more to leave at once");
	engine_stop(engine);
}

/* What the message says can be looked at. */
static void save_failures(struct engine *e)
{
	struct error second = ERROR_INIT;

	if (e->error.exit == EXIT_TOO_MANY && window_save(e, false, &second))
		log_warn("%s", second.text);
}

static int work(struct engine *e, bool *interrupted, struct error *err)
{
	struct crew c;
	struct ticker t;
	int rc = -1;

	if (count_before(e, err) || ticker_init(&t, e, &c, err))
		return -1;
	if (!crew_hire(&c, e, err)) {
		tune_set(&t.tuning, t.concurrency);
		signals_on_first(on_signal, e);
		crew_start(&c);
		ticker_run(&t);
		crew_join(&c);
		signals_on_first(NULL, NULL);
		rc = 0;
	}
	crew_dismiss(&c);
	*interrupted = t.interrupted || signals_heard();
	ticker_release(&t);
	if (!rc && atomic_load(&e->failed)) {
		save_failures(e);
		*err = e->error;
		rc = -1;
	}
	return rc;
}

static int exit_of(const struct run_result *r)
{
	const struct batch_counts *c = &r->all;

	if (!r->finished && r->interrupted)
		return EXIT_INTERRUPTED;
	if (c->failed || c->rows_conflict || c->rows_failed)
		return EXIT_SOME_FAILED;
	return EXIT_DONE;
}

static int finish(struct engine *e, struct run_result *r, struct error *err)
{
	struct batch_counts pass;
	int open = journal_has_open(e->journal, err);

	if (open < 0 || journal_counts(e->journal, e->pass.number, &pass, err) ||
	    journal_counts(e->journal, 0, &r->all, err))
		return err->exit;
	memcpy(r->passed_over, pass.skips, sizeof(r->passed_over));
	r->pass = e->pass.number;
	r->copied = atomic_load(&e->tally.copied) - atomic_load(&e->copied_before);
	r->copied_bytes = atomic_load(&e->tally.copied_bytes);
	r->finished = e->pass.state == PASS_DONE;
	r->rows_left = r->finished && open;
	r->more = !r->interrupted && e->pass.state == PASS_LISTING;
	r->orphaned = e->orphaned;
	losses_report(e->losses);
	return exit_of(r);
}

/* The job file's fault, found before anything was done: the file may be corrected freely. */
static bool came_to_nothing(const struct engine *e, int status)
{
	const struct tally *t = &e->tally;

	return status == EXIT_USAGE && e->fresh && !atomic_load(&t->copied) &&
	       !atomic_load(&t->same) && !atomic_load(&t->rows);
}

static int run_watched(const struct job *job, const struct run_options *o, struct run_result *r,
		       struct error *err)
{
	struct engine e;
	struct error second = ERROR_INIT;
	int status;

	if (engine_begin(&e, job, o, err)) {
		if (e.begun && e.journal)
			journal_end_run(e.journal, err->exit, err->text, &second);
		engine_end(&e);
		return err->exit;
	}
	if (work(&e, &r->interrupted, err))
		status = err->exit;
	else
		status = finish(&e, r, err);
	/* a journal that cannot be written says so itself; the first error stands */
	if (status != EXIT_JOURNAL && journal_end_run(e.journal, status, err->text, &second) &&
	    !error_is_set(err)) {
		*err = second;
		status = second.exit;
	}
	if (came_to_nothing(&e, status))
		engine_discard(&e);
	engine_end(&e);
	return status;
}

int run_job(const struct job *job, const struct run_options *o, struct run_result *r,
	    struct error *err)
{
	int64_t began = clock_monotonic();
	int status;

	*r = (struct run_result){ .pass = 0 };
	if (signals_watch(err))
		return err->exit;
	status = run_watched(job, o, r, err);
	signals_unwatch();
	r->elapsed = clock_monotonic() - began;
	return status;
}
