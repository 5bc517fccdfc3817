/* SPDX-License-Identifier: MIT */
#include "journal/journal-impl.h"

#include "base/bytes.h"

/*
 * One key: in each pass, newest first, the last batch that begins at or before
 * it, then halving the batch. Batches of a pass do not overlap, so there is no
 * other one to look at.
 */

/* The first object of a batch at n or behind it. */
static int object_from(struct connection *c, int64_t batch, uint32_t n, struct arena *a,
		       uint32_t *at, struct object_record *o)
{
	struct statement s = statement(c, SQL_OBJECT_FROM);
	int rc, failed;

	bind_integer(&s, batch);
	bind_integer(&s, n);
	bind_integer(&s, 1);
	rc = statement_step(&s);
	if (rc != SQLITE_ROW)
		return rc;
	failed = journal_object_row(c, &s, batch, n, a, at, o);
	statement_end(&s);
	return failed ? failed : SQLITE_ROW;
}

/* Objects may be missing (dropped), so a probe may land behind where it aimed. */
static int find_in(struct connection *c, int64_t batch, uint32_t count, struct migrate_bytes key,
		   struct arena *a, struct object_record *o, uint32_t *n)
{
	uint32_t low = 0, high = count;

	while (low < high) {
		uint32_t middle = low + (high - low) / 2, at = middle;
		int rc = object_from(c, batch, middle, a, &at, o);
		int order;

		if (rc != SQLITE_ROW && rc != SQLITE_DONE)
			return rc;
		order = rc == SQLITE_DONE ? 1 : bytes_compare(o->key, key);
		*n = at;
		if (!order)
			return SQLITE_ROW;
		if (order > 0)
			high = middle;
		else
			low = at + 1;
	}
	return SQLITE_DONE;
}

static int find_in_pass(struct connection *c, int64_t pass, struct migrate_bytes key,
			struct arena *a, struct object_record *o, int64_t *batch, uint32_t *n)
{
	struct statement s = statement(c, SQL_BATCH_RANGE);
	uint32_t count;
	int rc;

	bind_integer(&s, pass);
	bind_bytes(&s, key);
	rc = statement_step(&s);
	if (rc != SQLITE_ROW)
		return rc;
	*batch = column_integer(&s, 0);
	count = (uint32_t)column_integer(&s, 1);
	if (bytes_compare(column_bytes(&s, 2), key) < 0)
		rc = SQLITE_DONE;
	statement_end(&s);
	if (rc == SQLITE_ROW)
		rc = find_in(c, *batch, count, key, a, o, n);
	return rc == SQLITE_ROW ? journal_object_follow(c, a, o, batch, n) : rc;
}

static int find(struct connection *c, struct migrate_bytes key, struct arena *a,
		struct object_record *o, int64_t *batch, uint32_t *n)
{
	struct statement s = statement(c, SQL_BATCH_LAST_PASS);
	int rc = statement_step(&s);
	int64_t pass = 0;

	if (rc == SQLITE_ROW) {
		pass = column_integer(&s, 0);
		statement_end(&s);
		rc = SQLITE_DONE;
	}
	for (; rc == SQLITE_DONE && pass > 0; pass--)
		rc = find_in_pass(c, pass, key, a, o, batch, n);
	return rc;
}

int journal_find_key(struct journal *j, struct migrate_bytes key, struct arena *a,
		     struct object_record *out, int64_t *batch, uint32_t *n, struct error *err)
{
	struct connection *c;
	int rc;

	if (!key.n)
		return 0;
	c = journal_read_begin(j, err);
	if (!c)
		return -1;
	rc = find(c, key, a, out, batch, n);
	if (journal_read_end(j, rc, err))
		return -1;
	return rc == SQLITE_ROW;
}

int journal_key_range(struct journal *j, struct arena *a, struct migrate_bytes *first,
		      struct migrate_bytes *last, struct error *err)
{
	struct connection *c = journal_read_begin(j, err);
	struct statement s;
	int rc;

	*first = *last = bytes_of(NULL, 0);
	if (!c)
		return -1;
	s = statement(c, SQL_BATCH_KEYS);
	rc = statement_step(&s);
	if (rc == SQLITE_ROW) {
		*first = column_copy(&s, 0, a);
		*last = column_copy(&s, 1, a);
	}
	statement_end(&s);
	return journal_read_end(j, s.rc ? s.rc : rc, err);
}

int journal_next_of_key(struct journal *j, struct migrate_bytes key, int64_t *batch, uint32_t *n,
			struct error *err)
{
	struct connection *c = journal_read_begin(j, err);
	struct statement s;
	int rc;

	if (!c)
		return -1;
	s = statement(c, SQL_OBJECT_OF_KEY);
	bind_bytes(&s, key);
	bind_integer(&s, *batch);
	rc = statement_step(&s);
	if (rc == SQLITE_ROW) {
		*batch = column_integer(&s, 0);
		*n = (uint32_t)column_integer(&s, 1);
	}
	statement_end(&s);
	return journal_read_end(j, rc, err) ? -1 : rc == SQLITE_ROW;
}
