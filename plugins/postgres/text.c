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

static void add_column(struct text *s, const struct instance *inst)
{
	text_printf(s, "%s.", inst->alias);
	sql_name(s, inst->column->name);
}

void text_value(struct text *s, const struct instance *inst)
{
	switch (inst->kind) {
	case KIND_TEXT:
		add_column(s, inst);
		if (inst->column->plain != OID_TEXT || inst->column->is_domain)
			text_printf(s, "::pg_catalog.text");
		break;
	case KIND_BYTES:
		add_column(s, inst);
		if (inst->column->is_domain)
			text_printf(s, "::pg_catalog.bytea");
		break;
	case KIND_JSON:
		text_printf(s, "CASE pg_catalog.jsonb_typeof(");
		add_column(s, inst);
		text_printf(s, " #> %s) WHEN 'string' THEN ", inst->json_array);
		add_column(s, inst);
		text_printf(s, " #>> %s END", inst->json_array);
		break;
	case KIND_LIST:
		text_printf(s, "migrate_e.migrate_v");
		break;
	}
}

/* The table, and for lists its elements; their places count from 1. */
void text_from(struct text *s, const struct instance *inst)
{
	text_printf(s, "%s AS %s", inst->table_sql, inst->alias);
	if (inst->kind != KIND_LIST)
		return;
	text_printf(s, " CROSS JOIN LATERAL pg_catalog.unnest(");
	add_column(s, inst);
	text_printf(s, "::pg_catalog.text[]) WITH ORDINALITY AS migrate_e(migrate_v, migrate_i)");
}

/* The key, what is shown of it, the value, its place, the `set:` columns: as row.c reads it. */
void text_row(struct text *s, const struct instance *inst)
{
	size_t shown = 0;

	for (size_t k = 0; k < inst->key_count; k++)
		text_printf(s, "%s%s AS migrate_k%zu", k ? ", " : "", inst->key[k].sql, k);
	for (size_t k = 0; k < inst->key_count; k++)
		if (inst->key[k].form == FORM_OTHER)
			text_printf(s, ", %s::pg_catalog.text AS migrate_h%zu", inst->key[k].sql,
				    shown++);
	text_printf(s, ", ");
	text_value(s, inst);
	text_printf(s, " AS migrate_value");
	if (inst->kind == KIND_LIST)
		text_printf(s, ", migrate_e.migrate_i::pg_catalog.int4 AS migrate_place");
	for (size_t i = 0; i < inst->set_count; i++)
		text_printf(s, ", %s.%s::pg_catalog.text AS migrate_s%zu", inst->alias,
			    inst->set[i].sql, i);
}

/* What can be told apart by its place: of lists, only the simple ones. */
static void add_simple(struct text *s, const struct instance *inst)
{
	if (inst->kind != KIND_LIST)
		return;
	text_printf(s, " AND pg_catalog.array_ndims(");
	add_column(s, inst);
	text_printf(s, ") = 1 AND pg_catalog.array_lower(");
	add_column(s, inst);
	text_printf(s, ", 1) = 1");
}

/* What matters: neither NULL nor too long. */
void text_usable(struct text *s, const struct instance *inst)
{
	text_printf(s, "pg_catalog.octet_length(");
	text_value(s, inst);
	text_printf(s, ") <= %" PRIu64, inst->value_max);
	add_simple(s, inst);
}

void text_where(struct text *s, const struct instance *inst)
{
	if (inst->where)
		text_printf(s, " AND %s", inst->where);
}

static void add_keys(struct text *s, const struct instance *inst)
{
	for (size_t k = 0; k < inst->key_count; k++)
		text_printf(s, "%s%s", k ? ", " : "", inst->key[k].sql);
}

