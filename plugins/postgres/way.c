/* SPDX-License-Identifier: MIT */
#include "postgres-impl.h"

#include <stdlib.h>
#include <string.h>

/*
 * How find() looks values up. With an index: one look-up per value, forced by a
 * lateral sub-select that cannot be flattened, so that neither missing statistics
 * nor the order of the keys makes the planner walk another way. Which form of
 * the condition an index serves is asked of the planner itself. Without one: one
 * pass over the table, joined with the values by hash.
 */
#define COLLATIONS_MAX 8

enum form_of_way { BY_COLUMN, BY_STEPS, BY_DOCUMENT, BY_PASS };

struct way {
	enum form_of_way form;
	const char *collation; /* quoted; NULL: the column's own */
};

static void add_column(struct text *s, const struct instance *inst)
{
	text_printf(s, "%s.", inst->alias);
	sql_name(s, inst->column->name);
}

static const char value_type[][8] = {
	[KIND_TEXT] = "text", [KIND_BYTES] = "bytea", [KIND_JSON] = "text", [KIND_LIST] = "text"
};

/* The value is this one to the byte. */
static void add_exact(struct text *s, const struct instance *inst)
{
	text_value(s, inst);
	if (inst->kind == KIND_BYTES)
		text_printf(s, " = migrate_w.migrate_w");
	else
		text_printf(s, " COLLATE pg_catalog.\"C\" = migrate_w.migrate_w COLLATE "
			       "pg_catalog.\"C\"");
}

static void add_text_match(struct text *s, const struct instance *inst, const char *collation)
{
	const struct column *c = inst->column;

	add_column(s, inst);
	text_printf(s, "::%s%s%s = migrate_w.migrate_w", c->type, collation ? " COLLATE " : "",
		    collation ? collation : "");
	if (c->base != OID_TEXT) /* char(n), citext, ...: equal there is more than equal as bytes */
		text_printf(s, "::%s", c->type);
	if (c->base == OID_TEXT && c->deterministic && !collation)
		return;
	text_printf(s, " AND ");
	add_exact(s, inst);
}

/* column -> 'avatar' ->> 'url' */
static void add_steps(struct text *s, const struct instance *inst)
{
	text_printf(s, "(");
	add_column(s, inst);
	for (size_t i = 0; i < inst->path.count; i++) {
		text_printf(s, i + 1 < inst->path.count ? " -> " : " ->> ");
		if (inst->path.steps[i].is_index)
			text_printf(s, "%s", inst->path.steps[i].text);
		else
			sql_literal(s, inst->path.steps[i].text);
	}
	text_printf(s, ")");
}

/* column @> {"avatar": {"url": value}}, which an inverted index serves */
static void add_document(struct text *s, const struct instance *inst)
{
	add_column(s, inst);
	text_printf(s, " @> ");
	for (size_t i = 0; i < inst->path.count; i++) {
		text_printf(s, inst->path.steps[i].is_index ? "pg_catalog.jsonb_build_array("
							    : "pg_catalog.jsonb_build_object(");
		if (inst->path.steps[i].is_index)
			continue;
		sql_literal(s, inst->path.steps[i].text);
		text_printf(s, "::pg_catalog.text, ");
	}
	text_printf(s, "migrate_w.migrate_w");
	for (size_t i = 0; i < inst->path.count; i++)
		text_printf(s, ")");
}

static void add_match(struct text *s, const struct instance *inst, const struct way *way)
{
	if (way->form == BY_PASS) {
		add_exact(s, inst);
		return;
	}
	switch (inst->kind) {
	case KIND_TEXT:
		add_text_match(s, inst, way->collation);
		return;
	case KIND_BYTES:
		add_column(s, inst);
		text_printf(s, "%s = migrate_w.migrate_w",
			    inst->column->is_domain ? "::pg_catalog.bytea" : "");
		return;
	case KIND_LIST:
		add_column(s, inst);
		text_printf(s, "%s @> ARRAY[migrate_w.migrate_w]",
			    inst->column->plain == OID_TEXT_ARRAY ? "" : "::pg_catalog.text[]");
		break;
	case KIND_JSON:
		if (way->form == BY_DOCUMENT) {
			add_document(s, inst);
		} else if (way->form == BY_STEPS) {
			add_steps(s, inst);
			text_printf(s, " = migrate_w.migrate_w");
		} else {
			text_printf(s, "(");
			add_column(s, inst);
			text_printf(s, " #>> %s) = migrate_w.migrate_w", inst->json_array);
		}
		break;
	}
	text_printf(s, " AND ");
	add_exact(s, inst);
}

/* Rows that were hit, behind the cursor, in the order of the key. */
static void add_page(struct text *s, const struct instance *inst, bool next)
{
	struct text keys = { .n = 0 }, cursor = { .n = 0 };
	bool list = inst->kind == KIND_LIST;
	char *names, *values;

	for (size_t k = 0; k < inst->key_count; k++) {
		text_printf(&keys, "%smigrate_k%zu", k ? ", " : "", k);
		text_printf(&cursor, "%s$%zu::%s", k ? ", " : "", k + 3, inst->key[k].column->type);
	}
	if (list) {
		text_printf(&keys, ", migrate_place");
		text_printf(&cursor, ", $%zu::pg_catalog.int4", inst->key_count + 3);
	}
	names = text_finish(&keys);
	values = text_finish(&cursor);
	s->bad |= !names || !values;
	text_printf(s, ") SELECT * FROM migrate_hit");
	if (next && names && values)
		text_printf(s, " WHERE (%s) > (%s)", names, values);
	text_printf(s, " ORDER BY %s LIMIT $2::pg_catalog.int8", names ? names : "");
	free(names);
	free(values);
}

