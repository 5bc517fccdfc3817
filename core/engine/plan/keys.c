/* SPDX-License-Identifier: MIT */
#include "engine/plan/keys-impl.h"

#include "base/bytes.h"
#include "base/escape.h"
#include "engine/work/again.h"

#include <stdlib.h>
#include <string.h>

#define PAGE 1000
#define SORT_MEMORY (8 * 1024 * 1024)

/*
 * One page of the source. Trouble is waited out: an error while listing is never
 * the end of the list.
 */
static bool is_first(const struct key_stream *k)
{
	return !k->after.n && !k->cursor.n;
}

static int next_page(struct key_stream *k, struct error *err)
{
	struct migrate_list r = {
		.prefix = k->prefix, .after = k->after, .cursor = k->cursor, .limit = PAGE
	};
	struct again a = again_new(k->gate, false);
	enum migrate_status status;

	if (!gate_pass(k->gate))
		return -1;
	do
		status = store_list(k->source, &r, &k->page);
	while (again(&a, k->source, status));
	if (status == MIGRATE_OK)
		return 0;
	again_error(&a, k->source, status, err);
	if (!error_is_set(err))
		return -1;
	/* what is refused from the beginning is no outage */
	if (!status_may_retry(status) && is_first(k))
		err->exit = EXIT_USAGE;
	return error_prefix(err, "listing broke off");
}

/* Remember where the next page begins, in memory that outlives this one. */
static int turn_page(struct key_stream *k, struct error *err)
{
	struct migrate_bytes last = { .p = NULL, .n = 0 };

	if (k->page.n)
		last = k->page.items[k->page.n - 1]->key;
	arena_reset(&k->arena);
	if (!arena_bytes(&k->arena, k->page.cursor, &k->cursor) ||
	    !arena_bytes(&k->arena, last, &k->after))
		return error_set(err, EXIT_INTERNAL, "out of memory");
	return 0;
}

static void from_listed(const struct listed *l, struct key_item *out)
{
	*out = (struct key_item){ .kind = l->kind,
				  .key = l->key,
				  .size = l->object.size,
				  .mtime = l->object.mtime,
				  .etag = l->object.etag,
				  .skip = l->skip,
				  .status = l->status,
				  .message = l->message };
}

/* 1, 0 at the end, -1: the source's items as they come. */
static int next_listed(struct key_stream *k, struct key_item *out, struct error *err)
{
	while (k->at == k->page.n) {
		if (k->started && k->page.done)
			return 0;
		if (k->started && turn_page(k, err))
			return -1;
		if (next_page(k, err))
			return -1;
		if (k->started && !k->page.n && !k->page.done && !k->page.cursor.n)
			return error_set(err, EXIT_OUTAGE, "%s: the listing makes no progress",
					 end_label(session_end(k->source)));
		k->started = true;
		k->at = 0;
	}
	from_listed(k->page.items[k->at++], out);
	return 1;
}

static int keep_order(struct key_stream *k, const struct key_item *item, struct error *err)
{
	if (k->last.len && bytes_compare(bytes_of(k->last.p, k->last.len), item->key) >= 0)
		return error_set(
		    err, EXIT_INTERNAL,
		    "%s: the listing is not in byte order at '%.*s': its plugin is wrong",
		    end_label(session_end(k->source)), (int)item->key.n, (const char *)item->key.p);
	buf_reset(&k->last);
	if (!buf_add(&k->last, item->key.p, item->key.n))
		return error_set(err, EXIT_INTERNAL, "a key of %zu bytes is too long", item->key.n);
	return 0;
}

static int next_ordered(struct key_stream *k, struct key_item *out, struct error *err)
{
	int rc = next_listed(k, out, err);

	return rc == 1 && keep_order(k, out, err) ? -1 : rc;
}

/* What of an item is kept while it waits in the sorter. */
struct packed_item {
	uint64_t size;
	int64_t mtime;
	uint32_t kind, skip, status, new_key, etag;
};

static int sort_item(struct key_stream *k, const struct key_item *i, struct error *err)
{
	struct packed_item head = { .size = i->size,
				    .mtime = i->mtime,
				    .kind = i->kind,
				    .skip = i->skip,
				    .status = i->status,
				    .new_key = (uint32_t)i->new_key.n,
				    .etag = (uint32_t)i->etag.n };
	const char *message = i->message ? i->message : "";

	buf_reset(&k->packed);
	if (!buf_add(&k->packed, &head, sizeof(head)) ||
	    !buf_add(&k->packed, i->new_key.p, i->new_key.n) ||
	    !buf_add(&k->packed, i->etag.p, i->etag.n) || !buf_add_text(&k->packed, message))
		return error_set(err, EXIT_INTERNAL, "out of memory");
	return sorter_add(k->sorter, i->key, bytes_of(k->packed.p, k->packed.len), err);
}

int key_stream_sort(struct key_stream *k, struct migrate_bytes key, struct migrate_bytes new_key,
		    struct error *err)
{
	struct key_item item = {
		.kind = LISTED_OBJECT, .key = key, .new_key = new_key, .mtime = INT64_MIN
	};

	return sort_item(k, &item, err);
}

