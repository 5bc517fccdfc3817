/* SPDX-License-Identifier: MIT */
#include "memory-impl.h"

#include "base/bytes.h"

#include <stdlib.h>
#include <string.h>

struct kept_batch {
	struct batch b; /* its objects too; those that were dropped are holes */
	struct migrate_bytes first, last;
	bool dropped;
};

/* ---- Batches and objects ---- */

static const struct kept_batch *batch_at(struct connection *c, size_t i)
{
	return memory_list_of(c, BATCHES)->items[i];
}

/* Ids are 1, 2, 3 ... NULL: there is none. */
static const struct kept_batch *batch_by_id(struct connection *c, int64_t id)
{
	return id > 0 && (uint64_t)id <= memory_list_of(c, BATCHES)->n ? batch_at(c, (size_t)id - 1)
								       : NULL;
}

static bool has_keys(const struct kept_batch *k)
{
	return k->b.kind == BATCH_SORTED && k->first.n;
}

static void keep_object(struct connection *c, struct object_record *to,
			const struct object_record *o)
{
	uint8_t hung = to->hung > o->hung ? to->hung : o->hung;

	*to = *o;
	to->hung = hung;
	to->dirty = false;
	to->key = memory_keep(c, o->key);
	to->new_key = memory_keep(c, o->new_key);
	to->etag = memory_keep(c, o->etag);
	to->stored = memory_keep(c, o->stored);
	to->replaces = memory_keep(c, o->replaces);
	to->message = memory_keep_text(c, o->message);
	if (o->state != OBJECT_MOVED) {
		to->moved_batch = 0;
		to->moved_n = 0;
	}
}

enum result memory_batch_insert(struct connection *c, struct batch *b, struct error *err)
{
	struct kept_batch *kept = memory_make(c, sizeof(*kept));
	bool range = b->kind == BATCH_SORTED && b->n;

	(void)err;
	b->id = (int64_t)memory_list_of(c, BATCHES)->n + 1;
	kept->b = *b;
	kept->b.arena = (struct arena)ARENA_INIT;
	kept->b.position = memory_keep(c, b->position);
	kept->b.objects = memory_make(c, b->n * sizeof(*b->objects));
	for (uint32_t i = 0; i < b->n; i++)
		keep_object(c, &kept->b.objects[i], &b->objects[i]);
	if (range) {
		kept->first = kept->b.objects[0].key;
		kept->last = kept->b.objects[b->n - 1].key;
	}
	memory_append(c, BATCHES, kept);
	memory_take(c, b->id);
	return RESULT_OK;
}

/* A copy of a batch, in its place; objects: with objects of its own. NULL: err is set. */
static struct kept_batch *replace_batch(struct connection *c, int64_t id, bool objects,
					struct error *err)
{
	const struct kept_batch *was = batch_by_id(c, id);
	struct kept_batch *now;

	if (!was) {
		journal_damaged(c, err, "batch %lld is missing", (long long)id);
		return NULL;
	}
	now = memory_make(c, sizeof(*now));
	*now = *was;
	if (objects) {
		now->b.objects = memory_make(c, was->b.n * sizeof(*was->b.objects));
		memcpy(now->b.objects, was->b.objects, was->b.n * sizeof(*was->b.objects));
	}
	memory_list_of(c, BATCHES)->items[id - 1] = now;
	return now;
}

enum result memory_batch_set(struct connection *c, const struct batch *b, unsigned what,
			     struct error *err)
{
	struct kept_batch *k = replace_batch(c, b->id, false, err);
	struct batch_counts was, *to;

