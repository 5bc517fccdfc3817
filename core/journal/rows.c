/* SPDX-License-Identifier: MIT */
#include "journal/journal-impl.h"

#include "base/bytes.h"
#include "base/clock.h"
#include "journal/sql.h"

/*
 * Rows: intents and outcomes. Of a text the old one is kept, compressed, and what
 * was replaced in it. A chunk that is settled says CHANGED for each of
 * its rows but those that have an outcome of their own: the usual row is written
 * once.
 */
struct rewrite {
	struct batch *b;
	struct chunk *chunk;
	struct migrate_bytes packed; /* of a chunk of texts: what they were */
};

static int add_row(struct connection *c, const struct rewrite *w, uint32_t n)
{
	const struct chunk *chunk = w->chunk;
	const struct row_record *r = &chunk->rows[n];
	struct statement s = statement(c, SQL_ROW_ADD);

	bind_integer(&s, chunk->id);
	bind_integer(&s, n);
	bind_integer(&s, r->object);
	bind_bytes(&s, r->identity);
	bind_bytes(&s, r->place);
	bind_bytes(&s, !chunk->texts ? r->before : n ? bytes_of(NULL, 0) : w->packed);
	bind_bytes(&s, chunk->texts ? r->edits : r->after);
	bind_bytes(&s, r->extra);
	bind_text(&s, r->text);
	bind_null(&s);
	bind_null(&s);
	bind_sum(&s);
	return statement_run(&s);
}

static int apply_intent(struct connection *c, void *arg)
{
	struct rewrite *w = arg;
	struct chunk *chunk = w->chunk;
	struct statement s = statement(c, SQL_CHUNK_ADD);
	int rc;

	chunk->id = c->next_chunk++;
	bind_integer(&s, chunk->id);
	bind_integer(&s, w->b->id);
	bind_integer(&s, chunk->database);
	bind_integer(&s, chunk->n);
	bind_integer(&s, clock_wall());
	bind_null(&s);
	bind_integer(&s, chunk->texts);
	bind_sum(&s);
	rc = statement_run(&s);
	for (uint32_t i = 0; !rc && i < chunk->n; i++) {
		chunk->rows[i].number = i;
		rc = add_row(c, w, i);
	}
	if (rc || w->b->state > BATCH_REWRITING)
		return rc;
	w->b->state = BATCH_REWRITING;
	return journal_batch_set(c, w->b, SET_STATE);
}

bool row_is_bad(const struct row_record *r)
{
	return r->outcome == MIGRATE_ROW_CONFLICT || r->outcome == MIGRATE_ROW_FAILED;
}

