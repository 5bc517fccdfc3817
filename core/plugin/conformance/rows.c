/* SPDX-License-Identifier: MIT */
#include "plugin/conformance/rows.h"

#include <stdio.h>
#include <string.h>

const char *lacks_insert(const struct battery *b)
{
	return end_plugin(b->end)->database->insert ? NULL : "it has no insert()";
}

struct migrate_bytes value_of(struct hand *h, struct arena *a, struct migrate_bytes text)
{
	size_t n = strlen(h->b->prefix);
	char *p = arena_alloc(a, n + text.n + 1);

	if (!p)
		return bytes_of(NULL, 0);
	memcpy(p, h->b->prefix, n);
	if (text.n)
		memcpy(p + n, text.p, text.n);
	return bytes_of(p, n + text.n);
}

bool insert_rows(struct hand *h, const struct migrate_bytes *values, size_t n)
{
	struct migrate_insert r = { .values = values, .count = n };

	ANSWERS(h, MIGRATE_OK, database_insert(h->s, &r));
	return true;
}

static bool keep_row(struct hand *h, struct rows *out, const struct found_row *row)
{
	struct found_row *kept = &out->items[out->n];

	MUST(h->b, out->n < ROWS_MAX, "it gives rows without end");
	*kept = *row;
	kept->row.text = arena_text(&out->arena, row->row.text);
	MUST(h->b,
	     arena_bytes(&out->arena, row->row.identity, &kept->row.identity) &&
		 arena_bytes(&out->arena, row->row.place, &kept->row.place) &&
		 arena_bytes(&out->arena, row->row.value, &kept->row.value) &&
		 arena_bytes(&out->arena, row->row.extra, &kept->row.extra),
	     "out of memory");
	out->n++;
	return true;
}

static bool keep_page(struct hand *h, struct rows *out, const struct row_page *page)
{
	for (size_t i = 0; i < page->n; i++)
		if (bytes_begin_with(page->items[i].row.value, bytes_of_text(h->b->prefix)) &&
		    !keep_row(h, out, &page->items[i]))
			return false;
	return true;
}

bool find_rows(struct hand *h, const struct migrate_bytes *values, size_t n, uint32_t limit,
	       struct rows *out)
{
	struct row_page page = ROW_PAGE_INIT;
	struct migrate_find r = { .values = values, .count = n, .limit = limit };
	unsigned char cursor[MIGRATE_CURSOR_MAX];
	enum migrate_status status;
	bool ok;

	do {
		status = database_find(h->s, &r, &page);
		ok = status == MIGRATE_OK && keep_page(h, out, &page);
		if (page.cursor.n)
			memcpy(cursor, page.cursor.p, page.cursor.n);
		r.cursor = bytes_of(cursor, page.cursor.n);
	} while (ok && !page.done);
	row_page_release(&page);
	if (status != MIGRATE_OK)
		return answered(h, "find", MIGRATE_OK, status);
	return ok;
}

bool scan_rows(struct hand *h, uint32_t limit, struct rows *out)
{
	struct row_page page = ROW_PAGE_INIT;
	struct migrate_scan r = { .limit = limit };
	unsigned char cursor[MIGRATE_CURSOR_MAX];
	enum migrate_status status;
	bool ok;

	do {
		status = database_scan(h->s, &r, &page);
		ok = status == MIGRATE_OK && keep_page(h, out, &page);
		if (page.cursor.n)
			memcpy(cursor, page.cursor.p, page.cursor.n);
		r.cursor = bytes_of(cursor, page.cursor.n);
	} while (ok && !page.done);
	row_page_release(&page);
	if (status != MIGRATE_OK)
		return answered(h, "scan", MIGRATE_OK, status);
	return ok;
}

/* ---- Promises ---- */

static bool well_and_known(struct battery *b)
{
	struct hand *h = &b->hands[0], *other = &b->hands[1];
	char *one = NULL, *two = NULL;
	bool same;

	ANSWERS(h, MIGRATE_OK, end_probe(h->s, true));
	ANSWERS(h, MIGRATE_OK, end_identity(h->s, &one));
	same = end_identity(other->s, &two) == MIGRATE_OK && !strcmp(one, two);
	free(one);
	free(two);
	MUST(b, same, "two sessions do not say the same identity");
	return true;
}

static bool empty_table(struct battery *b)
{
	struct hand *h = &b->hands[0];
	struct rows rows = { .arena = ARENA_INIT };
	struct migrate_bytes value = BYTES("nobody");
	bool ok = scan_rows(h, 10, &rows) && find_rows(h, &value, 1, 10, &rows);

	MUST(b, ok && !rows.n, "an empty table gives rows");
	return true;
}