	if (!k)
		return RESULT_FAILED;
	to = &k->b.counts;
	was = *to;
	if (what & SET_STATE)
		k->b.state = b->state;
	if (what & SET_BEGAN)
		k->b.began = b->began;
	if (what & SET_DURABLE)
		k->b.durable = b->durable;
	if (what & SET_OBJECTS)
		*to = b->counts;
	to->rows_changed = what & SET_ROWS ? b->counts.rows_changed : was.rows_changed;
	to->rows_already = what & SET_ROWS ? b->counts.rows_already : was.rows_already;
	to->rows_conflict = what & SET_ROWS ? b->counts.rows_conflict : was.rows_conflict;
	to->rows_gone = what & SET_ROWS ? b->counts.rows_gone : was.rows_gone;
	to->rows_failed = what & SET_ROWS ? b->counts.rows_failed : was.rows_failed;
	to->rows_missing = what & SET_ROWS ? b->counts.rows_missing : was.rows_missing;
	memcpy(to->skips, what & SET_SKIPS ? b->counts.skips : was.skips, sizeof(to->skips));
	return RESULT_OK;
}

enum result memory_batch_get(struct connection *c, int64_t id, struct batch *b, bool *dropped,
			     struct error *err)
{
	const struct kept_batch *k = batch_by_id(c, id);
	struct arena arena = b->arena;

	(void)err;
	if (!k)
		return RESULT_NONE;
	*b = k->b;
	b->arena = arena;
	b->objects = NULL;
	b->rows = NULL;
	b->position = memory_give(&b->arena, k->b.position);
	*dropped = k->dropped;
	return RESULT_OK;
}

static bool is_of(const struct kept_batch *k, enum batches_of what)
{
	const struct batch_counts *counts = &k->b.counts;

	switch (what) {
	case BATCHES_ALL:
		return true;
	case BATCHES_OPEN:
	case BATCHES_ACTIVE:
		return k->b.state < BATCH_DONE;
	case BATCHES_FAILED:
		return counts->failed;
	case BATCHES_SKIPPED:
		return counts->skipped;
	case BATCHES_BAD_ROWS:
		return counts->rows_conflict + counts->rows_failed;
	}
	return false;
}

enum result memory_batches(struct connection *c, enum batches_of what, int64_t after, int64_t *ids,
			   size_t max, size_t *n, struct error *err)
{
	int turns = what == BATCHES_ACTIVE ? 2 : 1;

	(void)err;
	*n = 0;
	for (int turn = 0; turn < turns; turn++)
		for (size_t i = 0; i < memory_list_of(c, BATCHES)->n && *n < max; i++) {
			const struct kept_batch *k = batch_at(c, i);
			bool later = k->b.state == BATCH_PLANNED;

			if (k->b.id > after && is_of(k, what) && (turns == 1 || turn == later))
				ids[(*n)++] = k->b.id;
		}
	return RESULT_OK;
}

enum result memory_batch_before(struct connection *c, int pass, int64_t *id, struct error *err)
{
	enum result r = RESULT_NONE;

	(void)err;
	for (size_t i = 0; i < memory_list_of(c, BATCHES)->n; i++)
		if (batch_at(c, i)->b.pass < pass) {
			*id = batch_at(c, i)->b.id;
			r = RESULT_OK;
		}
	return r;
}

enum result memory_counts(struct connection *c, int pass, struct batch_counts *counts,
			  struct error *err)
{
	uint64_t sums[sizeof(*counts) / sizeof(uint64_t)] = { 0 };
	uint64_t values[sizeof(*counts) / sizeof(uint64_t)];

	(void)err;
	for (size_t i = 0; i < memory_list_of(c, BATCHES)->n; i++) {
		const struct kept_batch *k = batch_at(c, i);

		memcpy(values, &k->b.counts, sizeof(values));
		for (size_t v = 0; v < sizeof(sums) / sizeof(sums[0]); v++)
			sums[v] += !pass || k->b.pass == pass ? values[v] : 0;
	}
	memcpy(counts, sums, sizeof(*counts));
	return RESULT_OK;
}

enum result memory_objects_set(struct connection *c, const struct batch *b, const uint32_t *which,
			       size_t n, struct error *err)
{
	struct kept_batch *k = replace_batch(c, b->id, true, err);

	if (!k)
		return RESULT_FAILED;
	for (size_t i = 0; i < (which ? n : b->n); i++) {
		uint32_t at = which ? which[i] : (uint32_t)i;
		const struct object_record *o = &b->objects[at];

		if (!which && !(o->dirty && o->key.n))
			continue;
		if (at >= k->b.n || !k->b.objects[at].key.n)
			return journal_damaged(c, err, "object %u of batch %lld is missing", at,
					       (long long)b->id);
		keep_object(c, &k->b.objects[at], o);
	}
	return RESULT_OK;
}

