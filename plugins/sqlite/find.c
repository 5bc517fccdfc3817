/* SPDX-License-Identifier: MIT */
#include "sqlite-impl.h"

#include <stdlib.h>
#include <string.h>

/*
 * Three ways to find rows that hold any of some values, all in the order of the
 * key. With an integer key and an index: one look-up per value, kept to the
 * `limit` smallest keys, so that neither memory nor time depends on how many
 * rows a value has. With an index and another key: one statement with an IN
 * list, sorted by SQLite. Without an index: every row is looked at.
 */

#define IN_MAX 8192 /* values of one IN list, each as TEXT and as BLOB */

struct hit {
	int64_t key;
	uint32_t value;
	bool blob;
};

/* The state of one call. */
struct search {
	struct self *self;
	struct migrate_find *r;
	uint32_t *order; /* indexes of the values, sorted by value; for the second and third way */
	size_t hits, wanted;
	int64_t low, high; /* keys that are still of interest */
	size_t last;       /* bytes of self->identity: the last row looked at */
	uint32_t emitted;
};

static const struct migrate_bytes nothing = { .p = NULL, .n = 0 };

static int compare_bytes(const struct migrate_bytes *a, const struct migrate_bytes *b)
{
	size_t n = a->n < b->n ? a->n : b->n;
	int c = n ? memcmp(a->p, b->p, n) : 0;

	return c ? c : (a->n > b->n) - (a->n < b->n);
}

/* ---- first way ---- */

static int by_key(const void *a, const void *b)
{
	const struct hit *x = a, *y = b;

	return (x->key > y->key) - (x->key < y->key);
}

/* Keep the smallest keys; the largest of them is the most that is of interest now. */
static void prune(struct search *s)
{
	struct hit *hits = s->self->hits;

	if (s->hits < 2)
		return;
	qsort(hits, s->hits, sizeof(*hits), by_key);
	if (s->hits < s->wanted)
		return;
	s->hits = s->wanted;
	s->high = hits[s->hits - 1].key;
}

static enum migrate_status collect(struct search *s, sqlite3_stmt *stmt, uint32_t index)
{
	const struct migrate_bytes *wanted = &s->r->values[index];
	struct migrate_bytes value;
	bool blob;
	int rc;

	while ((rc = sqlite3_step(stmt)) == SQLITE_ROW) {
		int64_t key = sqlite3_column_int64(stmt, 0);

		if (key > s->high) /* and so are all that follow */
			break;
		if (!row_value(s->self->instance, stmt, &value, &blob) ||
		    compare_bytes(&value, wanted))
			continue;
		if (s->hits == s->self->hit_cap)
			prune(s);
		if (s->hits == s->self->hit_cap)
			break;
		s->self->hits[s->hits++] = (struct hit){ .key = key, .value = index, .blob = blob };
	}
	sqlite3_reset(stmt);
	return rc == SQLITE_DONE || rc == SQLITE_ROW ? MIGRATE_OK
						     : fail_sql(s->self, rc, "cannot find rows");
}

static enum migrate_status probe_values(struct search *s, sqlite3_stmt *stmt)
{
	enum migrate_status status = MIGRATE_OK;

	sqlite3_bind_int64(stmt, P_LOW, s->low);
	/* rows that are equal under the collation alone count too: no limit there */
	sqlite3_bind_int64(stmt, P_LIMIT, -1);
	for (size_t i = 0; !status && i < 2 * s->r->count; i++) {
		sqlite3_bind_int64(stmt, P_HIGH, s->high);
		if (bind_bytes(stmt, P_VALUE, s->r->values[i / 2], i % 2))
			return migrate_fail(s->r->session, MIGRATE_TRANSIENT, "out of memory");
		status = collect(s, stmt, (uint32_t)(i / 2));
	}
	return status;
}

static enum migrate_status emit(struct search *s, size_t value, const struct migrate_row *row)
{
	s->emitted++;
	return migrate_emit_found(s->r, value, row) ? MIGRATE_OK : MIGRATE_CANCELLED;
}

