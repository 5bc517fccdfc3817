/* SPDX-License-Identifier: MIT */
#include "journal/sqlite/sqlite-impl.h"

#include "journal/sqlite/sql.h"

#include <string.h>

/* The column hung. */
enum { HUNG = 16 };

/* In the column flags. */
enum { FLAG_NATIVE = 1, FLAG_LOST = 2, FLAG_IN_DOUBT = 4, FLAG_UNCHANGED = 8, FLAG_REMADE = 16 };

static int flags_of(const struct object_record *o)
{
	return (o->native ? FLAG_NATIVE : 0) | (o->lost ? FLAG_LOST : 0) |
	       (o->in_doubt ? FLAG_IN_DOUBT : 0) | (o->unchanged ? FLAG_UNCHANGED : 0) |
	       (o->remade ? FLAG_REMADE : 0);
}

static void read_flags(struct object_record *o, int64_t flags)
{
	o->native = flags & FLAG_NATIVE;
	o->lost = flags & FLAG_LOST;
	o->in_doubt = flags & FLAG_IN_DOUBT;
	o->unchanged = flags & FLAG_UNCHANGED;
	o->remade = flags & FLAG_REMADE;
}

/* All columns of OBJECT_COLUMNS: for insert and update alike. */
static void bind_object(struct statement *s, int64_t batch, uint32_t n,
			const struct object_record *o, int64_t hung)
{
	bool moved = o->state == OBJECT_MOVED;

	bind_integer(s, batch);
	bind_integer(s, n);
	bind_bytes(s, o->key);
	bind_bytes(s, o->new_key);
	bind_size(s, o->size);
	if (o->mtime == INT64_MIN)
		bind_null(s);
	else
		bind_integer(s, o->mtime);
	bind_bytes(s, o->etag);
	bind_bytes(s, o->stored);
	if (o->digest.n)
		bind_integer(s, o->digest.algorithm);
	else
		bind_null(s);
	bind_bytes(s, (struct migrate_bytes){ .p = o->digest.bytes, .n = o->digest.n });
	bind_bytes(s, o->replaces);
	bind_integer(s, o->state);
	bind_integer(s, o->created);
	bind_integer(s, o->level);
	bind_integer(s, o->fail);
	bind_integer(s, o->attempts);
	bind_integer(s, hung);
	bind_integer(s, flags_of(o));
	bind_text(s, o->message);
	if (moved) {
		bind_integer(s, o->moved_batch);
		bind_integer(s, o->moved_n);
	} else {
		bind_null(s);
		bind_null(s);
	}
	bind_sum(s);
}

int file_object_insert(struct connection *c, const struct batch *b)
{
	int rc = SQLITE_OK;

	for (uint32_t i = 0; !rc && i < b->n; i++) {
		struct statement s = statement(c, SQL_OBJECT_ADD);

		bind_object(&s, b->id, i, &b->objects[i], b->objects[i].hung);
		rc = statement_run(&s);
	}
	return rc;
}

static int write_record(struct connection *c, int64_t batch, uint32_t n,
			const struct object_record *o, int64_t hung)
{
	struct statement s = statement(c, SQL_OBJECT_SET);

	bind_object(&s, batch, n, o, hung);
	return statement_run(&s);
}

/* It hung without this picture of it, which is seldom; or it is not there, or damaged. */
static int write_hung(struct connection *c, int64_t batch, uint32_t n,
		      const struct object_record *o)
{
	struct statement get = statement(c, SQL_OBJECT_GET);
	int64_t hung;
	int rc;

	bind_integer(&get, batch);
	bind_integer(&get, n);
	rc = record_read(c, &get, OBJECT_COUNT, "an object of batch", batch);
	hung = rc == SQLITE_ROW ? column_integer(&get, HUNG) : 0;
	statement_end(&get);
	if (rc != SQLITE_ROW && rc != SQLITE_DONE)
		return rc;
	if (rc == SQLITE_ROW)
		rc = write_record(c, batch, n, o, hung);
	if (rc == SQLITE_DONE || (!rc && !sqlite3_changes(sqlite_of(c)->db)))
		return connection_damaged(c, "object %u of batch %lld is missing", n,
					  (long long)batch);
	return rc;
}

static int update_object(struct connection *c, int64_t batch, uint32_t n,
			 const struct object_record *o)
{
	int rc = write_record(c, batch, n, o, o->hung);

	return rc || sqlite3_changes(sqlite_of(c)->db) ? rc : write_hung(c, batch, n, o);
}