enum result memory_object_hung(struct connection *c, int64_t batch, uint32_t n, struct error *err)
{
	struct kept_batch *k = replace_batch(c, batch, true, err);

	if (!k)
		return RESULT_FAILED;
	if (n < k->b.n)
		k->b.objects[n].hung++;
	return RESULT_OK;
}

static void give_object(struct arena *a, struct object_record *to, const struct object_record *o)
{
	*to = *o;
	to->key = memory_give(a, o->key);
	to->new_key = memory_give(a, o->new_key);
	to->etag = memory_give(a, o->etag);
	to->stored = memory_give(a, o->stored);
	to->replaces = memory_give(a, o->replaces);
	to->message = memory_give_text(a, o->message);
}

enum result memory_objects_get(struct connection *c, int64_t batch, uint32_t least,
			       struct object_page *page, struct arena *a, struct error *err)
{
	const struct kept_batch *k = batch_by_id(c, batch);

	(void)err;
	page->n = 0;
	for (uint32_t i = least; k && i < k->b.n && page->n < page->max; i++) {
		if (!k->b.objects[i].key.n)
			continue;
		page->numbers[page->n] = i;
		give_object(a, &page->objects[page->n++], &k->b.objects[i]);
	}
	return RESULT_OK;
}

/* ---- Keys ---- */

enum result memory_last_pass(struct connection *c, int *pass, struct error *err)
{
	(void)err;
	*pass = 0;
	for (size_t i = 0; i < memory_list_of(c, BATCHES)->n; i++) {
		const struct kept_batch *k = batch_at(c, i);

		if (k->b.kind == BATCH_SORTED && k->b.pass > *pass)
			*pass = k->b.pass;
	}
	return RESULT_OK;
}

enum result memory_batch_of_key(struct connection *c, int pass, struct migrate_bytes key,
				int64_t *batch, uint32_t *n, struct error *err)
{
	(void)err;
	for (size_t i = 0; i < memory_list_of(c, BATCHES)->n; i++) {
		const struct kept_batch *k = batch_at(c, i);

		if (k->b.pass != pass || !has_keys(k) || bytes_compare(k->first, key) > 0 ||
		    bytes_compare(k->last, key) < 0)
			continue;
		*batch = k->b.id;
		*n = k->b.n;
		return RESULT_OK;
	}
	return RESULT_NONE;
}

enum result memory_batch_behind(struct connection *c, int pass, struct migrate_bytes key,
				int64_t *batch, struct arena *a, struct migrate_bytes *first,
				struct error *err)
{
	const struct kept_batch *best = NULL;

	(void)err;
	for (size_t i = 0; i < memory_list_of(c, BATCHES)->n; i++) {
		const struct kept_batch *k = batch_at(c, i);

		if (k->b.pass == pass && has_keys(k) && bytes_compare(k->first, key) > 0 &&
		    (!best || bytes_compare(k->first, best->first) < 0))
			best = k;
	}
	if (!best)
		return RESULT_NONE;
	*batch = best->b.id;
	*first = memory_give(a, best->first);
	return RESULT_OK;
}

enum result memory_position(struct connection *c, int pass, struct arena *a,
			    struct migrate_bytes *last_key, struct migrate_bytes *position,
			    struct error *err)
{
	const struct kept_batch *newest = NULL, *highest = NULL;

	(void)err;
	for (size_t i = 0; i < memory_list_of(c, BATCHES)->n; i++) {
		const struct kept_batch *k = batch_at(c, i);

		if (k->b.pass != pass || k->b.kind != BATCH_SORTED)
			continue;
		newest = k;
		if (has_keys(k) && (!highest || bytes_compare(k->first, highest->first) > 0))
			highest = k;
	}
	*position = newest ? memory_give(a, newest->b.position) : bytes_of(NULL, 0);
	*last_key = highest ? memory_give(a, highest->last) : bytes_of(NULL, 0);
	return RESULT_OK;
}