/* With `set:` columns the row is read once more, in the same transaction. */
static enum migrate_status emit_hit_row(struct search *s, const struct hit *hit,
					struct migrate_row *row)
{
	struct self *self = s->self;
	enum migrate_status status = MIGRATE_OK;
	sqlite3_stmt *stmt = statement(self, S_ROW, &status);
	int rc;

	if (!stmt)
		return status;
	status = set_bind(self, stmt, nothing);
	if (!status) {
		sqlite3_bind_int64(stmt, P_KEY, hit->key);
		rc = sqlite3_step(stmt);
		status = rc == SQLITE_ROW ? row_fill(self, stmt, row)
					  : fail_sql(self, rc, "cannot read a row");
	}
	if (!status)
		status = emit(s, hit->value, row);
	statement_done(stmt);
	return status;
}

static enum migrate_status emit_hit(struct search *s, const struct hit *hit)
{
	struct self *self = s->self;
	struct migrate_row row = { .settled = true };

	identity_of_integer(self->identity, hit->key);
	if (self->instance->set_count)
		return emit_hit_row(s, hit, &row);
	sqlite3_snprintf((int)sizeof(self->text), self->text, "%s=%lld",
			 self->instance->key[0].name, (long long)hit->key);
	row.identity = (struct migrate_bytes){ .p = self->identity, .n = 9 };
	row.place = (struct migrate_bytes){ .p = hit->blob ? "b" : "t", .n = 1 };
	row.value = s->r->values[hit->value];
	row.text = self->text;
	return emit(s, hit->value, &row);
}

static enum migrate_status begin_probing(struct search *s)
{
	struct migrate_find *r = s->r;
	size_t cap = 2 * (size_t)r->limit + 2;
	struct hit *hits;

	s->wanted = (size_t)r->limit + 1; /* one more tells whether there are more */
	s->low = INT64_MIN;
	s->high = INT64_MAX;
	if (r->cursor.n && !identity_to_integer(r->cursor, &s->low))
		return not_a_cursor(r->session);
	if (s->self->hit_cap >= cap)
		return MIGRATE_OK;
	hits = realloc(s->self->hits, cap * sizeof(*hits));
	if (!hits)
		return migrate_fail(r->session, MIGRATE_TRANSIENT, "out of memory");
	s->self->hits = hits;
	s->self->hit_cap = cap;
	return MIGRATE_OK;
}

static enum migrate_status find_by_probes(struct search *s)
{
	enum migrate_status status = begin_probing(s);
	sqlite3_stmt *stmt;

	if (status)
		return status;
	if (s->r->cursor.n && s->low++ == INT64_MAX) {
		s->r->done = true;
		return MIGRATE_OK;
	}
	stmt = statement(s->self, S_PROBE, &status);
	if (!stmt)
		return status;
	status = probe_values(s, stmt);
	statement_done(stmt);
	prune(s);
	s->r->done = s->hits < s->wanted;
	for (size_t i = 0; !status && i < s->hits && i < s->r->limit; i++)
		status = emit_hit(s, &s->self->hits[i]);
	s->last = s->emitted ? 9 : 0;
	return status;
}

/* ---- second and third way ---- */

static int by_value(const void *a, const void *b, void *arg)
{
	const struct migrate_bytes *values = arg;

	return compare_bytes(&values[*(const uint32_t *)a], &values[*(const uint32_t *)b]);
}

static bool sort_values(struct search *s)
{
	size_t n = s->r->count;
	void *values = (void *)(uintptr_t)s->r->values; /* qsort_r takes no const */

	s->order = malloc((n + 1) * sizeof(*s->order));
	if (!s->order)
		return false;
	for (size_t i = 0; i < n; i++)
		s->order[i] = (uint32_t)i;
	qsort_r(s->order, n, sizeof(*s->order), by_value, values);
	return true;
}