/* Rows behind a cursor whose parts are the parameters from $2 on. */
static void add_behind(struct text *s, const struct instance *inst)
{
	struct text cursor = { .n = 0 };
	char *text;

	for (size_t k = 0; k < inst->key_count; k++)
		text_printf(&cursor, "%s$%zu::%s", k ? ", " : "", k + 2, inst->key[k].column->type);
	text = text_finish(&cursor);
	text_printf(s, " AND (");
	add_keys(s, inst);
	/* a list may go on within a row; the first test alone is for the index */
	text_printf(s, ") %s (%s)", inst->kind == KIND_LIST ? ">=" : ">", text ? text : "");
	if (inst->kind == KIND_LIST) {
		text_printf(s, " AND ((");
		add_keys(s, inst);
		text_printf(s, ") > (%s) OR migrate_e.migrate_i > $%zu::pg_catalog.int4)",
			    text ? text : "", inst->key_count + 2);
	}
	s->bad |= !text;
	free(text);
}

static void add_row_names(struct text *s, const struct instance *inst)
{
	for (size_t k = 0; k < inst->key_count; k++)
		text_printf(s, "%smigrate_k%zu", k ? ", " : "", k);
	for (size_t k = 0; k < inst->shown_count; k++)
		text_printf(s, ", migrate_h%zu", k);
	text_printf(s, ", CASE WHEN migrate_bytes <= %" PRIu64 " THEN migrate_value END",
		    inst->value_max);
	if (inst->kind == KIND_LIST)
		text_printf(s, ", migrate_place");
	for (size_t i = 0; i < inst->set_count; i++)
		text_printf(s, ", migrate_s%zu", i);
}

static void add_key_names(struct text *s, const struct instance *inst)
{
	text_printf(s, " ORDER BY ");
	for (size_t k = 0; k < inst->key_count; k++)
		text_printf(s, "%smigrate_k%zu", k ? ", " : "", k);
	if (inst->kind == KIND_LIST)
		text_printf(s, ", migrate_place");
}

/*
 * Texts: a page ends once its values have so many bytes (the last parameter), before
 * they are sent; how many there are (migrate_rows) tells whether it was cut. The
 * length of a value is known without fetching it. What is too long comes as NULL.
 */
static char *scan_texts(const struct instance *inst, bool next)
{
	size_t last = 2 + (next ? inst->key_count + (inst->kind == KIND_LIST) : 0);
	struct text s = { .n = 0 };

	text_printf(&s, "SELECT ");
	add_row_names(&s, inst);
	text_printf(&s,
		    ", migrate_rows FROM (SELECT *, pg_catalog.count(*) OVER () AS migrate_rows, "
		    "pg_catalog.sum(migrate_bytes) OVER (");
	add_key_names(&s, inst);
	text_printf(&s, " ROWS UNBOUNDED PRECEDING) AS migrate_sum FROM (SELECT ");
	text_row(&s, inst);
	text_printf(&s, ", pg_catalog.octet_length(");
	text_value(&s, inst);
	text_printf(&s, ") AS migrate_bytes FROM ");
	text_from(&s, inst);
	text_printf(&s, " WHERE ");
	text_value(&s, inst);
	text_printf(&s, " IS NOT NULL");
	add_simple(&s, inst);
	if (next)
		add_behind(&s, inst);
	text_where(&s, inst);
	text_printf(&s, " ORDER BY ");
	add_keys(&s, inst);
	text_printf(&s,
		    "%s LIMIT $1::pg_catalog.int8) AS migrate_p) AS migrate_q WHERE "
		    "migrate_sum - migrate_bytes < $%zu::pg_catalog.int8",
		    inst->kind == KIND_LIST ? ", migrate_e.migrate_i" : "", last);
	add_key_names(&s, inst);
	return text_finish(&s);
}

static char *scan_text(const struct instance *inst, bool next)
{
	struct text s = { .n = 0 };

	if (inst->texts)
		return scan_texts(inst, next);
	text_printf(&s, "SELECT ");
	text_row(&s, inst);
	text_printf(&s, " FROM ");
	text_from(&s, inst);
	text_printf(&s, " WHERE ");
	text_usable(&s, inst);
	if (next)
		add_behind(&s, inst);
	text_where(&s, inst);
	text_printf(&s, " ORDER BY ");
	add_keys(&s, inst);
	text_printf(&s, "%s LIMIT $1::pg_catalog.int8",
		    inst->kind == KIND_LIST ? ", migrate_e.migrate_i" : "");
	return text_finish(&s);
}

