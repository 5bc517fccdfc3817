/* SPDX-License-Identifier: MIT */
#include "engine/run/retry.h"

#include "base/array.h"
#include "base/log.h"
#include "engine/run/replan.h"

#include <inttypes.h>
#include <stdlib.h>

/*
 * --retry-failed: objects that failed, and those that were skipped because something else was
 * there. What never got a new key cannot be tried again: the rules stand still.
 *
 * Gathered first, moved later: the journal is not changed while it is being read.
 */
struct found {
	int64_t batch;
	uint32_t n;
};

struct gathering {
	struct found *items;
	size_t n, cap;
};

static int gather_failed(void *arg, const struct batch *b, uint32_t n,
			 const struct object_record *o)
{
	struct gathering *g = arg;

	if (object_failed_at_planning(o))
		return 0;
	if (g->n == g->cap) {
		size_t cap = g->cap ? 2 * g->cap : 256;
		struct found *items = reallocarray(g->items, cap, sizeof(*items));

		if (!items)
			return -1;
		g->items = items;
		g->cap = cap;
	}
	g->items[g->n++] = (struct found){ .batch = b->id, .n = n };
	return 0;
}

static int compare_found(const void *a, const void *b)
{
	const struct found *x = a, *y = b;

	if (x->batch != y->batch)
		return x->batch < y->batch ? -1 : 1;
	return (x->n > y->n) - (x->n < y->n);
}

static int move_all(struct replan *a, struct gathering *g)
{
	array_sort(g->items, g->n, sizeof(*g->items), compare_found);
	for (size_t i = 0; i < g->n; i++)
		if (replan_add(a, g->items[i].batch, g->items[i].n))
			return -1;
	return replan_finish(a);
}

int retry_failed(struct run *run, struct error *err)
{
	struct replan a = { .run = run, .err = err };
	struct gathering g = { .items = NULL };
	enum fail_class class = run->options->retry_class;
	int rc = journal_each_failed(run->task->journal, class, gather_failed, &g, err);

	if (!rc && (class == FAIL_NONE || class == FAIL_CONFLICT))
		rc = journal_each_conflict_skipped(run->task->journal, gather_failed, &g, err);
	if (!rc)
		rc = move_all(&a, &g);
	else if (!error_is_set(err))
		error_set(err, EXIT_INTERNAL, "out of memory");
	if (!rc)
		log_info("%" PRIu64 " objects that failed or were skipped are tried again",
			 a.moved);
	replan_release(&a);
	free(g.items);
	return rc;
}
