/* SPDX-License-Identifier: MIT */
#include "journal/sqlite/sqlite-impl.h"

#include "base/clock.h"
#include "journal/sqlite/sql.h"

#include <stddef.h>
#include <string.h>

/* The batch's own record. */

static void bind_counts(struct statement *s, const struct batch_counts *counts)
{
	uint64_t values[BATCH_COUNTERS];

	memcpy(values, counts, sizeof(values));
	for (size_t i = 0; i < BATCH_COUNTERS; i++)
		bind_size(s, values[i]);
}

static void read_counts(struct statement *s, int first, struct batch_counts *counts)
{
	uint64_t values[BATCH_COUNTERS];

	for (int i = 0; i < BATCH_COUNTERS; i++)
		values[i] = column_size(s, first + i);
	memcpy(counts, values, sizeof(values));
}

enum result file_batch_insert(struct connection *c, struct batch *b, struct error *err)
{
	struct statement s = statement(c, SQL_BATCH_ADD);
	bool range = b->kind == BATCH_SORTED && b->n;
	struct migrate_bytes none = { .p = NULL, .n = 0 };
	int rc;

	b->id = sqlite_of(c)->next_batch++;
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
	return connection_result(c, rc ? rc : file_object_insert(c, b), err);
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

static int set_columns(struct connection *c, const struct batch *b, unsigned what, bool drop)
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
	if (drop)
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

enum result file_batch_set(struct connection *c, const struct batch *b, unsigned what,
			   struct error *err)
{
	return connection_result(c, set_columns(c, b, what, false), err);
}

enum result file_batch_drop(struct connection *c, const struct batch *b, struct error *err)
{
	static const enum statement_id steps[] = { SQL_ROW_DROP, SQL_OBJECT_DROP };
	int rc = SQLITE_OK;

	for (size_t i = 0; !rc && i < sizeof(steps) / sizeof(steps[0]); i++) {
		struct statement s = statement(c, steps[i]);

		bind_integer(&s, b->id);
		rc = statement_run(&s);
	}
	return connection_result(c, rc ? rc : set_columns(c, b, 0, true), err);
}

enum result file_batch_get(struct connection *c, int64_t id, struct batch *b, bool *dropped,
			   struct error *err)
{
	struct statement s = statement(c, SQL_BATCH_GET);
	int rc;

	bind_integer(&s, id);
	rc = statement_step(&s);
	if (rc != SQLITE_ROW)
		return connection_result(c, rc, err);
	b->id = id;
	b->pass = (int)column_integer(&s, 1);
	b->kind = (enum batch_kind)column_integer(&s, 2);
	b->position = column_copy(&s, 5, &b->arena);
	b->n = (uint32_t)column_integer(&s, 6);
	*dropped = column_integer(&s, 7) != 0;
	b->state = (enum batch_state)column_integer(&s, 8);
	b->began = column_integer(&s, 9);
	b->durable = column_integer(&s, 10) != 0;
	read_counts(&s, COLUMN_COUNTS, &b->counts);
	if (!sum_fits(s.s, BATCH_COUNT))
		s.rc = connection_damaged(c, "batch %lld differs from its sum", (long long)id);
	statement_end(&s);
	return connection_result(c, s.rc, err);
}

enum result file_batches(struct connection *c, enum batches_of what, int64_t after, int64_t *ids,
			 size_t max, size_t *n, struct error *err)
{
	static const enum statement_id queries[] = {
		[BATCHES_ALL] = SQL_BATCH_NEXT,        [BATCHES_OPEN] = SQL_BATCH_OPEN,
		[BATCHES_ACTIVE] = SQL_BATCH_ACTIVE,   [BATCHES_FAILED] = SQL_BATCH_FAILED,
		[BATCHES_SKIPPED] = SQL_BATCH_SKIPPED, [BATCHES_BAD_ROWS] = SQL_BATCH_BAD_ROWS,
	};
	struct statement s = statement(c, queries[what]);
	int rc = SQLITE_DONE;

	*n = 0;
	bind_integer(&s, after);
	bind_size(&s, max);
	while (*n < max && (rc = statement_step(&s)) == SQLITE_ROW)
		ids[(*n)++] = column_integer(&s, 0);
	statement_end(&s);
	return connection_result(c, rc == SQLITE_DONE ? SQLITE_OK : rc, err);
}

enum result file_batch_before(struct connection *c, int pass, int64_t *id, struct error *err)
{
	struct statement s = statement(c, SQL_BATCH_BEFORE);
	int rc;

	bind_integer(&s, pass);
	rc = statement_step(&s);
	if (rc == SQLITE_ROW)
		*id = column_integer(&s, 0);
	statement_end(&s);
	return connection_result(c, rc, err);
}

enum result file_counts(struct connection *c, int pass, struct batch_counts *counts,
			struct error *err)
{
	struct statement s = statement(c, SQL_COUNTS);
	int rc;

	bind_integer(&s, pass);
	rc = statement_step(&s);
	if (rc == SQLITE_ROW)
		read_counts(&s, 0, counts);
	statement_end(&s);
	return connection_result(c, rc, err);
}