enum result memory_key_range(struct connection *c, struct arena *a, struct migrate_bytes *first,
			     struct migrate_bytes *last, struct error *err)
{
	struct migrate_bytes low = bytes_of(NULL, 0), high = low;

	(void)err;
	for (size_t i = 0; i < memory_list_of(c, BATCHES)->n; i++) {
		const struct kept_batch *k = batch_at(c, i);

		if (has_keys(k) && (!low.n || bytes_compare(k->first, low) < 0))
			low = k->first;
		if (has_keys(k) && bytes_compare(k->last, high) > 0)
			high = k->last;
	}
	*first = memory_give(a, low);
	*last = memory_give(a, high);
	return RESULT_OK;
}

enum result memory_next_of_key(struct connection *c, struct migrate_bytes key, int64_t *batch,
			       uint32_t *n, struct error *err)
{
	(void)err;
	for (size_t i = (size_t)*batch; i < memory_list_of(c, BATCHES)->n; i++) {
		const struct kept_batch *k = batch_at(c, i);

		for (uint32_t at = 0; at < k->b.n; at++)
			if (bytes_equal(k->b.objects[at].key, key)) {
				*batch = k->b.id;
				*n = at;
				return RESULT_OK;
			}
	}
	return RESULT_NONE;
}

/* ---- Rows ---- */

struct kept_chunk {
	struct chunk c; /* its n rows, less those that were dropped */
	uint32_t has;
};

static void keep_row(struct connection *c, const struct chunk *chunk, struct migrate_bytes texts,
		     uint32_t i, struct row_record *to)
{
	const struct row_record *r = &chunk->rows[i];

	*to = (struct row_record){ .object = r->object, .number = i };
	to->identity = memory_keep(c, r->identity);
	to->place = memory_keep(c, r->place);
	to->before = memory_keep(c, !chunk->texts ? r->before : i ? bytes_of(NULL, 0) : texts);
	to->after = memory_keep(c, chunk->texts ? r->edits : r->after);
	to->extra = memory_keep(c, r->extra);
	to->text = memory_keep_text(c, r->text);
}

enum result memory_chunk_insert(struct connection *c, struct chunk *chunk,
				struct migrate_bytes texts, struct error *err)
{
	struct kept_chunk *kept = memory_make(c, sizeof(*kept));

	(void)err;
	chunk->id = (int64_t)memory_list_of(c, CHUNKS)->n + 1;
	kept->c = *chunk;
	kept->has = chunk->n;
	kept->c.rows = memory_make(c, chunk->n * sizeof(*chunk->rows));
	for (uint32_t i = 0; i < chunk->n; i++)
		keep_row(c, chunk, texts, i, &kept->c.rows[i]);
	memory_append(c, CHUNKS, kept);
	return RESULT_OK;
}

/* A copy in its place. */
static struct kept_chunk *replace_chunk(struct connection *c, size_t i)
{
	struct list *l = memory_list_of(c, CHUNKS);
	const struct kept_chunk *was = l->items[i];
	struct kept_chunk *now = memory_make(c, sizeof(*now));

	*now = *was;
	now->c.rows = memory_make(c, was->has * sizeof(*was->c.rows));
	memcpy(now->c.rows, was->c.rows, was->has * sizeof(*was->c.rows));
	l->items[i] = now;
	return now;
}

static bool set_row(struct connection *c, struct kept_chunk *k, const struct row_record *r)
{
	for (uint32_t i = 0; i < k->has; i++) {
		struct row_record *to = &k->c.rows[i];

		if (to->number != r->number)
			continue;
		to->outcome = r->outcome;
		to->message = memory_keep_text(c, r->message);
		if (r->extra_differs && r->extra.n)
			to->extra = memory_keep(c, r->extra);
		return true;
	}
	return false;
}

enum result memory_chunk_settle(struct connection *c, const struct chunk *chunk, struct error *err)
{
	struct kept_chunk *k;

