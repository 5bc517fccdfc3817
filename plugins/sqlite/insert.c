/* SPDX-License-Identifier: MIT */
#include "sqlite-impl.h"

#include <string.h>

/* Rows for trials: our column holds the value, other columns what they must. */

/* Is the column in a unique index or in the primary key? */
static bool must_be_unique(struct self *self, const struct column *column,
			   enum migrate_status *status)
{
	sqlite3_stmt *stmt;
	bool yes;

	if (column->pk)
		return true;
	stmt = statement_text(self,
			      "SELECT 1 FROM pragma_index_list(?1) l, pragma_index_info(l.name) x "
			      "WHERE l.\"unique\" AND x.name = ?2 COLLATE NOCASE",
			      status);
	if (!stmt)
		return false;
	sqlite3_bind_text(stmt, 1, self->instance->table, -1, SQLITE_STATIC);
	sqlite3_bind_text(stmt, 2, column->name, -1, SQLITE_STATIC);
	yes = sqlite3_step(stmt) == SQLITE_ROW;
	sqlite3_finalize(stmt);
	return yes;
}

static bool is_needed(const struct instance *inst, const struct column *column)
{
	bool is_rowid = inst->integer_key && same_name(column->name, inst->key[0].name);

	return !column->generated && !column->has_default && !is_rowid &&
	       !same_name(column->name, inst->column) && (column->not_null || column->pk);
}

static bool is_time(const struct column *column)
{
	return !sqlite3_strnicmp(column->type, "date", 4) ||
	       !sqlite3_strnicmp(column->type, "time", 4);
}

static char *filling(struct self *self, const struct column *column, enum migrate_status *status)
{
	bool unique = must_be_unique(self, column, status);

	if (*status)
		return NULL;
	if (column->affinity != AFFINITY_NUMERIC)
		return sqlite3_mprintf("%s", unique ? "lower(hex(randomblob(16)))" : "'seed'");
	if (column->pk == 1)
		return sqlite3_mprintf("(SELECT coalesce(max(\"%w\"), 0) + 1 FROM %s)",
				       column->name, self->instance->table_sql);
	if (unique)
		return sqlite3_mprintf("random() & 0x7fffffffffff");
	return sqlite3_mprintf("%s", is_time(column) ? "CURRENT_TIMESTAMP" : "0");
}

enum migrate_status text_insert(struct self *self)
{
	struct instance *inst = self->instance;
	sqlite3_str *names = sqlite3_str_new(NULL), *values = sqlite3_str_new(NULL);
	enum migrate_status status = MIGRATE_OK;
	char *list, *fill;

	sqlite3_str_appendf(names, "INSERT OR ABORT INTO %s (%s", inst->table_sql,
			    inst->column_sql);
	for (size_t i = 0; !status && i < inst->column_count; i++) {
		if (!is_needed(inst, &inst->columns[i]))
			continue;
		fill = filling(self, &inst->columns[i], &status);
		sqlite3_str_appendf(names, ", \"%w\"", inst->columns[i].name);
		sqlite3_str_appendf(values, ", %s", fill ? fill : "NULL");
		sqlite3_free(fill);
	}
	list = sqlite3_str_finish(values);
	sqlite3_str_appendf(names, ") VALUES (?%d%s)", P_VALUE, list ? list : "");
	sqlite3_free(list);
	inst->sql[S_INSERT] = sqlite3_str_finish(names);
	return status;
}

static enum migrate_status insert_row(struct self *self, sqlite3_stmt *stmt,
				      struct migrate_bytes value)
{
	int rc = bind_bytes(stmt, P_VALUE, value, self->instance->blob);

	if (!rc)
		rc = sqlite3_step(stmt);
	if (rc == SQLITE_DONE) {
		sqlite3_reset(stmt);
		return MIGRATE_OK;
	}
	return fail_sql(self, rc, "cannot add a row; add rows with the application instead");
}

enum migrate_status sqlite_insert(void *handle, struct migrate_insert *r)
{
	struct self *self = handle;
	enum migrate_status status;
	sqlite3_stmt *stmt;

	self->session = r->session;
	status = transaction_begin(self);
	if (status)
		return status;
	stmt = statement(self, S_INSERT, &status);
	for (size_t i = 0; stmt && !status && i < r->count; i++)
		status = insert_row(self, stmt, r->values[i]);
	if (stmt)
		statement_done(stmt);
	return status ? transaction_rollback(self, status) : transaction_commit(self);
}
