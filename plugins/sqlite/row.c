/* SPDX-License-Identifier: MIT */
#include "sqlite-impl.h"

bool row_value(const struct instance *instance, sqlite3_stmt *stmt, struct migrate_bytes *value,
	       bool *blob)
{
	int column = value_column(instance);
	int type = sqlite3_column_type(stmt, column);

	if (type != SQLITE_TEXT && type != SQLITE_BLOB)
		return false;
	*blob = type == SQLITE_BLOB;
	/* text: SQLite turns UTF-16 into UTF-8 here */
	value->p = *blob ? sqlite3_column_blob(stmt, column)
			 : (const void *)sqlite3_column_text(stmt, column);
	value->n = (size_t)sqlite3_column_bytes(stmt, column);
	return value->n <= instance->value_max && (value->p || !value->n);
}

bool row_settled(const struct instance *instance, sqlite3_stmt *stmt)
{
	int column = value_column(instance) + 1 + (int)instance->set_count;

	return !instance->set_count || sqlite3_column_int(stmt, column);
}

static enum migrate_status encode_extra(struct self *self, sqlite3_stmt *stmt,
					struct migrate_bytes *extra)
{
	const struct instance *inst = self->instance;
	size_t n = 0;

	for (size_t i = 0; i < inst->set_count; i++)
		if (!value_encode(stmt, value_column(inst) + 1 + (int)i, self->extra, EXTRA_MAX,
				  &n))
			return migrate_fail(
			    self->session, MIGRATE_INVALID,
			    "set: the columns of row %s hold more than %d bytes, so "
			    "the change could not be undone",
			    self->text, EXTRA_MAX);
	*extra = (struct migrate_bytes){ .p = self->extra, .n = n };
	return MIGRATE_OK;
}

/* What the place says: how the value is stored. The column is the instance's. */
enum migrate_status row_fill(struct self *self, sqlite3_stmt *stmt, struct migrate_row *row)
{
	enum migrate_status status;
	bool blob;

	if (!row_value(self->instance, stmt, &row->value, &blob))
		return migrate_fail(self->session, MIGRATE_INVALID, "a value that can be no key");
	row->place = (struct migrate_bytes){ .p = blob ? "b" : "t", .n = 1 };
	row->settled = row_settled(self->instance, stmt);
	status = identity_encode(self, stmt, &row->identity);
	row->text = self->text;
	return status ? status : encode_extra(self, stmt, &row->extra);
}

static enum migrate_status bad_extra(struct self *self)
{
	return migrate_fail(self->session, MIGRATE_INVALID,
			    "set: what was kept of these columns is not theirs");
}

static enum migrate_status bind_extra(struct self *self, sqlite3_stmt *stmt,
				      struct migrate_bytes extra)
{
	size_t used = 0;

	for (size_t i = 0; i < self->instance->set_count; i++) {
		struct value value;

		if (!value_decode(&extra, self->undo, &used, EXTRA_MAX, &value) ||
		    value_bind(stmt, P_SET + (int)i, &value) != SQLITE_OK)
			return bad_extra(self);
	}
	return extra.n ? bad_extra(self) : MIGRATE_OK;
}

enum migrate_status set_bind(struct self *self, sqlite3_stmt *stmt, struct migrate_bytes extra)
{
	const struct instance *inst = self->instance;

	if (!inst->set_count)
		return MIGRATE_OK;
	if (extra.n)
		return bind_extra(self, stmt, extra);
	for (size_t i = 0; i < inst->set_count; i++) {
		int rc = inst->set[i].value
			     ? sqlite3_bind_text(stmt, P_SET + (int)i, inst->set[i].value, -1,
						 SQLITE_STATIC)
			     : sqlite3_bind_null(stmt, P_SET + (int)i);

		if (rc)
			return fail_sql(self, rc, "set");
	}
	return MIGRATE_OK;
}
