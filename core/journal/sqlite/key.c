/* SPDX-License-Identifier: MIT */
#include "journal/sqlite/sqlite-impl.h"

#include "base/bytes.h"

/* Where keys are: by the ranges of sorted batches, which an index is of. */

enum result file_last_pass(struct connection *c, int *pass, struct error *err)
{
	struct statement s = statement(c, SQL_BATCH_LAST_PASS);
	int rc = statement_step(&s);

	*pass = rc == SQLITE_ROW ? (int)column_integer(&s, 0) : 0;
	statement_end(&s);
	return connection_result(c, rc, err);
}

enum result file_batch_of_key(struct connection *c, int pass, struct migrate_bytes key,
			      int64_t *batch, uint32_t *n, struct error *err)
{
	struct statement s = statement(c, SQL_BATCH_RANGE);
	int rc;

	bind_integer(&s, pass);
	bind_bytes(&s, key);
	rc = statement_step(&s);
	if (rc == SQLITE_ROW) {
		*batch = column_integer(&s, 0);
		*n = (uint32_t)column_integer(&s, 1);
		if (bytes_compare(column_bytes(&s, 2), key) < 0)
			rc = SQLITE_DONE;
	}
	statement_end(&s);
	return connection_result(c, rc, err);
}

enum result file_batch_behind(struct connection *c, int pass, struct migrate_bytes key,
			      int64_t *batch, struct arena *a, struct migrate_bytes *first,
			      struct error *err)
{
	struct statement s = statement(c, SQL_BATCH_AFTER_KEY);
	int rc;

	bind_integer(&s, pass);
	bind_bytes(&s, key);
	rc = statement_step(&s);
	if (rc == SQLITE_ROW) {
		*batch = column_integer(&s, 0);
		*first = column_copy(&s, 1, a);
	}
	statement_end(&s);
	return connection_result(c, s.rc ? s.rc : rc, err);
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

enum result file_position(struct connection *c, int pass, struct arena *a,
			  struct migrate_bytes *last_key, struct migrate_bytes *position,
			  struct error *err)
{
	int rc = get_bytes(c, SQL_BATCH_POSITION, pass, a, position);

	if (rc == SQLITE_ROW || rc == SQLITE_DONE)
		rc = get_bytes(c, SQL_BATCH_LAST_KEY, pass, a, last_key);
	return connection_result(c, rc == SQLITE_DONE ? SQLITE_OK : rc, err);
}

enum result file_key_range(struct connection *c, struct arena *a, struct migrate_bytes *first,
			   struct migrate_bytes *last, struct error *err)
{
	struct statement s = statement(c, SQL_BATCH_KEYS);
	int rc = statement_step(&s);

	if (rc == SQLITE_ROW) {
		*first = column_copy(&s, 0, a);
		*last = column_copy(&s, 1, a);
	}
	statement_end(&s);
	return connection_result(c, s.rc ? s.rc : rc, err);
}

enum result file_next_of_key(struct connection *c, struct migrate_bytes key, int64_t *batch,
			     uint32_t *n, struct error *err)
{
	struct statement s = statement(c, SQL_OBJECT_OF_KEY);
	int rc;

	bind_bytes(&s, key);
	bind_integer(&s, *batch);
	rc = statement_step(&s);
	if (rc == SQLITE_ROW) {
		*batch = column_integer(&s, 0);
		*n = (uint32_t)column_integer(&s, 1);
	}
	statement_end(&s);
	return connection_result(c, rc, err);
}
