/* SPDX-License-Identifier: MIT */
#include "postgres-impl.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define COLUMNS_MAX 4096 /* more than any server has */

/* Domains are followed to the type they are made of; the innermost width counts. */
static const char columns_sql[] =
    "WITH RECURSIVE b AS (SELECT attnum, atttypid AS oid, atttypmod AS mod FROM "
    "pg_catalog.pg_attribute WHERE attrelid = $1::oid AND attnum > 0 AND NOT attisdropped UNION "
    "ALL SELECT b.attnum, t.typbasetype, CASE WHEN b.mod < 0 THEN t.typtypmod ELSE b.mod END FROM "
    "b JOIN pg_catalog.pg_type t ON t.oid = b.oid WHERE t.typtype = 'd') "
    "SELECT a.attname, a.attnum, pg_catalog.format_type(a.atttypid, a.atttypmod), "
    "pg_catalog.format_type(t.oid, -1), n.nspname, t.oid, t.typarray, t.typcategory, "
    "CASE WHEN t.oid IN (1042, 1043) AND b.mod > 4 THEN b.mod - 4 ELSE 0 END, a.attnotnull, "
    "a.atthasdef OR d.typdefault IS NOT NULL, a.attgenerated <> '', a.attidentity, "
    "t.typtype = 'e', a.atttypid <> t.oid, COALESCE(c.collisdeterministic, true), "
    "COALESCE(c.collname, ''), d.typnotnull FROM pg_catalog.pg_attribute a JOIN b ON b.attnum = "
    "a.attnum JOIN pg_catalog.pg_type t ON t.oid = b.oid AND t.typtype <> 'd' JOIN "
    "pg_catalog.pg_namespace n ON n.oid = t.typnamespace JOIN pg_catalog.pg_type d ON d.oid = "
    "a.atttypid LEFT JOIN pg_catalog.pg_collation c ON c.oid = a.attcollation WHERE a.attrelid = "
    "$1::oid ORDER BY a.attnum";

static bool take_row(struct column *c, const PGresult *res, int row)
{
	char identity = *PQgetvalue(res, row, 12);

	*c = (struct column){
		.name = strdup(PQgetvalue(res, row, 0)),
		.number = (int)field_number(res, row, 1),
		.shown = strdup(PQgetvalue(res, row, 2)),
		.declared = strdup(PQgetvalue(res, row, 2)),
		.type = strdup(PQgetvalue(res, row, 3)),
		.space = strdup(PQgetvalue(res, row, 4)),
		.collation = strdup(PQgetvalue(res, row, 16)),
		.plain = (Oid)field_number(res, row, 5),
		.array = (Oid)field_number(res, row, 6),
		.category = *PQgetvalue(res, row, 7),
		.width = (int)field_number(res, row, 8),
		.not_null = field_true(res, row, 9) || field_true(res, row, 17),
		.has_default = field_true(res, row, 10) || identity,
		.generated = field_true(res, row, 11),
		.always = identity == 'a',
		.is_enum = field_true(res, row, 13),
		.is_domain = field_true(res, row, 14),
		.deterministic = field_true(res, row, 15),
	};
	c->base = c->plain;
	if (c->plain == OID_VARCHAR) { /* one type for both: no operator can come between */
		c->base = OID_TEXT;
		c->array = OID_TEXT_ARRAY;
		free(c->type);
		c->type = strdup("pg_catalog.text");
	}
	return c->name && c->shown && c->declared && c->type && c->space && c->collation;
}

static enum migrate_status read_all(struct self *self)
{
	struct instance *inst = self->instance;
	struct parameters p = { .n = 0 };
	enum migrate_status status;
	unsigned char oid[4];
	PGresult *res;
	int n;

	put32(oid, inst->oid);
	parameter(&p, oid, sizeof(oid));
	res = catalog(self, columns_sql, &p, SHAPE("sisssoosibbbsbbbsb", 0, COLUMNS_MAX), &status);
	if (!res)
		return status;
	n = PQntuples(res);
	inst->columns = calloc((size_t)n + 1, sizeof(*inst->columns));
	if (!inst->columns)
		status = out_of_memory(self);
	for (int i = 0; !status && i < n; i++) {
		inst->column_count++;
		if (!take_row(&inst->columns[i], res, i))
			status = out_of_memory(self);
	}
	PQclear(res);
	return status;
}

/* As the catalog spells it, else as SQL would read it without quotes. */
struct column *column_named(const struct instance *inst, const char *name)
{
	for (size_t i = 0; i < inst->column_count; i++)
		if (!strcmp(inst->columns[i].name, name))
			return &inst->columns[i];
	for (size_t i = 0; i < inst->column_count; i++)
		if (!strcasecmp(inst->columns[i].name, name))
			return &inst->columns[i];
	return NULL;
}

