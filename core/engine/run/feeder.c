/* SPDX-License-Identifier: MIT */
#include "engine/run/feeder.h"

#include "base/bytes.h"
#include "base/clock.h"
#include "base/log.h"
#include "engine/copy/uploads.h"
#include "engine/plan/delta.h"
#include "engine/plan/planner.h"
#include "engine/plan/sizes.h"
#include "engine/rows/rewriter.h"
#include "engine/texts/texts.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

/*
 * Feeds the window: what earlier runs left open, then what the listing brings,
 * and at the end of a delta pass the rows that still name old keys.
 */

static int set_pass_state(struct run *run, enum pass_state state, struct error *err)
{
	run->task->pass.state = state;
	if (state == PASS_DONE)
		run->task->pass.ended = clock_wall();
	return journal_set_pass(run->task->journal, &run->task->pass, err);
}

/* ---- What earlier runs left open ---- */

/*
 * As count_before() counted it; it is counted again once it is settled, as this run's. What
 * was before goes first: nobody may see more of it than there is.
 */
static void take_off_tally(struct run *run, const struct object_record *o)
{
	struct tally *t = &run->tally;
	bool copied = o->state == OBJECT_COPIED;
	uint64_t bytes = copied ? o->size : 0;

	atomic_fetch_sub(&run->objects_before, 1);
	atomic_fetch_sub(&run->bytes_before, bytes);
	atomic_fetch_sub(&run->copied_before, copied);
	atomic_fetch_sub(copied ? &t->copied : &t->same, 1);
	atomic_fetch_sub(&t->objects_done, 1);
	atomic_fetch_sub(&t->bytes_done, bytes);
}

/*
 * Copies that no run has journalled as synced are looked at again, however many runs lie
 * between; so are equal ones that were there before, for nobody else has synced them either.
 */
static void distrust(struct run *run, struct batch *b)
{
	if (b->durable || !run->task->has_sync || b->state != BATCH_COPYING)
		return;
	for (uint32_t i = 0; i < b->n; i++) {
		struct object_record *o = &b->objects[i];

		if (!object_is_there(o))
			continue;
		take_off_tally(run, o);
		o->state = OBJECT_PLANNED;
		o->dirty = true;
	}
}

/*
 * Before copies of a batch that a run left are compared from the disk: one sync of all is a
 * fraction of what a sync of each file would cost.
 */
static int settle_disk(struct run *run, struct error *err)
{
	struct migrate_session *s = run->task->ends.destination.session;
	enum migrate_status status = run->task->has_sync ? store_sync(s) : MIGRATE_OK;

	return status == MIGRATE_OK ? 0 : session_error(err, EXIT_OUTAGE, s, status);
}

static int begin_copying(struct run *run, struct batch *b, struct error *err)
{
	if (b->state != BATCH_PLANNED)
		return 0;
	b->state = BATCH_COPYING;
	if (!b->began)
		b->began = clock_file();
	return journal_began(run->task->journal, &b, 1, err);
}

static int admit_open(struct run *run, int64_t id, struct error *err)
{
	struct batch *b = journal_load(run->task->journal, id, err);
	bool resumed;

	if (!b)
		return -1;
	if (b->state >= BATCH_COPIED) {
		if (run->options->only == RUN_COPY) {
			batch_free(b);
			return 0;
		}
		return window_admit_copied(run, b) ? 0 : -1;
	}
	resumed = b->state == BATCH_COPYING;
	distrust(run, b);
	if (begin_copying(run, b, err)) {
		batch_free(b);
		return -1;
	}
	return window_admit(run, b, resumed) ? 0 : -1;
}

#define IDS 256

/* Open batches above this id are made while we admit: they are in the window already. */
static int last_open(struct run *run, int64_t *last, struct error *err)
{
	int64_t ids[IDS];
	size_t n;

	*last = 0;
	do {
		if (journal_open_batches(run->task->journal, *last, ids, IDS, &n, err))
			return -1;
		if (n)
			*last = ids[n - 1];
	} while (n);
	return 0;
}

