/* SPDX-License-Identifier: MIT */
#include "engine/rows/rewriter.h"

#include "base/edits.h"

#include <stdlib.h>

/*
 * Caches learn of rows after the transaction that changed them, and before their
 * batch is done: a run that ends in between leaves the batch as REWRITING, and the
 * next one tells them again. A cache that is away holds the batch up; rows that
 * changed stay changed.
 */

/* Somebody else's change to the same value counts: a cache may not have heard of it. */
static bool concerns(const struct row_record *row)
{
	return row->outcome == MIGRATE_ROW_CHANGED || row->outcome == MIGRATE_ROW_ALREADY;
}

/* What the caches are told of one chunk. */
struct told {
	struct migrate_changed_row *rows;
	const struct migrate_changed_row **list;
	size_t n, cap;
	uint32_t *last; /* by object of the batch: the row, from 1, that named it last */
};

static bool add_told(struct told *t, const struct object_record *o, const struct row_record *row)
{
	if (t->n == t->cap) {
		size_t cap = t->cap ? 2 * t->cap : 1024;
		struct migrate_changed_row *rows = reallocarray(t->rows, cap, sizeof(*rows));

		if (!rows)
			return false;
		t->rows = rows;
		t->cap = cap;
	}
	t->rows[t->n++] = (struct migrate_changed_row){ .old_key = o->key,
							.new_key = o->new_key,
							.old_value = row->before,
							.new_value = row->after,
							.text = row->text ? row->text : "" };
	return true;
}

/* A text names several objects: it is told once for each of them. */
static bool tell_text(struct told *t, const struct batch *b, const struct row_record *row,
		      uint32_t number)
{
	struct edits_reader r;
	struct edit one;

	edits_read(&r, row->edits);
	while (edits_next(&r, &one) == 1) {
		if (one.object >= b->n || t->last[one.object] == number)
			continue;
		t->last[one.object] = number;
		if (!add_told(t, &b->objects[one.object], row))
			return false;
	}
	return true;
}

static bool gather_told(struct told *t, const struct batch *b, const struct chunk *c)
{
	t->last = calloc((size_t)b->n + 1, sizeof(*t->last));
	for (uint32_t i = 0; t->last && i < c->n; i++) {
		const struct row_record *row = &c->rows[i];

		if (!concerns(row))
			continue;
		if (c->texts ? !tell_text(t, b, row, i + 1)
			     : !add_told(t, &b->objects[row->object], row))
			return false;
	}
	t->list = calloc(t->n + 1, sizeof(struct migrate_changed_row *));
	for (size_t i = 0; t->list && i < t->n; i++)
		t->list[i] = &t->rows[i];
	return t->last && t->list;
}

static void told_release(struct told *t)
{
	free(t->rows);
	free(t->list);
	free(t->last);
}

static int tell_cache(struct rewriter *r, struct migrate_session *cache,
		      struct migrate_invalidate *q, struct error *err)
{
	struct again a = rows_again(r);
	enum migrate_status status;

	do
		status = cache_invalidate(cache, q);
	while (again(&a, cache, status));
	return status == MIGRATE_OK ? 0 : again_error(&a, cache, status, err);
}

int rows_invalidate(struct rewriter *r, const struct batch *b, const struct chunk *c,
		    struct error *err)
{
	size_t caches = r->run->task->ends.cache_count;
	struct told t = { .n = 0 };
	struct migrate_invalidate q;
	int rc = 0;

	if (!caches)
		return 0;
	if (!gather_told(&t, b, c))
		rc = error_set(err, EXIT_INTERNAL, "out of memory");
	q = (struct migrate_invalidate){ .rows = t.list, .count = t.n };
	for (size_t i = 0; !rc && q.count && i < caches; i++)
		rc = tell_cache(r, r->caches[i], &q, err);
	told_release(&t);
	return rc;
}

struct telling {
	struct rewriter *r;
	const struct batch *b;
};

static int tell_chunk(void *arg, struct chunk *c, struct error *err)
{
	const struct telling *t = arg;

	/* one without outcome is resolved first, and told then */
	return c->settled ? rows_invalidate(t->r, t->b, c, err) : 0;
}

int rows_invalidate_again(struct rewriter *r, const struct batch *b, struct error *err)
{
	struct telling t = { .r = r, .b = b };

	if (!r->run->task->ends.cache_count)
		return 0;
	return journal_each_chunk(r->run->task->journal, b->id, tell_chunk, &t, err);
}
