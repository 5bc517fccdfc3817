/* SPDX-License-Identifier: MIT */
#include "engine/rows/rewriter.h"

#include "base/bytes.h"
#include "base/clock.h"
#include "engine/rows/older.h"
#include "engine/work/gate.h"

#include <stdlib.h>
#include <string.h>

static struct migrate_session **open_sessions(const struct open_end *ends, size_t n,
					      struct error *err)
{
	struct migrate_session **s = calloc(n + 1, sizeof(struct migrate_session *));

	if (!s) {
		error_set(err, EXIT_INTERNAL, "out of memory");
		return NULL;
	}
	for (size_t i = 0; i < n; i++) {
		s[i] = session_open(ends[i].end, err);
		if (!s[i])
			return s;
	}
	return s;
}

static void close_all_sessions(struct migrate_session **s)
{
	for (size_t i = 0; s && s[i]; i++)
		session_close(s[i]);
	free(s);
}

void rewriter_free(struct rewriter *r)
{
	if (!r)
		return;
	close_all_sessions(r->databases);
	close_all_sessions(r->caches);
	free(r->lag_seen);
	free(r->strides);
	row_page_release(&r->page);
	arena_release(&r->arena);
	arena_release(&r->rows);
	buf_release(&r->value);
	buf_release(&r->key);
	free(r);
}

struct rewriter *rewriter_new(struct run *run, struct error *err)
{
	struct rewriter *r = calloc(1, sizeof(*r));

	if (!r) {
		error_set(err, EXIT_INTERNAL, "out of memory");
		return NULL;
	}
	r->run = run;
	r->slice = CHUNK_ROWS;
	r->strides = calloc(run->task->ends.database_count + 1, sizeof(*r->strides));
	for (size_t i = 0; r->strides && i < run->task->ends.database_count; i++)
		stride_init(&r->strides[i], run->task->job->rows.chunk_time * NS_PER_MS);
	r->value = (struct buf)BUF_INIT(MIGRATE_KEY_MAX);
	r->key = (struct buf)BUF_INIT(MIGRATE_KEY_MAX);
	r->lag_seen = calloc(run->task->ends.database_count + 1, sizeof(*r->lag_seen));
	if (!r->lag_seen || !r->strides)
		error_set(err, EXIT_INTERNAL, "out of memory");
	else
		r->databases =
		    open_sessions(run->task->ends.databases, run->task->ends.database_count, err);
	if (r->databases && !error_is_set(err))
		r->caches = open_sessions(run->task->ends.caches, run->task->ends.cache_count, err);
	if (r->databases && r->caches && !error_is_set(err))
		return r;
	rewriter_free(r);
	return NULL;
}

/* An object that vanished is only gone if no row names it. */
static void rows_of_gone(struct run *run, struct batch *b, const struct chunk *c)
{
	for (uint32_t i = 0; i < c->n; i++) {
		struct object_record *o = &b->objects[c->rows[i].object];

		if (o->state != OBJECT_GONE)
			continue;
		o->state = OBJECT_FAILED;
		o->fail = FAIL_MISSING;
		o->message = "vanished from the source, but rows name it";
		o->dirty = true;
		tell_failure(run, o);
	}
}

/* Rows that follow a copy in the first place, those that miss one behind. */
static int by_need(const struct batch *b, const struct row_record *row)
{
	uint8_t state = b->objects[row->object].state;

	return state == OBJECT_GONE || state == OBJECT_FAILED;
}

static uint32_t partition(const struct batch *b, struct chunk *c)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < c->n; i++)
		if (!by_need(b, &c->rows[i]))
			c->rows[n++] = c->rows[i];
	return n;
}

static int missing_rows(struct rewriter *r, struct batch *b, struct chunk *c)
{
	if (r->run->task->job->keys_from == KEYS_FROM_DATABASE) {
		for (uint32_t i = 0; i < c->n; i++)
			if (by_need(b, &c->rows[i])) {
				b->counts.rows_missing++;
				tell_missing(r->run, c, &c->rows[i]);
			}
		return 0;
	}
	rows_of_gone(r->run, b, c);
	return 0;
}