	if (chunk->id < 1 || (uint64_t)chunk->id > memory_list_of(c, CHUNKS)->n)
		return journal_damaged(c, err, "chunk %lld is missing", (long long)chunk->id);
	k = replace_chunk(c, (size_t)chunk->id - 1);
	k->c.settled = true;
	for (uint32_t i = 0; i < k->has; i++)
		if (k->c.rows[i].outcome == MIGRATE_ROW_UNKNOWN)
			k->c.rows[i].outcome = MIGRATE_ROW_CHANGED;
	for (uint32_t i = 0; i < chunk->n; i++)
		if (!row_is_as_intended(&chunk->rows[i]) && !set_row(c, k, &chunk->rows[i]))
			return journal_damaged(c, err, "row %u of chunk %lld is missing",
					       chunk->rows[i].number, (long long)chunk->id);
	return RESULT_OK;
}

enum result memory_chunks(struct connection *c, int64_t batch, bool open, struct arena *a,
			  struct chunk **chunks, size_t *n, struct error *err)
{
	struct list *l = memory_list_of(c, CHUNKS);

	(void)err;
	*n = 0;
	*chunks = memory_need(arena_alloc(a, (l->n ? l->n : 1) * sizeof(**chunks)));
	for (size_t i = 0; i < l->n; i++) {
		const struct kept_chunk *k = l->items[i];

		if (k->c.batch != batch || (open && k->c.settled))
			continue;
		(*chunks)[*n] = k->c;
		(*chunks)[(*n)++].rows = NULL;
	}
	return RESULT_OK;
}

enum result memory_rows(struct connection *c, const struct chunk *chunk, struct arena *a,
			struct row_record **rows, uint32_t *n, struct error *err)
{
	const struct kept_chunk *k = memory_list_of(c, CHUNKS)->items[chunk->id - 1];
	struct row_record *out = memory_need(arena_alloc(a, (k->has ? k->has : 1) * sizeof(*out)));

	(void)err;
	for (uint32_t i = 0; i < k->has; i++) {
		out[i] = k->c.rows[i];
		out[i].identity = memory_give(a, out[i].identity);
		out[i].place = memory_give(a, out[i].place);
		out[i].before = memory_give(a, out[i].before);
		out[i].after = memory_give(a, out[i].after);
		out[i].extra = memory_give(a, out[i].extra);
		out[i].text = memory_give_text(a, out[i].text);
		out[i].message = memory_give_text(a, out[i].message);
	}
	*rows = out;
	*n = k->has;
	return RESULT_OK;
}

static bool row_stays(const struct row_record *r)
{
	return r->outcome != MIGRATE_ROW_CHANGED && r->outcome != MIGRATE_ROW_ALREADY;
}

/* Rows of a settled chunk that are as they should be go; named[]: by those that stay. */
static void drop_rows(struct connection *c, size_t at, bool *named)
{
	struct kept_chunk *k = replace_chunk(c, at);
	uint32_t stay = 0;

	for (uint32_t i = 0; i < k->has; i++)
		if (!k->c.settled || row_stays(&k->c.rows[i])) {
			named[k->c.rows[i].object] = true;
			k->c.rows[stay++] = k->c.rows[i];
		}
	k->has = stay;
}

enum result memory_batch_drop(struct connection *c, const struct batch *b, struct error *err)
{
	struct kept_batch *k = replace_batch(c, b->id, true, err);
	struct list *l = memory_list_of(c, CHUNKS);
	bool *named;

	if (!k)
		return RESULT_FAILED;
	named = memory_need(calloc((size_t)k->b.n + 1, sizeof(*named)));
	for (size_t i = 0; i < l->n; i++)
		if (((struct kept_chunk *)l->items[i])->c.batch == b->id)
			drop_rows(c, i, named);
	for (uint32_t i = 0; i < k->b.n; i++)
		if (k->b.objects[i].state != OBJECT_FAILED && !named[i])
			k->b.objects[i] = (struct object_record){ .size = 0 };
	k->dropped = true;
	free(named);
	return RESULT_OK;
}
