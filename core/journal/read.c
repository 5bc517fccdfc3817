/* SPDX-License-Identifier: MIT */
#include "journal/journal-impl.h"

#include <string.h>

struct connection *journal_read_begin(struct journal *j, struct error *err)
{
	struct statement s;
	int rc;

	pthread_mutex_lock(&j->read_lock);
	s = statement(&j->reader, SQL_BEGIN_READ);
	rc = statement_run(&s);
	if (!rc)
		return &j->reader;
	connection_error(&j->reader, j->path, rc, err);
	pthread_mutex_unlock(&j->read_lock);
	return NULL;
}

int journal_read_end(struct journal *j, int rc, struct error *err)
{
	struct statement s;

	if (rc == SQLITE_ROW || rc == SQLITE_DONE)
		rc = SQLITE_OK;
	if (rc)
		connection_error(&j->reader, j->path, rc, err);
	if (!sqlite3_get_autocommit(j->reader.db)) {
		s = statement(&j->reader, SQL_COMMIT);
		statement_run(&s);
	}
	pthread_mutex_unlock(&j->read_lock);
	return rc ? -1 : 0;
}

int journal_open_batches(struct journal *j, int64_t after, int64_t *ids, size_t max, size_t *n,
			 struct error *err)
{
	struct connection *c = journal_read_begin(j, err);
	struct statement s;
	int rc = SQLITE_ROW;

	*n = 0;
	if (!c)
		return -1;
	s = statement(c, SQL_BATCH_OPEN);
	bind_integer(&s, after);
	bind_size(&s, max);
	while (*n < max && (rc = statement_step(&s)) == SQLITE_ROW)
		ids[(*n)++] = column_integer(&s, 0);
	statement_end(&s);
	return journal_read_end(j, rc, err);
}

int journal_has_open(struct journal *j, struct error *err)
{
	int64_t id;
	size_t n;

	return journal_open_batches(j, 0, &id, 1, &n, err) ? -1 : n != 0;
}

struct batch *journal_load(struct journal *j, int64_t id, struct error *err)
{
	struct connection *c = journal_read_begin(j, err);
	struct batch *b = NULL;
	int rc;

	if (!c)
		return NULL;
	rc = journal_batch_load(c, id, &b);
	if (rc == SQLITE_DONE)
		rc = connection_damaged(c, "batch %lld is missing", (long long)id);
	journal_read_end(j, rc, err);
	return b;
}

/* The batch that a query over ids finds behind `after`; NULL: none, or err is set. */
static struct batch *next_by(struct journal *j, enum statement_id id, int64_t after,
			     struct error *err)
{
	struct connection *c = journal_read_begin(j, err);
	struct batch *b = NULL;
	struct statement s;
	int rc;

	if (!c)
		return NULL;
	s = statement(c, id);
	bind_integer(&s, after);
	rc = statement_step(&s);
	if (rc == SQLITE_ROW) {
		after = column_integer(&s, 0);
		statement_end(&s);
		rc = journal_batch_load(c, after, &b);
	}
	journal_read_end(j, rc, err);
	return b;
}

struct batch *journal_next_batch(struct journal *j, int64_t after, struct error *err)
{
	return next_by(j, SQL_BATCH_NEXT, after, err);
}

static int each_in_state(struct journal *j, enum statement_id batches, uint8_t state,
			 enum fail_class class, journal_each_object *each, void *arg,
			 struct error *err)
{
	struct batch *b;
	int64_t at = 0;
	int stop = 0;

	while (!stop && (b = next_by(j, batches, at, err))) {
		at = b->id;
		for (uint32_t i = 0; !stop && i < b->n; i++)
			if (b->objects[i].key.n && b->objects[i].state == state &&
			    (class == FAIL_NONE || b->objects[i].fail == class))
				stop = each(arg, b, i, &b->objects[i]);
		batch_free(b);
	}
	return error_is_set(err) ? -1 : stop;
}

int journal_each_failed(struct journal *j, enum fail_class class, journal_each_object *each,
			void *arg, struct error *err)
{
	return each_in_state(j, SQL_BATCH_FAILED, OBJECT_FAILED, class, each, arg, err);
}

int journal_each_conflict_skipped(struct journal *j, journal_each_object *each, void *arg,
				  struct error *err)
{
	return each_in_state(j, SQL_BATCH_SKIPPED, OBJECT_SKIPPED, FAIL_CONFLICT, each, arg, err);
}

static bool holds(struct migrate_bytes in, struct migrate_bytes text)
{
	return !text.n || (in.n && memmem(in.p, in.n, text.p, text.n));
}

int journal_search(struct journal *j, struct migrate_bytes text, size_t limit,
		   journal_each_object *each, void *arg, struct error *err)
{
	struct batch *b;
	int64_t at = 0;
	size_t found = 0;
	int stop = 0;

	while (!stop && found < limit && (b = journal_next_batch(j, at, err))) {
		at = b->id;
		for (uint32_t i = 0; !stop && found < limit && i < b->n; i++) {
			const struct object_record *o = &b->objects[i];

			if (!o->key.n || o->state == OBJECT_MOVED ||
			    (!holds(o->key, text) && !holds(o->new_key, text)))
				continue;
			found++;
			stop = each(arg, b, i, o);
		}
		batch_free(b);
	}
	return error_is_set(err) ? -1 : stop;
}

