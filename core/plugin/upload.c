/* SPDX-License-Identifier: MIT */
#include "base/array.h"
#include "base/bytes.h"
#include "plugin/end-impl.h"

#include <stdlib.h>
#include <string.h>

/* A server's answer may be of any length; what is kept of it has an end. */
#define PARTS_MAX 100000
#define UPLOADS_MAX 65536

static bool set_token(struct migrate_session *s, const void *bytes, size_t n)
{
	if (!call_expects(s, EXPECTS_TOKEN))
		return false;
	if (!bytes || !n || n > MIGRATE_ETAG_MAX)
		return call_nonsense(s, "it set an id or token of %zu bytes", n);
	memcpy(s->out.token->bytes, bytes, n);
	s->out.token->n = n;
	return true;
}

bool migrate_set_upload(struct migrate_upload *r, const void *id, size_t n)
{
	return r && set_token(r->session, id, n);
}

bool migrate_set_part(struct migrate_part *r, const void *token, size_t n)
{
	return r && set_token(r->session, token, n);
}

static void expect_token(struct migrate_session *s, struct token_out *out)
{
	s->expects = EXPECTS_TOKEN;
	s->out.token = out;
}

enum migrate_status store_upload(struct migrate_session *s, struct migrate_upload *r, void *id,
				 size_t *n)
{
	struct token_out out = { .bytes = id, .n = 0 };
	int status;

	if (!s->store || !s->store->upload)
		return call_absent(s);
	r->session = s;
	call_begin(s, "upload");
	expect_token(s, &out);
	status = (int)s->store->upload(s->self, r);
	if (status == MIGRATE_OK && !out.n)
		call_nonsense(s, "it began an upload without an id");
	*n = out.n;
	return call_end(s, "upload", status);
}

/* A part without a token is one that complete() can tell by its number alone. */
enum migrate_status store_part(struct migrate_session *s, struct migrate_part *r, void *token,
			       size_t *n)
{
	struct token_out out = { .bytes = token, .n = 0 };
	int status;

	if (!s->store || !s->store->part)
		return call_absent(s);
	r->session = s;
	call_begin(s, "part");
	expect_token(s, &out);
	status = (int)s->store->part(s->self, r);
	*n = out.n;
	return call_end(s, "part", status);
}

enum migrate_status store_copy_part(struct migrate_session *s, struct migrate_session *source,
				    struct migrate_part *r, void *token, size_t *n)
{
	struct token_out out = { .bytes = token, .n = 0 };
	int status;

	if (!s->store || !s->store->copy_part || s->end->plugin != source->end->plugin)
		return call_absent(s);
	r->session = s;
	r->source = source->self;
	call_begin(s, "copy_part");
	expect_token(s, &out);
	status = (int)s->store->copy_part(s->self, r);
	*n = out.n;
	return call_end(s, "copy_part", status);
}

static bool parts_have_room(struct part_list *p)
{
	size_t cap = p->cap ? p->cap * 2 : 64;
	struct migrate_done_part **items;

	if (p->n < p->cap)
		return true;
	items = realloc(p->items, cap * sizeof(struct migrate_done_part *));
	if (!items)
		return false;
	p->items = items;
	p->cap = cap;
	return true;
}

bool migrate_emit_part(struct migrate_parts *r, uint32_t number, uint64_t size, const void *token,
		       size_t n)
{
	struct migrate_session *s = r ? r->session : NULL;
	struct migrate_done_part *part;
	struct part_list *p;

	if (!call_expects(s, EXPECTS_PARTS))
		return false;
	if (!number || n > MIGRATE_ETAG_MAX || (!token && n))
		return call_nonsense(s, "it told of part %u with a token of %zu bytes", number, n);
	p = s->out.parts;
	p->full |= p->n == PARTS_MAX;
	if (p->full)
		return false;
	part = parts_have_room(p) ? arena_alloc(&p->arena, sizeof(*part)) : NULL;
	if (!part || !arena_bytes(&p->arena, bytes_of(token, n), &part->token)) {
		p->failed = true;
		return false;
	}
	migrate_progress(s);
	part->number = number;
	part->size = size;
	p->items[p->n++] = part;
	return !migrate_cancelled(s);
}

