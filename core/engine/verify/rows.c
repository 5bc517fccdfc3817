/* SPDX-License-Identifier: MIT */
#include "engine/verify/verify-impl.h"

#include "base/array.h"
#include "base/bytes.h"

#include <stdlib.h>
#include <string.h>

/*
 * Do rows hold the new values, and none the old? The rows of a batch are looked up
 * by both, from the database where an index serves that, else from what was read
 * once at the start.
 */
#define PAGE 1000

/* Values of a batch in one database, and whose they are. */
struct values {
	struct migrate_bytes *items;
	uint32_t *objects;
	size_t n;
};

/* A row that was found to hold the value of an object. */
struct holder {
	uint32_t object;
	struct migrate_bytes identity, place;
	const char *text;
	bool expected; /* an intent says so */
};

struct holders {
	struct arena *arena;
	const struct values *values;
	struct holder *items;
	size_t n, cap;
	size_t value; /* lookaside: the one that is looked up */
	bool failed;
};

/* ---- Finding ---- */

static void add_holder(struct holders *h, size_t value, struct migrate_bytes identity,
		       struct migrate_bytes place, const char *text)
{
	struct holder one = { .object = h->values->objects[value] };
	struct holder *items;

	if (h->n == h->cap) {
		items = reallocarray(h->items, h->cap * 2 + 64, sizeof(*items));
		if (!items) {
			h->failed = true;
			return;
		}
		h->items = items;
		h->cap = h->cap * 2 + 64;
	}
	one.text = arena_text(h->arena, text ? text : "");
	if (!one.text || !arena_bytes(h->arena, identity, &one.identity) ||
	    !arena_bytes(h->arena, place, &one.place))
		h->failed = true;
	else
		h->items[h->n++] = one;
}

static enum migrate_status find_verified_page(struct verifier *w, size_t database,
					      struct migrate_find *r, struct row_page *page)
{
	struct migrate_session *s = w->databases[database];
	enum migrate_status status;
	struct again a = again_new(w->verify->gate, false);

	do
		status = database_find(s, r, page);
	while (again(&a, s, status));
	return status;
}

static int ask_database(struct verifier *w, size_t database, struct holders *h, struct error *err)
{
	struct migrate_find r = { .values = h->values->items,
				  .count = h->values->n,
				  .limit = PAGE };
	struct row_page page = ROW_PAGE_INIT;
	BUF_AUTO struct buf cursor = BUF_INIT(MIGRATE_CURSOR_MAX);
	enum migrate_status status;
	bool done = false;

	do {
		status = find_verified_page(w, database, &r, &page);
		for (size_t i = 0; status == MIGRATE_OK && i < page.n; i++)
			add_holder(h, page.items[i].value, page.items[i].row.identity,
				   page.items[i].row.place, page.items[i].row.text);
		done = status != MIGRATE_OK || page.done || h->failed || !page.cursor.n;
		buf_reset(&cursor);
		buf_add(&cursor, page.cursor.p, page.cursor.n);
		r.cursor = bytes_of(cursor.p, cursor.len);
	} while (!done);
	row_page_release(&page);
	if (h->failed)
		return error_set(err, EXIT_INTERNAL, "out of memory");
	return status == MIGRATE_OK
		   ? 0
		   : session_error(err, EXIT_OUTAGE, w->databases[database], status);
}

/* ---- A database without an index: what was read once ---- */

/* identity, place and text, each with its length before it. */
static bool pack_kept(struct buf *b, const struct migrate_row *row)
{
	const char *text = row->text ? row->text : "";
	struct migrate_bytes parts[] = { row->identity, row->place, bytes_of_text(text) };

	buf_reset(b);
	for (size_t i = 0; i < 3; i++)
		if (!buf_add(b, &parts[i].n, sizeof(parts[i].n)) ||
		    !buf_add(b, parts[i].p, parts[i].n))
			return false;
	return buf_add(b, "", 1); /* the text ends */
}

