/* SPDX-License-Identifier: MIT */
#include "engine/run.h"

#include "base/clock.h"
#include "base/log.h"
#include "engine/begin.h"
#include "engine/copier.h"
#include "engine/rewriter.h"
#include "engine/ticker.h"

#include <stdlib.h>

#define REWRITERS_MAX 4

struct crew {
	struct engine *engine;
	struct copier **copiers;
	struct rewriter **rewriters;
	uint32_t copier_count, rewriter_count, started_copiers, started_rewriters;
	pthread_t feeder, syncer, saver;
	bool has_feeder, has_syncer, has_saver;
};

/* As many row workers as every database bears. */
static uint32_t count_rewriters(const struct engine *e)
{
	uint32_t n = REWRITERS_MAX;

	if (e->options->only == RUN_COPY)
		return 0;
	/* batches that an earlier run left open may still pass through */
	if (!e->has_rows)
		return 1;
	for (size_t i = 0; i < e->ends.database_count; i++) {
		uint32_t max = e->ends.database_facts[i].d.sessions_max;

		if (max && max < n)
			n = max;
	}
	return n;
}

static int hire(struct crew *c, struct error *err)
{
	struct engine *e = c->engine;
	uint32_t copiers = (uint32_t)e->job->copy.concurrency, rewriters = count_rewriters(e);

	c->copiers = calloc(copiers, sizeof(struct copier *));
	c->rewriters = calloc(rewriters + 1, sizeof(struct rewriter *));
	e->inflight = calloc(copiers, sizeof(*e->inflight));
	if (!c->copiers || !c->rewriters || !e->inflight)
		return error_set(err, EXIT_INTERNAL, "out of memory");
	for (; c->copier_count < copiers; c->copier_count++) {
		c->copiers[c->copier_count] = copier_new(e, c->copier_count, err);
		if (!c->copiers[c->copier_count])
			return -1;
	}
	for (; c->rewriter_count < rewriters; c->rewriter_count++) {
		c->rewriters[c->rewriter_count] = rewriter_new(e, err);
		if (!c->rewriters[c->rewriter_count])
			return -1;
	}
	return 0;
}

static void dismiss(struct crew *c)
{
	for (uint32_t i = 0; i < c->copier_count; i++)
		copier_free(c->copiers[i]);
	for (uint32_t i = 0; i < c->rewriter_count; i++)
		rewriter_free(c->rewriters[i]);
	free(c->copiers);
	free(c->rewriters);
	free(c->engine->inflight);
	c->engine->inflight = NULL;
}

static bool start(pthread_t *t, void *(*main)(void *), void *arg, struct engine *e)
{
	struct error err = ERROR_INIT;

	if (!pthread_create(t, NULL, main, arg))
		return true;
	error_set(&err, EXIT_INTERNAL, "cannot start a thread");
	engine_fail(e, &err);
	return false;
}

/* Threads that could not be started are counted out again: nobody waits for them. */
static void start_all(struct crew *c)
{
	struct engine *e = c->engine;
	uint32_t n;

	pthread_mutex_lock(&e->lock);
	e->copiers = c->copier_count;
	e->rewriters = c->rewriter_count;
	pthread_mutex_unlock(&e->lock);
	for (n = 0; n < c->copier_count; n++)
		if (!start(&c->copiers[n]->thread, copier_main, c->copiers[n], e))
			break;
	pthread_mutex_lock(&e->lock);
	e->copiers -= c->copier_count - n;
	pthread_mutex_unlock(&e->lock);
	c->started_copiers = n;
	for (n = 0; n < c->rewriter_count; n++)
		if (!start(&c->rewriters[n]->thread, rewriter_main, c->rewriters[n], e))
			break;
	pthread_mutex_lock(&e->lock);
	e->rewriters -= c->rewriter_count - n;
	pthread_mutex_unlock(&e->lock);
	c->started_rewriters = n;
	c->has_syncer = start(&c->syncer, syncer_main, e, e);
	c->has_feeder = start(&c->feeder, feeder_main, e, e);
	c->has_saver = start(&c->saver, saver_main, e, e);
	pthread_mutex_lock(&e->lock);
	/* either may have come to its end already: only ever set, never taken back */
	e->synced |= !c->has_syncer;
	e->fed |= !c->has_feeder;
	pthread_mutex_unlock(&e->lock);
}

static void join_all(struct crew *c)
{
	if (c->has_feeder)
		pthread_join(c->feeder, NULL);
	for (uint32_t i = 0; i < c->started_copiers; i++)
		pthread_join(c->copiers[i]->thread, NULL);
	if (c->has_syncer)
		pthread_join(c->syncer, NULL);
	if (c->has_saver)
		pthread_join(c->saver, NULL);
	for (uint32_t i = 0; i < c->started_rewriters; i++)
		pthread_join(c->rewriters[i]->thread, NULL);
}

/* The progress of this pass begins where earlier runs left it. */
static int count_before(struct engine *e, struct error *err)
{
	struct batch_counts c;
	struct tally *t = &e->tally;

	if (journal_counts(e->journal, e->pass.number, &c, err))
		return -1;
	atomic_store(&t->objects, c.objects);
	atomic_store(&t->bytes, c.bytes);
	e->objects_before = c.copied + c.same + c.skipped + c.gone + c.failed;
	e->bytes_before = c.copied_bytes;
	atomic_store(&t->objects_done, e->objects_before);
	atomic_store(&t->bytes_done, e->bytes_before);
	atomic_store(&t->copied, c.copied);
	e->copied_before = c.copied;
	atomic_store(&t->same, c.same);
	atomic_store(&t->skipped, c.skipped);
	atomic_store(&t->gone, c.gone);
	atomic_store(&t->failed, c.failed);
	atomic_store(&t->rows, c.rows_changed + c.rows_already);
	return 0;
}

static int work(struct engine *e, bool *interrupted, struct error *err)
{
	struct crew c = { .engine = e };
	struct ticker t;
	int rc = -1;

	if (count_before(e, err) || ticker_init(&t, e, err))
		return -1;
	if (!hire(&c, err)) {
		start_all(&c);
		ticker_run(&t);
		join_all(&c);
		rc = 0;
	}
	dismiss(&c);
	*interrupted = t.interrupted;
	ticker_release(&t);
	if (!rc && atomic_load(&e->failed)) {
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
	if (journal_counts(e->journal, 0, &r->all, err))
		return err->exit;
	r->pass = e->pass.number;
	r->copied = atomic_load(&e->tally.copied) - e->copied_before;
	r->copied_bytes = atomic_load(&e->tally.copied_bytes);
	r->finished = e->pass.state == PASS_DONE ||
		      (e->options->only == RUN_COPY && e->pass.state == PASS_LISTED);
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

int run_job(const struct job *job, const struct run_options *o, struct run_result *r,
	    struct error *err)
{
	struct engine e;
	struct error second = ERROR_INIT;
	int64_t began = clock_monotonic();
	int status;

	*r = (struct run_result){ .pass = 0 };
	ticker_block_signals();
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
	r->elapsed = clock_monotonic() - began;
	engine_end(&e);
	return status;
}
