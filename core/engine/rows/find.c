/* SPDX-License-Identifier: MIT */
#include "engine/rows/rewriter.h"

#include "base/array.h"
#include "base/bytes.h"
#include "engine/work/gate.h"

#include <stdlib.h>
#include <string.h>

/* Which rows name the objects of a batch, chunk by chunk. */

/* MOVED objects are another batch's but for batches of rows alone. */
static bool rows_matter(const struct batch *b, const struct object_record *o)
{
	return object_has_rows(o) || (o->state == OBJECT_MOVED && b->kind == BATCH_ROWS);
}

static bool encode(struct rewriter *r, struct arena *a, const struct value_pattern *v,
		   struct migrate_bytes key, struct migrate_bytes *out)
{
	buf_reset(&r->value);
	return value_pattern_encode(v, key, &r->value) &&
	       arena_bytes(a, bytes_of(r->value.p, r->value.len), out);
}

static int collect(struct rewriter *r, struct batch *b, const struct job_database *d,
		   struct wanted *w, struct error *err)
{
	w->values = arena_alloc(&r->arena, b->n * sizeof(*w->values) + 1);
	w->objects = arena_alloc(&r->arena, b->n * sizeof(*w->objects) + 1);
	w->n = 0;
	if (!w->values || !w->objects)
		return error_set(err, EXIT_INTERNAL, "out of memory");
	for (uint32_t i = 0; i < b->n; i++) {
		const struct object_record *o = &b->objects[i];

		if (!rows_matter(b, o))
			continue;
		/* a value that is too long for a row can stand in none */
		if (!encode(r, &r->arena, d->value, o->key, &w->values[w->n]))
			continue;
		w->objects[w->n++] = i;
	}
	return 0;
}

static bool row_record(struct rewriter *r, const struct batch *b, const struct job_database *d,
		       uint32_t object, const struct migrate_row *row, struct row_record *out)
{
	out->object = object;
	out->text = arena_text(&r->rows, row->text ? row->text : "");
	return out->text && arena_bytes(&r->rows, row->identity, &out->identity) &&
	       arena_bytes(&r->rows, row->place, &out->place) &&
	       arena_bytes(&r->rows, row->value, &out->before) &&
	       arena_bytes(&r->rows, row->extra, &out->extra) &&
	       encode(r, &r->rows, d->new_value, b->objects[object].new_key, &out->after);
}

/* Nothing to do for a row that already is as it shall be. */
static bool needs_change(const struct row_record *row, const struct migrate_row *found)
{
	return !(bytes_equal(row->before, row->after) && found->settled);
}

static int page_to_chunk(struct rewriter *r, const struct batch *b, size_t database,
			 const struct wanted *w, struct chunk *c, struct error *err)
{
	*c = (struct chunk){ .batch = b->id, .database = (uint32_t)database };
	arena_reset(&r->rows);
	c->rows = arena_alloc(&r->rows, r->page.n * sizeof(*c->rows) + 1);
	if (!c->rows)
		return error_set(err, EXIT_INTERNAL, "out of memory");
	for (size_t i = 0; i < r->page.n; i++) {
		const struct found_row *f = &r->page.items[i];

		if (f->value >= w->n)
			return error_set(err, EXIT_INTERNAL, "a row came back for no value");
		if (!row_record(r, b, &r->run->task->job->databases[database], w->objects[f->value],
				&f->row, &c->rows[c->n]))
			return error_set(err, EXIT_INTERNAL, "out of memory");
		c->n += needs_change(&c->rows[c->n], &f->row);
	}
	return 0;
}

static enum migrate_status find_rows_page(struct rewriter *r, size_t database,
					  const struct wanted *w, struct migrate_bytes cursor,
					  struct error *err)
{
	struct migrate_find q = {
		.values = w->values, .count = w->n, .cursor = cursor, .limit = CHUNK_ROWS
	};
	struct migrate_session *s = r->databases[database];
	struct again a = rows_again(r);
	enum migrate_status status;

	do
		status = database_find(s, &q, &r->page);
	while (again(&a, s, status));
	if (status != MIGRATE_OK)
		again_error(&a, s, status, err);
	return status;
}

/* All rows of some values; *pages: how many it took. */
static int find_slice(struct rewriter *r, struct batch *b, size_t database, const struct wanted *w,
		      each_chunk *each, size_t *pages, struct error *err)
{
	struct migrate_bytes cursor = { .p = NULL, .n = 0 };
	struct chunk c;

	*pages = 0;
	do {
		if (find_rows_page(r, database, w, cursor, err) != MIGRATE_OK ||
		    !arena_bytes(&r->arena, r->page.cursor, &cursor) ||
		    page_to_chunk(r, b, database, w, &c, err) || (c.n && each(r, b, &c, err)))
			return -1;
		++*pages;
	} while (!r->page.done);
	return 0;
}

