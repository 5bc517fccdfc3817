/* SPDX-License-Identifier: MIT */
#include "journal/sqlite/sqlite-impl.h"

#include "base/bytes.h"
#include "base/clock.h"
#include "journal/sqlite/sql.h"

/* Chunks and their rows. Of texts, the first row holds what all of them were. */

static int add_row(struct connection *c, const struct chunk *chunk, struct migrate_bytes texts,
		   uint32_t n)
{
	const struct row_record *r = &chunk->rows[n];
	struct statement s = statement(c, SQL_ROW_ADD);

	bind_integer(&s, chunk->id);
	bind_integer(&s, n);
	bind_integer(&s, r->object);
	bind_bytes(&s, r->identity);
	bind_bytes(&s, r->place);
	bind_bytes(&s, !chunk->texts ? r->before : n ? bytes_of(NULL, 0) : texts);
	bind_bytes(&s, chunk->texts ? r->edits : r->after);
	bind_bytes(&s, r->extra);
	bind_text(&s, r->text);
	bind_null(&s);
	bind_null(&s);
	bind_sum(&s);
	return statement_run(&s);
}

enum result file_chunk_insert(struct connection *c, struct chunk *chunk, struct migrate_bytes texts,
			      struct error *err)
{
	struct statement s = statement(c, SQL_CHUNK_ADD);
	int rc;

	chunk->id = sqlite_of(c)->next_chunk++;
	bind_integer(&s, chunk->id);
	bind_integer(&s, chunk->batch);
	bind_integer(&s, chunk->database);
	bind_integer(&s, chunk->n);
	bind_integer(&s, clock_wall());
	bind_null(&s);
	bind_integer(&s, chunk->texts);
	bind_sum(&s);
	rc = statement_run(&s);
	for (uint32_t i = 0; !rc && i < chunk->n; i++)
		rc = add_row(c, chunk, texts, i);
	return connection_result(c, rc, err);
}

static int set_outcome(struct connection *c, const struct chunk *chunk, const struct row_record *r)
{
	const struct change changes[] = {
		{ .column = 7, .kind = CHANGE_BYTES, .bytes = r->extra },
		{ .column = 9, .integer = r->outcome },
		{ .column = 10, .kind = CHANGE_TEXT, .text = r->message },
	};
	size_t kept = r->extra_differs && r->extra.n ? 0 : 1;
	struct statement get = statement(c, SQL_ROW_GET);
	int rc;

	bind_integer(&get, chunk->id);
	bind_integer(&get, r->number); /* of a dropped batch, the others are missing */
	rc = record_read(c, &get, ROW_COUNT, "a row of chunk", chunk->id);
	if (rc == SQLITE_DONE)
		return connection_damaged(c, "row %u of chunk %lld is missing", r->number,
					  (long long)chunk->id);
	return rc == SQLITE_ROW ? record_write(c, &get, SQL_ROW_SET, ROW_COUNT, changes + kept,
					       sizeof(changes) / sizeof(changes[0]) - kept)
				: rc;
}

enum result file_chunk_settle(struct connection *c, const struct chunk *chunk, struct error *err)
{
	const struct change settled = { .column = 5, .integer = clock_wall() };
	struct statement get = statement(c, SQL_CHUNK_GET);
	int rc;

	bind_integer(&get, chunk->id);
	rc = record_change(c, &get, SQL_CHUNK_SET, CHUNK_COUNT, "chunk", chunk->id, &settled, 1);
	for (uint32_t i = 0; !rc && i < chunk->n; i++)
		if (!row_is_as_intended(&chunk->rows[i]))
			rc = set_outcome(c, chunk, &chunk->rows[i]);
	return connection_result(c, rc, err);
}

static void read_row(struct statement *s, const struct chunk *chunk, struct arena *a,
		     struct row_record *r)
{
	r->number = (uint32_t)column_integer(s, 1);
	r->object = (uint32_t)column_integer(s, 2);
	r->identity = column_copy(s, 3, a);
	r->place = column_copy(s, 4, a);
	r->before = column_copy(s, 5, a);
	r->after = column_copy(s, 6, a);
	r->extra = column_copy(s, 7, a);
	r->text = column_text(s, 8, a);
	r->outcome = chunk->settled ? MIGRATE_ROW_CHANGED : MIGRATE_ROW_UNKNOWN;
	if (sqlite3_column_type(s->s, 9) != SQLITE_NULL)
		r->outcome = (uint8_t)column_integer(s, 9);
	r->message = column_text(s, 10, a);
}

enum result file_rows(struct connection *c, const struct chunk *chunk, struct arena *a,
		      struct row_record **rows, uint32_t *n, struct error *err)
{
	struct statement s = statement(c, SQL_ROW_LIST);
	uint32_t got = 0, next = 0, most = chunk->n;
	struct row_record *r = arena_alloc(a, (most ? most : 1) * sizeof(*r));
	int rc = r ? SQLITE_OK : SQLITE_NOMEM;

	bind_integer(&s, chunk->id);
	while (!rc && (rc = statement_step(&s)) == SQLITE_ROW) {
		if (got == most || !sum_fits(s.s, ROW_COUNT)) {
			rc = connection_damaged(c, "row %u of chunk %lld differs from its sum", got,
						(long long)chunk->id);
			break;
		}
		read_row(&s, chunk, a, &r[got]);
		rc = s.rc;
		/* see take_object() */
		if (!rc && (column_integer(&s, 0) != chunk->id || r[got].number < next))
			rc = connection_damaged(c, "row %u of chunk %lld is in another one's place",
						r[got].number, (long long)column_integer(&s, 0));
		next = r[got].number + 1;
		got++;
	}
	statement_end(&s);
	*rows = r;
	*n = got;
	return connection_result(c, rc == SQLITE_DONE ? SQLITE_OK : rc, err);
}

/* Grows by doubling inside the arena: at powers of two it is full. */
static struct chunk *add_chunk(struct arena *a, struct chunk **chunks, size_t *n)
{
	struct chunk *grown;

	if (*n & (*n - 1))
		return &(*chunks)[(*n)++];
	grown = arena_alloc(a, (*n ? 2 * *n : 1) * sizeof(*grown));
	if (!grown)
		return NULL;
	for (size_t i = 0; i < *n; i++)
		grown[i] = (*chunks)[i];
	*chunks = grown;
	return &grown[(*n)++];
}

enum result file_chunks(struct connection *c, int64_t batch, bool open, struct arena *a,
			struct chunk **chunks, size_t *n, struct error *err)
{
	struct statement s = statement(c, SQL_CHUNK_LIST);
	int rc = SQLITE_OK;

	bind_integer(&s, batch);
	bind_integer(&s, !open);
	while (!rc && (rc = statement_step(&s)) == SQLITE_ROW) {
		struct chunk *chunk = add_chunk(a, chunks, n);

		if (!chunk) {
			rc = SQLITE_NOMEM;
			break;
		}
		chunk->id = column_integer(&s, 0);
		chunk->batch = batch;
		chunk->database = (uint32_t)column_integer(&s, 2);
		chunk->n = (uint32_t)column_integer(&s, 3);
		chunk->settled = sqlite3_column_type(s.s, 5) != SQLITE_NULL;
		chunk->texts = column_integer(&s, 6) != 0;
		rc = sum_fits(s.s, CHUNK_COUNT)
			 ? SQLITE_OK
			 : connection_damaged(c, "chunk %lld differs from its sum",
					      (long long)chunk->id);
	}
	statement_end(&s);
	return connection_result(c, rc == SQLITE_DONE ? SQLITE_OK : rc, err);
}
