/* SPDX-License-Identifier: MIT */
#include "engine/work/running.h"

#include "base/clock.h"
#include "engine/work/gate.h"

#define SYNC_EVERY NS_PER_S

/*
 * Makes what was copied durable, all settled batches at once, and journals it.
 * A failed sync means that nothing since the last good one may be relied on:
 * the run ends, and the next one compares what is there by digest.
 */

/* What rows may follow: also what was there before, for who put it there may not have synced. */
static bool any_to_sync(const struct work *list)
{
	for (const struct work *w = list; w; w = w->next)
		for (uint32_t i = 0; i < w->batch->n; i++)
			if (object_is_there(&w->batch->objects[i]))
				return true;
	return false;
}

static int sync_destination(struct run *run, struct migrate_session *s, struct error *err)
{
	enum migrate_status status = run->task->has_sync ? store_sync(s) : MIGRATE_OK;

	if (status == MIGRATE_OK)
		return 0;
	session_error(err, EXIT_OUTAGE, s, status);
	return error_prefix(err, "what was copied could not be made durable; run again to go on");
}

/* Where a batch stands once its copies are settled and durable: where no row matters, at its end. */
static enum batch_state state_after_copy(const struct run *run, const struct batch *b)
{
	for (uint32_t i = 0; run->task->has_rows && i < b->n; i++)
		if (object_has_rows(&b->objects[i]))
			return BATCH_COPIED;
	return BATCH_DONE;
}

static int journal_settled(struct run *run, struct work *list, struct error *err)
{
	struct batch *batches[2 * WINDOW_MAX];
	size_t n = 0;
	int rc = 0;

	for (struct work *w = list; w && !rc; w = w->next) {
		w->batch->state = state_after_copy(run, w->batch);
		w->batch->durable = true;
		batch_recount(w->batch);
		batches[n++] = w->batch;
		if (n == 2 * WINDOW_MAX || !w->next) {
			rc = journal_save(run->task->journal, batches, n, err);
			n = 0;
		}
	}
	return rc;
}

/* To the rewriters, or done with. */
static int hand_on(struct run *run, struct work *list, struct error *err)
{
	struct work *next;
	int rc = 0;

	for (struct work *w = list; w; w = next) {
		next = w->next;
		for (uint32_t i = 0; i < w->batch->n; i++)
			w->batch->objects[i].dirty = false;
		if (w->batch->state == BATCH_COPIED && run->options->only != RUN_COPY) {
			window_to_rewriters(run, w);
			continue;
		}
		if (!rc && run->task->job->journal_keep == KEEP_FAILURES &&
		    w->batch->state == BATCH_DONE)
			rc = journal_drop_done(run->task->journal, w->batch, err);
		window_close(run, w);
	}
	return rc;
}

/* What cannot be journalled is the next run's. */
static void abandon(struct run *run, struct work *list)
{
	struct work *next;

	for (struct work *w = list; w; w = next) {
		next = w->next;
		window_close(run, w);
	}
}

/* Before a clean stop: what open batches have copied is durable and journalled too. */
static int save_open(struct run *run, struct migrate_session *s, struct error *err)
{
	return sync_destination(run, s, err) || window_save(run, true, err) ? -1 : 0;
}

static int serve(struct run *run, struct migrate_session *s, struct error *err)
{
	int64_t earliest = 0;
	struct work *list;

	while ((list = window_take_settled(run, earliest))) {
		earliest = clock_monotonic() + SYNC_EVERY;
		if ((any_to_sync(list) && sync_destination(run, s, err)) ||
		    journal_settled(run, list, err)) {
			abandon(run, list);
			return -1;
		}
		if (hand_on(run, list, err))
			return -1;
	}
	return atomic_load(&run->halt.failed) ? 0 : save_open(run, s, err);
}

void *syncer_main(void *arg)
{
	struct run *run = arg;
	struct error err = ERROR_INIT;
	struct migrate_session *s = session_open(run->task->ends.destination.end, &err);

	if (!s || serve(run, s, &err))
		halt_fail(&run->halt, &err);
	session_close(s);
	window_synced(run);
	return NULL;
}