int journal_intent(struct journal *j, struct batch *b, struct chunk *chunk, struct error *err)
{
	ARENA_AUTO struct arena a = ARENA_INIT;
	struct rewrite w = { .b = b, .chunk = chunk };

	/* here and not in the writer's thread, for which all others wait */
	if (chunk->texts && !journal_texts_pack(&a, chunk, &w.packed))
		return error_set(err, EXIT_INTERNAL, "out of memory");
	chunk->batch = b->id;
	chunk->settled = false;
	return journal_write(j, apply_intent, &w, err);
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

static int apply_outcome(struct connection *c, void *arg)
{
	struct rewrite *w = arg;
	struct chunk *chunk = w->chunk;
	const struct change settled = { .column = 5, .integer = clock_wall() };
	struct statement get = statement(c, SQL_CHUNK_GET);
	int rc;

	bind_integer(&get, chunk->id);
	rc = record_change(c, &get, SQL_CHUNK_SET, CHUNK_COUNT, "chunk", chunk->id, &settled, 1);
	for (uint32_t i = 0; !rc && i < chunk->n; i++)
		if (chunk->rows[i].outcome != MIGRATE_ROW_CHANGED || chunk->rows[i].message ||
		    chunk->rows[i].extra_differs)
			rc = set_outcome(c, chunk, &chunk->rows[i]);
	return rc ? rc : journal_batch_set(c, w->b, SET_STATE | SET_ROWS);
}

int journal_outcome(struct journal *j, struct batch *b, struct chunk *chunk, struct error *err)
{
	struct rewrite w = { .b = b, .chunk = chunk };
	int failed = journal_write(j, apply_outcome, &w, err);

	if (!failed)
		chunk->settled = true;
	return failed;
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

/* Dropped rows (keep: failures) leave fewer than the chunk had. */
static int read_rows(struct connection *c, struct chunk *chunk, bool dropped, struct arena *a)
{
	struct statement s = statement(c, SQL_ROW_LIST);
	uint32_t got = 0, next = 0, most = chunk->n;
	int rc = SQLITE_OK;

	chunk->rows = arena_alloc(a, (most ? most : 1) * sizeof(*chunk->rows));
	if (!chunk->rows)
		return SQLITE_NOMEM;
	bind_integer(&s, chunk->id);
	while (!rc && (rc = statement_step(&s)) == SQLITE_ROW) {
		if (got == most || !sum_fits(s.s, ROW_COUNT)) {
			rc = connection_damaged(c, "row %u of chunk %lld differs from its sum", got,
						(long long)chunk->id);
			break;
		}
		read_row(&s, chunk, a, &chunk->rows[got]);
		rc = s.rc;
		/* see journal_object_row() */
		if (!rc && (column_integer(&s, 0) != chunk->id || chunk->rows[got].number < next))
			rc = connection_damaged(c, "row %u of chunk %lld is in another one's place",
						chunk->rows[got].number,
						(long long)column_integer(&s, 0));
		next = chunk->rows[got].number + 1;
		got++;
	}
	statement_end(&s);
	chunk->n = got;
	if (rc == SQLITE_DONE && got != most && !dropped)
		rc = connection_damaged(c, "chunk %lld has %u of its %u rows", (long long)chunk->id,
					got, most);
	if (rc == SQLITE_DONE && chunk->texts && !journal_texts_unpack(a, chunk))
		rc = connection_damaged(c, "the texts of chunk %lld cannot be read",
					(long long)chunk->id);
	return rc;
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

static int list_chunks(struct connection *c, int64_t batch, bool all, struct arena *a,
		       struct chunk **chunks, size_t *n)
{
	struct statement s = statement(c, SQL_CHUNK_LIST);
	int rc = SQLITE_OK;

	bind_integer(&s, batch);
	bind_integer(&s, all);
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
	return rc;
}

static int is_dropped(struct connection *c, int64_t batch, bool *dropped)
{
	struct statement s = statement(c, SQL_BATCH_DROPPED);
	int rc;

	bind_integer(&s, batch);
	rc = statement_step(&s);
	*dropped = rc == SQLITE_ROW && column_integer(&s, 0);
	statement_end(&s);
	return rc;
}

static int get_chunks(struct journal *j, int64_t batch, bool all, struct arena *a,
		      struct chunk **chunks, size_t *n, struct error *err)
{
	struct connection *c = journal_read_begin(j, err);
	bool dropped = false;
	int rc;

	*chunks = NULL;
	*n = 0;
	if (!c)
		return -1;
	rc = is_dropped(c, batch, &dropped);
	if (rc == SQLITE_ROW)
		rc = list_chunks(c, batch, all, a, chunks, n);
	for (size_t i = 0; rc == SQLITE_DONE && i < *n; i++)
		rc = read_rows(c, &(*chunks)[i], dropped, a);
	return journal_read_end(j, rc, err);
}

int journal_open_chunks(struct journal *j, int64_t batch, struct arena *a, struct chunk **chunks,
			size_t *n, struct error *err)
{
	return get_chunks(j, batch, false, a, chunks, n, err);
}

int journal_chunks(struct journal *j, int64_t batch, struct arena *a, struct chunk **chunks,
		   size_t *n, struct error *err)
{
	return get_chunks(j, batch, true, a, chunks, n, err);
}

/* The chunks alone, without their rows. */
static int get_headers(struct journal *j, int64_t batch, struct arena *a, struct chunk **chunks,
		       size_t *n, bool *dropped, struct error *err)
{
	struct connection *c = journal_read_begin(j, err);
	int rc;

	*chunks = NULL;
	*n = 0;
	if (!c)
		return -1;
	rc = is_dropped(c, batch, dropped);
	if (rc == SQLITE_ROW)
		rc = list_chunks(c, batch, true, a, chunks, n);
	return journal_read_end(j, rc, err);
}

int journal_each_chunk(struct journal *j, int64_t batch,
		       int (*each)(void *arg, struct chunk *chunk, struct error *err), void *arg,
		       struct error *err)
{
	ARENA_AUTO struct arena headers = ARENA_INIT, rows = ARENA_INIT;
	struct chunk *chunks;
	bool dropped = false;
	size_t n;
	int rc = get_headers(j, batch, &headers, &chunks, &n, &dropped, err);

	for (size_t i = 0; !rc && i < n; i++) {
		struct connection *c = journal_read_begin(j, err);

		arena_reset(&rows);
		rc = c ? journal_read_end(j, read_rows(c, &chunks[i], dropped, &rows), err) : -1;
		if (!rc)
			rc = each(arg, &chunks[i], err);
	}
	return rc;
}
