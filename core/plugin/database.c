/* SPDX-License-Identifier: MIT */
#include "base/bytes.h"
#include "plugin/end-impl.h"

#include <stdlib.h>
#include <string.h>

#define TEXT_MAX (64 * 1024)

static void page_reset(struct row_page *page)
{
	arena_reset(&page->arena);
	page->n = 0;
	page->cursor = bytes_of(NULL, 0);
	page->done = false;
	page->failed = false;
}

static bool row_page_has_room(struct row_page *page)
{
	size_t cap = page->cap ? page->cap * 2 : 256;
	struct found_row *items;

	if (page->n < page->cap)
		return true;
	items = realloc(page->items, cap * sizeof(*items));
	if (!items)
		return false;
	page->items = items;
	page->cap = cap;
	return true;
}

static bool bytes_fit(struct migrate_bytes b, size_t max)
{
	return b.n <= max && (b.p || !b.n);
}

static bool row_is_sound(struct migrate_session *s, const struct migrate_row *row)
{
	if (!row->identity.n || !bytes_fit(row->identity, MIGRATE_IDENTITY_MAX))
		return call_nonsense(s, "a row has an identity of %zu bytes", row->identity.n);
	if (!bytes_fit(row->place, MIGRATE_IDENTITY_MAX))
		return call_nonsense(s, "a row has a place of %zu bytes", row->place.n);
	if (!bytes_fit(row->value, s->end->value_max))
		return call_nonsense(s, "a row has a value of %zu bytes", row->value.n);
	if (!bytes_fit(row->extra, ROW_EXTRA_MAX))
		return call_nonsense(s, "a row has %zu bytes of `set:` columns", row->extra.n);
	if (row->text && strnlen(row->text, TEXT_MAX + 1) > TEXT_MAX)
		return call_nonsense(s, "a row has a text of more than %d bytes", TEXT_MAX);
	return true;
}

static bool copy_row(struct arena *a, const struct migrate_row *row, struct migrate_row *out)
{
	out->settled = row->settled;
	out->text = arena_text(a, row->text ? row->text : "");
	return out->text && arena_bytes(a, row->identity, &out->identity) &&
	       arena_bytes(a, row->place, &out->place) && arena_bytes(a, row->value, &out->value) &&
	       arena_bytes(a, row->extra, &out->extra);
}

static bool emit_row(struct migrate_session *s, uint32_t limit, size_t value,
		     const struct migrate_row *row)
{
	struct row_page *page = s->out.rows;
	struct found_row *found;

	migrate_progress(s);
	if (page->failed || migrate_cancelled(s) || !row_is_sound(s, row))
		return false;
	if (page->n >= limit)
		return call_nonsense(s, "it gave more than the %u rows asked for", limit);
	if (!row_page_has_room(page)) {
		page->failed = true;
		return false;
	}
	found = &page->items[page->n];
	found->value = value;
	page->failed = !copy_row(&page->arena, row, &found->row);
	page->n += !page->failed;
	return !page->failed;
}

bool migrate_emit_scanned(struct migrate_scan *r, const struct migrate_row *row)
{
	if (!r || !row || !call_expects(r->session, EXPECTS_ROWS))
		return false;
	return emit_row(r->session, r->limit, 0, row);
}

bool migrate_emit_found(struct migrate_find *r, size_t value, const struct migrate_row *row)
{
	if (!r || !row || !call_expects(r->session, EXPECTS_ROWS))
		return false;
	if (value >= r->count || !bytes_equal(r->values[value], row->value))
		return call_nonsense(r->session, "it found a row that does not hold the value");
	return emit_row(r->session, r->limit, value, row);
}

static bool set_cursor(struct migrate_session *s, const void *cursor, size_t n)
{
	struct row_page *page;

	if (!call_expects(s, EXPECTS_ROWS))
		return false;
	if (n > MIGRATE_CURSOR_MAX || (!cursor && n))
		return call_nonsense(s, "it set a cursor of %zu bytes", n);
	page = s->out.rows;
	page->failed |= !arena_bytes(&page->arena, bytes_of(cursor, n), &page->cursor);
	return !page->failed;
}

bool migrate_set_scan_cursor(struct migrate_scan *r, const void *cursor, size_t n)
{
	return r && set_cursor(r->session, cursor, n);
}

bool migrate_set_find_cursor(struct migrate_find *r, const void *cursor, size_t n)
{
	return r && set_cursor(r->session, cursor, n);
}

static void expect_rows(struct migrate_session *s, const char *operation, struct row_page *page)
{
	call_begin(s, operation);
	s->expects = EXPECTS_ROWS;
	s->out.rows = page;
}

static enum migrate_status page_end(struct migrate_session *s, const char *operation, int status,
				    bool done, struct row_page *page)
{
	if (page->failed)
		status = (int)migrate_fail(s, MIGRATE_UNAVAILABLE, "out of memory for a page");
	if (status == MIGRATE_OK && !done && !page->cursor.n)
		call_nonsense(s, "it says that there is more, but sets no cursor");
	page->done = status == MIGRATE_OK && done;
	return call_end(s, operation, status);
}

enum migrate_status database_scan(struct migrate_session *s, struct migrate_scan *r,
				  struct row_page *page)
{
	int status;

	page_reset(page);
	if (!s->database || !s->database->scan)
		return call_absent(s);
	r->session = s;
	r->done = false;
	r->too_long = 0;
	expect_rows(s, "scan", page);
	status = (int)s->database->scan(s->self, r);
	return page_end(s, "scan", status, r->done, page);
}

enum migrate_status database_find(struct migrate_session *s, struct migrate_find *r,
				  struct row_page *page)
{
	int status;

	page_reset(page);
	if (!s->database || !s->database->find)
		return call_absent(s);
	r->session = s;
	r->done = false;
	expect_rows(s, "find", page);
	status = (int)s->database->find(s->self, r);
	return page_end(s, "find", status, r->done, page);
}

void row_page_release(struct row_page *page)
{
	arena_release(&page->arena);
	free(page->items);
	*page = (struct row_page)ROW_PAGE_INIT;
}

enum migrate_status database_lag(struct migrate_session *s, int64_t *milliseconds)
{
	struct migrate_lag r = { .session = s };
	enum migrate_status status = CALL(s, database, lag, &r);

	*milliseconds = r.milliseconds;
	return status;
}

enum migrate_status database_count(struct migrate_session *s, uint64_t *rows)
{
	struct migrate_count r = { .session = s };
	enum migrate_status status = CALL(s, database, count, &r);

	*rows = r.rows;
	return status;
}

enum migrate_status database_insert(struct migrate_session *s, struct migrate_insert *r)
{
	r->session = s;
	return CALL(s, database, insert, r);
}