static int admit_all_open(struct run *run, struct error *err)
{
	int64_t ids[IDS], after = 0, last;
	size_t n;

	if (last_open(run, &last, err))
		return -1;
	if (last && settle_disk(run, err))
		return -1;
	do {
		if (journal_open_batches(run->task->journal, after, ids, IDS, &n, err))
			return -1;
		for (size_t i = 0; i < n && ids[i] <= last; i++) {
			after = ids[i];
			if (!window_wait_room(run, WINDOW_MAX) || admit_open(run, ids[i], err))
				return -1;
		}
	} while (n && after < last);
	return 0;
}

/* ---- The listing ---- */

struct feed {
	struct run *run;
	struct migrate_session *source, *destination;
	struct planner planner;
	struct builder *builder;
	struct key_stream *keys;
	struct sizes *sizes; /* of keys from rows */
	struct object_slot slot;
	/* passes after the first; in that as well when our new keys are seen again */
	struct delta *delta;
	uint64_t orphaned; /* up to where another run goes on */
};

static bool first_is_over(const struct run *run)
{
	return run->first_left == 0;
}

static int pass_over(struct feed *f, const struct key_item *item, enum skip_reason why)
{
	builder_pass_over(f->builder, item, why);
	f->orphaned = f->run->task->orphaned;
	return 0;
}

static int plan_item(struct feed *f, struct key_item *item, struct error *err)
{
	struct run *run = f->run;
	struct older older = { .found = false };
	struct verdict v;

	planner_judge(&f->planner, item, &v);
	if (f->sizes && v.kind == VERDICT_OBJECT && v.state == OBJECT_PLANNED)
		sizes_look_up(f->sizes, item);
	if (v.kind == VERDICT_PASSED_OVER)
		return pass_over(f, item, v.skip);
	if (f->delta && delta_match(f->delta, item, &older, err))
		return -1;
	if (older.own)
		return pass_over(f, item, SKIP_OWN);
	if (f->delta && delta_look_again(f->delta, f->source, &f->slot, item, &older, err))
		return -1;
	if (older.settled)
		return 0;
	if (run->first_left != UINT64_MAX)
		run->first_left--;
	f->orphaned = run->task->orphaned;
	return builder_add(f->builder, item, &v, older.found ? &older.record : NULL, older.batch,
			   older.n, err);
}

/* How far a pass has been planned. */
enum planned {
	PLANNED_BROKEN_OFF = -1, /* an error, or the run ends */
	PLANNED_ALL = 0,
	PLANNED_FIRST = 1, /* as much as --first asked for; it goes on in another run */
};

static enum planned plan_keys(struct feed *f, struct error *err)
{
	struct key_item item;
	int rc = 1;

	while (!first_is_over(f->run) && !halt_leaving(&f->run->halt) &&
	       !run_too_many_failed(f->run) && (rc = key_stream_next(f->keys, &item, err)) == 1)
		if (plan_item(f, &item, err))
			return PLANNED_BROKEN_OFF;
	if (rc < 0 || atomic_load(&f->run->halt.failed) || builder_flush(f->builder, err))
		return PLANNED_BROKEN_OFF;
	/* only a listing that came to its end is complete */
	if (rc == 0)
		return PLANNED_ALL;
	return first_is_over(f->run) ? PLANNED_FIRST : PLANNED_BROKEN_OFF;
}

/* What --first leaves for later runs may be in the way of what it copies. */
static int look_ahead(struct feed *f, struct plan_check *check, struct error *err)
{
	struct key_item item;
	int rc = 1;

	if (f->delta)
		delta_look_ahead(f->delta);
	while (!halt_leaving(&f->run->halt) && (rc = key_stream_next(f->keys, &item, err)) == 1) {
		struct older older = { .found = false };
		struct verdict v;

		planner_judge(&f->planner, &item, &v);
		if (v.kind == VERDICT_PASSED_OVER || v.state == OBJECT_FAILED || !v.new_key.n)
			continue;
		if (f->delta && delta_match(f->delta, &item, &older, err))
			return -1;
		/* what the journal knows of is looked at there */
		if (!older.own && !older.found && plan_check_add(check, item.key, v.new_key, err))
			return -1;
	}
	return rc ? -1 : 0;
}