static int by_number(const void *a, const void *b)
{
	const struct migrate_done_part *const *x = a, *const *y = b;

	return ((*x)->number > (*y)->number) - ((*x)->number < (*y)->number);
}

enum migrate_status store_parts(struct migrate_session *s, struct migrate_parts *r,
				struct part_list *out)
{
	int status;

	arena_reset(&out->arena);
	out->n = 0;
	out->failed = out->full = false;
	if (!s->store || !s->store->parts)
		return call_absent(s);
	r->session = s;
	call_begin(s, "parts");
	s->expects = EXPECTS_PARTS;
	s->out.parts = out;
	status = (int)s->store->parts(s->self, r);
	array_sort(out->items, out->n, sizeof(struct migrate_done_part *), by_number);
	for (size_t i = 1; i < out->n; i++)
		if (out->items[i]->number == out->items[i - 1]->number)
			call_nonsense(s, "it told of part %u twice", out->items[i]->number);
	if (out->failed)
		status = (int)migrate_fail(s, MIGRATE_UNAVAILABLE, "out of memory for parts");
	if (out->full)
		status = (int)migrate_fail(
		    s, MIGRATE_INVALID, "it tells of more than %d parts of one upload", PARTS_MAX);
	return call_end(s, "parts", status);
}

void part_list_release(struct part_list *p)
{
	arena_release(&p->arena);
	free(p->items);
	*p = (struct part_list){ .arena = ARENA_INIT };
}

static bool uploads_have_room(struct upload_list *u)
{
	size_t cap = u->cap ? u->cap * 2 : 16;
	struct left_upload *items;

	if (u->n < u->cap)
		return true;
	items = realloc(u->items, cap * sizeof(*items));
	if (!items)
		return false;
	u->items = items;
	u->cap = cap;
	return true;
}

bool migrate_emit_upload(struct migrate_uploads *r, const void *key, size_t nkey, const void *id,
			 size_t nid)
{
	struct migrate_session *s = r ? r->session : NULL;
	struct upload_list *u;
	struct left_upload *left;

	if (!call_expects(s, EXPECTS_UPLOADS))
		return false;
	if (!key || !nkey || nkey > MIGRATE_KEY_MAX || !id || !nid || nid > MIGRATE_ETAG_MAX)
		return call_nonsense(
		    s, "it told of an upload with a key of %zu and an id of %zu bytes", nkey, nid);
	u = s->out.uploads;
	u->full |= u->n == UPLOADS_MAX;
	if (u->full)
		return false;
	left = uploads_have_room(u) ? &u->items[u->n] : NULL;
	if (!left || !arena_bytes(&u->arena, bytes_of(key, nkey), &left->key) ||
	    !arena_bytes(&u->arena, bytes_of(id, nid), &left->id)) {
		u->failed = true;
		return false;
	}
	migrate_progress(s);
	u->n++;
	return !migrate_cancelled(s);
}

enum migrate_status store_uploads(struct migrate_session *s, struct migrate_uploads *r,
				  struct upload_list *out)
{
	int status;

	arena_reset(&out->arena);
	out->n = 0;
	out->failed = out->full = false;
	if (!s->store || !s->store->uploads)
		return call_absent(s);
	r->session = s;
	call_begin(s, "uploads");
	s->expects = EXPECTS_UPLOADS;
	s->out.uploads = out;
	status = (int)s->store->uploads(s->self, r);
	if (out->failed)
		status = (int)migrate_fail(s, MIGRATE_UNAVAILABLE, "out of memory for uploads");
	if (out->full)
		status = (int)migrate_fail(
		    s, MIGRATE_INVALID, "it tells of more than %d unfinished uploads", UPLOADS_MAX);
	return call_end(s, "uploads", status);
}

void upload_list_release(struct upload_list *u)
{
	arena_release(&u->arena);
	free(u->items);
	*u = (struct upload_list){ .arena = ARENA_INIT };
}
