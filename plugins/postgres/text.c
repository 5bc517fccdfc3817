/* SPDX-License-Identifier: MIT */
#include "postgres-impl.h"

#include "../common/condition.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

/*
 * The text of all statements, made once by open(). Only names out of the catalog
 * (quoted), the steps of json_path (quoted) and the operator's own `where` stand
 * in it; values are bound. Names of ours begin with migrate_, so that no column
 * of the table is meant by them.
 */

static void add_column(struct sql *s, const struct instance *inst)
{
	sql_add(s, "%s.", inst->alias);
	sql_name(s, inst->column->name);
}

void text_value(struct sql *s, const struct instance *inst)
{
	switch (inst->kind) {
	case KIND_TEXT:
		add_column(s, inst);
		if (inst->column->plain != OID_TEXT || inst->column->is_domain)
			sql_add(s, "::pg_catalog.text");
		break;
	case KIND_BYTES:
		add_column(s, inst);
		if (inst->column->is_domain)
			sql_add(s, "::pg_catalog.bytea");
		break;
	case KIND_JSON:
		sql_add(s, "CASE pg_catalog.jsonb_typeof(");
		add_column(s, inst);
		sql_add(s, " #> %s) WHEN 'string' THEN ", inst->json_array);
		add_column(s, inst);
		sql_add(s, " #>> %s END", inst->json_array);
		break;
	case KIND_LIST:
		sql_add(s, "migrate_e.migrate_v");
		break;
	}
}

/* The table, and for lists its elements; their places count from 1. */
void text_from(struct sql *s, const struct instance *inst)
{
	sql_add(s, "%s AS %s", inst->table_sql, inst->alias);
	if (inst->kind != KIND_LIST)
		return;
	sql_add(s, " CROSS JOIN LATERAL pg_catalog.unnest(");
	add_column(s, inst);
	sql_add(s, "::pg_catalog.text[]) WITH ORDINALITY AS migrate_e(migrate_v, migrate_i)");
}

/* The key, what is shown of it, the value, its place, the `set:` columns: as row.c reads it. */
void text_row(struct sql *s, const struct instance *inst)
{
	size_t shown = 0;

	for (size_t k = 0; k < inst->key_count; k++)
		sql_add(s, "%s%s AS migrate_k%zu", k ? ", " : "", inst->key[k].sql, k);
	for (size_t k = 0; k < inst->key_count; k++)
		if (inst->key[k].form == FORM_OTHER)
			sql_add(s, ", %s::pg_catalog.text AS migrate_h%zu", inst->key[k].sql,
				shown++);
	sql_add(s, ", ");
	text_value(s, inst);
	sql_add(s, " AS migrate_value");
	if (inst->kind == KIND_LIST)
		sql_add(s, ", migrate_e.migrate_i::pg_catalog.int4 AS migrate_place");
	for (size_t i = 0; i < inst->set_count; i++)
		sql_add(s, ", %s.%s::pg_catalog.text AS migrate_s%zu", inst->alias,
			inst->set[i].sql, i);
}

/* What can be told apart by its place: of lists, only the simple ones. */
static void add_simple(struct sql *s, const struct instance *inst)
{
	if (inst->kind != KIND_LIST)
		return;
	sql_add(s, " AND pg_catalog.array_ndims(");
	add_column(s, inst);
	sql_add(s, ") = 1 AND pg_catalog.array_lower(");
	add_column(s, inst);
	sql_add(s, ", 1) = 1");
}

/* What matters: neither NULL nor too long. */
void text_usable(struct sql *s, const struct instance *inst)
{
	sql_add(s, "pg_catalog.octet_length(");
	text_value(s, inst);
	sql_add(s, ") <= %" PRIu64, inst->value_max);
	add_simple(s, inst);
}

void text_where(struct sql *s, const struct instance *inst)
{
	if (inst->where)
		sql_add(s, " AND %s", inst->where);
}

static void add_keys(struct sql *s, const struct instance *inst)
{
	for (size_t k = 0; k < inst->key_count; k++)
		sql_add(s, "%s%s", k ? ", " : "", inst->key[k].sql);
}

