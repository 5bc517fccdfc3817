/* SPDX-License-Identifier: MIT */
#include "postgres-impl.h"

#include <poll.h>
#include <string.h>

#define REPLICA_TICK 200    /* ms between two looks at a replica that is behind */
#define REPLICA_LIMIT 60000 /* ms until it counts as away */

static PGresult *one_field(struct self *self, struct link *link, const char *sql,
			   const struct parameters *p, const struct shape *shape,
			   enum migrate_status *status)
{
	return query(self, link, sql, p, shape, QUICK, "cannot compare the replica", status);
}

/* How far the server that is written to has come; empty: it is a replica itself. */
static enum migrate_status position(struct self *self, char *lsn, size_t size)
{
	enum migrate_status status;
	PGresult *res = one_field(self, &self->main,
				  "SELECT CASE WHEN pg_catalog.pg_is_in_recovery() THEN '' ELSE "
				  "pg_catalog.pg_current_wal_insert_lsn()::text END",
				  NULL, SHAPE("s", 1, 1), &status);

	if (res)
		snprintf(lsn, size, "%s", PQgetvalue(res, 0, 0));
	PQclear(res);
	return status;
}

static enum migrate_status has_reached(struct self *self, const char *lsn, bool *reached)
{
	struct parameters p = { .n = 0 };
	enum migrate_status status;
	PGresult *res;

	parameter_text(&p, lsn);
	res = one_field(self, &self->scan,
			"SELECT NOT pg_catalog.pg_is_in_recovery() OR "
			"pg_catalog.pg_last_wal_replay_lsn() >= $1::text::pg_catalog.pg_lsn",
			&p, SHAPE("B", 1, 1), &status);
	*reached = res && field_true(res, 0, 0);
	PQclear(res);
	return status;
}

/* A scan must not miss rows that were there when it began: the replica catches up first. */
static enum migrate_status catch_up(struct self *self)
{
	enum migrate_status status;
	bool reached = false;
	char lsn[64] = "";

	status = position(self, lsn, sizeof(lsn));
	for (int64_t waited = 0; !status && *lsn && !reached; waited += REPLICA_TICK) {
		status = has_reached(self, lsn, &reached);
		if (status || reached)
			break;
		if (waited >= REPLICA_LIMIT)
			return migrate_fail(self->session, MIGRATE_UNAVAILABLE,
					    "scan_connection: the replica has not reached the "
					    "state that the scan needs within %d s",
					    REPLICA_LIMIT / 1000);
		/* there is nothing to wait on but time */
		if (migrate_wait(self->session, -1, 0, REPLICA_TICK) < 0)
			return MIGRATE_CANCELLED;
		migrate_progress(self->session);
	}
	return status;
}

static const char what[] = "cannot read the rows";

static enum migrate_status emit_rows(struct self *self, const PGresult *res, struct migrate_scan *r)
{
	int rows = PQntuples(res);
	int64_t there = rows;
	size_t last = 0;

	if (self->instance->texts && rows)
		there = (int64_t)field_count(res, 0, PQnfields(res) - 1);
	if (there < rows)
		return wrong_answer(self, scan_link(self), what, "there are fewer rows than came");
	r->done = there == rows && rows <= (int64_t)r->limit;
	for (int i = 0; i < rows && i < (int64_t)r->limit; i++) {
		struct migrate_row row = { .settled = true };
		enum migrate_status status = row_fill(self, scan_link(self), res, i, &row);

		if (status)
			return status;
		r->too_long += !row.value.p;
		if (row.value.p && !migrate_emit_scanned(r, &row))
			return MIGRATE_CANCELLED;
		last = cursor_make(self, row.identity.n, row_place(self->instance, res, i));
	}
	if (last && !cursor_moves(self, r->cursor, last))
		return wrong_answer(self, scan_link(self), what, "the same rows came back again");
	if (last && !migrate_set_scan_cursor(r, self->identity, last))
		return MIGRATE_CANCELLED;
	return MIGRATE_OK;
}

/*
 * A page by the key's index, in a transaction of its own as the settings are only
 * for it: sorting the whole table for each page would cost far more than it seems.
 */
static PGresult *read_page(struct self *self, const struct migrate_scan *r,
			   enum migrate_status *status)
{
	const struct instance *inst = self->instance;
	const struct shape shape = { .columns = inst->scan_columns,
				     .most = r->limit + 1,
				     .values = true };
	struct link *link = scan_link(self);
	struct parameters p = { .n = 0 };
	unsigned char limit[8], bytes[8];
	PGresult *res = NULL;

	put64(limit, (uint64_t)r->limit + 1); /* one more tells whether there are more */
	parameter(&p, limit, sizeof(limit));
	*status = r->cursor.n ? cursor_bind(self, r->cursor, &p) : MIGRATE_OK;
	put64(bytes, r->bytes ? r->bytes : INT64_MAX);
	if (inst->texts)
		parameter(&p, bytes, sizeof(bytes));
	if (!*status)
		*status = begin(self, link,
				"BEGIN READ ONLY; SET LOCAL enable_seqscan = off; SET LOCAL "
				"enable_sort = off; SET LOCAL enable_bitmapscan = off");
	if (!*status)
		res = query(self, link, inst->sql[r->cursor.n ? S_SCAN_NEXT : S_SCAN_FIRST], &p,
			    &shape, SLOW, what, status);
	*status = reading_end(self, link, *status, what);
	return res;
}

enum migrate_status postgres_scan(void *handle, struct migrate_scan *r)
{
	struct self *self = handle;
	enum migrate_status status = MIGRATE_OK;
	PGresult *res = NULL;

	self->session = r->session;
	if (self->instance->scan_conninfo && !r->cursor.n)
		status = catch_up(self);
	if (!status)
		res = read_page(self, r, &status);
	if (!status)
		status = emit_rows(self, res, r);
	PQclear(res);
	return status;
}