static char *count_text(const struct instance *inst)
{
	struct text s = { .n = 0 };

	text_printf(&s, "SELECT pg_catalog.count(*) FROM ");
	text_from(&s, inst);
	text_printf(&s, " WHERE ");
	text_usable(&s, inst);
	text_where(&s, inst);
	return text_finish(&s);
}

/*
 * Arrays as a table. Behind a sub-select the planner takes them for short, and
 * goes by the key's index for each, whatever it knows (or not) of the table.
 */
static void add_arrays(struct text *s, const struct instance *inst, bool value, bool changes)
{
	const char *type = inst->kind == KIND_BYTES ? "bytea" : "text";
	size_t n = 1;

	text_printf(s, "ROWS FROM (");
	for (size_t k = 0; k < inst->key_count; k++, n++)
		text_printf(s, "%spg_catalog.unnest((SELECT $%zu::%s[]))", k ? ", " : "", n,
			    inst->key[k].column->type);
	for (int i = 0; i < value + changes; i++)
		text_printf(s, ", pg_catalog.unnest((SELECT $%zu::pg_catalog.%s[]))", n++, type);
	for (size_t i = 0; changes && i < inst->set_count; i++)
		text_printf(s, ", pg_catalog.unnest((SELECT $%zu::pg_catalog.text[]))", n++);
	text_printf(s, ") WITH ORDINALITY AS migrate_c(");
	for (size_t k = 0; k < inst->key_count; k++)
		text_printf(s, "migrate_k%zu, ", k);
	if (value)
		text_printf(s, "migrate_v, ");
	if (changes)
		text_printf(s, "migrate_b, ");
	for (size_t i = 0; changes && i < inst->set_count; i++)
		text_printf(s, "migrate_s%zu, ", i);
	text_printf(s, "migrate_n)");
}

static void add_same_key(struct text *s, const struct instance *inst)
{
	for (size_t k = 0; k < inst->key_count; k++)
		text_printf(s, "%s%s = migrate_c.migrate_k%zu", k ? " AND " : "", inst->key[k].sql,
			    k);
}

/* The value as it is compared after locking: a list as a whole, nothing that is too long. */
static void add_held(struct text *s, const struct instance *inst)
{
	if (inst->kind == KIND_LIST) {
		text_printf(s, "CASE WHEN pg_catalog.array_ndims(");
		add_column(s, inst);
		text_printf(s, ") = 1 AND pg_catalog.array_lower(");
		add_column(s, inst);
		text_printf(s, ", 1) = 1 THEN ");
		add_column(s, inst);
		text_printf(s, "::pg_catalog.text[] END");
		return;
	}
	text_printf(s, "CASE WHEN ");
	text_usable(s, inst);
	text_printf(s, " THEN ");
	text_value(s, inst);
	text_printf(s, " END");
}

/*
 * Rows are locked one after the other in the order of their keys, by key alone:
 * the lock is inside, so that nothing can be compared before it is held.
 */