/* Rows behind a cursor whose parts are the parameters from $2 on. */
static void add_behind(struct sql *s, const struct instance *inst)
{
	struct sql cursor = { .n = 0 };
	char *text;

	for (size_t k = 0; k < inst->key_count; k++)
		sql_add(&cursor, "%s$%zu::%s", k ? ", " : "", k + 2, inst->key[k].column->type);
	text = sql_finish(&cursor);
	sql_add(s, " AND (");
	add_keys(s, inst);
	/* a list may go on within a row; the first test alone is for the index */
	sql_add(s, ") %s (%s)", inst->kind == KIND_LIST ? ">=" : ">", text ? text : "");
	if (inst->kind == KIND_LIST) {
		sql_add(s, " AND ((");
		add_keys(s, inst);
		sql_add(s, ") > (%s) OR migrate_e.migrate_i > $%zu::pg_catalog.int4)",
			text ? text : "", inst->key_count + 2);
	}
	s->failed |= !text;
	free(text);
}

static void add_row_names(struct sql *s, const struct instance *inst)
{
	for (size_t k = 0; k < inst->key_count; k++)
		sql_add(s, "%smigrate_k%zu", k ? ", " : "", k);
	for (size_t k = 0; k < inst->shown_count; k++)
		sql_add(s, ", migrate_h%zu", k);
	sql_add(s, ", CASE WHEN migrate_bytes <= %" PRIu64 " THEN migrate_value END",
		inst->value_max);
	if (inst->kind == KIND_LIST)
		sql_add(s, ", migrate_place");
	for (size_t i = 0; i < inst->set_count; i++)
		sql_add(s, ", migrate_s%zu", i);
}

static void add_key_names(struct sql *s, const struct instance *inst)
{
	sql_add(s, " ORDER BY ");
	for (size_t k = 0; k < inst->key_count; k++)
		sql_add(s, "%smigrate_k%zu", k ? ", " : "", k);
	if (inst->kind == KIND_LIST)
		sql_add(s, ", migrate_place");
}

/*
 * Texts: a page ends once its values have so many bytes (the last parameter), before
 * they are sent; how many there are (migrate_rows) tells whether it was cut. The
 * length of a value is known without fetching it. What is too long comes as NULL.
 */
static char *scan_texts(const struct instance *inst, bool next)
{
	size_t last = 2 + (next ? inst->key_count + (inst->kind == KIND_LIST) : 0);
	struct sql s = { .n = 0 };

	sql_add(&s, "SELECT ");
	add_row_names(&s, inst);
	sql_add(&s, ", migrate_rows FROM (SELECT *, pg_catalog.count(*) OVER () AS migrate_rows, "
		    "pg_catalog.sum(migrate_bytes) OVER (");
	add_key_names(&s, inst);
	sql_add(&s, " ROWS UNBOUNDED PRECEDING) AS migrate_sum FROM (SELECT ");
	text_row(&s, inst);
	sql_add(&s, ", pg_catalog.octet_length(");
	text_value(&s, inst);
	sql_add(&s, ") AS migrate_bytes FROM ");
	text_from(&s, inst);
	sql_add(&s, " WHERE ");
	text_value(&s, inst);
	sql_add(&s, " IS NOT NULL");
	add_simple(&s, inst);
	if (next)
		add_behind(&s, inst);
	text_where(&s, inst);
	sql_add(&s, " ORDER BY ");
	add_keys(&s, inst);
	sql_add(&s,
		"%s LIMIT $1::pg_catalog.int8) AS migrate_p) AS migrate_q WHERE "
		"migrate_sum - migrate_bytes < $%zu::pg_catalog.int8",
		inst->kind == KIND_LIST ? ", migrate_e.migrate_i" : "", last);
	add_key_names(&s, inst);
	return sql_finish(&s);
}

static char *scan_text(const struct instance *inst, bool next)
{
	struct sql s = { .n = 0 };

	if (inst->texts)
		return scan_texts(inst, next);
	sql_add(&s, "SELECT ");
	text_row(&s, inst);
	sql_add(&s, " FROM ");
	text_from(&s, inst);
	sql_add(&s, " WHERE ");
	text_usable(&s, inst);
	if (next)
		add_behind(&s, inst);
	text_where(&s, inst);
	sql_add(&s, " ORDER BY ");
	add_keys(&s, inst);
	sql_add(&s, "%s LIMIT $1::pg_catalog.int8",
		inst->kind == KIND_LIST ? ", migrate_e.migrate_i" : "");
	return sql_finish(&s);
}

