/* SPDX-License-Identifier: MIT */
#include "engine/rows/rewriter.h"

#include "base/bytes.h"
#include "base/log.h"
#include "engine/work/scan.h"
#include "journal/lookaside.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/*
 * Asking a column without an index for a thousand values reads the whole table.
 * Such a table is read once instead, when its first row is needed, and its rows
 * are kept by key in a temporary file. Rows written after that are seen by the
 * scan that ends a delta pass.
 */
struct rowindex {
	struct run *run;
	pthread_mutex_t lock;
	struct lookaside **tables; /* NULL: not scanned yet */
};

struct rowindex *rowindex_new(struct run *run)
{
	const struct journal_place place = task_place(run->task);
	struct rowindex *x = calloc(1, sizeof(*x));

	if (!x)
		return NULL;
	x->run = run;
	lookaside_sweep(&place);
	pthread_mutex_init(&x->lock, NULL);
	x->tables = calloc(run->task->ends.database_count + 1, sizeof(*x->tables));
	if (x->tables)
		return x;
	rowindex_free(x);
	return NULL;
}

void rowindex_free(struct rowindex *x)
{
	if (!x)
		return;
	for (size_t i = 0; x->tables && i < x->run->task->ends.database_count; i++)
		lookaside_free(x->tables[i]);
	free(x->tables);
	pthread_mutex_destroy(&x->lock);
	free(x);
}

void rowindex_forget(struct rowindex *x)
{
	pthread_mutex_lock(&x->lock);
	for (size_t i = 0; i < x->run->task->ends.database_count; i++) {
		lookaside_free(x->tables[i]);
		x->tables[i] = NULL;
	}
	pthread_mutex_unlock(&x->lock);
}

bool rowindex_serves(const struct rowindex *x, size_t database)
{
	return !(x->run->task->ends.database_facts[database].d.flags & MIGRATE_INDEXED);
}

/* A row as one run of bytes: lengths, then the fields. */
struct packed {
	uint32_t identity, place, value, extra;
	uint32_t settled;
};

static bool pack_indexed(struct buf *out, const struct migrate_row *row)
{
	struct packed p = { .identity = (uint32_t)row->identity.n,
			    .place = (uint32_t)row->place.n,
			    .value = (uint32_t)row->value.n,
			    .extra = (uint32_t)row->extra.n,
			    .settled = row->settled };

	buf_reset(out);
	return buf_add(out, &p, sizeof(p)) && buf_add(out, row->identity.p, row->identity.n) &&
	       buf_add(out, row->place.p, row->place.n) &&
	       buf_add(out, row->value.p, row->value.n) &&
	       buf_add(out, row->extra.p, row->extra.n) && buf_add_text(out, row->text);
}

static struct migrate_bytes cut_packed(const char **p, size_t n)
{
	struct migrate_bytes b = bytes_of(*p, n);

	*p += n;
	return b;
}

struct unpacking {
	int (*each)(void *arg, const struct migrate_row *row);
	void *arg;
};

static int unpack_indexed(void *arg, struct migrate_bytes payload)
{
	struct unpacking *u = arg;
	const char *p = payload.p, *end = p + payload.n;
	struct migrate_row row = { .text = NULL };
	struct packed head;
	char text[MIGRATE_IDENTITY_MAX * 4 + 64];

	memcpy(&head, p, sizeof(head));
	p += sizeof(head);
	row.identity = cut_packed(&p, head.identity);
	row.place = cut_packed(&p, head.place);
	row.value = cut_packed(&p, head.value);
	row.extra = cut_packed(&p, head.extra);
	row.settled = head.settled;
	snprintf(text, sizeof(text), "%.*s", (int)(end - p), p);
	row.text = text;
	return u->each(u->arg, &row);
}

static int index_page(struct rowindex *x, struct rewriter *r, const struct row_page *page,
		      size_t database, struct lookaside *s, struct error *err)
{
	BUF_AUTO struct buf packed = BUF_INIT(1 << 20);
	const struct value_pattern *v = x->run->task->job->databases[database].value;

	for (size_t i = 0; i < page->n; i++) {
		const struct migrate_row *row = &page->items[i].row;

		buf_reset(&r->key);
		if (!value_pattern_decode(v, row->value, &r->key))
			continue;
		if (!pack_indexed(&packed, row))
			return error_set(err, EXIT_INTERNAL, "a row is too large to be kept");
		if (lookaside_add(s, bytes_of(r->key.p, r->key.len), bytes_of(packed.p, packed.len),
				  err))
			return -1;
	}
	return 0;
}

static int scan_unindexed(struct rowindex *x, struct rewriter *r, size_t database,
			  struct lookaside *s, struct error *err)
{
	struct row_scan rows;
	int rc;

	log_info("%s: the column has no index, reading the whole table once",
		 x->run->task->ends.databases[database].job->label);
	row_scan_init(&rows, x->run->gate, r->databases[database]);
	while ((rc = row_scan_next(&rows, err)) == 1 &&
	       !(rc = index_page(x, r, &rows.page, database, s, err)))
		;
	row_scan_release(&rows);
	return rc;
}

static int make(struct rowindex *x, struct rewriter *r, size_t database, struct error *err)
{
	const struct journal_place place = task_place(x->run->task);
	struct lookaside *s;

	if (x->tables[database])
		return 0;
	s = lookaside_new(&place, err);
	if (!s)
		return -1;
	if (scan_unindexed(x, r, database, s, err)) {
		lookaside_free(s);
		return -1;
	}
	x->tables[database] = s;
	return 0;
}

int rowindex_find(struct rowindex *x, struct rewriter *r, size_t database, struct migrate_bytes key,
		  int (*each)(void *arg, const struct migrate_row *row), void *arg,
		  struct error *err)
{
	struct unpacking u = { .each = each, .arg = arg };
	int rc;

	pthread_mutex_lock(&x->lock);
	rc = make(x, r, database, err);
	if (!rc)
		rc = lookaside_find(x->tables[database], key, unpack_indexed, &u, err);
	pthread_mutex_unlock(&x->lock);
	return rc;
}