static struct migrate_bytes unpack_kept(const char **p)
{
	struct migrate_bytes part;

	memcpy(&part.n, *p, sizeof(part.n));
	part.p = *p + sizeof(part.n);
	*p += sizeof(part.n) + part.n;
	return part;
}

static int hold_packed(void *arg, struct migrate_bytes payload)
{
	struct holders *h = arg;
	const char *p = payload.p;
	struct migrate_bytes identity = unpack_kept(&p), place = unpack_kept(&p),
			     text = unpack_kept(&p);

	add_holder(h, h->value, identity, place, text.p);
	return 0;
}

static int ask_lookaside(struct row_index *index, struct holders *h, struct error *err)
{
	int result = 0;

	pthread_mutex_lock(&index->lock);
	for (h->value = 0; !result && h->value < h->values->n; h->value++)
		result =
		    lookaside_find(index->rows, h->values->items[h->value], hold_packed, h, err);
	pthread_mutex_unlock(&index->lock);
	if (!result && h->failed)
		return error_set(err, EXIT_INTERNAL, "out of memory");
	return result;
}

static int keep_page(struct lookaside *s, const struct row_page *page, struct error *err)
{
	BUF_AUTO struct buf packed = BUF_INIT(1 << 20);

	for (size_t i = 0; i < page->n; i++) {
		const struct migrate_row *row = &page->items[i].row;

		if (!pack_kept(&packed, row))
			return error_set(err, EXIT_INTERNAL, "out of memory");
		if (lookaside_add(s, row->value, bytes_of(packed.p, packed.len), err))
			return -1;
	}
	return 0;
}

static int read_unindexed_rows(struct verify *v, size_t database, struct lookaside *l,
			       struct error *err)
{
	struct row_scan s;
	int rc;

	row_scan_init(&s, v->gate, v->task.ends.databases[database].session);
	while ((rc = row_scan_next(&s, err)) == 1 && !(rc = keep_page(l, &s.page, err)))
		;
	row_scan_release(&s);
	return rc;
}

int verify_index_rows(struct verify *v, struct error *err)
{
	const struct journal_place place = task_place(&v->task);
	int result = 0;

	for (size_t i = 0; !result && i < v->task.ends.database_count; i++) {
		if (v->task.ends.database_facts[i].d.flags & MIGRATE_INDEXED ||
		    v->task.job->databases[i].match == MATCH_CONTAINS)
			continue;
		v->indexes[i].rows = lookaside_new(&place, err);
		result =
		    v->indexes[i].rows ? read_unindexed_rows(v, i, v->indexes[i].rows, err) : -1;
	}
	return result;
}

/* ---- Comparing ---- */

static bool add_value(struct verifier *w, const struct value_pattern *pattern,
		      struct migrate_bytes key, struct migrate_bytes *out)
{
	BUF_AUTO struct buf b = BUF_INIT(MIGRATE_KEY_MAX);

	return value_pattern_encode(pattern, key, &b) &&
	       arena_bytes(&w->arena, bytes_of(b.p, b.len), out);
}

/* The values of the wanted objects: new ones that rows hold, or old ones where they differ. */
static struct values make_values(struct verifier *w, const struct batch *b,
				 const struct job_database *d, bool old)
{
	struct values v = { .n = 0 };

	v.items = arena_alloc(&w->arena, (b->n + 1) * sizeof(*v.items));
	v.objects = arena_alloc(&w->arena, (b->n + 1) * sizeof(*v.objects));
	for (uint32_t i = 0; v.items && v.objects && i < b->n; i++) {
		const struct object_record *o = &b->objects[i];
		struct migrate_bytes before, after;

		if (!(old ? verify_wants(w, b, i) : verify_wants_rows(w, b, i)) ||
		    !add_value(w, d->value, o->key, &before) ||
		    !add_value(w, d->new_value, o->new_key, &after))
			continue;
		if (old && bytes_equal(before, after))
			continue;
		v.items[v.n] = old ? before : after;
		v.objects[v.n++] = i;
	}
	return v;
}

