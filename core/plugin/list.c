/* SPDX-License-Identifier: MIT */
#include "base/bytes.h"
#include "plugin/end-impl.h"

#include <stdio.h>
#include <stdlib.h>

/* What is no object does not count towards the limit, but memory has an end. */
#define OTHERS_MAX 65536

static bool list_page_has_room(struct list_page *page)
{
	size_t cap = page->cap ? page->cap * 2 : 256;
	struct listed **items;

	if (page->n < page->cap)
		return true;
	items = realloc(page->items, cap * sizeof(*items));
	if (!items)
		return false;
	page->items = items;
	page->cap = cap;
	return true;
}

/* What is no object (a folder that could not be read) may come later than its place in the order. */
static bool key_is_sound(struct migrate_session *s, const struct migrate_list *r,
			 struct migrate_bytes key, enum listed_kind kind)
{
	bool ordered = atomic_load_explicit(&s->end->flags, memory_order_relaxed) & MIGRATE_ORDERED;

	if (!key.p || !key.n || key.n > MIGRATE_KEY_MAX)
		return call_nonsense(s, "it listed a key of %zu bytes", key.n);
	if (kind != LISTED_OBJECT)
		return true;
	if (!bytes_begin_with(key, r->prefix))
		return call_nonsense(s, "it listed a key outside the prefix that was asked for");
	if (ordered && s->objects && bytes_compare(s->last_key, key) >= 0)
		return call_nonsense(s, "it listed keys out of order");
	if (ordered && !r->cursor.n && r->after.n && bytes_compare(key, r->after) <= 0)
		return call_nonsense(s, "it listed a key that is not after the one asked for");
	return true;
}

static struct listed *emit_listed(struct migrate_list *r, const void *key, size_t n,
				  enum listed_kind kind)
{
	struct migrate_session *s = r ? r->session : NULL;
	struct list_page *page;
	struct listed *l;

	if (!call_expects(s, EXPECTS_OBJECTS))
		return NULL;
	page = s->out.page;
	migrate_progress(s);
	if (page->failed || s->nonsense[0] || migrate_cancelled(s) ||
	    !key_is_sound(s, r, bytes_of(key, n), kind))
		return NULL;
	l = list_page_has_room(page) ? arena_alloc(&page->arena, sizeof(*l)) : NULL;
	if (!l || !arena_bytes(&page->arena, bytes_of(key, n), &l->key)) {
		page->failed = true;
		return NULL;
	}
	l->arena = &page->arena;
	l->kind = kind;
	l->object.mtime = INT64_MIN;
	page->items[page->n++] = l;
	return l;
}

struct migrate_object *migrate_emit_object(struct migrate_list *r, const void *key, size_t n)
{
	struct listed *l;

	if (r && call_expects(r->session, EXPECTS_OBJECTS) && r->session->objects >= r->limit) {
		call_nonsense(r->session, "it listed more than the %u objects asked for", r->limit);
		return NULL;
	}
	l = emit_listed(r, key, n, LISTED_OBJECT);
	if (!l)
		return NULL;
	r->session->objects++;
	r->session->last_key = l->key;
	return &l->object;
}

static bool others_have_room(const struct migrate_list *r)
{
	return !r || !call_expects(r->session, EXPECTS_OBJECTS) ||
	       r->session->out.page->n - r->session->objects < (size_t)r->limit + OTHERS_MAX ||
	       call_nonsense(r->session, "it told of too much that is no object in one page");
}

bool migrate_emit_skipped(struct migrate_list *r, const void *key, size_t n,
			  enum migrate_skip reason)
{
	struct listed *l;

	if (!others_have_room(r))
		return false;
	l = emit_listed(r, key, n, LISTED_SKIPPED);
	if (!l)
		return false;
	l->skip = reason;
	if (reason < MIGRATE_SKIP_SYMLINK || reason > MIGRATE_SKIP_ARCHIVED)
		return call_nonsense(
		    r->session, "it skipped a key for the reason %d, which is none", (int)reason);
	return true;
}

bool migrate_emit_failed(struct migrate_list *r, const void *key, size_t n,
			 enum migrate_status status, const char *message)
{
	char raw[MESSAGE_MAX], clean[MESSAGE_MAX];
	struct listed *l;

	if (!others_have_room(r))
		return false;
	l = emit_listed(r, key, n, LISTED_FAILED);
	if (!l)
		return false;
	l->status = status;
	snprintf(raw, sizeof(raw), "%s", message ? message : "");
	host_clean(raw, clean);
	l->message = arena_text(l->arena, clean);
	if (!l->message)
		r->session->out.page->failed = true;
	if (status <= MIGRATE_OK || status >= MIGRATE_STATUS_COUNT)
		return call_nonsense(r->session, "a key failed with the status %d", (int)status);
	return l->message != NULL;
}

bool migrate_set_cursor(struct migrate_list *r, const void *cursor, size_t n)
{
	struct migrate_session *s = r ? r->session : NULL;
	struct list_page *page;

	if (!call_expects(s, EXPECTS_OBJECTS))
		return false;
	if (n > MIGRATE_CURSOR_MAX || (!cursor && n))
		return call_nonsense(s, "it set a cursor of %zu bytes", n);
	page = s->out.page;
	page->failed |= !arena_bytes(&page->arena, bytes_of(cursor, n), &page->cursor);
	return !page->failed;
}

/* A page that is neither the last nor leads anywhere would be asked for again for ever. */
static void page_is_sound(struct migrate_session *s, const struct migrate_list *r,
			  const struct list_page *page)
{
	for (size_t i = 0; i < page->n; i++)
		if (!object_is_sound(s, &page->items[i]->object))
			return;
	if (r->done || page->cursor.n)
		return;
	if (!(atomic_load_explicit(&s->end->flags, memory_order_relaxed) & MIGRATE_ORDERED))
		call_nonsense(s, "it says that there is more, but sets no cursor");
	else if (!page->n)
		call_nonsense(s, "it says that there is more, but lists nothing");
}

enum migrate_status store_list(struct migrate_session *s, struct migrate_list *r,
			       struct list_page *page)
{
	int status = MIGRATE_UNSUPPORTED;

	arena_reset(&page->arena);
	page->n = 0;
	page->cursor = bytes_of(NULL, 0);
	page->failed = false;
	if (!s->store || !s->store->list)
		return call_absent(s);
	r->session = s;
	r->done = false;
	call_begin(s, "list");
	s->expects = EXPECTS_OBJECTS;
	s->out.page = page;
	status = (int)s->store->list(s->self, r);
	if (status == MIGRATE_OK)
		page_is_sound(s, r, page);
	page->done = status == MIGRATE_OK && r->done;
	if (page->failed)
		status = (int)migrate_fail(s, MIGRATE_UNAVAILABLE, "out of memory for a page");
	return call_end(s, "list", status);
}

void list_page_release(struct list_page *page)
{
	arena_release(&page->arena);
	free(page->items);
	*page = (struct list_page)LIST_PAGE_INIT;
}