static char *count_text(const struct instance *inst)
{
	struct sql s = { .n = 0 };

	sql_add(&s, "SELECT pg_catalog.count(*) FROM ");
	text_from(&s, inst);
	sql_add(&s, " WHERE ");
	text_usable(&s, inst);
	text_where(&s, inst);
	return sql_finish(&s);
}

/*
 * Arrays as a table. Behind a sub-select the planner takes them for short, and
 * goes by the key's index for each, whatever it knows (or not) of the table.
 */
static void add_arrays(struct sql *s, const struct instance *inst, bool value, bool changes)
{
	const char *type = inst->kind == KIND_BYTES ? "bytea" : "text";
	size_t n = 1;

	sql_add(s, "ROWS FROM (");
	for (size_t k = 0; k < inst->key_count; k++, n++)
		sql_add(s, "%spg_catalog.unnest((SELECT $%zu::%s[]))", k ? ", " : "", n,
			inst->key[k].column->type);
	for (int i = 0; i < value + changes; i++)
		sql_add(s, ", pg_catalog.unnest((SELECT $%zu::pg_catalog.%s[]))", n++, type);
	for (size_t i = 0; changes && i < inst->set_count; i++)
		sql_add(s, ", pg_catalog.unnest((SELECT $%zu::pg_catalog.text[]))", n++);
	sql_add(s, ") WITH ORDINALITY AS migrate_c(");
	for (size_t k = 0; k < inst->key_count; k++)
		sql_add(s, "migrate_k%zu, ", k);
	if (value)
		sql_add(s, "migrate_v, ");
	if (changes)
		sql_add(s, "migrate_b, ");
	for (size_t i = 0; changes && i < inst->set_count; i++)
		sql_add(s, "migrate_s%zu, ", i);
	sql_add(s, "migrate_n)");
}

static void add_same_key(struct sql *s, const struct instance *inst)
{
	for (size_t k = 0; k < inst->key_count; k++)
		sql_add(s, "%s%s = migrate_c.migrate_k%zu", k ? " AND " : "", inst->key[k].sql, k);
}

/* The value as it is compared after locking: a list as a whole, nothing that is too long. */
static void add_held(struct sql *s, const struct instance *inst)
{
	if (inst->kind == KIND_LIST) {
		sql_add(s, "CASE WHEN pg_catalog.array_ndims(");
		add_column(s, inst);
		sql_add(s, ") = 1 AND pg_catalog.array_lower(");
		add_column(s, inst);
		sql_add(s, ", 1) = 1 THEN ");
		add_column(s, inst);
		sql_add(s, "::pg_catalog.text[] END");
		return;
	}
	sql_add(s, "CASE WHEN ");
	text_usable(s, inst);
	sql_add(s, " THEN ");
	text_value(s, inst);
	sql_add(s, " END");
}

/*
 * Rows are locked one after the other in the order of their keys, by key alone:
 * the lock is inside, so that nothing can be compared before it is held.
 */
static char *keyed_text(const struct instance *inst, enum statement how)
{
	struct sql s = { .n = 0 };

	sql_add(&s, "SELECT migrate_c.migrate_n, migrate_l.* FROM (SELECT * FROM ");
	add_arrays(&s, inst, false, false);
	sql_add(&s, " ORDER BY ");
	for (size_t k = 0; k < inst->key_count; k++)
		sql_add(&s, "%smigrate_k%zu", k ? ", " : "", k);
	sql_add(&s, ") AS migrate_c CROSS JOIN LATERAL (SELECT ");
	if (inst->kind == KIND_JSON) {
		add_column(&s, inst);
		sql_add(&s, " #> %s IS NOT NULL AS migrate_there, ", inst->json_array);
	} else {
		sql_add(&s, "true AS migrate_there, ");
	}
	add_held(&s, inst);
	sql_add(&s, " AS migrate_value");
	for (size_t i = 0; i < inst->set_count; i++)
		sql_add(&s, ", %s.%s::pg_catalog.text AS migrate_s%zu", inst->alias,
			inst->set[i].sql, i);
	if (inst->where)
		sql_add(&s, ", %s IS TRUE AS migrate_w", inst->where);
	sql_add(&s, " FROM %s AS %s WHERE ", inst->table_sql, inst->alias);
	add_same_key(&s, inst);
	/* rows that refer to ours come and go meanwhile, unless it is this that they refer to */
	if (how != S_READ)
		sql_add(&s, " FOR %sUPDATE OF %s%s", inst->in_key ? "" : "NO KEY ", inst->alias,
			how == S_LOCK_FREE ? " SKIP LOCKED" : "");
	sql_add(&s, ") AS migrate_l");
	return sql_finish(&s);
}