static int find_holders(struct verifier *w, size_t database, struct holders *h, struct error *err)
{
	struct row_index *index = &w->verify->indexes[database];

	if (!h->values->n)
		return 0;
	return index->rows ? ask_lookaside(index, h, err) : ask_database(w, database, h, err);
}

static int compare_holders(const void *a, const void *b)
{
	const struct holder *x = a, *y = b;
	int c = (x->object > y->object) - (x->object < y->object);

	if (!c)
		c = bytes_compare(x->identity, y->identity);
	return c ? c : bytes_compare(x->place, y->place);
}

static int check_old(struct verifier *w, const struct batch *b, size_t database, struct error *err)
{
	const struct job_database *d = &w->verify->task.job->databases[database];
	struct values values = make_values(w, b, d, true);
	struct holders h = { .arena = &w->arena, .values = &values };
	int result = find_holders(w, database, &h, err);

	for (size_t i = 0; !result && i < h.n; i++)
		verify_report(w, b, h.items[i].object, DIFFERENT_ROW_OLD,
			      "%s: row %s still holds the old value", d->end.label,
			      h.items[i].text);
	free(h.items);
	return result;
}

static int check_row(struct verifier *w, const struct batch *b, const struct chunk *chunk,
		     const struct holders *h, const struct row_record *r, struct error *err)
{
	struct holder wanted = { .object = r->object, .identity = r->identity, .place = r->place };
	struct holder *found = NULL;

	if (r->object >= b->n || !verify_wants_rows(w, b, r->object) ||
	    (r->outcome != MIGRATE_ROW_CHANGED && r->outcome != MIGRATE_ROW_ALREADY))
		return 0;
	found = array_find(&wanted, h->items, h->n, sizeof(*h->items), compare_holders);
	if (!found)
		return verify_lost_add(w->verify, chunk, r, err);
	found->expected = true;
	pthread_mutex_lock(&w->verify->lock);
	w->verify->result.rows++;
	pthread_mutex_unlock(&w->verify->lock);
	return 0;
}

static int note_others(struct verify *v, uint32_t database, const struct holders *h,
		       struct error *err)
{
	int result = 0;

	for (size_t i = 0; !result && i < h->n; i++)
		if (!h->items[i].expected)
			result = verify_holds_new(v, database, h->items[i].identity,
						  h->items[i].place, err);
	return result;
}

static int check_new(struct verifier *w, const struct batch *b, size_t database,
		     const struct chunk *chunks, size_t n, struct error *err)
{
	const struct job_database *d = &w->verify->task.job->databases[database];
	struct values values = make_values(w, b, d, false);
	struct holders h = { .arena = &w->arena, .values = &values };
	int result = find_holders(w, database, &h, err);

	array_sort(h.items, h.n, sizeof(*h.items), compare_holders);
	for (size_t i = 0; !result && i < n; i++)
		for (uint32_t k = 0; !result && chunks[i].database == database && k < chunks[i].n;
		     k++)
			result = check_row(w, b, &chunks[i], &h, &chunks[i].rows[k], err);
	if (!result)
		result = note_others(w->verify, (uint32_t)database, &h, err);
	free(h.items);
	return result;
}

void verify_rows(struct verifier *w, const struct batch *b)
{
	struct verify *v = w->verify;
	struct error err = ERROR_INIT;
	struct chunk *chunks;
	size_t n;
	int result = 0;

	if (!v->task.ends.database_count)
		return;
	result = journal_chunks(v->task.journal, b->id, &w->arena, &chunks, &n, &err);
	for (size_t i = 0; !result && i < v->task.ends.database_count; i++) {
		if (v->task.job->databases[i].match == MATCH_CONTAINS)
			continue;
		result = check_old(w, b, i, &err);
		if (!result)
			result = check_new(w, b, i, chunks, n, &err);
	}
	if (result && !atomic_load(&v->task.ends.host.cancelled))
		halt_fail(&v->halt, &err);
}