static bool look_up(const struct search *s, const struct migrate_bytes *value, size_t *index)
{
	size_t low = 0, high = s->r->count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;
		int c = compare_bytes(&s->r->values[s->order[middle]], value);

		if (!c) {
			*index = s->order[middle];
			return true;
		}
		if (c < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return false;
}

static enum migrate_status take_row(struct search *s, sqlite3_stmt *stmt)
{
	struct migrate_row row = { .settled = true };
	struct migrate_bytes value;
	enum migrate_status status;
	size_t index;
	bool blob;

	if (!row_value(s->self->instance, stmt, &value, &blob) || !look_up(s, &value, &index))
		return MIGRATE_OK;
	status = row_fill(s->self, stmt, &row);
	if (status)
		return status;
	s->last = row.identity.n;
	return emit(s, index, &row);
}

/* Rows in the order of the key until the page is full. */
static enum migrate_status take_rows(struct search *s, sqlite3_stmt *stmt)
{
	enum migrate_status status = set_bind(s->self, stmt, nothing);
	int rc = SQLITE_ROW;

	if (!status && s->r->cursor.n)
		status = identity_bind(s->self, stmt, s->r->cursor);
	sqlite3_bind_int64(stmt, P_LIMIT, -1);
	while (!status && s->emitted < s->r->limit && (rc = sqlite3_step(stmt)) == SQLITE_ROW)
		status = take_row(s, stmt);
	s->r->done = !status && rc == SQLITE_DONE;
	if (!status && rc != SQLITE_ROW && rc != SQLITE_DONE)
		status = fail_sql(s->self, rc, "cannot find rows");
	statement_done(stmt);
	return status;
}

/* A statement for up to `count` values; the one of the last call is kept. */
static sqlite3_stmt *in_statement(struct search *s, size_t count, enum migrate_status *status)
{
	struct self *self = s->self;
	bool cursor = s->r->cursor.n;
	sqlite3_str *text;
	char *sql;

	if (self->in && self->in_count == count && self->in_cursor == cursor)
		return self->in;
	sqlite3_finalize(self->in);
	text = sqlite3_str_new(NULL);
	sqlite3_str_appendf(text, "%s IN (?%d", self->instance->in_head, P_LIST);
	for (size_t i = 1; i < 2 * count; i++)
		sqlite3_str_appendf(text, ",?%d", P_LIST + (int)i);
	sqlite3_str_appendf(text, ")%s",
			    cursor ? self->instance->in_next : self->instance->in_first);
	sql = sqlite3_str_finish(text);
	self->in = statement_text(self, sql, status);
	self->in_count = count;
	self->in_cursor = cursor;
	sqlite3_free(sql);
	return self->in;
}

/* Unbound parameters are NULL, which equals nothing. */
static enum migrate_status find_by_list(struct search *s)
{
	enum migrate_status status = MIGRATE_OK;
	sqlite3_stmt *stmt;
	size_t count = 8;

	while (count < s->r->count)
		count *= 2;
	stmt = in_statement(s, count, &status);
	if (!stmt)
		return status;
	for (size_t i = 0; i < 2 * s->r->count; i++)
		if (bind_bytes(stmt, P_LIST + (int)i, s->r->values[i / 2], i % 2)) {
			statement_done(stmt);
			return migrate_fail(s->r->session, MIGRATE_TRANSIENT, "out of memory");
		}
	return take_rows(s, stmt);
}

static enum migrate_status find_by_walk(struct search *s)
{
	enum migrate_status status = MIGRATE_OK;
	sqlite3_stmt *stmt =
	    statement(s->self, s->r->cursor.n ? S_SCAN_NEXT : S_SCAN_FIRST, &status);

	return stmt ? take_rows(s, stmt) : status;
}

static enum migrate_status search(struct search *s)
{
	const struct instance *inst = s->self->instance;

	if (inst->indexed && inst->integer_key)
		return find_by_probes(s);
	if (!sort_values(s))
		return migrate_fail(s->r->session, MIGRATE_TRANSIENT, "out of memory");
	return inst->indexed && s->r->count <= IN_MAX ? find_by_list(s) : find_by_walk(s);
}

enum migrate_status sqlite_find(void *handle, struct migrate_find *r)
{
	struct search s = { .self = handle, .r = r };
	enum migrate_status status;

	s.self->session = r->session;
	status = transaction_read(s.self);
	if (status)
		return status;
	status = transaction_rollback(s.self, search(&s));
	free(s.order);
	if (!status && s.last && !migrate_set_find_cursor(r, s.self->identity, s.last))
		status = MIGRATE_CANCELLED;
	return status;
}
