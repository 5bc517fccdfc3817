/* SPDX-License-Identifier: MIT */
#include "plugin/conformance/rows.h"

#include <pthread.h>
#include <stdio.h>
#include <string.h>

#define CHANGES 20

/* Rows of this trial and what shall become of them. */
struct work {
	struct rows rows;
	struct migrate_change changes[CHANGES];
	struct migrate_change *list[CHANGES];
};

static struct migrate_bytes numbered(struct hand *h, struct arena *a, const char *what, size_t i)
{
	char text[64];
	int n = snprintf(text, sizeof(text), "%s-%03zu", what, i);

	return value_of(h, a, bytes_of(text, (size_t)n));
}

/* Insert `old-NNN`, read them back in the order of their identities, and plan `new-NNN`. */
static bool prepare_rewrite(struct hand *h, struct work *w)
{
	struct migrate_bytes values[CHANGES];

	*w = (struct work){ .rows = { .arena = ARENA_INIT } };
	for (size_t i = 0; i < CHANGES; i++)
		values[i] = numbered(h, &w->rows.arena, "old", i);
	if (!insert_rows(h, values, CHANGES) || !scan_rows(h, 100, &w->rows))
		return false;
	MUST(h->b, w->rows.n == CHANGES, "%zu rows of %d were found again", w->rows.n, CHANGES);
	for (size_t i = 0; i < CHANGES; i++) {
		const struct migrate_row *row = &w->rows.items[i].row;

		w->changes[i] = (struct migrate_change){
			.identity = row->identity,
			.place = row->place,
			.before = row->value,
			.after = numbered(h, &w->rows.arena, "new", i),
		};
		w->list[i] = &w->changes[i];
	}
	return true;
}

static enum migrate_status rewrite(struct hand *h, struct work *w)
{
	struct migrate_rewrite r = { .changes = w->list, .count = CHANGES };

	return database_rewrite(h->s, &r);
}

static bool outcomes_are(struct hand *h, const struct work *w, enum migrate_outcome outcome)
{
	for (size_t i = 0; i < CHANGES; i++)
		MUST(h->b, w->changes[i].outcome == (int32_t)outcome,
		     "change %zu has outcome %d instead of %d", i, w->changes[i].outcome,
		     (int)outcome);
	return true;
}

/* Do the rows hold `after` (or `before`) of their changes? */
static bool rows_hold(struct hand *h, struct work *w, bool after)
{
	w->rows.n = 0;
	if (!scan_rows(h, 100, &w->rows))
		return false;
	MUST(h->b, w->rows.n == CHANGES, "%zu rows are left of %d", w->rows.n, CHANGES);
	for (size_t i = 0; i < CHANGES; i++)
		MUST(h->b,
		     bytes_equal(w->rows.items[i].row.value,
				 after ? w->changes[i].after : w->changes[i].before),
		     "row %zu does not hold its %s value", i, after ? "new" : "old");
	return true;
}

static void swap(struct work *w)
{
	for (size_t i = 0; i < CHANGES; i++) {
		struct migrate_bytes before = w->changes[i].before;

		w->changes[i].before = w->changes[i].after;
		w->changes[i].after = before;
	}
}

static bool try_changed_already_undone(struct hand *h, struct work *w)
{
	ANSWERS(h, MIGRATE_OK, rewrite(h, w));
	if (!outcomes_are(h, w, MIGRATE_ROW_CHANGED) || !rows_hold(h, w, true))
		return false;
	ANSWERS(h, MIGRATE_OK, rewrite(h, w));
	if (!outcomes_are(h, w, MIGRATE_ROW_ALREADY) || !rows_hold(h, w, true))
		return false;
	swap(w);
	ANSWERS(h, MIGRATE_OK, rewrite(h, w));
	return outcomes_are(h, w, MIGRATE_ROW_CHANGED) && rows_hold(h, w, true);
}