static char *find_text(const struct instance *inst, const struct way *way, bool next)
{
	struct text s = { .n = 0 };
	const char *type = value_type[inst->kind];

	text_printf(&s, "WITH migrate_hit AS MATERIALIZED (SELECT migrate_h.* FROM ");
	if (way->form == BY_PASS) {
		text_printf(&s, "(SELECT ");
		text_row(&s, inst);
		text_printf(&s,
			    ", migrate_w.migrate_n FROM pg_catalog.unnest($1::pg_catalog.%s[]) "
			    "WITH ORDINALITY AS migrate_w(migrate_w, migrate_n), ",
			    type);
	} else {
		text_printf(&s,
			    "pg_catalog.unnest((SELECT $1::pg_catalog.%s[])) WITH ORDINALITY AS "
			    "migrate_w(migrate_w, migrate_n) CROSS JOIN LATERAL (SELECT ",
			    type);
		text_row(&s, inst);
		text_printf(&s, ", migrate_w.migrate_n FROM ");
	}
	text_from(&s, inst);
	text_printf(&s, " WHERE ");
	add_match(&s, inst, way);
	text_printf(&s, " AND ");
	text_usable(&s, inst);
	text_where(&s, inst);
	text_printf(&s, "%s) AS migrate_h", way->form == BY_PASS ? "" : " OFFSET 0");
	add_page(&s, inst, next);
	return text_finish(&s);
}

static enum migrate_status take_way(struct self *self, const struct way *way)
{
	struct instance *inst = self->instance;

	free(inst->sql[S_FIND_FIRST]);
	free(inst->sql[S_FIND_NEXT]);
	inst->sql[S_FIND_FIRST] = find_text(inst, way, false);
	inst->sql[S_FIND_NEXT] = find_text(inst, way, true);
	if (!inst->sql[S_FIND_FIRST] || !inst->sql[S_FIND_NEXT])
		return out_of_memory(self);
	return MIGRATE_OK;
}

static enum migrate_status try_way(struct self *self, const struct way *way)
{
	struct instance *inst = self->instance;
	enum migrate_status status = take_way(self, way);
	struct parameters p = { .n = 0 };
	struct text s = { .n = 0 };
	PGresult *res;
	char *text;

	if (status)
		return status;
	text_printf(&s, "EXPLAIN (COSTS OFF) %s", inst->sql[S_FIND_FIRST]);
	text = text_finish(&s);
	if (!text)
		return out_of_memory(self);
	parameter_text(&p, NULL);
	parameter_text(&p, NULL);
	res = query(self, &self->main, text, &p, SHAPE("s", 1, ANY_ROWS), QUICK,
		    "cannot plan a statement", &status);
	free(text);
	if (res)
		status = plan_serves(self, res, &inst->indexed);
	PQclear(res);
	return status;
}

/* Collations of the indexes whose first column is ours; whether one keeps it unique. */
static enum migrate_status index_collations(struct self *self, char **names, size_t *n)
{
	struct instance *inst = self->instance;
	struct parameters p = { .n = 0 };
	enum migrate_status status;
	unsigned char oid[4], number[4];
	PGresult *res;

	put32(oid, inst->oid);
	put32(number, (uint32_t)inst->column->number);
	parameter(&p, oid, sizeof(oid));
	parameter(&p, number, sizeof(number));
	res = catalog(
	    self,
	    "SELECT pg_catalog.quote_ident(s.nspname) || '.' || "
	    "pg_catalog.quote_ident(c.collname), "
	    "i.indisunique AND i.indisvalid AND i.indpred IS NULL AND i.indnkeyatts = 1 FROM "
	    "pg_catalog.pg_index i LEFT JOIN pg_catalog.pg_collation c ON c.oid = "
	    "i.indcollation[0] LEFT JOIN pg_catalog.pg_namespace s ON s.oid = c.collnamespace "
	    "WHERE "
	    "i.indrelid = $1::oid AND i.indkey[0] = $2::int4",
	    &p, SHAPE("Sb", 0, ANY_ROWS), &status);
	for (int i = 0; res && i < PQntuples(res); i++) {
		inst->unique |=
		    field_true(res, i, 1) && inst->kind != KIND_JSON && inst->kind != KIND_LIST;
		if (*n < COLLATIONS_MAX && !PQgetisnull(res, i, 0)) {
			names[*n] = strdup(PQgetvalue(res, i, 0));
			*n += names[*n] != NULL;
		}
	}
	PQclear(res);
	return status;
}

static enum migrate_status try_ways(struct self *self, char *const *names, size_t n)
{
	struct instance *inst = self->instance;
	struct way way = { .form = BY_COLUMN };
	enum migrate_status status = try_way(self, &way);

	for (size_t i = 0; !status && !inst->indexed && inst->kind == KIND_TEXT && i < n; i++) {
		way.collation = names[i];
		status = try_way(self, &way);
	}
	for (enum form_of_way form = BY_STEPS; inst->kind == KIND_JSON && form <= BY_DOCUMENT;
	     form++) {
		if (status || inst->indexed)
			break;
		way = (struct way){ .form = form };
		status = try_way(self, &way);
	}
	if (status || inst->indexed)
		return status;
	return take_way(self, &(struct way){ .form = BY_PASS });
}

enum migrate_status way_choose(struct self *self)
{
	char *names[COLLATIONS_MAX];
	size_t n = 0;
	enum migrate_status status = index_collations(self, names, &n);

	if (!status)
		status =
		    begin(self, &self->main, "BEGIN READ ONLY; SET LOCAL enable_seqscan = off");
	if (!status)
		status = try_ways(self, names, n);
	status = transaction_rollback(self, status);
	while (n)
		free(names[--n]);
	return status;
}
