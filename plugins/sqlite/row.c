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

bool row_ready(const struct instance *instance, sqlite3_stmt *stmt)
{
	int column = value_column(instance) + 2 + (int)instance->set_count;

	return !instance->set_count || sqlite3_column_int(stmt, column);
}

bool row_meant(const struct instance *instance, sqlite3_stmt *stmt)
{
	int sets = instance->set_count ? (int)instance->set_count + 2 : 0;

	return !instance->where || sqlite3_column_int(stmt, value_column(instance) + 1 + sets);
}

enum migrate_status row_extra(struct self *self, sqlite3_stmt *stmt, struct migrate_bytes *extra)
{
	const struct instance *inst = self->instance;
	size_t n = 0;

	for (size_t i = 0; i < inst->set_count; i++)
		if (!value_encode(stmt, value_column(inst) + 1 + (int)i, self->extra, EXTRA_MAX,
				  &n))
			return extra_too_large(self->session);
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
	return status ? status : row_extra(self, stmt, &row->extra);
}

static enum migrate_status bad_extra(struct self *self)
{
	return migrate_fail(self->session, MIGRATE_INVALID,
			    "set: what was kept of these columns is not theirs");
}

/* The values of extra; first: P_SET or P_FOUND, which each have a scratch of their own. */
static enum migrate_status bind_extra(struct self *self, sqlite3_stmt *stmt, int first,
				      struct migrate_bytes extra)
{
	unsigned char *scratch = first == P_SET ? self->undo : self->found;
	size_t used = 0;

	for (size_t i = 0; i < self->instance->set_count; i++) {
		struct value value;

		if (!value_decode(&extra, scratch, &used, EXTRA_MAX, &value) ||
		    value_bind(stmt, first + (int)i, &value) != SQLITE_OK)
			return bad_extra(self);
	}
	return extra.n ? bad_extra(self) : MIGRATE_OK;
}

static enum migrate_status bind_job(struct self *self, sqlite3_stmt *stmt, int first)
{
	const struct instance *inst = self->instance;

	for (size_t i = 0; i < inst->set_count; i++) {
		const char *value = inst->set[i].value;
		int rc = value ? sqlite3_bind_text(stmt, first + (int)i, value, -1, SQLITE_STATIC)
			       : sqlite3_bind_null(stmt, first + (int)i);

		if (rc)
			return fail_sql(self, rc, "set");
	}
	return MIGRATE_OK;
}

enum migrate_status set_bind(struct self *self, sqlite3_stmt *stmt, struct migrate_bytes extra)
{
	if (!self->instance->set_count)
		return MIGRATE_OK;
	return extra.n ? bind_extra(self, stmt, P_SET, extra) : bind_job(self, stmt, P_SET);
}

/* An undo expects what the job says in place of what was found. */
enum migrate_status found_bind(struct self *self, sqlite3_stmt *stmt,
			       const struct migrate_change *c)
{
	const struct instance *inst = self->instance;
	bool undo = c->extra.n != 0;
	int rc = inst->where ? sqlite3_bind_int(stmt, P_UNDO, undo) : SQLITE_OK;

	if (!rc && inst->set_count)
		rc = sqlite3_bind_int(stmt, P_ANY, !undo && !c->found.n);
	if (rc)
		return fail_sql(self, rc, "cannot bind a row");
	if (!inst->set_count)
		return MIGRATE_OK;
	return c->found.n ? bind_extra(self, stmt, P_FOUND, c->found)
			  : bind_job(self, stmt, P_FOUND);
}
