/* SPDX-License-Identifier: MIT */
#include "sqlite-impl.h"

static const struct migrate_bytes nothing = { .p = NULL, .n = 0 };

/*
 * One page; *seen: rows looked at, the last of which self->identity names. A page that
 * holds bytes enough ends as if it had been cut by its limit.
 */
static enum migrate_status read_page(struct self *self, sqlite3_stmt *stmt, struct migrate_scan *r,
				     uint32_t *seen, size_t *last)
{
	enum migrate_status status;
	uint64_t bytes = 0;
	int rc = SQLITE_DONE;

	while ((!r->bytes || bytes < r->bytes) && (rc = sqlite3_step(stmt)) == SQLITE_ROW) {
		struct migrate_row row = { .settled = true };
		struct migrate_bytes value;
		bool blob;

		++*seen;
		if (!row_value(self->instance, stmt, &value, &blob)) {
			/* too long: not ours, but the next page begins behind it */
			r->too_long++;
			status = identity_encode(self, stmt, &row.identity);
			if (status)
				return status;
			*last = row.identity.n;
			continue;
		}
		status = row_fill(self, stmt, &row);
		if (status)
			return status;
		*last = row.identity.n;
		if (!migrate_emit_scanned(r, &row))
			return MIGRATE_CANCELLED;
		bytes += row.value.n;
	}
	if (rc == SQLITE_ROW) {
		*seen = r->limit;
		rc = SQLITE_DONE;
	}
	return rc == SQLITE_DONE ? MIGRATE_OK : fail_sql(self, rc, "cannot read the rows");
}

enum migrate_status sqlite_scan(void *handle, struct migrate_scan *r)
{
	struct self *self = handle;
	enum migrate_status status = MIGRATE_OK;
	sqlite3_stmt *stmt;
	uint32_t seen = 0;
	size_t last = 0;

	self->session = r->session;
	status = connect_same_file(self);
	if (status)
		return status;
	stmt = statement(self, r->cursor.n ? S_SCAN_NEXT : S_SCAN_FIRST, &status);
	if (!stmt)
		return status;
	sqlite3_bind_int64(stmt, P_LIMIT, r->limit);
	status = set_bind(self, stmt, nothing);
	if (!status && r->cursor.n)
		status = identity_bind(self, stmt, r->cursor);
	if (!status)
		status = read_page(self, stmt, r, &seen, &last);
	statement_done(stmt);
	r->done = !status && seen < r->limit;
	if (!status && last && !migrate_set_scan_cursor(r, self->identity, last))
		status = MIGRATE_CANCELLED;
	return status;
}