/* The rows of one batch that conflicted or failed. */
static int each_bad_in(struct journal *j, int64_t batch, journal_each_row *each, void *arg,
		       struct error *err)
{
	ARENA_AUTO struct arena a = ARENA_INIT;
	struct chunk *chunks;
	size_t n;
	int stop = 0;

	if (journal_chunks(j, batch, &a, &chunks, &n, err))
		return -1;
	for (size_t i = 0; !stop && i < n; i++)
		for (uint32_t r = 0; !stop && r < chunks[i].n; r++)
			if (row_is_bad(&chunks[i].rows[r]))
				stop = each(arg, batch, &chunks[i], &chunks[i].rows[r]);
	return stop;
}

int journal_each_bad_row(struct journal *j, journal_each_row *each, void *arg, struct error *err)
{
	struct batch *b;
	int64_t at = 0;
	int stop = 0;

	while (!stop && (b = next_by(j, SQL_BATCH_BAD_ROWS, at, err))) {
		at = b->id;
		batch_free(b);
		stop = each_bad_in(j, at, each, arg, err);
	}
	return error_is_set(err) ? -1 : stop;
}

int journal_began_at(struct journal *j, int64_t batch, int64_t *began, struct error *err)
{
	struct connection *c = journal_read_begin(j, err);
	struct statement s;
	int rc;

	*began = 0;
	if (!c)
		return -1;
	s = statement(c, SQL_BATCH_BEGAN_AT);
	bind_integer(&s, batch);
	rc = statement_step(&s);
	if (rc == SQLITE_ROW)
		*began = column_integer(&s, 0);
	statement_end(&s);
	return journal_read_end(j, rc, err);
}

/* A column of one row, copied; nothing when there is none. */
static int get_bytes(struct connection *c, enum statement_id id, int pass, struct arena *a,
		     struct migrate_bytes *out)
{
	struct statement s = statement(c, id);
	int rc;

	*out = (struct migrate_bytes){ .p = NULL, .n = 0 };
	bind_integer(&s, pass);
	rc = statement_step(&s);
	if (rc == SQLITE_ROW)
		*out = column_copy(&s, 0, a);
	statement_end(&s);
	return s.rc ? s.rc : rc;
}

int journal_position(struct journal *j, int pass, struct arena *a, struct migrate_bytes *last_key,
		     struct migrate_bytes *position, struct error *err)
{
	struct connection *c = journal_read_begin(j, err);
	int rc;

	if (!c)
		return -1;
	rc = get_bytes(c, SQL_BATCH_POSITION, pass, a, position);
	if (rc == SQLITE_ROW || rc == SQLITE_DONE)
		rc = get_bytes(c, SQL_BATCH_LAST_KEY, pass, a, last_key);
	return journal_read_end(j, rc, err);
}

int journal_last_before(struct journal *j, int pass, int64_t *id, struct error *err)
{
	struct connection *c = journal_read_begin(j, err);
	struct statement s;
	int rc;

	*id = 0;
	if (!c)
		return -1;
	s = statement(c, SQL_BATCH_BEFORE);
	bind_integer(&s, pass);
	rc = statement_step(&s);
	if (rc == SQLITE_ROW)
		*id = column_integer(&s, 0);
	statement_end(&s);
	return journal_read_end(j, rc, err);
}

int journal_counts(struct journal *j, int pass, struct batch_counts *counts, struct error *err)
{
	struct connection *c = journal_read_begin(j, err);
	struct statement s;
	int rc;

	memset(counts, 0, sizeof(*counts));
	if (!c)
		return -1;
	s = statement(c, SQL_COUNTS);
	bind_integer(&s, pass);
	rc = statement_step(&s);
	if (rc == SQLITE_ROW)
		journal_counts_row(&s, 0, counts);
	statement_end(&s);
	return journal_read_end(j, rc, err);
}

static int get_upload(struct journal *j, enum statement_id id, struct migrate_bytes key,
		      struct arena *a, struct upload_record *u, struct error *err)
{
	struct connection *c = journal_read_begin(j, err);
	struct statement s;
	int rc;

	memset(u, 0, sizeof(*u));
	if (!c)
		return -1;
	s = statement(c, id);
	bind_bytes(&s, key);
	rc = statement_step(&s);
	if (rc == SQLITE_ROW) {
		u->new_key = column_copy(&s, 0, a);
		u->id = column_copy(&s, 1, a);
		u->part_size = column_size(&s, 2);
		u->etag = column_copy(&s, 3, a);
		u->size = column_size(&s, 4);
		u->mtime = column_integer(&s, 5);
	}
	statement_end(&s);
	return journal_read_end(j, s.rc ? s.rc : rc, err) ? -1 : rc == SQLITE_ROW;
}

int journal_get_upload(struct journal *j, struct migrate_bytes new_key, struct arena *a,
		       struct upload_record *u, struct error *err)
{
	return get_upload(j, SQL_UPLOAD_GET, new_key, a, u, err);
}

int journal_next_upload(struct journal *j, struct migrate_bytes after, struct arena *a,
			struct upload_record *u, struct error *err)
{
	return get_upload(j, SQL_UPLOAD_NEXT, after, a, u, err);
}