static bool changed_already_undone(struct battery *b)
{
	struct hand *h = &b->hands[0];
	struct work w;
	bool ok = prepare_rewrite(h, &w) && try_changed_already_undone(h, &w);

	arena_release(&w.rows.arena);
	return ok;
}

static bool try_conflict(struct hand *h, struct work *w)
{
	struct migrate_bytes right = w->changes[5].before;

	w->changes[5].before = numbered(h, &w->rows.arena, "other", 5);
	ANSWERS(h, MIGRATE_OK, rewrite(h, w));
	for (size_t i = 0; i < CHANGES; i++) {
		int want = i == 5 ? MIGRATE_ROW_CONFLICT : MIGRATE_ROW_CHANGED;

		MUST(h->b, w->changes[i].outcome == want, "change %zu has outcome %d instead of %d",
		     i, w->changes[i].outcome, want);
	}
	w->changes[5].before = right;
	w->changes[5].after = right;
	return rows_hold(h, w, true);
}

static bool conflict_is_left_alone(struct battery *b)
{
	struct hand *h = &b->hands[0];
	struct work w;
	bool ok = prepare_rewrite(h, &w) && try_conflict(h, &w);

	arena_release(&w.rows.arena);
	return ok;
}

static bool try_exactness(struct hand *h, struct work *w)
{
	static const struct migrate_bytes odd[] = {
		{ "two  ", 5 },
		{ "Two", 3 },
		{ "two'\"\\", 6 },
		{ "%_", 2 },
		{ "\360\237\230\200", 4 },
		{ "007", 3 },
		{ "1e3", 3 },
		{ "new\nline", 8 },
	};

	for (size_t i = 0; i < CHANGES; i++) {
		char number[8];
		int n = snprintf(number, sizeof(number), "%zu", i / (sizeof(odd) / sizeof(odd[0])));
		struct migrate_bytes o = odd[i % (sizeof(odd) / sizeof(odd[0]))];
		char text[32];

		memcpy(text, number, (size_t)n);
		memcpy(text + n, o.p, o.n);
		w->changes[i].after = value_of(h, &w->rows.arena, bytes_of(text, (size_t)n + o.n));
	}
	ANSWERS(h, MIGRATE_OK, rewrite(h, w));
	return outcomes_are(h, w, MIGRATE_ROW_CHANGED) && rows_hold(h, w, true);
}

static bool values_are_exact(struct battery *b)
{
	struct hand *h = &b->hands[0];
	struct work w;
	bool ok = prepare_rewrite(h, &w) && try_exactness(h, &w);

	arena_release(&w.rows.arena);
	return ok;
}

/* A twin that a collation takes for the value before is a conflict all the same. */
static bool try_twin(struct hand *h, struct work *w)
{
	w->changes[0].before = value_of(h, &w->rows.arena, BYTES("OLD-000"));
	ANSWERS(h, MIGRATE_OK, rewrite(h, w));
	MUST(h->b, w->changes[0].outcome == MIGRATE_ROW_CONFLICT,
	     "a row that holds old-000 changed although OLD-000 was asked for (outcome %d)",
	     w->changes[0].outcome);
	return true;
}

static bool twins_conflict(struct battery *b)
{
	struct hand *h = &b->hands[0];
	struct work w;
	bool ok = prepare_rewrite(h, &w) && try_twin(h, &w);

	arena_release(&w.rows.arena);
	return ok;
}

/* ---- `set:` columns ---- */

static bool extras_are(struct hand *h, struct work *w, const struct migrate_bytes *extra,
		       bool settled)
{
	w->rows.n = 0;
	if (!scan_rows(h, 100, &w->rows))
		return false;
	for (size_t i = 0; i < w->rows.n; i++) {
		MUST(h->b, w->rows.items[i].row.settled == settled,
		     "row %zu says settled = %d where the set columns say otherwise", i,
		     w->rows.items[i].row.settled);
		MUST(h->b, !extra || bytes_equal(w->rows.items[i].row.extra, extra[i]),
		     "the set columns of row %zu did not come back", i);
	}
	return true;
}