const struct column *column_numbered(const struct instance *inst, int number)
{
	for (size_t i = 0; i < inst->column_count; i++)
		if (inst->columns[i].number == number)
			return &inst->columns[i];
	return NULL;
}

/* A key may not hold a column that we change: its rows could not be found again. */
bool is_changed(const struct instance *inst, const struct column *column)
{
	bool hit = column == inst->column;

	for (size_t i = 0; i < inst->set_count; i++)
		hit |= column == inst->set[i].column;
	return hit;
}

/* A column that we write to; NULL with *status. */
static const struct column *written(struct self *self, const char *option, const char *name,
				    enum migrate_status *status)
{
	const struct instance *inst = self->instance;
	const struct column *c = column_named(inst, name);

	if (c && !c->generated && !c->always)
		return c;
	if (c) {
		*status = column_is_generated(self->session, option, c->name);
		return NULL;
	}
	*status = no_such_column(self->session, option, name, inst->table, inst->columns,
				 sizeof(*inst->columns), inst->column_count);
	return NULL;
}

static enum migrate_status take_kind(struct self *self, const char *json_path)
{
	struct instance *inst = self->instance;
	const struct column *c = inst->column;

	if (json_path && c->plain == OID_JSONB) {
		inst->kind = KIND_JSON;
		return path_read(self, json_path);
	}
	if (json_path)
		return migrate_fail(self->session, MIGRATE_INVALID,
				    "json_path: column '%s' is %s, not jsonb%s", c->name, c->shown,
				    c->plain == OID_JSON ? "; json keeps its text as it was "
							   "written, so it cannot be changed in "
							   "place: alter the column to jsonb"
							 : "");
	if (c->plain == OID_BYTEA)
		inst->kind = KIND_BYTES;
	else if (c->plain == OID_TEXT_ARRAY || c->plain == OID_VARCHAR_ARRAY)
		inst->kind = KIND_LIST;
	else if (c->category == 'S' && strcmp(c->type, "name") != 0)
		inst->kind = KIND_TEXT;
	else
		return migrate_fail(self->session, MIGRATE_INVALID,
				    "column: '%s' is %s, which holds no names%s", c->name, c->shown,
				    c->plain == OID_JSONB ? "; name the place in it with json_path"
							  : "");
	return MIGRATE_OK;
}

/* The value as the server would show it once stored, which also says whether it can be. */
static enum migrate_status canonical(struct self *self, struct set_column *set)
{
	struct parameters p = { .n = 0 };
	enum migrate_status status;
	struct text s = { .n = 0 };
	char *text, what[160];
	PGresult *res;

	if (!set->value)
		return MIGRATE_OK;
	text_printf(&s, "SELECT CAST($1::pg_catalog.text AS %s)::pg_catalog.text",
		    set->column->declared);
	text = text_finish(&s);
	if (!text)
		return out_of_memory(self);
	parameter(&p, set->value, strlen(set->value));
	snprintf(what, sizeof(what), "set: '%s'", set->column->name);
	res = query(self, &self->main, text, &p, SHAPE("S", 1, 1), QUICK, what, &status);
	free(text);
	if (!res)
		return status;
	set->canonical = PQgetisnull(res, 0, 0) ? NULL : strdup(PQgetvalue(res, 0, 0));
	status = PQgetisnull(res, 0, 0) || set->canonical ? MIGRATE_OK : out_of_memory(self);
	PQclear(res);
	/* a cast cuts what the server would not store */
	if (!status && set->column->plain == OID_VARCHAR && strcmp(set->canonical, set->value) != 0)
		status =
		    migrate_fail(self->session, MIGRATE_INVALID, "%s is %s, too narrow for '%s'",
				 what, set->column->shown, set->value);
	return status;
}

static enum migrate_status take_set(struct self *self, const struct migrate_map *map)
{
	struct instance *inst = self->instance;
	enum migrate_status status = MIGRATE_OK;

	if (map->n > SET_MAX)
		return too_many_sets(self->session, SET_MAX);
	for (size_t i = 0; !status && i < map->n; i++) {
		const struct migrate_pair *pair = &map->pairs[i];
		const struct column *c = written(self, "set", pair->name, &status);
		struct set_column *set = &inst->set[i];

		if (!c)
			return status;
		if (is_changed(inst, c))
			return set_is_taken(self->session, c->name, c == inst->column);
		set->column = c;
		set->sql = quoted_name(c->name);
		set->value = pair->value ? strdup(pair->value) : NULL;
		inst->set_count++;
		if (!set->sql || (pair->value && !set->value))
			return out_of_memory(self);
		status = canonical(self, set);
	}
	return status;
}

enum migrate_status columns_read(struct self *self, const struct postgres_config *config)
{
	struct instance *inst = self->instance;
	enum migrate_status status = read_all(self);

	if (!status)
		inst->column = written(self, "column", config->column, &status);
	if (!status)
		status = take_kind(self, config->json_path);
	if (!status)
		status = take_set(self, &config->set);
	return status;
}
