/* SPDX-License-Identifier: MIT */
#include "sqlite-impl.h"

/* What rows hold now, by their keys alone: one look at the file for all of them. */

static enum migrate_holding holding_of(struct self *self, sqlite3_stmt *stmt,
				       struct migrate_bytes *value)
{
	bool blob;

	if (sqlite3_column_type(stmt, value_column(self->instance)) == SQLITE_NULL)
		return MIGRATE_HOLDS_NULL;
	return row_value(self->instance, stmt, value, &blob) ? MIGRATE_HOLDS_VALUE
							     : MIGRATE_HOLDS_OTHER;
}

static enum migrate_status read_row(struct self *self, sqlite3_stmt *stmt, struct migrate_read *r,
				    size_t i)
{
	struct migrate_bytes value = { .p = NULL, .n = 0 };
	enum migrate_status status = identity_bind(self, stmt, r->rows[i].identity);
	int rc;

	if (status)
		return status;
	rc = sqlite3_step(stmt);
	if (rc == SQLITE_ROW) {
		enum migrate_holding holding = holding_of(self, stmt, &value);

		if (!migrate_emit_held(r, i, holding, value.p, value.n))
			status = MIGRATE_CANCELLED;
	} else if (rc != SQLITE_DONE) {
		status = fail_sql(self, rc, "cannot read a row");
	}
	sqlite3_reset(stmt);
	return status;
}

enum migrate_status sqlite_read(void *handle, struct migrate_read *r)
{
	static const struct migrate_bytes nothing = { .p = NULL, .n = 0 };
	struct self *self = handle;
	enum migrate_status status;
	sqlite3_stmt *stmt;

	self->session = r->session;
	status = connect_same_file(self);
	if (!status)
		status = transaction_read(self);
	if (status)
		return status;
	stmt = statement(self, S_ROW, &status);
	if (stmt)
		status = set_bind(self, stmt, nothing);
	for (size_t i = 0; !status && i < r->count; i++)
		status = read_row(self, stmt, r, i);
	if (stmt)
		statement_done(stmt);
	return transaction_rollback(self, status);
}
