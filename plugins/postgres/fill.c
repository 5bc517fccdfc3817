/* SPDX-License-Identifier: MIT */
#include "postgres-impl.h"

#include <stdlib.h>
#include <string.h>

/* Rows for trials: our column holds the value, other columns what they must. */

static bool is_key(const struct instance *inst, const struct column *c)
{
	for (size_t k = 0; k < inst->key_count; k++)
		if (inst->key[k].column == c)
			return true;
	return false;
}

static bool is_needed(const struct instance *inst, const struct column *c)
{
	return !c->generated && !c->has_default && c != inst->column && c->not_null;
}

/* Numbers of a key count on from the largest there is; other keys are drawn. */
static void fill_key(struct text *s, const struct instance *inst, const struct column *c)
{
	if (c->category == 'N') {
		text_printf(s, "(SELECT COALESCE(pg_catalog.max(migrate_m.");
		sql_name(s, c->name);
		text_printf(s, "), 0) FROM %s AS migrate_m) + migrate_c.migrate_n",
			    inst->table_sql);
	} else if (c->base == OID_UUID) {
		text_printf(s,
			    "pg_catalog.md5(pg_catalog.random()::text || migrate_c.migrate_n::text)"
			    "::pg_catalog.uuid");
	} else if (c->category == 'D') {
		text_printf(s, "CURRENT_TIMESTAMP + migrate_c.migrate_n * interval '1 second'");
	} else {
		text_printf(s,
			    "pg_catalog.md5(pg_catalog.random()::text || migrate_c.migrate_n::text)"
			    "::%s",
			    c->type);
	}
}

static void fill_other(struct text *s, const struct column *c)
{
	if (c->is_enum)
		text_printf(s, "(pg_catalog.enum_range(NULL::%s))[1]", c->type);
	else if (c->category == 'N')
		text_printf(s, "0");
	else if (c->category == 'B')
		text_printf(s, "false");
	else if (c->category == 'D')
		text_printf(s, "CURRENT_TIMESTAMP");
	else if (c->category == 'A' || c->plain == OID_JSONB || c->plain == OID_JSON)
		text_printf(s, "'{}'");
	else if (c->base == OID_UUID)
		text_printf(s, "pg_catalog.md5('')::pg_catalog.uuid");
	else if (c->category == 'T')
		text_printf(s, "interval '0'");
	else
		text_printf(s, "''");
}

/* {"avatar": {"url": value}} or a list of one element */
static void fill_value(struct text *s, const struct instance *inst)
{
	if (inst->kind == KIND_LIST) {
		text_printf(s, "ARRAY[migrate_c.migrate_v]");
	} else if (inst->kind == KIND_JSON) {
		for (size_t i = 0; i < inst->path.count; i++) {
			text_printf(s, inst->path.steps[i].is_index
					   ? "pg_catalog.jsonb_build_array("
					   : "pg_catalog.jsonb_build_object(");
			if (inst->path.steps[i].is_index)
				continue;
			sql_literal(s, inst->path.steps[i].text);
			text_printf(s, "::pg_catalog.text, ");
		}
		text_printf(s, "migrate_c.migrate_v");
		for (size_t i = 0; i < inst->path.count; i++)
			text_printf(s, ")");
	} else {
		text_printf(s, "migrate_c.migrate_v");
	}
}

enum migrate_status fill_build(struct self *self)
{
	struct instance *inst = self->instance;
	struct text s = { .n = 0 };

	text_printf(&s, "INSERT INTO %s (",
		    inst->table_sql + (inst->partitioned ? 0 : strlen("ONLY ")));
	sql_name(&s, inst->column->name);
	for (size_t i = 0; i < inst->column_count; i++)
		if (is_needed(inst, &inst->columns[i])) {
			text_printf(&s, ", ");
			sql_name(&s, inst->columns[i].name);
		}
	text_printf(&s, ") SELECT ");
	fill_value(&s, inst);
	for (size_t i = 0; i < inst->column_count; i++) {
		if (!is_needed(inst, &inst->columns[i]))
			continue;
		text_printf(&s, ", ");
		if (is_key(inst, &inst->columns[i]))
			fill_key(&s, inst, &inst->columns[i]);
		else
			fill_other(&s, &inst->columns[i]);
	}
	text_printf(&s,
		    " FROM pg_catalog.unnest($1::pg_catalog.%s[]) WITH ORDINALITY AS "
		    "migrate_c(migrate_v, migrate_n)",
		    inst->kind == KIND_BYTES ? "bytea" : "text");
	inst->sql[S_INSERT] = text_finish(&s);
	return inst->sql[S_INSERT] ? MIGRATE_OK : out_of_memory(self);
}
