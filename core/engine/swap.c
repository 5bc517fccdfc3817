/* SPDX-License-Identifier: MIT */
#include "engine/rewriter.h"

#include "base/bytes.h"
#include "base/clock.h"
#include "engine/gate.h"
#include "engine/pace.h"

#include <stdlib.h>
#include <string.h>

/*
 * Compare and swap of one chunk. A guilty row is found by halving; so are rows that somebody
 * else holds, or that take too long: the others go on, and these are come back to.
 */

bool rows_again(struct rewriter *r, struct migrate_session *s, enum migrate_status status,
		struct tries *tries, struct error *err)
{
	struct engine *e = r->engine;
	enum gate_verdict verdict = gate_trouble(e->gate, s, true, status);
	int64_t now = clock_monotonic();

	if (verdict == GATE_AGAIN)
		return true;
	if (verdict == GATE_LEAVE) {
		/* not an error of ours: the run ends for another reason */
		error_clear(err);
		return false;
	}
	if (!tries->since)
		tries->since = now;
	tries->n++;
	if ((status_may_retry(status) || status_is_systemic(status)) &&
	    (tries->n < (unsigned)e->job->attempts ||
	     (status == MIGRATE_TRANSIENT && now - tries->since < e->job->patience * NS_PER_MS)))
		return engine_sleep(e, engine_backoff(tries->n));
	session_error(err, EXIT_OUTAGE, s, status);
	return false;
}

/*
 * A database may bear fewer rewrites at once than there are rewriters: the others look for
 * rows and wait for the journal meanwhile.
 */
static void take_turn(struct engine *e, size_t database)
{
	uint32_t max = e->ends.database_facts[database].d.sessions_max;

	pthread_mutex_lock(&e->lock);
	while (max && e->rewriting_now[database] >= max)
		engine_wait(e, &e->changed, NS_PER_S);
	e->rewriting_now[database]++;
	pthread_mutex_unlock(&e->lock);
}

static void end_turn(struct engine *e, size_t database)
{
	pthread_mutex_lock(&e->lock);
	e->rewriting_now[database]--;
	pthread_cond_broadcast(&e->changed);
	pthread_mutex_unlock(&e->lock);
}

static enum migrate_status call(struct rewriter *r, size_t database,
				struct migrate_change *const *changes, size_t n)
{
	struct migrate_rewrite q = { .changes = changes, .count = n };
	enum migrate_status status;

	for (size_t i = 0; i < n; i++) {
		changes[i]->outcome = MIGRATE_ROW_UNKNOWN;
		changes[i]->status = MIGRATE_OK;
	}
	take_turn(r->engine, database);
	status = database_rewrite(r->databases[database], &q);
	end_turn(r->engine, database);
	return status;
}

/* What rewrite() said of single rows: the session keeps it until the next call only. */
static int take_notes(struct rewriter *r, const struct migrate_session *s,
		      struct migrate_change *const *changes, struct row_record *rows, size_t n,
		      struct error *err)
{
	for (size_t i = 0; i < n; i++) {
		const char *conflict = rewrite_conflict(s, i);
		struct migrate_bytes extra = rewrite_extra(s, i);

		if (changes[i]->outcome == MIGRATE_ROW_CONFLICT && conflict)
			rows[i].message = arena_text(&r->arena, conflict);
		if (changes[i]->outcome != MIGRATE_ROW_CHANGED || !extra.n)
			continue;
		rows[i].extra_differs = true;
		if (!arena_bytes(&r->arena, extra, &rows[i].extra))
			return error_set(err, EXIT_INTERNAL, "out of memory");
	}
	return 0;
}

/* The rows of a chunk: rows[i] belongs to changes[i]. */
struct swap {
	struct rewriter *r;
	size_t database;
	struct migrate_change **changes;
	struct row_record *rows;
	size_t *held, held_n; /* those that are come back to */
	int64_t since;        /* when the first of them was met (monotonic) */
	struct error *err;
};

static struct migrate_session *session_of(const struct swap *w)
{
	return w->r->databases[w->database];
}

/* OK, INVALID or TRANSIENT: what becomes of these rows. Else the run ends. */
static enum migrate_status try_rows(struct swap *w, size_t at, size_t n)
{
	struct migrate_session *s = session_of(w);
	struct tries tries = { .n = 0 };
	enum migrate_status status;

	do
		status = call(w->r, w->database, w->changes + at, n);
	while (status != MIGRATE_OK && status != MIGRATE_INVALID && status != MIGRATE_TRANSIENT &&
	       rows_again(w->r, s, status, &tries, w->err));
	if (status != MIGRATE_OK)
		return status;
	gate_well(w->r->engine->gate);
	return take_notes(w->r, s, w->changes + at, w->rows + at, n, w->err) ? MIGRATE_FATAL
									     : MIGRATE_OK;
}

static int mark_failed(struct swap *w, size_t at, const char *why)
{
	const char *message = session_message(session_of(w));

	w->changes[at]->outcome = MIGRATE_ROW_FAILED;
	w->rows[at].message = arena_printf(&w->r->arena, "%s%s", why, message);
	return 0;
}

/* Another session has it, or its statement takes too long even alone. */
static int set_aside(struct swap *w, size_t at)
{
	if (!w->since)
		w->since = clock_monotonic();
	w->held[w->held_n++] = at;
	return mark_failed(w, at, "locked: "); /* unless it comes to be changed */
}