static void add_assignment(struct sql *s, const struct instance *inst)
{
	sql_name(s, inst->column->name);
	switch (inst->kind) {
	case KIND_TEXT:
	case KIND_BYTES:
		sql_add(s, " = migrate_c.migrate_v");
		break;
	case KIND_JSON:
		sql_add(s, " = pg_catalog.jsonb_set(");
		add_column(s, inst);
		sql_add(s, ", %s, pg_catalog.to_jsonb(migrate_c.migrate_v), false)",
			inst->json_array);
		break;
	case KIND_LIST:
		sql_add(s, " = migrate_c.migrate_v::pg_catalog.text[]");
		break;
	}
}

/* The row holds the value that it held, as bytes whatever the collation. */
static void add_same_value(struct sql *s, const struct instance *inst)
{
	sql_add(s, " AND (");
	if (inst->kind == KIND_LIST) {
		add_column(s, inst);
		sql_add(s, "::pg_catalog.text[]");
	} else {
		text_value(s, inst);
	}
	sql_add(s, ")%s = migrate_c.migrate_b%s",
		inst->kind == KIND_BYTES ? "" : " COLLATE pg_catalog.\"C\"",
		inst->kind == KIND_LIST ? "::pg_catalog.text[]" : "");
}

/* Rows that are locked already. What they hold afterwards comes back. */
static char *update_text(const struct instance *inst, bool value)
{
	struct sql s = { .n = 0 };
	const char *comma = value ? ", " : "";

	sql_add(&s, "UPDATE %s AS %s SET ", inst->table_sql, inst->alias);
	if (value)
		add_assignment(&s, inst);
	for (size_t i = 0; i < inst->set_count; i++, comma = ", ")
		sql_add(&s, "%s%s = CAST(migrate_c.migrate_s%zu AS %s)", comma, inst->set[i].sql, i,
			inst->set[i].column->type);
	sql_add(&s, " FROM ");
	add_arrays(&s, inst, value, true);
	sql_add(&s, " WHERE ");
	add_same_key(&s, inst);
	add_same_value(&s, inst);
	sql_add(&s, " RETURNING migrate_c.migrate_n, ");
	add_held(&s, inst);
	return sql_finish(&s);
}

/* The operator's own text: one expression, without parameters. */
static enum migrate_status check_where(struct self *self, const char *where)
{
	struct instance *inst = self->instance;
	enum migrate_status status = MIGRATE_OK;
	struct sql s = { .n = 0 }, full = { .n = 0 };
	char *text;

	if (!where || !*where)
		return MIGRATE_OK;
	sql_add(&s, "(%s\n)", where); /* a comment ends with its line */
	inst->where = sql_finish(&s);
	sql_add(&full, "SELECT 1 FROM %s AS %s WHERE %s LIMIT 0", inst->table_sql, inst->alias,
		inst->where ? inst->where : "");
	text = sql_finish(&full);
	if (!inst->where || !text)
		status = out_of_memory(self);
	else
		PQclear(query(self, &self->main, text, NULL, SHAPE("i", 0, 0), QUICK, "where",
			      &status));
	free(text);
	inst->where_asks = condition_asks(where);
	return status;
}

enum migrate_status text_build(struct self *self, const char *where)
{
	struct instance *inst = self->instance;
	enum migrate_status status = check_where(self, where);

	if (status)
		return status;
	row_shapes(inst);
	inst->sql[S_COUNT] = count_text(inst);
	inst->sql[S_SCAN_FIRST] = scan_text(inst, false);
	inst->sql[S_SCAN_NEXT] = scan_text(inst, true);
	for (enum statement i = S_LOCK; i <= S_READ; i++)
		inst->sql[i] = keyed_text(inst, i);
	inst->sql[S_UPDATE] = update_text(inst, true);
	inst->sql[S_UPDATE_SET] = inst->set_count ? update_text(inst, false) : strdup("");
	for (enum statement i = S_COUNT; i < S_INSERT; i++)
		if (!inst->sql[i] && i != S_FIND_FIRST && i != S_FIND_NEXT)
			return out_of_memory(self);
	status = way_choose(self);
	return status ? status : fill_build(self);
}