/* Twins that a collation, an affinity or a pad rule could take for one another. */
static const struct migrate_bytes twins[] = {
	{ "plain", 5 },         { "Plain", 5 },   { "plain ", 6 },
	{ "plain  ", 7 },       { " plain", 6 },  { "pl\303\244in", 6 },
	{ "pla\314\210in", 7 }, { "plain\n", 6 }, { "plain'", 6 },
	{ "plain\"", 6 },       { "plain\\", 6 }, { "pl%in", 5 },
	{ "pl_in", 5 },         { "1", 1 },       { "01", 2 },
	{ "1.0", 3 },           { "1e0", 3 },     { "\360\237\230\200", 4 },
	{ "a?b:c$1@x", 9 },     { ";--", 3 },
};

#define TWINS (sizeof(twins) / sizeof(twins[0]))

static bool make_twins(struct hand *h, struct arena *a, struct migrate_bytes values[TWINS])
{
	for (size_t i = 0; i < TWINS; i++)
		values[i] = value_of(h, a, twins[i]);
	return insert_rows(h, values, TWINS);
}

static bool each_once(struct battery *b, const struct rows *rows,
		      const struct migrate_bytes values[TWINS])
{
	MUST(b, rows->n == TWINS, "%zu rows came instead of %zu", rows->n, TWINS);
	for (size_t i = 0; i < TWINS; i++) {
		size_t times = 0;

		for (size_t k = 0; k < rows->n; k++)
			times += bytes_equal(rows->items[k].row.value, values[i]);
		MUST(b, times == 1, "value %zu came %zu times", i, times);
	}
	for (size_t k = 1; k < rows->n; k++)
		MUST(b, !bytes_equal(rows->items[k].row.identity, rows->items[k - 1].row.identity),
		     "two rows have one identity");
	return true;
}

static bool scans_in_pages(struct battery *b)
{
	struct hand *h = &b->hands[0];
	struct rows rows = { .arena = ARENA_INIT };
	struct migrate_bytes values[TWINS];
	uint64_t before, after;
	bool ok;

	ANSWERS(h, MIGRATE_OK, database_count(h->s, &before));
	ok = make_twins(h, &rows.arena, values);
	for (uint32_t limit = 1; ok && limit <= TWINS + 1; limit++) {
		rows.n = 0;
		ok = scan_rows(h, limit, &rows) && each_once(b, &rows, values);
	}
	if (ok && (database_count(h->s, &after) != MIGRATE_OK || after != before + TWINS))
		ok = broken(b, "count says %llu rows more after %zu were inserted",
			    (unsigned long long)(after - before), TWINS);
	arena_release(&rows.arena);
	return ok;
}

static bool finds_bytes(struct battery *b)
{
	struct hand *h = &b->hands[0];
	struct rows rows = { .arena = ARENA_INIT };
	struct migrate_bytes values[TWINS];
	bool ok = make_twins(h, &rows.arena, values);

	for (size_t i = 0; ok && i < TWINS; i++) {
		rows.n = 0;
		ok = find_rows(h, &values[i], 1, 100, &rows);
		if (ok && rows.n != 1)
			ok =
			    broken(b, "find of value %zu gives %zu rows instead of one", i, rows.n);
	}
	arena_release(&rows.arena);
	return ok;
}

static bool finds_in_pages(struct battery *b)
{
	struct hand *h = &b->hands[0];
	struct rows rows = { .arena = ARENA_INIT };
	struct migrate_bytes values[TWINS];
	bool ok = make_twins(h, &rows.arena, values);

	for (uint32_t limit = 1; ok && limit <= TWINS + 1; limit++) {
		rows.n = 0;
		ok = find_rows(h, values, TWINS, limit, &rows) && each_once(b, &rows, values);
	}
	arena_release(&rows.arena);
	return ok;
}

static const char *lacks_crowds(const struct battery *b)
{
	const char *why = lacks_insert(b);

	return why                                    ? why
	       : b->database.d.flags & MIGRATE_UNIQUE ? "no two rows may hold one value"
						      : NULL;
}

static bool finds_crowds(struct battery *b)
{
	struct hand *h = &b->hands[0];
	struct rows rows = { .arena = ARENA_INIT };
	struct migrate_bytes values[50], one = value_of(h, &rows.arena, BYTES("crowd"));
	bool ok;

	for (size_t i = 0; i < 50; i++)
		values[i] = one;
	ok = insert_rows(h, values, 50) && find_rows(h, &one, 1, 7, &rows);
	if (ok && rows.n != 50)
		ok = broken(b, "%zu rows of 50 that hold one value were found", rows.n);
	arena_release(&rows.arena);
	return ok;
}

static const struct trial trials[] = {
	{ "it is well, and every session says the same identity", well_and_known, NULL },
	{ "an empty table gives no rows", empty_table, NULL },
	{ "scan gives every row once, in pages of every size, and count agrees", scans_in_pages,
	  lacks_insert },
	{ "find compares bytes: no case, blanks, accents or numbers are folded", finds_bytes,
	  lacks_insert },
	{ "find of many values gives each row once, in pages of every size", finds_in_pages,
	  lacks_insert },
	{ "find gives all rows that hold one value", finds_crowds, lacks_crowds },
};
const struct trials trials_rows = TRIALS(trials);