static int open_feed(struct feed *f, struct error *err)
{
	struct run *run = f->run;
	ARENA_AUTO struct arena a = ARENA_INIT;
	struct migrate_bytes last = { .p = NULL, .n = 0 }, position = last;

	if (journal_position(run->task->journal, run->task->pass.number, &a, &last, &position, err))
		return -1;
	f->source = session_open(run->task->ends.source.end, err);
	f->destination = f->source ? session_open(run->task->ends.destination.end, err) : NULL;
	if (!f->destination || planner_init(&f->planner, run->task, f->destination, err))
		return -1;
	f->builder = builder_new(run, !plan_needs_check(run->task), err);
	if (!f->builder)
		return -1;
	f->keys = key_stream_open(run->task, run->gate, f->source, position, err);
	if (!f->keys)
		return -1;
	if (run->task->job->keys_from == KEYS_FROM_DATABASE &&
	    !(f->sizes = sizes_new(run, f->source)))
		return error_set(err, EXIT_INTERNAL, "out of memory");
	if (run->task->pass.number > 1 || delta_has_own(run->task)) {
		f->delta = delta_open(run->task, position, err);
		if (!f->delta)
			return -1;
	}
	return 0;
}

static void close_feed(struct feed *f)
{
	delta_close(f->delta);
	sizes_free(f->sizes);
	key_stream_close(f->keys);
	builder_free(f->builder);
	planner_release(&f->planner);
	session_close(f->destination);
	session_close(f->source);
}

/* The whole of the plan, before anything of it is copied. */
static int check_plan(struct feed *f, enum planned planned, struct error *err)
{
	struct plan_check *check = plan_check_new(f->run, err);
	int rc = check ? 0 : -1;

	if (!rc && planned == PLANNED_FIRST)
		rc = look_ahead(f, check, err);
	if (!rc)
		rc = plan_check_run(check, err);
	plan_check_free(check);
	return rc;
}

/* A pass that is not planned to its end goes on behind its last batch, and with this count. */
static int save_orphaned(struct feed *f, enum planned planned, struct error *err)
{
	struct run *run = f->run;
	struct error second = ERROR_INIT;

	if (planned == PLANNED_ALL || run->task->pass.orphaned == f->orphaned)
		return 0;
	run->task->pass.orphaned = f->orphaned;
	return journal_set_pass(run->task->journal, &run->task->pass,
				error_is_set(err) ? &second : err);
}

static enum planned plan_pass(struct run *run, struct error *err)
{
	struct feed f = { .run = run, .orphaned = run->task->orphaned };
	enum planned planned = PLANNED_BROKEN_OFF;

	atomic_store(&run->listing, true);
	if (!open_feed(&f, err))
		planned = plan_keys(&f, err);
	if (planned == PLANNED_ALL && f.delta && delta_finish(f.delta, err))
		planned = PLANNED_BROKEN_OFF;
	if (planned != PLANNED_BROKEN_OFF && plan_needs_check(run->task) &&
	    check_plan(&f, planned, err))
		planned = PLANNED_BROKEN_OFF;
	if (save_orphaned(&f, planned, err))
		planned = PLANNED_BROKEN_OFF;
	close_feed(&f);
	atomic_store(&run->listing, false);
	if (planned == PLANNED_ALL && set_pass_state(run, PASS_LISTED, err))
		planned = PLANNED_BROKEN_OFF;
	return planned;
}

/* ---- The order of things ---- */

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
	if (admit_all_open(run, err) || window_drain(run))
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
	if (run->task->pass.state != PASS_SCANNING && set_pass_state(run, PASS_SCANNING, err))
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
	if (admit_all_open(run, err))
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
	return run->task->pass.state == PASS_DONE ? 0 : set_pass_state(run, PASS_DONE, err);
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
