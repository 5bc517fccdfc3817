/* SPDX-License-Identifier: MIT */
#include "journal/journal-impl.h"

#include "base/clock.h"
#include "journal/sql.h"

#include <stddef.h>
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

static void count_object(struct batch_counts *c, const struct object_record *o)
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
		count_object(c, &b->objects[i]);
}

void journal_batch_uncount(struct batch *b, const struct object_record *o)
{
	struct batch_counts one = { .objects = 0 }, *c = &b->counts;

	count_object(&one, o);
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

static void bind_counts(struct statement *s, const struct batch_counts *counts)
{
	uint64_t values[BATCH_COUNTERS];

	memcpy(values, counts, sizeof(values));
	for (size_t i = 0; i < BATCH_COUNTERS; i++)
		bind_size(s, values[i]);
}

void journal_counts_row(struct statement *s, int first, struct batch_counts *counts)
{
	uint64_t values[BATCH_COUNTERS];

	for (int i = 0; i < BATCH_COUNTERS; i++)
		values[i] = column_size(s, first + i);
	memcpy(counts, values, sizeof(values));
}

int journal_batch_insert(struct connection *c, struct batch *b)
{
	struct statement s = statement(c, SQL_BATCH_ADD);
	bool range = b->kind == BATCH_SORTED && b->n;
	struct migrate_bytes none = { .p = NULL, .n = 0 };
	int rc;

	b->id = c->next_batch++;
	bind_integer(&s, b->id);
	bind_integer(&s, b->pass);
	bind_integer(&s, b->kind);
	bind_bytes(&s, range ? b->objects[0].key : none);
	bind_bytes(&s, range ? b->objects[b->n - 1].key : none);
	bind_bytes(&s, b->position);
	bind_integer(&s, b->n);
	bind_integer(&s, 0);
	bind_integer(&s, b->state);
	bind_integer(&s, b->began);
	bind_integer(&s, b->durable);
	if (b->state < BATCH_DONE)
		bind_null(&s);
	else
		bind_integer(&s, clock_wall());
	bind_counts(&s, &b->counts);
	bind_sum(&s);
	rc = statement_run(&s);
	return rc ? rc : journal_object_insert(c, b);
}

/* Where the columns of batch begin that may change, in order. */
enum { COLUMN_DROPPED = 7, COLUMN_STATE, COLUMN_BEGAN, COLUMN_DURABLE, COLUMN_DONE, COLUMN_COUNTS };
_Static_assert(COLUMN_COUNTS + BATCH_COUNTERS == BATCH_COUNT, "columns of batch");

struct changes {
	struct change items[BATCH_COUNT];
	size_t n;
};

static void change_integer(struct changes *to, int column, int64_t value)
{
	to->items[to->n++] = (struct change){ .column = column, .integer = value };
}

static void change_counts(struct changes *to, const struct batch_counts *counts, size_t first,
			  size_t end)
{
	uint64_t values[BATCH_COUNTERS];

	memcpy(values, counts, sizeof(values));
	for (size_t i = first; i < end; i++)
		change_integer(to, COLUMN_COUNTS + (int)i,
			       values[i] > INT64_MAX ? INT64_MAX : (int64_t)values[i]);
}

/* It is done when it first was; and not, when it is open again. */
static void change_done(struct changes *to, const struct batch *b, struct statement *was)
{
	if (b->state < BATCH_DONE)
		to->items[to->n++] = (struct change){ .column = COLUMN_DONE, .kind = CHANGE_NULL };
	else if (sqlite3_column_type(was->s, COLUMN_DONE) == SQLITE_NULL)
		change_integer(to, COLUMN_DONE, clock_wall());
}

int journal_batch_set(struct connection *c, const struct batch *b, unsigned what)
{
	const size_t rows = offsetof(struct batch_counts, rows_changed) / sizeof(uint64_t);
	const size_t skips = offsetof(struct batch_counts, skips) / sizeof(uint64_t);
	struct changes to = { .n = 0 };
	struct statement get = statement(c, SQL_BATCH_GET);
	int rc;

	bind_integer(&get, b->id);
	rc = record_read(c, &get, BATCH_COUNT, "batch", b->id);
	if (rc == SQLITE_DONE)
		return connection_damaged(c, "batch %lld is missing", (long long)b->id);
	if (rc != SQLITE_ROW)
		return rc;
	if (what & SET_DROPPED)
		change_integer(&to, COLUMN_DROPPED, 1);
	if (what & SET_STATE)
		change_integer(&to, COLUMN_STATE, b->state);
	if (what & SET_BEGAN)
		change_integer(&to, COLUMN_BEGAN, b->began);
	if (what & SET_DURABLE)
		change_integer(&to, COLUMN_DURABLE, b->durable);
	if (what & (SET_OBJECTS | SET_ROWS))
		change_done(&to, b, &get);
	if (what & SET_OBJECTS)
		change_counts(&to, &b->counts, 0, rows);
	if (what & SET_ROWS)
		change_counts(&to, &b->counts, rows, skips);
	if (what & SET_SKIPS)
		change_counts(&to, &b->counts, skips, BATCH_COUNTERS);
	return record_write(c, &get, SQL_BATCH_SET, BATCH_COUNT, to.items, to.n);
}

int journal_batch_save(struct connection *c, const struct batch *b)
{
	int rc = SQLITE_OK;

	for (uint32_t i = 0; !rc && i < b->n; i++)
		if (b->objects[i].dirty && b->objects[i].key.n)
			rc = journal_object_update(c, b->id, i, &b->objects[i]);
	return rc ? rc
		  : journal_batch_set(c, b,
				      SET_STATE | SET_BEGAN | SET_DURABLE | SET_OBJECTS | SET_ROWS |
					  SET_SKIPS);
}

/* The batch's own row; *dropped: it has lost its objects on purpose. */
static int load_row(struct connection *c, int64_t id, struct batch *b, bool *dropped)
{
	struct statement s = statement(c, SQL_BATCH_GET);
	int rc;

	bind_integer(&s, id);
	rc = statement_step(&s);
	if (rc != SQLITE_ROW)
		return rc;
	b->id = id;
	b->pass = (int)column_integer(&s, 1);
	b->kind = (enum batch_kind)column_integer(&s, 2);
	b->position = column_copy(&s, 5, &b->arena);
	b->n = (uint32_t)column_integer(&s, 6);
	*dropped = column_integer(&s, 7) != 0;
	b->state = (enum batch_state)column_integer(&s, 8);
	b->began = column_integer(&s, 9);
	b->durable = column_integer(&s, 10) != 0;
	journal_counts_row(&s, 12, &b->counts);
	if (!sum_fits(s.s, BATCH_COUNT))
		s.rc = connection_damaged(c, "batch %lld differs from its sum", (long long)id);
	statement_end(&s);
	return s.rc ? s.rc : SQLITE_ROW;
}

/* Into a zeroed array, so that dropped ones leave holes. */
static int load_objects(struct connection *c, struct batch *b, uint32_t *found)
{
	struct statement s = statement(c, SQL_OBJECT_FROM);
	uint32_t next = 0;
	int rc = SQLITE_OK;

	*found = 0;
	bind_integer(&s, b->id);
	bind_integer(&s, 0);
	bind_integer(&s, -1);
	while (!rc && (rc = statement_step(&s)) == SQLITE_ROW) {
		struct object_record o;
		uint32_t n;

		rc = journal_object_row(c, &s, b->id, next, &b->arena, &n, &o);
		if (!rc && n >= b->n)
			rc = connection_damaged(c, "batch %lld has %u objects, and one more",
						(long long)b->id, b->n);
		next = n + 1;
		if (!rc)
			b->objects[n] = o;
		++*found;
	}
	statement_end(&s);
	return rc;
}

static int check_counts(struct connection *c, struct batch *b, uint32_t found)
{
	struct batch_counts stored = b->counts;

	if (found != b->n)
		return connection_damaged(c, "batch %lld has %u of its %u objects",
					  (long long)b->id, found, b->n);
	batch_recount(b);
	if (memcmp(&stored, &b->counts, sizeof(stored)))
		return connection_damaged(c, "the counters of batch %lld do not fit its objects",
					  (long long)b->id);
	return SQLITE_ROW;
}

int journal_batch_load(struct connection *c, int64_t id, struct batch **out)
{
	struct batch *b = batch_new();
	bool dropped = false;
	uint32_t found;
	int rc;

	*out = NULL;
	if (!b)
		return SQLITE_NOMEM;
	rc = load_row(c, id, b, &dropped);
	if (rc != SQLITE_ROW)
		goto out;
	b->objects = arena_alloc(&b->arena, (b->n ? b->n : 1) * sizeof(*b->objects));
	rc = b->objects ? load_objects(c, b, &found) : SQLITE_NOMEM;
	if (rc == SQLITE_DONE)
		rc = dropped ? SQLITE_ROW : check_counts(c, b, found);
out:
	if (rc != SQLITE_ROW)
		batch_free(b);
	else
		*out = b;
	return rc;
}
