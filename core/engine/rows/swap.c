/* SPDX-License-Identifier: MIT */
#include "engine/rows/swap-impl.h"

#include "base/bytes.h"
#include "base/clock.h"
#include "engine/work/gate.h"
#include "engine/work/pace.h"

#include <stdlib.h>
#include <string.h>

/*
 * Compare and swap of one chunk. A guilty row is found by halving; so are rows that take too
 * long, or that need something which somebody else holds. Rows that are held themselves are
 * passed over. The others go on, and these are come back to (swap-locked.c).
 */

struct again rows_again(const struct rewriter *r)
{
	struct again a = again_new(r->run->gate, true);

	a.patient = a.finishes = true;
	return a;
}

static enum migrate_status call(struct swap *w, const uint32_t *rows, size_t n, bool pass_over,
				int64_t *ns)
{
	struct rewriter *r = w->r;
	struct migrate_rewrite q = { .changes = w->call, .count = n, .pass_over = pass_over };
	enum migrate_status status;

	for (size_t i = 0; i < n; i++)
		w->call[i] = &w->changes[rows[i]];
	turn_take(r->run->turns, w->database);
	*ns = clock_monotonic();
	status = database_rewrite(r->databases[w->database], &q);
	*ns = clock_monotonic() - *ns;
	turn_end(r->run->turns, w->database, *ns, q.contended);
	w->doubtful = q.doubtful;
	return status;
}

static struct migrate_session *session_of(const struct swap *w)
{
	return w->r->databases[w->database];
}

static int mark_failed(struct swap *w, uint32_t row, const char *why, const char *message)
{
	w->changes[row].outcome = MIGRATE_ROW_FAILED;
	w->rows[row].message = arena_printf(&w->r->arena, "%s%s", why, message);
	return w->rows[row].message ? 0 : error_set(w->err, EXIT_INTERNAL, "out of memory");
}

/* Another session has it, or its statement takes too long even alone. */
static int set_aside(struct swap *w, uint32_t row, const char *message)
{
	w->held[w->held_n++] = row;
	return mark_failed(w, row, "locked: ", message); /* unless it comes to be changed */
}

/* What rewrite() said of single rows: the session keeps it until the next call only. */
static int take_notes(struct swap *w, const uint32_t *rows, size_t n)
{
	const struct migrate_session *s = session_of(w);

	for (size_t i = 0; i < n; i++) {
		struct row_record *row = &w->rows[rows[i]];
		int32_t outcome = w->changes[rows[i]].outcome;
		const char *conflict = rewrite_conflict(s, i);
		struct migrate_bytes extra = rewrite_extra(s, i);

		row->message = NULL;
		if (outcome == MIGRATE_ROW_HELD &&
		    set_aside(w, rows[i], "another session holds the row"))
			return -1;
		if (outcome == MIGRATE_ROW_CONFLICT && conflict)
			row->message = arena_text(&w->r->arena, conflict);
		if (outcome != MIGRATE_ROW_CHANGED || !extra.n)
			continue;
		row->extra_differs = true;
		if (!arena_bytes(&w->r->arena, extra, &row->extra))
			return error_set(w->err, EXIT_INTERNAL, "out of memory");
	}
	return 0;
}

static bool is_of_rows(enum migrate_status status)
{
	return status == MIGRATE_INVALID || status == MIGRATE_TRANSIENT;
}

/*
 * The database is well, it says, but does not take these rows: where a trigger may have said so
 * with what a server in trouble says, that others fare better proves it.
 */
static enum migrate_status doubt(struct swap *w, enum migrate_status status)
{
	if (!w->doubtful || (status != MIGRATE_DENIED && status != MIGRATE_UNAVAILABLE)) {
		session_error(w->err, EXIT_OUTAGE, session_of(w), status);
		return status;
	}
	w->doubted = status;
	return MIGRATE_INVALID;
}

/* OK, INVALID or TRANSIENT: what becomes of these rows. Else the run ends. */
static enum migrate_status try_rows(struct swap *w, const uint32_t *rows, size_t n, bool pass_over)
{
	struct migrate_session *s = session_of(w);
	struct again a = rows_again(w->r);
	enum migrate_status status;
	int64_t ns;

