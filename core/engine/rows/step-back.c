/* SPDX-License-Identifier: MIT */
#include "engine/rows/rewriter.h"

#include <stdlib.h>

/* Outcomes of rows that are looked for again step back: they were not the last word. */

void row_step_back(struct batch *b, struct row_record *r)
{
	if (r->outcome == MIGRATE_ROW_CONFLICT)
		b->counts.rows_conflict--;
	else
		b->counts.rows_failed--;
	r->outcome = ROW_RETRIED;
}

uint64_t rows_step_back(struct batch *b, struct chunk *c, enum migrate_outcome outcome)
{
	uint64_t n = 0;

	for (uint32_t i = 0; i < c->n; i++) {
		if (c->rows[i].outcome != outcome)
			continue;
		row_step_back(b, &c->rows[i]);
		n++;
	}
	return n;
}

struct gathering {
	struct bad_batches *to;
	enum bad_rows which;
	size_t cap;
};

static int gather_bad(void *arg, int64_t batch, const struct chunk *c, const struct row_record *r)
{
	struct gathering *g = arg;
	struct bad_batches *to = g->to;

	(void)r;
	if ((g->which == BAD_EXACT && c->texts) || (g->which == BAD_TEXTS && !c->texts))
		return 0;
	if (to->n && to->ids[to->n - 1] == batch)
		return 0;
	if (to->n == g->cap) {
		size_t cap = g->cap ? 2 * g->cap : 64;
		int64_t *ids = reallocarray(to->ids, cap, sizeof(*ids));

		if (!ids)
			return -1;
		to->ids = ids;
		g->cap = cap;
	}
	to->ids[to->n++] = batch;
	return 0;
}

int bad_batches_find(struct run *run, enum bad_rows which, struct bad_batches *bad,
		     struct error *err)
{
	struct gathering g = { .to = bad, .which = which };
	int rc;

	*bad = (struct bad_batches){ .ids = NULL };
	rc = journal_each_bad_row(run->task->journal, gather_bad, &g, err);
	if (rc && !error_is_set(err))
		error_set(err, EXIT_INTERNAL, "out of memory");
	return rc ? -1 : 0;
}

/* Rows that the next scan finds again by themselves. */
static int step_back_in(struct run *run, int64_t id, struct error *err)
{
	ARENA_AUTO struct arena a = ARENA_INIT;
	struct batch *b = journal_load(run->task->journal, id, err);
	struct chunk *chunks = NULL;
	size_t n = 0;
	int rc = b ? journal_chunks(run->task->journal, id, &a, &chunks, &n, err) : -1;

	for (size_t i = 0; !rc && i < n; i++) {
		struct chunk *c = &chunks[i];
		uint64_t back = rows_step_back(b, c, MIGRATE_ROW_FAILED);

		/* what an exact value's row holds instead, no scan finds */
		if (c->texts)
			back += rows_step_back(b, c, MIGRATE_ROW_CONFLICT);
		if (back)
			rc = journal_outcome(run->task->journal, b, c, err);
	}
	batch_free(b);
	return rc;
}

int rows_await_scan(struct run *run, bool texts, struct error *err)
{
	struct bad_batches bad;
	int rc = bad_batches_find(run, texts ? BAD_TEXTS : BAD_EXACT, &bad, err);

	for (size_t i = 0; !rc && i < bad.n; i++)
		rc = step_back_in(run, bad.ids[i], err);
	free(bad.ids);
	return rc;
}