/*
 * Each page of a find looks for all its values: where many rows name one object,
 * fewer values at a time make a page of them.
 */
static int find_indexed(struct rewriter *r, struct batch *b, size_t database,
			const struct wanted *w, each_chunk *each, struct error *err)
{
	size_t pages;

	for (size_t at = 0; at < w->n;) {
		size_t left = w->n - at, n = left < r->slice ? left : r->slice;
		struct wanted some = { .values = w->values + at,
				       .objects = w->objects + at,
				       .n = n };

		if (find_slice(r, b, database, &some, each, &pages, err))
			return -1;
		at += n;
		if (pages > 1)
			r->slice = n / pages ? n / pages : 1;
		else if (r->page.n < CHUNK_ROWS / 2 && r->slice <= CHUNK_ROWS / 2)
			r->slice *= 2;
	}
	return 0;
}

/* Rows that were indexed by one scan: gathered into chunks. */
struct gather {
	struct rewriter *r;
	struct batch *b;
	size_t database;
	uint32_t object;
	struct chunk chunk;
	each_chunk *each;
	struct error *err;
};

static int compare_found(const void *a, const void *b)
{
	const struct row_record *x = a, *y = b;

	return bytes_compare(x->identity, y->identity);
}

static int flush_found(struct gather *g)
{
	int rc = 0;

	array_sort(g->chunk.rows, g->chunk.n, sizeof(*g->chunk.rows), compare_found);
	if (g->chunk.n)
		rc = g->each(g->r, g->b, &g->chunk, g->err);
	g->chunk = (struct chunk){ .batch = g->b->id, .database = (uint32_t)g->database };
	arena_reset(&g->r->rows);
	g->chunk.rows = arena_alloc(&g->r->rows, CHUNK_ROWS * sizeof(*g->chunk.rows));
	if (!rc && !g->chunk.rows)
		rc = error_set(g->err, EXIT_INTERNAL, "out of memory");
	return rc;
}

/*
 * The table may have been read before this run resolved what another had left open: such a
 * row stands there as it was. One that failed is looked for again, though.
 */
static bool was_resolved(const struct gather *g, struct migrate_bytes identity)
{
	const struct row_record row = { .identity = identity };

	for (size_t i = 0; i < g->r->resolved_n; i++) {
		const struct chunk *c = &g->r->resolved[i];
		const struct row_record *found =
		    c->database == g->database
			? array_find(&row, c->rows, c->n, sizeof(row), compare_found)
			: NULL;

		if (found && found->outcome != MIGRATE_ROW_FAILED)
			return true;
	}
	return false;
}

/* In the order that was_resolved() looks in. */
static void sort_resolved(struct rewriter *r)
{
	for (size_t i = 0; i < r->resolved_n; i++)
		array_sort(r->resolved[i].rows, r->resolved[i].n, sizeof(*r->resolved[i].rows),
			   compare_found);
}

static int gather_row(void *arg, const struct migrate_row *row)
{
	struct gather *g = arg;
	struct row_record *out = &g->chunk.rows[g->chunk.n];

	if (was_resolved(g, row->identity))
		return 0;
	if (!row_record(g->r, g->b, &g->r->run->task->job->databases[g->database], g->object, row,
			out))
		return error_set(g->err, EXIT_INTERNAL, "out of memory");
	g->chunk.n += needs_change(out, row);
	return g->chunk.n < CHUNK_ROWS ? 0 : flush_found(g);
}

static int find_scanned(struct rewriter *r, struct batch *b, size_t database,
			const struct wanted *w, each_chunk *each, struct error *err)
{
	struct gather g = { .r = r, .b = b, .database = database, .each = each, .err = err };

	sort_resolved(r);
	if (flush_found(&g))
		return -1;
	for (size_t i = 0; i < w->n; i++) {
		g.object = w->objects[i];
		if (rowindex_find(r->run->rowindex, r, database, b->objects[g.object].key,
				  gather_row, &g, err))
			return -1;
	}
	return flush_found(&g);
}

int rows_find(struct rewriter *r, struct batch *b, size_t database, each_chunk *each,
	      struct error *err)
{
	struct wanted w;

	if (collect(r, b, &r->run->task->job->databases[database], &w, err))
		return -1;
	if (!w.n)
		return 0;
	if (rowindex_serves(r->run->rowindex, database))
		return find_scanned(r, b, database, &w, each, err);
	return find_indexed(r, b, database, &w, each, err);
}