	if (w->doubted)
		a.n = gate_attempts(w->r->run->gate);
	do {
		status = call(w, rows, n, pass_over, &ns);
		w->in_doubt |= status && !is_of_rows(status);
	} while (!is_of_rows(status) && again(&a, s, status));
	if (is_of_rows(status))
		return status;
	if (status)
		return a.verdict == GATE_OBJECT ? doubt(w, status) : MIGRATE_CANCELLED;
	w->well = true;
	if (pass_over)
		stride_took(&w->r->strides[w->database], n, ns);
	return take_notes(w, rows, n) ? MIGRATE_FATAL : MIGRATE_OK;
}

static int fail_row(struct swap *w, uint32_t row, const char *message)
{
	w->failed++;
	return mark_failed(w, row, "", message);
}

enum migrate_status swap_wait(struct swap *w, uint32_t row)
{
	enum migrate_status status = try_rows(w, &row, 1, false);
	const char *message = session_message(session_of(w));

	if ((status == MIGRATE_INVALID && fail_row(w, row, message)) ||
	    (status == MIGRATE_TRANSIENT && mark_failed(w, row, "locked: ", message)))
		return MIGRATE_FATAL;
	return status;
}

static int rewrite_some(struct swap *w, const uint32_t *rows, size_t n)
{
	enum migrate_status status = n ? try_rows(w, rows, n, true) : MIGRATE_OK;
	const char *message = session_message(session_of(w));
	size_t half = n / 2;

	if (status == MIGRATE_OK)
		return 0;
	if (!is_of_rows(status))
		return -1;
	if (n == 1)
		return status == MIGRATE_INVALID ? fail_row(w, *rows, message)
						 : set_aside(w, *rows, message);
	if (status == MIGRATE_TRANSIENT) {
		stride_failed(&w->r->strides[w->database], n);
		if (!halt_sleep(&w->r->run->halt, backoff(1) / 4))
			return -1;
	}
	return rewrite_some(w, rows, half) || rewrite_some(w, rows + half, n - half);
}

int swap_rows(struct swap *w, const uint32_t *rows, size_t n)
{
	for (size_t at = 0, size; at < n; at += size) {
		size = stride_rows(&w->r->strides[w->database]);
		if (size > n - at)
			size = n - at;
		if (rewrite_some(w, rows + at, size))
			return -1;
	}
	return 0;
}

static void fill_change(struct migrate_change *m, const struct row_record *row)
{
	*m = (struct migrate_change){ .identity = row->identity,
				      .place = row->place,
				      .before = row->before,
				      .after = row->after,
				      .found = row->extra };
}

static int prepare_swap(struct swap *w, const struct chunk *c)
{
	w->changes = calloc(c->n + 1, sizeof(*w->changes));
	w->call = calloc(c->n + 1, sizeof(*w->call));
	w->all = calloc(3 * (size_t)c->n + 1, sizeof(*w->all));
	if (!w->changes || !w->call || !w->all)
		return error_set(w->err, EXIT_INTERNAL, "out of memory");
	w->held = w->all + c->n;
	w->again = w->held + c->n;
	for (uint32_t i = 0; i < c->n; i++) {
		fill_change(&w->changes[i], &c->rows[i]);
		w->all[i] = i;
	}
	return 0;
}

int rows_rewrite(struct rewriter *r, struct chunk *c, struct error *err)
{
	struct swap w = { .r = r, .database = c->database, .rows = c->rows, .err = err };
	int rc = prepare_swap(&w, c);

	if (!rc && !pace_take(r->run->pace, PACE_ROWS, c->n))
		rc = -1;
	if (!rc)
		rc = swap_rows(&w, w.all, c->n) || swap_held(&w);
	/* where none fares well, it is not the rows */
	if (!rc && w.doubted && !w.well && w.failed > 1)
		rc = session_error(err, EXIT_OUTAGE, session_of(&w), w.doubted);
	for (uint32_t i = 0; !rc && i < c->n; i++) {
		if (w.changes[i].outcome == MIGRATE_ROW_UNKNOWN)
			rc = error_set(err, EXIT_INTERNAL, "%s: a row came back without outcome",
				       r->run->task->ends.databases[c->database].job->label);
		c->rows[i].outcome = (uint8_t)w.changes[i].outcome;
	}
	free(w.changes);
	free(w.call);
	free(w.all);
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