static bool try_extras(struct hand *h, struct work *w)
{
	struct migrate_bytes old[CHANGES];

	for (size_t i = 0; i < CHANGES; i++)
		old[i] = w->rows.items[i].row.extra;
	ANSWERS(h, MIGRATE_OK, rewrite(h, w));
	if (!extras_are(h, w, NULL, true))
		return false;
	swap(w);
	for (size_t i = 0; i < CHANGES; i++)
		w->changes[i].extra = old[i];
	ANSWERS(h, MIGRATE_OK, rewrite(h, w));
	return outcomes_are(h, w, MIGRATE_ROW_CHANGED) && extras_are(h, w, old, false);
}

static bool sets_and_puts_back(struct battery *b)
{
	struct hand *h = &b->hands[0];
	struct work w;
	bool ok = prepare_rewrite(h, &w);

	if (ok && !w.rows.items[0].row.settled)
		ok = try_extras(h, &w);
	else if (ok) /* no set columns, or they hold already what the job says */
		ok = extras_are(h, &w, NULL, true);
	arena_release(&w.rows.arena);
	return ok;
}

/* Change i alone. */
static enum migrate_status rewrite_one(struct hand *h, struct work *w, size_t i)
{
	struct migrate_rewrite r = { .changes = &w->list[i], .count = 1 };

	return database_rewrite(h->s, &r);
}

#define ODD 5 /* the row whose `set:` columns change behind the back of a change */

/* Undone, but one row's columns do not hold what its change expects: neither that nor the undo's. */
static bool try_other_sets(struct hand *h, struct work *w, const struct migrate_bytes *old)
{
	swap(w);
	for (size_t i = 0; i < CHANGES; i++)
		w->changes[i].extra = old[i];
	w->changes[ODD].found = old[ODD];
	ANSWERS(h, MIGRATE_OK, rewrite(h, w));
	for (size_t i = 0; i < CHANGES; i++) {
		int want = i == ODD ? MIGRATE_ROW_CONFLICT : MIGRATE_ROW_CHANGED;

		MUST(h->b, w->changes[i].outcome == want, "change %zu has outcome %d instead of %d",
		     i, w->changes[i].outcome, want);
	}
	return true;
}

/* The value is changed already, but the columns are not: that is not the change. */
static bool try_value_alone(struct hand *h, struct work *w, const struct migrate_bytes *old)
{
	struct migrate_change *c = &w->changes[0], whole = *c;

	*c = (struct migrate_change){ .identity = whole.identity,
				      .place = whole.place,
				      .before = whole.after,
				      .after = whole.after,
				      .extra = old[0] };
	ANSWERS(h, MIGRATE_OK, rewrite_one(h, w, 0));
	MUST(h->b, c->outcome == MIGRATE_ROW_CHANGED, "set columns alone: outcome %d", c->outcome);
	*c = whole;
	ANSWERS(h, MIGRATE_OK, rewrite_one(h, w, 0));
	MUST(h->b, c->outcome == MIGRATE_ROW_CONFLICT,
	     "a row with the new value and the old set columns has outcome %d", c->outcome);
	c->before = c->after;
	ANSWERS(h, MIGRATE_OK, rewrite_one(h, w, 0));
	MUST(h->b, c->outcome == MIGRATE_ROW_CHANGED, "set columns alone: outcome %d", c->outcome);
	*c = whole;
	return true;
}