static void unpack_item(struct key_stream *k, struct migrate_bytes payload, struct key_item *out)
{
	const char *p = payload.p;
	struct packed_item head;

	memcpy(&head, p, sizeof(head));
	out->kind = (enum listed_kind)head.kind;
	out->size = head.size;
	out->mtime = head.mtime;
	out->skip = (enum migrate_skip)head.skip;
	out->status = (enum migrate_status)head.status;
	p += sizeof(head);
	out->new_key = bytes_of(p, head.new_key);
	out->etag = bytes_of(p + head.new_key, head.etag);
	p += head.new_key + head.etag;
	arena_reset(&k->arena);
	out->message = arena_copy(&k->arena, p, payload.n - (size_t)(p - (const char *)payload.p));
}

static int two_new_keys(struct key_stream *k, const struct key_item *item, struct error *err)
{
	return error_set(err, EXIT_USAGE, "keys.file: '%s' has two new keys, '%s' and '%s'",
			 shown_key(&k->arena, item->key),
			 shown_key(&k->arena, bytes_of(k->last_new.p, k->last_new.len)),
			 shown_key(&k->arena, item->new_key));
}

static bool note_last(struct key_stream *k, const struct key_item *item)
{
	buf_reset(&k->last);
	buf_reset(&k->last_new);
	return buf_add(&k->last, item->key.p, item->key.n) &&
	       buf_add(&k->last_new, item->new_key.p, item->new_key.n);
}

/* The same key twice is one object; with two new keys, it is a mistake. */
static int next_sorted(struct key_stream *k, struct key_item *out, struct error *err)
{
	struct migrate_bytes payload;
	int rc;

	while ((rc = sorter_next(k->sorter, &out->key, &payload, err)) == 1) {
		unpack_item(k, payload, out);
		if (k->last.len && bytes_equal(bytes_of(k->last.p, k->last.len), out->key)) {
			if (bytes_equal(bytes_of(k->last_new.p, k->last_new.len), out->new_key))
				continue;
			return two_new_keys(k, out, err);
		}
		if (!note_last(k, out))
			return error_set(err, EXIT_INTERNAL, "a key of %zu bytes is too long",
					 out->key.n);
		if (bytes_compare(out->key, k->skip_to) > 0)
			return 1;
	}
	return rc;
}

static int sort_listing(struct key_stream *k, struct error *err)
{
	struct key_item item;
	int rc;

	while ((rc = next_listed(k, &item, err)) == 1)
		if (sort_item(k, &item, err))
			return -1;
	return rc;
}

static int fill_sorter(struct key_stream *k, struct error *err)
{
	const struct job *job = k->task->job;
	int rc;

	k->sorter = sorter_new(SORT_MEMORY, job->folder);
	if (!k->sorter)
		return error_set(err, EXIT_INTERNAL, "out of memory");
	if (k->from == KEYS_FROM_FILE)
		rc = keys_from_file(k, err);
	else if (k->from == KEYS_FROM_DATABASE)
		rc = keys_from_databases(k, err);
	else
		rc = sort_listing(k, err);
	return rc ? rc : sorter_finish(k->sorter, err);
}

static struct key_stream *new_stream(const struct task *task, struct gate *gate,
				     struct migrate_session *end, struct migrate_bytes prefix,
				     int from, struct error *err)
{
	struct key_stream *k = calloc(1, sizeof(*k));

	if (!k) {
		error_set(err, EXIT_INTERNAL, "out of memory");
		return NULL;
	}
	k->task = task;
	k->gate = gate;
	k->source = end;
	k->prefix = prefix;
	k->from = from;
	k->last = (struct buf)BUF_INIT(MIGRATE_KEY_MAX);
	k->last_new = (struct buf)BUF_INIT(MIGRATE_KEY_MAX);
	k->packed = (struct buf)BUF_INIT(4 * MIGRATE_KEY_MAX);
	return k;
}

/* A run that ends while it sorts has no error of its own: the stream is left empty. */
static struct key_stream *open_behind(struct key_stream *k, struct migrate_bytes after,
				      struct error *err)
{
	if (arena_bytes(&k->first, after, &k->skip_to) &&
	    (k->ordered ? arena_bytes(&k->arena, after, &k->after) : !fill_sorter(k, err)))
		return k;
	key_stream_close(k);
	return NULL;
}

struct key_stream *key_stream_open(const struct task *task, struct gate *gate,
				   struct migrate_session *source, struct migrate_bytes after,
				   struct error *err)
{
	struct key_stream *k =
	    new_stream(task, gate, source, task->job->selection.prefix, task->job->keys_from, err);

	if (!k)
		return NULL;
	k->ordered =
	    k->from == KEYS_FROM_SOURCE && task->ends.source_facts.d.flags & MIGRATE_ORDERED;
	return open_behind(k, after, err);
}

struct key_stream *key_stream_list(const struct task *task, struct gate *gate,
				   struct migrate_session *end, struct migrate_bytes prefix,
				   bool ordered, struct error *err)
{
	struct key_stream *k = new_stream(task, gate, end, prefix, KEYS_FROM_SOURCE, err);

	if (!k)
		return NULL;
	k->ordered = ordered;
	return open_behind(k, bytes_of(NULL, 0), err);
}

int key_stream_next(struct key_stream *k, struct key_item *out, struct error *err)
{
	return k->ordered ? next_ordered(k, out, err) : next_sorted(k, out, err);
}

void key_stream_close(struct key_stream *k)
{
	if (!k)
		return;
	sorter_free(k->sorter);
	list_page_release(&k->page);
	arena_release(&k->arena);
	arena_release(&k->first);
	buf_release(&k->last);
	buf_release(&k->last_new);
	buf_release(&k->packed);
	free(k);
}