/* Texts that are given up stand behind the others: they have no edits, and stay as they are. */
static int rewrite_chunk(struct rewriter *r, struct chunk *c, struct error *err)
{
	struct chunk some = *c;

	for (some.n = 0; some.n < c->n && (!c->texts || c->rows[some.n].edits.n);)
		some.n++;
	if (some.n && rows_rewrite(r, &some, err))
		return -1;
	for (uint32_t i = some.n; i < c->n; i++) {
		c->rows[i].outcome = MIGRATE_ROW_FAILED;
		if (!c->rows[i].message)
			c->rows[i].message = "left alone: the next run says why";
	}
	return 0;
}

/*
 * The outcome of the last chunk and the end of the batch are one commit: what every row
 * became waits for what comes next, where nobody needs to know before. Killed meanwhile,
 * the next run repeats the compare-and-swap.
 */
static bool may_wait(const struct rewriter *r, const struct chunk *c)
{
	for (uint32_t i = 0; i < c->n; i++)
		if (c->rows[i].outcome != MIGRATE_ROW_CHANGED || c->rows[i].message ||
		    c->rows[i].extra_differs)
			return false;
	return !c->texts && !r->run->task->ends.cache_count;
}

static int outcome_flush(struct rewriter *r, struct batch *b, struct error *err)
{
	if (!r->is_pending)
		return 0;
	r->is_pending = false;
	return journal_outcome(r->run->task->journal, b, &r->pending, err);
}

/* The one before was journalled, with the batch's counts as they were before this chunk. */
static int outcome_put(struct rewriter *r, struct batch *b, struct chunk *c, struct error *err)
{
	c->settled = true;
	if (may_wait(r, c)) {
		/* the journal wants no row of it, and these are gone by then */
		r->pending = (struct chunk){ .id = c->id, .batch = b->id, .settled = true };
		r->is_pending = true;
		return 0;
	}
	if (journal_outcome(r->run->task->journal, b, c, err) ||
	    older_rows_note(r->run->older_rows, c, err))
		return -1;
	return rows_invalidate(r, b, c, err);
}

static void tally_rows(struct run *run, const struct chunk *c)
{
	for (uint32_t i = 0; i < c->n; i++) {
		if (row_is_bad(&c->rows[i]) && !c->rows[i].put_off)
			atomic_fetch_add(&run->tally.rows_conflict, 1);
		atomic_fetch_add(&run->tally.rows, !c->rows[i].put_off);
	}
}

static int settle_chunk(struct rewriter *r, struct batch *b, struct chunk *c, struct error *err)
{
	if (outcome_flush(r, b, err) || rewrite_chunk(r, c, err))
		return -1;
	rows_count(c, &b->counts);
	tell_rows(r->run, c);
	tally_rows(r->run, c);
	return outcome_put(r, b, c, err);
}

static int intend(struct rewriter *r, struct batch *b, struct chunk *c, struct error *err)
{
	return outcome_flush(r, b, err) || older_rows_step_back(r->run->older_rows, c, err) ||
	       journal_intent(r->run->task->journal, b, c, err);
}

static int intend_and_settle(struct rewriter *r, struct batch *b, struct chunk *c,
			     struct error *err)
{
	missing_rows(r, b, c);
	c->n = partition(b, c);
	if (!c->n)
		return 0;
	if (rows_await_replicas(r, c->database, err) || !gate_pass(r->run->gate))
		return -1;
	b->state = BATCH_REWRITING;
	return intend(r, b, c, err) ? -1 : settle_chunk(r, b, c, err);
}

/* Its rows came with it: those who made it have read them. */
static bool has_given_rows(const struct batch *b)
{
	return b->kind == BATCH_TEXTS || b->kind == BATCH_FOUND;
}

/* Nothing to do for a batch that an earlier run left: the scan that made it begins anew. */
static int rewrite_given(struct rewriter *r, struct batch *b, struct error *err)
{
	if (!b->rows)
		return 0;
	if (rows_await_replicas(r, b->rows->database, err) || !gate_pass(r->run->gate))
		return -1;
	b->state = BATCH_REWRITING;
	return intend(r, b, b->rows, err) ? -1 : settle_chunk(r, b, b->rows, err);
}