/* One row has its columns as they shall be already: what an undo puts back is what they hold. */
static bool try_settled_before(struct hand *h, struct work *w)
{
	struct migrate_bytes after = w->changes[ODD].after, held;

	w->changes[ODD].after = w->changes[ODD].before;
	ANSWERS(h, MIGRATE_OK, rewrite_one(h, w, ODD));
	w->changes[ODD].after = after;
	w->rows.n = 0;
	if (!scan_rows(h, 100, &w->rows))
		return false;
	held = w->rows.items[ODD].row.extra;
	ANSWERS(h, MIGRATE_OK, rewrite(h, w));
	if (!outcomes_are(h, w, MIGRATE_ROW_CHANGED))
		return false;
	for (size_t i = 0; i < CHANGES; i++) {
		struct migrate_bytes extra = rewrite_extra(h->s, i);

		MUST(h->b, i == ODD ? bytes_equal(extra, held) : !extra.n,
		     "what the set columns of row %zu held is not told", i);
	}
	return true;
}

static bool try_found(struct hand *h, struct work *w)
{
	struct migrate_bytes old[CHANGES];

	for (size_t i = 0; i < CHANGES; i++)
		w->changes[i].found = old[i] = w->rows.items[i].row.extra;
	if (w->rows.items[0].row.settled) /* no set columns, or nothing that they could change to */
		return true;
	if (!try_settled_before(h, w) || !try_value_alone(h, w, old))
		return false;
	for (size_t i = 0; i < CHANGES; i++)
		w->changes[i].found = bytes_of(NULL, 0);
	return try_other_sets(h, w, old);
}

static bool set_columns_are_compared(struct battery *b)
{
	struct hand *h = &b->hands[0];
	struct work w;
	bool ok = prepare_rewrite(h, &w) && try_found(h, &w);

	arena_release(&w.rows.arena);
	return ok;
}

/* ---- What the data forbids ---- */

static bool try_too_long(struct hand *h, struct work *w)
{
	size_t n = (size_t)h->b->database.d.value_max + 1;
	char *text = arena_alloc(&w->rows.arena, n);
	bool atomic = h->b->database.d.flags & MIGRATE_ATOMIC_CALL;
	enum migrate_status status;

	MUST(h->b, text, "out of memory");
	memset(text, 'x', n);
	w->changes[7].after = bytes_of(text, n);
	status = rewrite(h, w);
	if (atomic)
		MUST(h->b, status == MIGRATE_INVALID, "a value that is too long: %s",
		     status_name(status));
	else
		MUST(h->b,
		     status == MIGRATE_OK && w->changes[7].outcome == MIGRATE_ROW_FAILED &&
			 w->changes[7].status == MIGRATE_INVALID,
		     "a value that is too long: %s, outcome %d", status_name(status),
		     w->changes[7].outcome);
	return !atomic || rows_hold(h, w, false);
}

static bool too_long(struct battery *b)
{
	struct hand *h = &b->hands[0];
	struct work w;
	bool ok = prepare_rewrite(h, &w) && try_too_long(h, &w);

	arena_release(&w.rows.arena);
	return ok;
}

static const char *lacks_width(const struct battery *b)
{
	const char *why = lacks_insert(b);

	if (why)
		return why;
	if (!b->database.d.value_max)
		return "values of any length fit";
	return b->database.d.value_max < MIGRATE_KEY_MAX ? NULL : "the widest value is too wide";
}

static bool try_not_unique(struct hand *h, struct work *w)
{
	enum migrate_status status;

	w->changes[9].after = w->changes[8].after;
	status = rewrite(h, w);
	MUST(h->b, status == MIGRATE_INVALID, "one value for two rows: %s", status_name(status));
	return rows_hold(h, w, false);
}

static bool not_unique(struct battery *b)
{
	struct hand *h = &b->hands[0];
	struct work w;
	bool ok = prepare_rewrite(h, &w) && try_not_unique(h, &w);

	arena_release(&w.rows.arena);
	return ok;
}

static const char *lacks_unique(const struct battery *b)
{
	const char *why = lacks_insert(b);

	if (why)
		return why;
	if (!(b->database.d.flags & MIGRATE_ATOMIC_CALL))
		return "its rows are on their own";
	return b->database.d.flags & MIGRATE_UNIQUE ? NULL : "any two rows may hold one value";
}

/* ---- Several at once ---- */