static int rewrite_some(struct swap *w, size_t at, size_t n)
{
	enum migrate_status status = n ? try_rows(w, at, n) : MIGRATE_OK;
	size_t half = n / 2;

	if (status == MIGRATE_OK)
		return 0;
	if (status != MIGRATE_INVALID && status != MIGRATE_TRANSIENT)
		return -1;
	if (n == 1)
		return status == MIGRATE_INVALID ? mark_failed(w, at, "") : set_aside(w, at);
	if (status == MIGRATE_TRANSIENT) {
		w->r->fits = half;
		if (!engine_sleep(w->r->engine, engine_backoff(1)))
			return -1;
	}
	return rewrite_some(w, at, half) || rewrite_some(w, at + half, n - half);
}

/* In pieces of the size that went well last, which grow again as long as they do. */
static int rewrite_all(struct swap *w, size_t n)
{
	struct rewriter *r = w->r;
	size_t at = 0;

	while (at < n) {
		size_t size = r->fits < n - at ? r->fits : n - at, before = r->fits;

		if (rewrite_some(w, at, size))
			return -1;
		at += size;
		if (r->fits == before && r->fits < CHUNK_ROWS)
			r->fits = 2 * r->fits < CHUNK_ROWS ? 2 * r->fits : CHUNK_ROWS;
	}
	return 0;
}

/* Those that were set aside, once more; the ones that stay are moved to the front. */
static int come_back(struct swap *w)
{
	size_t left = 0;

	for (size_t i = 0; i < w->held_n; i++) {
		size_t at = w->held[i];
		enum migrate_status status;

		if (engine_leaving(w->r->engine)) /* each may take as long as its lock does */
			return -1;
		w->rows[at].message = NULL;
		status = try_rows(w, at, 1);
		if (status == MIGRATE_TRANSIENT) {
			w->held[left++] = at;
			mark_failed(w, at, "locked: ");
		} else if (status == MIGRATE_INVALID) {
			mark_failed(w, at, "");
		} else if (status != MIGRATE_OK) {
			return -1;
		} else {
			atomic_store(&w->r->engine->locks_stay, false);
		}
	}
	w->held_n = left;
	return 0;
}

/*
 * As long as `patience` says. Where that did not help before, and nothing that was locked came
 * free since, each chunk tries but once more: the run would never end.
 */
static int wait_for_held(struct swap *w)
{
	struct engine *e = w->r->engine;
	int64_t patience = e->job->patience * NS_PER_MS;

	for (unsigned n = 1; w->held_n; n++) {
		bool last = atomic_load(&e->locks_stay) || clock_monotonic() - w->since > patience;

		if (!engine_sleep(e, engine_backoff(n)) || come_back(w))
			return -1;
		if (last && w->held_n) {
			atomic_store(&e->locks_stay, true);
			return 0;
		}
	}
	return 0;
}

static void fill(struct migrate_change *m, const struct row_record *row)
{
	*m = (struct migrate_change){ .identity = row->identity,
				      .place = row->place,
				      .before = row->before,
				      .after = row->after,
				      .found = row->extra };
}

int rows_rewrite(struct rewriter *r, struct chunk *c, struct error *err)
{
	struct migrate_change *changes = calloc(c->n + 1, sizeof(*changes));
	struct swap w = { .r = r,
			  .database = c->database,
			  .changes = calloc(c->n + 1, sizeof(*w.changes)),
			  .rows = c->rows,
			  .held = calloc(c->n + 1, sizeof(*w.held)),
			  .err = err };
	int rc = -1;

	if (!changes || !w.changes || !w.held) {
		error_set(err, EXIT_INTERNAL, "out of memory");
		goto out;
	}
	for (uint32_t i = 0; i < c->n; i++) {
		fill(&changes[i], &c->rows[i]);
		w.changes[i] = &changes[i];
	}
	if (!pace_take(r->engine->pace, PACE_ROWS, c->n))
		goto out;
	rc = rewrite_all(&w, c->n) || wait_for_held(&w);
	for (uint32_t i = 0; !rc && i < c->n; i++) {
		if (changes[i].outcome == MIGRATE_ROW_UNKNOWN)
			rc = error_set(err, EXIT_INTERNAL, "%s: a row came back without outcome",
				       r->engine->ends.databases[c->database].job->label);
		c->rows[i].outcome = (uint8_t)changes[i].outcome;
	}
out:
	free(changes);
	free(w.changes);
	free(w.held);
	return rc ? -1 : 0;
}

void rows_count(const struct chunk *c, struct batch_counts *counts)
{
	uint64_t *by_outcome[] = {
		[MIGRATE_ROW_CHANGED] = &counts->rows_changed,
		[MIGRATE_ROW_ALREADY] = &counts->rows_already,
		[MIGRATE_ROW_CONFLICT] = &counts->rows_conflict,
		[MIGRATE_ROW_GONE] = &counts->rows_gone,
		[MIGRATE_ROW_FAILED] = &counts->rows_failed,
	};

	for (uint32_t i = 0; i < c->n; i++)
		if (c->rows[i].outcome >= MIGRATE_ROW_CHANGED &&
		    c->rows[i].outcome <= MIGRATE_ROW_FAILED)
			++*by_outcome[c->rows[i].outcome];
}