static int rewrite_found(struct rewriter *r, struct batch *b, struct error *err)
{
	b->counts.rows_missing = 0; /* all of them are found again */
	for (size_t d = 0; d < r->run->task->ends.database_count; d++)
		if (r->run->task->job->databases[d].match == MATCH_EXACT &&
		    rows_find(r, b, d, intend_and_settle, err))
			return -1;
	return 0;
}

/* What the run before intended and did not hear of: the same compare-and-swap again. */
static int resolve_open(struct rewriter *r, struct batch *b, struct error *err)
{
	struct chunk *chunks = NULL;
	size_t n = 0;

	if (journal_open_chunks(r->run->task->journal, b->id, &r->arena, &chunks, &n, err))
		return -1;
	for (size_t i = 0; i < n; i++)
		if (settle_chunk(r, b, &chunks[i], err))
			return -1;
	r->resolved = chunks;
	r->resolved_n = n;
	return 0;
}

struct stepping {
	struct rewriter *r;
	struct batch *b;
};

static int step_back_failed(void *arg, struct chunk *c, struct error *err)
{
	struct stepping *s = arg;

	if (c->texts || !rows_step_back(s->b, c, MIGRATE_ROW_FAILED))
		return 0;
	return journal_outcome(s->r->run->task->journal, s->b, c, err);
}

/*
 * What an earlier run began: its open intents are resolved, and rows that failed are found
 * again, as all are that hold an old value. Each is counted once, for what became of it last.
 */
static int take_up(struct rewriter *r, struct batch *b, struct error *err)
{
	struct stepping s = { .r = r, .b = b };

	if (rows_invalidate_again(r, b, err) || resolve_open(r, b, err) || outcome_flush(r, b, err))
		return -1;
	return journal_each_chunk(r->run->task->journal, b->id, step_back_failed, &s, err);
}

static bool objects_changed(const struct batch *b)
{
	for (uint32_t i = 0; i < b->n; i++)
		if (b->objects[i].dirty)
			return true;
	return false;
}

static int finish_batch(struct rewriter *r, struct batch *b, struct error *err)
{
	struct run *run = r->run;

	if (objects_changed(b) && outcome_flush(r, b, err))
		return -1;
	b->state = BATCH_DONE;
	batch_recount(b);
	if (r->is_pending ? outcome_flush(r, b, err) : journal_save(run->task->journal, &b, 1, err))
		return -1;
	if (run->task->job->journal_keep == KEEP_FAILURES)
		return journal_drop_done(run->task->journal, b, err);
	return 0;
}

/* It stays as it is: the feeder hands it in once more when all others are done. */
static int put_batch_off(struct rewriter *r, struct batch *b, struct error *err)
{
	if (outcome_flush(r, b, err) ||
	    (objects_changed(b) && journal_save(r->run->task->journal, &b, 1, err)))
		return -1;
	atomic_fetch_add(&r->run->put_off, 1);
	return 0;
}

static int rewrite_batch(struct rewriter *r, struct batch *b, struct error *err)
{
	r->resolved_n = 0;
	r->put_off = false;
	/* what is left of a transaction that was cut off may hold its rows, and change them yet */
	r->puts_off = false;
	if (b->state == BATCH_REWRITING && take_up(r, b, err))
		return -1;
	/* what came with given rows is gone once it is settled */
	r->puts_off = !has_given_rows(b) && !atomic_load(&r->run->waiting_since);
	if (has_given_rows(b) ? rewrite_given(r, b, err) : rewrite_found(r, b, err))
		return -1;
	return r->put_off ? put_batch_off(r, b, err) : finish_batch(r, b, err);
}

void *rewriter_main(void *arg)
{
	struct rewriter *r = arg;
	struct run *run = r->run;
	struct error err = ERROR_INIT;
	struct work *w;

	while (gate_pass(run->gate) && (w = window_take_rewriting(run))) {
		/* the next run finds the batch in the journal if this one leaves it */
		if (rewrite_batch(r, w->batch, &err)) {
			run_broke_off(run, &err);
			window_close(run, w);
			break;
		}
		window_close(run, w);
		arena_reset(&r->arena);
	}
	window_dismiss(run, REWRITERS, 1);
	return NULL;
}
