/* SPDX-License-Identifier: MIT */
#include "sqlite-impl.h"

#include <stdlib.h>
#include <string.h>

/*
 * The text of all statements, made once by open(). Only names out of the schema
 * (quoted) and the operator's own `where` stand in it; values are bound.
 */

#define COLLATIONS_MAX 8

/* How find() looks for values: which collation, and whether the planner may see `where`. */
struct way {
	const char *collation; /* NULL: the column's own */
	bool hide;
};

static char *finish(sqlite3_str *text)
{
	return sqlite3_str_finish(text);
}

/* May the row be changed, as far as its `set:` columns and `where` say? */
static void add_look(sqlite3_str *text, const struct instance *inst)
{
	if (inst->set_count)
		sqlite3_str_appendf(text, ", ?%d OR (1", P_ANY);
	for (size_t i = 0; i < inst->set_count; i++)
		sqlite3_str_appendf(
		    text, " AND (%s IS ?%d COLLATE BINARY OR %s IS ?%d COLLATE BINARY)",
		    inst->set[i].sql, P_FOUND + (int)i, inst->set[i].sql, P_SET + (int)i);
	if (inst->set_count)
		sqlite3_str_appendall(text, ")");
	if (inst->where)
		sqlite3_str_appendf(text, ", ?%d OR CASE WHEN %s THEN 1 ELSE 0 END", P_UNDO,
				    inst->where);
}

/* A row as row.c reads it: the key, the value, the `set:` columns, whether they are settled. */
static void add_row(sqlite3_str *text, const struct instance *inst, bool look)
{
	sqlite3_str_appendall(text, "SELECT ");
	for (size_t k = 0; k < inst->key_count; k++)
		sqlite3_str_appendf(text, "%s, ", inst->key[k].sql);
	sqlite3_str_appendall(text, inst->column_sql);
	for (size_t i = 0; i < inst->set_count; i++)
		sqlite3_str_appendf(text, ", %s", inst->set[i].sql);
	for (size_t i = 0; i < inst->set_count; i++)
		sqlite3_str_appendf(text, "%s%s IS ?%d COLLATE BINARY", i ? " AND " : ", ",
				    inst->set[i].sql, P_SET + (int)i);
	if (look)
		add_look(text, inst);
	sqlite3_str_appendf(text, " FROM %s", inst->table_sql);
}

static void add_key(sqlite3_str *text, const struct instance *inst)
{
	for (size_t k = 0; k < inst->key_count; k++)
		sqlite3_str_appendf(text, "%s%s = ?%d", k ? " AND " : "", inst->key[k].sql,
				    P_KEY + (int)k);
}

static void add_behind(sqlite3_str *text, const struct instance *inst)
{
	sqlite3_str_appendall(text, " AND (");
	for (size_t k = 0; k < inst->key_count; k++)
		sqlite3_str_appendf(text, "%s%s", k ? ", " : "", inst->key[k].sql);
	sqlite3_str_appendall(text, ") > (");
	for (size_t k = 0; k < inst->key_count; k++)
		sqlite3_str_appendf(text, "%s?%d", k ? ", " : "", P_KEY + (int)k);
	sqlite3_str_appendall(text, ")");
}

/* Inside CASE the planner cannot use `where` to walk another index than the one we want. */
static void add_where(sqlite3_str *text, const struct instance *inst, bool hide)
{
	if (!inst->where)
		return;
	sqlite3_str_appendf(text, hide ? " AND CASE WHEN %s THEN 1 END" : " AND %s", inst->where);
}

static void add_order(sqlite3_str *text, const struct instance *inst)
{
	sqlite3_str_appendall(text, " ORDER BY ");
	for (size_t k = 0; k < inst->key_count; k++)
		sqlite3_str_appendf(text, "%s%s", k ? ", " : "", inst->key[k].sql);
	sqlite3_str_appendf(text, " LIMIT ?%d", P_LIMIT);
}

static char *scan_text(const struct instance *inst, bool next)
{
	sqlite3_str *text = sqlite3_str_new(NULL);

	add_row(text, inst, false);
	sqlite3_str_appendf(text, " WHERE typeof(%s) IN ('text', 'blob')", inst->column_sql);
	if (next)
		add_behind(text, inst);
	add_where(text, inst, true);
	add_order(text, inst);
	return finish(text);
}

static char *count_text(const struct instance *inst)
{
	sqlite3_str *text = sqlite3_str_new(NULL);

	sqlite3_str_appendf(text, "SELECT count(*) FROM %s WHERE typeof(%s) IN ('text', 'blob')",
			    inst->table_sql, inst->column_sql);
	add_where(text, inst, false);
	return finish(text);
}

static char *row_text(const struct instance *inst)
{
	sqlite3_str *text = sqlite3_str_new(NULL);

	add_row(text, inst, true);
	sqlite3_str_appendall(text, " WHERE ");
	add_key(text, inst);
	return finish(text);
}