struct rival {
	struct hand *h;
	struct work w; /* its own outcomes; rows and values are the first one's */
	enum migrate_status status;
	pthread_t thread;
};

static void *compete(void *arg)
{
	struct rival *r = arg;

	for (int attempt = 0; attempt < 20; attempt++) {
		r->status = rewrite(r->h, &r->w);
		if (r->status == MIGRATE_OK || !status_may_retry(r->status))
			break;
	}
	return NULL;
}

static bool one_winner_each(struct battery *b, const struct rival *rivals, size_t n)
{
	for (size_t i = 0; i < n; i++)
		MUST(b, rivals[i].status == MIGRATE_OK, "session %zu: %s: %s", i,
		     status_name(rivals[i].status), session_message(rivals[i].h->s));
	for (size_t c = 0; c < CHANGES; c++) {
		size_t changed = 0, conflict = 0;

		for (size_t i = 0; i < n; i++) {
			changed += rivals[i].w.changes[c].outcome == MIGRATE_ROW_CHANGED;
			conflict += rivals[i].w.changes[c].outcome == MIGRATE_ROW_CONFLICT;
		}
		MUST(b, changed == 1 && conflict == n - 1,
		     "row %zu: %zu sessions changed it, %zu met a conflict, of %zu", c, changed,
		     conflict, n);
	}
	return true;
}

static size_t rivals_of(const struct battery *b)
{
	uint32_t max = b->database.d.sessions_max;

	return max && max < HANDS ? max : HANDS;
}

static bool race_rivals(struct battery *b, struct work *w, struct rival *rivals, size_t n)
{
	size_t started = 0;

	for (size_t i = 0; i < n; i++) {
		rivals[i].h = &b->hands[i];
		rivals[i].w = *w;
		for (size_t c = 0; c < CHANGES; c++) {
			rivals[i].w.list[c] = &rivals[i].w.changes[c];
			rivals[i].w.changes[c].after =
			    numbered(&b->hands[0], &w->rows.arena, "rival", i * 1000 + c);
		}
	}
	for (; started < n; started++)
		if (pthread_create(&rivals[started].thread, NULL, compete, &rivals[started]))
			break;
	for (size_t i = 0; i < started; i++)
		pthread_join(rivals[i].thread, NULL);
	MUST(b, started == n, "threads could not be started");
	return one_winner_each(b, rivals, n);
}

static bool rivals_meet(struct battery *b)
{
	struct rival *rivals = calloc(HANDS, sizeof(*rivals));
	struct work w = { .rows = { .arena = ARENA_INIT } };
	bool ok =
	    rivals && prepare_rewrite(&b->hands[0], &w) && race_rivals(b, &w, rivals, rivals_of(b));

	arena_release(&w.rows.arena);
	free(rivals);
	return ok;
}

static const char *lacks_rivals(const struct battery *b)
{
	const char *why = lacks_insert(b);

	return why ? why : rivals_of(b) < 2 ? "one session at a time rewrites" : NULL;
}

static const struct trial trials[] = {
	{ "rewrite: changed, then already, and swapped it is the undo", changed_already_undone,
	  lacks_insert },
	{ "a row that holds something else is a conflict and left alone", conflict_is_left_alone,
	  lacks_insert },
	{ "values are written to the byte", values_are_exact, lacks_insert },
	{ "a twin of the value before is a conflict", twins_conflict, lacks_insert },
	{ "set columns are set with the value, and put back by an undo", sets_and_puts_back,
	  lacks_insert },
	{ "set columns that were changed meanwhile are compared, and conflict",
	  set_columns_are_compared, lacks_insert },
	{ "a value that is too long is invalid, and the call changed nothing", too_long,
	  lacks_width },
	{ "so is one that is not unique", not_unique, lacks_unique },
	{ "of several sessions that change one row, one does and the others meet a conflict",
	  rivals_meet, lacks_rivals },
};
const struct trials trials_rewrites = TRIALS(trials);
