/* SPDX-License-Identifier: MIT */
#include "engine/plan/planner.h"

#include "engine/plan/delta.h"
#include "engine/plan/sizes.h"

/* One walk over the keys: each is judged, held against what is known of it, and planned. */

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

static int pass_key_over(struct feed *f, const struct key_item *item, enum skip_reason why,
			 struct error *err)
{
	/* what the journal knows up to here has to be looked at: another run may go on behind it */
	if (f->delta && delta_pass_over(f->delta, item->key, err))
		return -1;
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
		return pass_key_over(f, item, v.skip, err);
	if (f->delta && delta_match(f->delta, item, &older, err))
		return -1;
	if (older.own)
		return pass_key_over(f, item, SKIP_OWN, err);
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
static int look_at_rest(struct feed *f, struct plan_check *check, struct error *err)
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
		rc = look_at_rest(f, check, err);
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

enum planned plan_pass(struct run *run, struct error *err)
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
	if (planned == PLANNED_ALL && pass_set_state(run->task, PASS_LISTED, err))
		planned = PLANNED_BROKEN_OFF;
	return planned;
}
