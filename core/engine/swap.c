/* SPDX-License-Identifier: MIT */
#include "engine/rewriter.h"

#include "base/bytes.h"
#include "base/clock.h"
#include "engine/gate.h"
#include "engine/pace.h"

#include <stdlib.h>
#include <string.h>

/* Compare and swap of one chunk; a guilty row is found by halving. */

bool rows_again(struct rewriter *r, struct migrate_session *s, enum migrate_status status,
		unsigned *attempt, struct error *err)
{
	struct engine *e = r->engine;
	enum gate_verdict verdict = gate_trouble(e->gate, s, true, status);

	if (verdict == GATE_AGAIN)
		return true;
	if (verdict == GATE_LEAVE) {
		/* not an error of ours: the run ends for another reason */
		error_clear(err);
		return false;
	}
	if ((status_may_retry(status) || status_is_systemic(status)) &&
	    ++*attempt < (unsigned)e->job->attempts)
		return engine_sleep(e, engine_backoff(*attempt));
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

static void mark_guilty(struct rewriter *r, struct migrate_session *s, struct migrate_change *m,
			struct row_record *row)
{
	m->outcome = MIGRATE_ROW_FAILED;
	row->message = arena_text(&r->arena, session_message(s));
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

/* rows[i] belongs to changes[i]. */
static int rewrite_some(struct rewriter *r, size_t database, struct migrate_change *const *changes,
			struct row_record *rows, size_t n, struct error *err)
{
	struct migrate_session *s = r->databases[database];
	enum migrate_status status;
	unsigned attempt = 0;

	if (!n)
		return 0;
	do
		status = call(r, database, changes, n);
	while (status != MIGRATE_OK && status != MIGRATE_INVALID &&
	       rows_again(r, s, status, &attempt, err));
	if (status == MIGRATE_OK) {
		gate_well(r->engine->gate);
		return take_notes(r, s, changes, rows, n, err);
	}
	if (status != MIGRATE_INVALID)
		return -1;
	if (n == 1) {
		mark_guilty(r, s, changes[0], rows);
		return 0;
	}
	return rewrite_some(r, database, changes, rows, n / 2, err) ||
	       rewrite_some(r, database, changes + n / 2, rows + n / 2, n - n / 2, err);
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
	struct migrate_change **list = calloc(c->n + 1, sizeof(*list));
	int rc = -1;

	if (!changes || !list) {
		error_set(err, EXIT_INTERNAL, "out of memory");
		goto out;
	}
	for (uint32_t i = 0; i < c->n; i++) {
		fill(&changes[i], &c->rows[i]);
		list[i] = &changes[i];
	}
	if (!pace_take(r->engine->pace, PACE_ROWS, c->n))
		goto out;
	rc = rewrite_some(r, c->database, list, c->rows, c->n, err);
	for (uint32_t i = 0; !rc && i < c->n; i++) {
		if (changes[i].outcome == MIGRATE_ROW_UNKNOWN)
			rc = error_set(err, EXIT_INTERNAL, "%s: a row came back without outcome",
				       r->engine->ends.databases[c->database].job->label);
		c->rows[i].outcome = (uint8_t)changes[i].outcome;
	}
out:
	free(changes);
	free(list);
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
