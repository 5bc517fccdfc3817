/* SPDX-License-Identifier: MIT */
#include "engine/rewriter.h"

#include "base/edits.h"

#include <stdlib.h>
#include <string.h>

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

/* A text is told once for each object whose value was replaced in it. */
static size_t gather_text(const struct batch *b, const struct row_record *row, bool *seen,
			  struct migrate_changed_row *rows,
			  const struct migrate_changed_row **list)
{
	struct edits_reader r;
	struct edit one;
	size_t n = 0;

	memset(seen, 0, b->n * sizeof(*seen));
	edits_read(&r, row->edits);
	while (edits_next(&r, &one) == 1) {
		if (one.object >= b->n || seen[one.object])
			continue;
		seen[one.object] = true;
		rows[n] = (struct migrate_changed_row){ .old_key = b->objects[one.object].key,
							.new_key = b->objects[one.object].new_key,
							.old_value = row->before,
							.new_value = row->after,
							.text = row->text ? row->text : "" };
		list[n] = &rows[n];
		n++;
	}
	return n;
}

/* How many may come of a chunk at most. */
static size_t most(const struct chunk *c)
{
	size_t n = c->n;

	for (uint32_t i = 0; c->texts && i < c->n; i++) {
		struct edits_reader r;
		struct edit one;

		edits_read(&r, c->rows[i].edits);
		while (edits_next(&r, &one) == 1)
			n++;
	}
	return n;
}

static size_t gather(const struct batch *b, const struct chunk *c, bool *seen,
		     struct migrate_changed_row *rows,
		     const struct migrate_changed_row **list)
{
	size_t n = 0;

	for (uint32_t i = 0; i < c->n; i++) {
		const struct row_record *row = &c->rows[i];
		const struct object_record *o = &b->objects[row->object];

		if (!concerns(row))
			continue;
		if (c->texts) {
			n += gather_text(b, row, seen, &rows[n], &list[n]);
			continue;
		}
		rows[n] = (struct migrate_changed_row){ .old_key = o->key,
							.new_key = o->new_key,
							.old_value = row->before,
							.new_value = row->after,
							.text = row->text ? row->text : "" };
		list[n] = &rows[n];
		n++;
	}
	return n;
}

static int tell_cache(struct rewriter *r, struct migrate_session *cache,
		      struct migrate_invalidate *q, struct error *err)
{
	enum migrate_status status;
	unsigned attempt = 0;

	do
		status = cache_invalidate(cache, q);
	while (status != MIGRATE_OK && rows_again(r, cache, status, &attempt, err));
	return status == MIGRATE_OK ? 0 : -1;
}

int rows_invalidate(struct rewriter *r, const struct batch *b, const struct chunk *c,
		    struct error *err)
{
	size_t caches = r->engine->ends.cache_count;
	struct migrate_changed_row *rows;
	const struct migrate_changed_row **list;
	bool *seen;
	struct migrate_invalidate q = { .count = 0 };
	int rc = 0;

	if (!caches)
		return 0;
	rows = calloc(most(c) + 1, sizeof(*rows));
	list = calloc(most(c) + 1, sizeof(*list));
	seen = calloc(b->n + 1, sizeof(*seen));
	if (rows && list && seen) {
		q.rows = list;
		q.count = gather(b, c, seen, rows, list);
	} else {
		rc = error_set(err, EXIT_INTERNAL, "out of memory");
	}
	for (size_t i = 0; !rc && q.count && i < caches; i++)
		rc = tell_cache(r, r->caches[i], &q, err);
	free(rows);
	free(list);
	free(seen);
	return rc;
}

struct again {
	struct rewriter *r;
	const struct batch *b;
};

static int again(void *arg, struct chunk *c, struct error *err)
{
	const struct again *a = arg;

	/* one without outcome is resolved first, and told then */
	return c->settled ? rows_invalidate(a->r, a->b, c, err) : 0;
}

int rows_invalidate_again(struct rewriter *r, const struct batch *b, struct error *err)
{
	struct again a = { .r = r, .b = b };

	if (!r->engine->ends.cache_count)
		return 0;
	return journal_each_chunk(r->engine->journal, b->id, again, &a, err);
}
