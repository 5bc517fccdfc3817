/* SPDX-License-Identifier: MIT */
#include "engine/begin.h"

#include "base/array.h"
#include "base/clock.h"
#include "base/log.h"

#include <inttypes.h>
#include <stdlib.h>

/*
 * --retry-failed: failed objects get a new batch, before any batch is taken up, and so do those
 * that were skipped because something else was there. What never got a new key cannot be tried
 * again: the rules stand still.
 */
struct retry {
	struct engine *engine;
	int64_t batch; /* of the objects gathered so far */
	uint32_t *which;
	size_t n, cap;
	uint64_t moved;
	struct error *err;
};

static struct batch *second_chance(struct retry *r, const struct batch *from)
{
	struct batch *to = batch_new();

	if (!to)
		return NULL;
	to->pass = r->engine->pass.number;
	to->kind = BATCH_MOVED;
	to->state = BATCH_PLANNED;
	to->began = from->began; /* what is in doubt may be there since then */
	to->durable = true;
	to->objects = arena_alloc(&to->arena, r->n * sizeof(*to->objects));
	for (size_t i = 0; to->objects && i < r->n; i++) {
		struct object_record *o = &to->objects[to->n++];

		if (!object_record_copy(&to->arena, &from->objects[r->which[i]], o))
			break;
		o->state = OBJECT_PLANNED;
		o->fail = FAIL_NONE;
		o->attempts = o->hung = 0;
		o->message = NULL;
	}
	if (!to->objects || to->n < r->n) {
		batch_free(to);
		return NULL;
	}
	return to;
}

static int move(struct retry *r)
{
	struct batch *from, *to;
	int rc;

	if (!r->n)
		return 0;
	from = journal_load(r->engine->journal, r->batch, r->err);
	if (!from)
		return -1;
	to = second_chance(r, from);
	rc = to ? journal_move(r->engine->journal, from, r->which, to, r->err)
		: error_set(r->err, EXIT_INTERNAL, "out of memory");
	r->moved += r->n;
	r->n = 0;
	batch_free(from);
	batch_free(to);
	return rc;
}

/* Gathered first, moved later: the journal is not changed while it is being read. */
struct found {
	int64_t batch;
	uint32_t n;
};

struct gathering {
	struct found *items;
	size_t n, cap;
};

static int gather(void *arg, const struct batch *b, uint32_t n, const struct object_record *o)
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

static int move_all(struct retry *r, const struct gathering *g)
{
	r->which = calloc(g->n + 1, sizeof(*r->which));
	if (!r->which)
		return error_set(r->err, EXIT_INTERNAL, "out of memory");
	array_sort(g->items, g->n, sizeof(*g->items), compare_found);
	for (size_t i = 0; i < g->n; i++) {
		if (r->n && g->items[i].batch != r->batch && move(r))
			return -1;
		r->batch = g->items[i].batch;
		r->which[r->n++] = g->items[i].n;
	}
	return move(r);
}

int retry_failed(struct engine *e, struct error *err)
{
	struct retry r = { .engine = e, .err = err };
	struct gathering g = { .items = NULL };
	enum fail_class class = e->options->retry_class;
	int rc = journal_each_failed(e->journal, class, gather, &g, err);

	if (!rc && (class == FAIL_NONE || class == FAIL_CONFLICT))
		rc = journal_each_conflict_skipped(e->journal, gather, &g, err);
	if (!rc)
		rc = move_all(&r, &g);
	else if (!error_is_set(err))
		error_set(err, EXIT_INTERNAL, "out of memory");
	if (!rc)
		log_info("%" PRIu64 " objects that failed or were skipped are tried again",
			 r.moved);
	free(r.which);
	free(g.items);
	return rc;
}