/*
 * OR ABORT: a column declared UNIQUE ON CONFLICT REPLACE must not delete another
 * row. +column has no affinity, so that TEXT is TEXT, and is compared as bytes.
 */
static char *update_text(const struct instance *inst, bool value)
{
	sqlite3_str *text = sqlite3_str_new(NULL);
	const char *comma = "";

	sqlite3_str_appendf(text, "UPDATE OR ABORT %s SET ", inst->table_sql);
	if (value) {
		sqlite3_str_appendf(text, "%s = ?%d", inst->column_sql, P_VALUE);
		comma = ", ";
	}
	for (size_t i = 0; i < inst->set_count; i++, comma = ", ")
		sqlite3_str_appendf(text, "%s%s = ?%d", comma, inst->set[i].sql, P_SET + (int)i);
	sqlite3_str_appendall(text, " WHERE ");
	add_key(text, inst);
	sqlite3_str_appendf(text, " AND +%s = ?%d COLLATE BINARY", inst->column_sql, P_BEFORE);
	if (inst->set_count)
		sqlite3_str_appendf(text, " AND (?%d OR (1", P_ANY);
	for (size_t i = 0; i < inst->set_count; i++)
		sqlite3_str_appendf(text, " AND %s IS ?%d COLLATE BINARY", inst->set[i].sql,
				    P_FOUND + (int)i);
	if (inst->set_count)
		sqlite3_str_appendall(text, "))");
	if (inst->where)
		sqlite3_str_appendf(text, " AND (?%d OR CASE WHEN %s THEN 1 END)", P_UNDO,
				    inst->where);
	return finish(text);
}

static void add_column(sqlite3_str *text, const struct instance *inst, const struct way *way)
{
	sqlite3_str_appendall(text, inst->column_sql);
	if (way->collation)
		sqlite3_str_appendf(text, " COLLATE \"%w\"", way->collation);
}

/* Equal under any collation is more than equal as bytes, never less: row_value() decides. */
static char *probe_text(const struct instance *inst, const struct way *way)
{
	sqlite3_str *text = sqlite3_str_new(NULL);

	sqlite3_str_appendf(text, "SELECT %s, %s FROM %s WHERE ", inst->key[0].sql,
			    inst->column_sql, inst->table_sql);
	add_column(text, inst, way);
	sqlite3_str_appendf(text, " = ?%d AND %s BETWEEN ?%d AND ?%d", P_VALUE, inst->key[0].sql,
			    P_LOW, P_HIGH);
	add_where(text, inst, way->hide);
	add_order(text, inst);
	return finish(text);
}

static bool in_texts(struct instance *inst, const struct way *way)
{
	sqlite3_str *head = sqlite3_str_new(NULL), *first = sqlite3_str_new(NULL),
		    *next = sqlite3_str_new(NULL);

	add_row(head, inst, false);
	sqlite3_str_appendall(head, " WHERE ");
	add_column(head, inst, way);
	add_behind(next, inst);
	add_where(first, inst, way->hide);
	add_where(next, inst, way->hide);
	add_order(first, inst);
	add_order(next, inst);
	sqlite3_free(inst->in_head);
	sqlite3_free(inst->in_first);
	sqlite3_free(inst->in_next);
	inst->in_head = finish(head);
	inst->in_first = finish(first);
	inst->in_next = finish(next);
	return inst->in_head && inst->in_first && inst->in_next;
}

/* Does the plan of sql go through an index by our column? */
static bool goes_by_index(struct self *self, const char *sql)
{
	char *explain = sqlite3_mprintf("EXPLAIN QUERY PLAN %s", sql);
	char *equal = sqlite3_mprintf("%s=?", self->instance->column);
	sqlite3_stmt *stmt = NULL;
	bool yes = false;

	/* no message: a plan that cannot be had is no plan */
	if (explain && equal && !sqlite3_prepare_v2(self->db, explain, -1, &stmt, NULL))
		while (!yes && sqlite3_step(stmt) == SQLITE_ROW) {
			const char *detail = column_text(stmt, 3);

			yes = detail && !strncmp(detail, "SEARCH ", 7) && strstr(detail, equal);
		}
	sqlite3_finalize(stmt);
	sqlite3_free(explain);
	sqlite3_free(equal);
	return yes;
}

static bool try_way(struct self *self, const struct way *way)
{
	struct instance *inst = self->instance;
	char *sql;
	bool good;

	if (!inst->integer_key) {
		if (!in_texts(inst, way))
			return false;
		sql = sqlite3_mprintf("%s IN (?%d, ?%d)%s", inst->in_head, P_LIST, P_LIST + 1,
				      inst->in_first);
		good = sql && goes_by_index(self, sql);
		sqlite3_free(sql);
		return good;
	}
	sqlite3_free(inst->sql[S_PROBE]);
	inst->sql[S_PROBE] = probe_text(inst, way);
	return inst->sql[S_PROBE] && goes_by_index(self, inst->sql[S_PROBE]);
}