static char *keyed_text(const struct instance *inst, enum statement how)
{
	struct text s = { .n = 0 };

	text_printf(&s, "SELECT migrate_c.migrate_n, migrate_l.* FROM (SELECT * FROM ");
	add_arrays(&s, inst, false, false);
	text_printf(&s, " ORDER BY ");
	for (size_t k = 0; k < inst->key_count; k++)
		text_printf(&s, "%smigrate_k%zu", k ? ", " : "", k);
	text_printf(&s, ") AS migrate_c CROSS JOIN LATERAL (SELECT ");
	if (inst->kind == KIND_JSON) {
		add_column(&s, inst);
		text_printf(&s, " #> %s IS NOT NULL AS migrate_there, ", inst->json_array);
	} else {
		text_printf(&s, "true AS migrate_there, ");
	}
	add_held(&s, inst);
	text_printf(&s, " AS migrate_value");
	for (size_t i = 0; i < inst->set_count; i++)
		text_printf(&s, ", %s.%s::pg_catalog.text AS migrate_s%zu", inst->alias,
			    inst->set[i].sql, i);
	if (inst->where)
		text_printf(&s, ", %s IS TRUE AS migrate_w", inst->where);
	text_printf(&s, " FROM %s AS %s WHERE ", inst->table_sql, inst->alias);
	add_same_key(&s, inst);
	/* rows that refer to ours come and go meanwhile, unless it is this that they refer to */
	if (how != S_READ)
		text_printf(&s, " FOR %sUPDATE OF %s%s", inst->in_key ? "" : "NO KEY ", inst->alias,
			    how == S_LOCK_FREE ? " SKIP LOCKED" : "");
	text_printf(&s, ") AS migrate_l");
	return text_finish(&s);
}

static void add_assignment(struct text *s, const struct instance *inst)
{
	sql_name(s, inst->column->name);
	switch (inst->kind) {
	case KIND_TEXT:
	case KIND_BYTES:
		text_printf(s, " = migrate_c.migrate_v");
		break;
	case KIND_JSON:
		text_printf(s, " = pg_catalog.jsonb_set(");
		add_column(s, inst);
		text_printf(s, ", %s, pg_catalog.to_jsonb(migrate_c.migrate_v), false)",
			    inst->json_array);
		break;
	case KIND_LIST:
		text_printf(s, " = migrate_c.migrate_v::pg_catalog.text[]");
		break;
	}
}

/* The row holds the value that it held, as bytes whatever the collation. */
static void add_same_value(struct text *s, const struct instance *inst)
{
	text_printf(s, " AND (");
	if (inst->kind == KIND_LIST) {
		add_column(s, inst);
		text_printf(s, "::pg_catalog.text[]");
	} else {
		text_value(s, inst);
	}
	text_printf(s, ")%s = migrate_c.migrate_b%s",
		    inst->kind == KIND_BYTES ? "" : " COLLATE pg_catalog.\"C\"",
		    inst->kind == KIND_LIST ? "::pg_catalog.text[]" : "");
}

/* Rows that are locked already. What they hold afterwards comes back. */
static char *update_text(const struct instance *inst, bool value)
{
	struct text s = { .n = 0 };
	const char *comma = value ? ", " : "";

	text_printf(&s, "UPDATE %s AS %s SET ", inst->table_sql, inst->alias);
	if (value)
		add_assignment(&s, inst);
	for (size_t i = 0; i < inst->set_count; i++, comma = ", ")
		text_printf(&s, "%s%s = CAST(migrate_c.migrate_s%zu AS %s)", comma,
			    inst->set[i].sql, i, inst->set[i].column->type);
	text_printf(&s, " FROM ");
	add_arrays(&s, inst, value, true);
	text_printf(&s, " WHERE ");
	add_same_key(&s, inst);
	add_same_value(&s, inst);
	text_printf(&s, " RETURNING migrate_c.migrate_n, ");
	add_held(&s, inst);
	return text_finish(&s);
}

/* The operator's own text: one expression, without parameters. */
static enum migrate_status check_where(struct self *self, const char *where)
{
	struct instance *inst = self->instance;
	enum migrate_status status = MIGRATE_OK;
	struct text s = { .n = 0 }, full = { .n = 0 };
	char *text;

	if (!where || !*where)
		return MIGRATE_OK;
	text_printf(&s, "(%s\n)", where); /* a comment ends with its line */
	inst->where = text_finish(&s);
	text_printf(&full, "SELECT 1 FROM %s AS %s WHERE %s LIMIT 0", inst->table_sql, inst->alias,
		    inst->where ? inst->where : "");
	text = text_finish(&full);
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
