/* SPDX-License-Identifier: MIT */
#include "journal/journal-impl.h"

#include <stdlib.h>
#include <string.h>

struct batch *batch_new(void)
{
	return calloc(1, sizeof(struct batch));
}

void batch_free(struct batch *b)
{
	if (!b)
		return;
	arena_release(&b->arena);
	free(b);
}

bool journal_batch_has_holes(const struct batch *b)
{
	for (uint32_t i = 0; i < b->n; i++)
		if (!b->objects[i].key.n)
			return true;
	return false;
}

/* Sizes come from outside: they stop at what the file can hold. */
static void add_size(uint64_t *sum, uint64_t size)
{
	*sum = size > INT64_MAX - *sum ? INT64_MAX : *sum + size;
}

static void count_record(struct batch_counts *c, const struct object_record *o)
{
	bool copied = o->state == OBJECT_COPIED;

	if (o->state == OBJECT_MOVED)
		return;
	c->objects++;
	add_size(&c->bytes, o->size);
	c->copied += copied;
	add_size(&c->copied_bytes, copied ? o->size : 0);
	c->native += copied && o->native;
	c->lost_attributes += copied && o->lost;
	c->same += o->state == OBJECT_SAME;
	c->skipped += o->state == OBJECT_SKIPPED;
	c->gone += o->state == OBJECT_GONE;
	c->failed += o->state == OBJECT_FAILED;
}

void batch_recount(struct batch *b)
{
	struct batch_counts *c = &b->counts;

	if (journal_batch_has_holes(b))
		return;
	c->objects = c->bytes = c->copied = c->copied_bytes = 0;
	c->same = c->skipped = c->gone = c->failed = c->native = c->lost_attributes = 0;
	for (uint32_t i = 0; i < b->n; i++)
		count_record(c, &b->objects[i]);
}

void journal_batch_uncount(struct batch *b, const struct object_record *o)
{
	struct batch_counts one = { .objects = 0 }, *c = &b->counts;

	count_record(&one, o);
	c->objects -= one.objects;
	c->bytes -= one.bytes;
	c->copied -= one.copied;
	c->same -= one.same;
	c->skipped -= one.skipped;
	c->gone -= one.gone;
	c->failed -= one.failed;
	c->copied_bytes -= one.copied_bytes;
	c->native -= one.native;
	c->lost_attributes -= one.lost_attributes;
}

enum result journal_batch_save(struct connection *c, const struct batch *b, struct error *err)
{
	enum result r = c->backend->objects_set(c, b, NULL, 0, err);

	return r ? r : c->backend->batch_set(c, b, SET_ALL, err);
}

/* Each to its place, so that dropped ones leave holes. */
static void spread(struct object_page *page)
{
	for (size_t i = page->n; i-- > 0;) {
		if (page->numbers[i] == i)
			break;
		page->objects[page->numbers[i]] = page->objects[i];
		memset(&page->objects[i], 0, sizeof(*page->objects));
	}
}

static enum result load_objects(struct connection *c, struct batch *b, uint32_t *found,
				struct error *err)
{
	/* one more, that it shows */
	struct object_page page = { .max = (size_t)b->n + 1 };
	enum result r = RESULT_OK;

	page.objects = arena_alloc(&b->arena, page.max * sizeof(*page.objects));
	page.numbers = calloc(page.max, sizeof(*page.numbers));
	if (!page.objects || !page.numbers)
		r = journal_no_memory(err);
	if (!r)
		r = c->backend->objects_get(c, b->id, 0, &page, &b->arena, err);
	if (!r && page.n && page.numbers[page.n - 1] >= b->n)
		r = journal_damaged(c, err, "batch %lld has %u objects, and one more",
				    (long long)b->id, b->n);
	if (!r)
		spread(&page);
	free(page.numbers);
	b->objects = page.objects;
	*found = (uint32_t)page.n;
	return r;
}

static enum result check_counts(struct connection *c, struct batch *b, uint32_t found,
				struct error *err)
{
	struct batch_counts stored = b->counts;

	if (found != b->n)
		return journal_damaged(c, err, "batch %lld has %u of its %u objects",
				       (long long)b->id, found, b->n);
	batch_recount(b);
	if (memcmp(&stored, &b->counts, sizeof(stored)))
		return journal_damaged(c, err, "the counters of batch %lld do not fit its objects",
				       (long long)b->id);
	return RESULT_OK;
}

enum result journal_batch_load(struct connection *c, int64_t id, struct batch **out,
			       struct error *err)
{
	struct batch *b = batch_new();
	bool dropped = false;
	uint32_t found;
	enum result r;

	*out = NULL;
	if (!b)
		return journal_no_memory(err);
	r = c->backend->batch_get(c, id, b, &dropped, err);
	if (!r)
		r = load_objects(c, b, &found, err);
	if (!r && !dropped)
		r = check_counts(c, b, found, err);
	if (r)
		batch_free(b);
	else
		*out = b;
	return r;
}

enum result journal_batch_must_load(struct connection *c, int64_t id, struct batch **out,
				    struct error *err)
{
	enum result r = journal_batch_load(c, id, out, err);

	return r == RESULT_NONE ? journal_damaged(c, err, "batch %lld is missing", (long long)id)
				: r;
}