/* Collations of the indexes whose first column is ours. */
static enum migrate_status index_collations(struct self *self, char **names, size_t *n)
{
	struct instance *inst = self->instance;
	enum migrate_status status = MIGRATE_OK;
	sqlite3_stmt *stmt = statement_text(
	    self,
	    "SELECT x.coll, l.\"unique\" AND NOT l.partial AND (SELECT count(*) FROM "
	    "pragma_index_xinfo(l.name) WHERE key) = 1 FROM pragma_index_list(?1) l, "
	    "pragma_index_xinfo(l.name) x WHERE x.seqno = 0 AND x.key AND x.name = ?2 COLLATE "
	    "NOCASE",
	    &status);

	if (!stmt)
		return status;
	sqlite3_bind_text(stmt, 1, inst->table, -1, SQLITE_STATIC);
	sqlite3_bind_text(stmt, 2, inst->column, -1, SQLITE_STATIC);
	while (*n < COLLATIONS_MAX && sqlite3_step(stmt) == SQLITE_ROW) {
		inst->unique |= sqlite3_column_int(stmt, 1) != 0;
		names[*n] = sqlite3_mprintf("%s", column_text(stmt, 0));
		if (names[*n])
			++*n;
	}
	sqlite3_finalize(stmt);
	return MIGRATE_OK;
}

/* The first way that an index serves: as the column compares, else as an index does. */
static enum migrate_status choose_way(struct self *self)
{
	struct instance *inst = self->instance;
	char *names[COLLATIONS_MAX];
	size_t n = 0;
	enum migrate_status status = index_collations(self, names, &n);

	for (size_t i = 0; !status && !inst->indexed && i < 2 * (n + 1); i++) {
		struct way way = { .collation = i < 2 ? NULL : names[i / 2 - 1], .hide = i % 2 };

		inst->indexed = n && try_way(self, &way);
	}
	while (n)
		sqlite3_free(names[--n]);
	return status;
}

/* The operator's own text: one expression, without parameters. */
static enum migrate_status check_where(struct self *self, const char *where)
{
	struct instance *inst = self->instance;
	enum migrate_status status = MIGRATE_OK;
	sqlite3_stmt *stmt = NULL;
	char *sql;
	int rc;

	if (!where || !*where)
		return MIGRATE_OK;
	inst->where = sqlite3_mprintf("(%s\n)", where); /* a comment ends with its line */
	sql = sqlite3_mprintf("SELECT 1 FROM %s WHERE %s", inst->table_sql, inst->where);
	if (!inst->where || !sql)
		return migrate_fail(self->session, MIGRATE_TRANSIENT, "out of memory");
	rc = sqlite3_prepare_v2(self->db, sql, -1, &stmt, NULL);
	if (rc)
		status = migrate_fail(self->session, MIGRATE_INVALID, "where: %s",
				      sqlite3_errmsg(self->db));
	else if (sqlite3_bind_parameter_count(stmt))
		status = migrate_fail(self->session, MIGRATE_INVALID,
				      "where: parameters (?, :name) have no value here");
	sqlite3_finalize(stmt);
	sqlite3_free(sql);
	return status;
}

/* Triggers and collations of the application may need functions that only it has. */
static enum migrate_status check_update(struct self *self)
{
	sqlite3_stmt *stmt = NULL;
	int rc;

	if (!self->instance->writes)
		return MIGRATE_OK;
	rc = sqlite3_prepare_v2(self->db, self->instance->sql[S_UPDATE], -1, &stmt, NULL);
	sqlite3_finalize(stmt);
	if (!rc)
		return MIGRATE_OK;
	return migrate_fail(self->session, status_of(rc),
			    "table: rows of '%s' cannot be updated: %s", self->instance->table,
			    sqlite3_errmsg(self->db));
}

enum migrate_status text_build(struct self *self, const char *where)
{
	struct instance *inst = self->instance;
	enum migrate_status status = check_where(self, where);

	if (!status)
		status = choose_way(self);
	if (status)
		return status;
	inst->sql[S_BEGIN] = sqlite3_mprintf("BEGIN IMMEDIATE");
	inst->sql[S_READ] = sqlite3_mprintf("BEGIN");
	inst->sql[S_COMMIT] = sqlite3_mprintf("COMMIT");
	inst->sql[S_ROLLBACK] = sqlite3_mprintf("ROLLBACK");
	inst->sql[S_COUNT] = count_text(inst);
	inst->sql[S_SCAN_FIRST] = scan_text(inst, false);
	inst->sql[S_SCAN_NEXT] = scan_text(inst, true);
	inst->sql[S_ROW] = row_text(inst);
	inst->sql[S_UPDATE] = update_text(inst, true);
	if (inst->set_count)
		inst->sql[S_UPDATE_SET] = update_text(inst, false);
	if (!inst->sql[S_UPDATE])
		return migrate_fail(self->session, MIGRATE_TRANSIENT, "out of memory");
	status = check_update(self);
	if (!status)
		status = text_insert(self);
	return status;
}