enum result file_objects_set(struct connection *c, const struct batch *b, const uint32_t *which,
			     size_t n, struct error *err)
{
	int rc = SQLITE_OK;

	for (size_t i = 0; !rc && which && i < n; i++)
		rc = update_object(c, b->id, which[i], &b->objects[which[i]]);
	for (uint32_t i = 0; !rc && !which && i < b->n; i++)
		if (b->objects[i].dirty && b->objects[i].key.n)
			rc = update_object(c, b->id, i, &b->objects[i]);
	return connection_result(c, rc, err);
}

enum result file_object_hung(struct connection *c, int64_t batch, uint32_t n, struct error *err)
{
	struct statement get = statement(c, SQL_OBJECT_GET);
	struct change hung = { .column = HUNG };
	int rc;

	bind_integer(&get, batch);
	bind_integer(&get, n);
	rc = record_read(c, &get, OBJECT_COUNT, "an object of batch", batch);
	if (rc == SQLITE_ROW) {
		hung.integer = column_integer(&get, hung.column) + 1;
		rc = record_write(c, &get, SQL_OBJECT_SET, OBJECT_COUNT, &hung, 1);
	}
	return connection_result(c, rc == SQLITE_DONE ? SQLITE_OK : rc, err);
}

static void read_digest(struct statement *s, int at, struct migrate_digest *d)
{
	struct migrate_bytes b = column_bytes(s, at + 1);

	if (!b.n || b.n > sizeof(d->bytes))
		return;
	d->algorithm = (uint16_t)column_integer(s, at);
	d->n = (uint16_t)b.n;
	memcpy(d->bytes, b.p, b.n);
}

static void read_object(struct statement *s, struct arena *a, struct object_record *o)
{
	memset(o, 0, sizeof(*o));
	o->key = column_copy(s, 2, a);
	o->new_key = column_copy(s, 3, a);
	o->size = column_size(s, 4);
	o->mtime = sqlite3_column_type(s->s, 5) == SQLITE_NULL ? INT64_MIN : column_integer(s, 5);
	o->etag = column_copy(s, 6, a);
	o->stored = column_copy(s, 7, a);
	read_digest(s, 8, &o->digest);
	o->replaces = column_copy(s, 10, a);
	o->state = (uint8_t)column_integer(s, 11);
	o->created = (uint8_t)column_integer(s, 12);
	o->level = (uint8_t)column_integer(s, 13);
	o->fail = (uint8_t)column_integer(s, 14);
	o->attempts = (uint8_t)column_integer(s, 15);
	o->hung = (uint8_t)column_integer(s, 16);
	read_flags(o, column_integer(s, 17));
	o->message = column_text(s, 18, a);
	o->moved_batch = column_integer(s, 19);
	o->moved_n = (uint32_t)column_integer(s, 20);
}

/* A page of the file that leads to one record twice has lost another one: all sums are good. */
static int take_object(struct connection *c, struct statement *s, int64_t batch, uint32_t least,
		       struct arena *a, uint32_t *n, struct object_record *o)
{
	*n = (uint32_t)column_integer(s, 1);
	if (column_integer(s, 0) != batch || *n < least)
		return connection_damaged(c, "object %u of batch %lld is in another one's place",
					  *n, (long long)column_integer(s, 0));
	if (!sum_fits(s->s, OBJECT_COUNT))
		return connection_damaged(c, "object %u of batch %lld differs from its sum", *n,
					  (long long)batch);
	read_object(s, a, o);
	return s->rc;
}

enum result file_objects_get(struct connection *c, int64_t batch, uint32_t least,
			     struct object_page *page, struct arena *a, struct error *err)
{
	struct statement s = statement(c, SQL_OBJECT_FROM);
	int rc = SQLITE_OK;

	bind_integer(&s, batch);
	bind_integer(&s, least);
	bind_size(&s, page->max);
	for (page->n = 0; !rc && page->n < page->max; page->n += !rc) {
		uint32_t *number = &page->numbers[page->n];

		rc = statement_step(&s);
		if (rc != SQLITE_ROW)
			break;
		rc = take_object(c, &s, batch, least, a, number, &page->objects[page->n]);
		least = *number + 1;
	}
	statement_end(&s);
	return connection_result(c, rc == SQLITE_DONE ? SQLITE_OK : rc, err);
}
