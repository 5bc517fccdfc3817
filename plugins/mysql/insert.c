/* SPDX-License-Identifier: MIT */
#include "mysql-impl.h"

#include <stdlib.h>
#include <string.h>

/* Rows for trials: our column holds the value, other columns what they must. */

#define SLICE 500 /* rows in a statement */

static bool is_key(const struct instance *inst, const struct column *c)
{
	for (size_t k = 0; k < inst->key_count; k++)
		if (inst->key[k].column == c)
			return true;
	return false;
}

static bool is_needed(const struct instance *inst, const struct column *c)
{
	return !c->expression && !c->has_default && !c->automatic && c != inst->column &&
	       c->not_null;
}

static bool is_type(const struct column *c, const char *type)
{
	return !strcasecmp(c->type, type);
}

/* Numbers of a key count on from the largest there is; other keys are drawn. */
static void fill_key(struct text *s, const struct column *c, size_t variable, size_t i)
{
	switch (form_of(c)) {
	case FORM_INTEGER:
	case FORM_NUMBER:
		text_printf(s, "@migrate_%zu + %zu", variable, i + 1);
		break;
	case FORM_OTHER:
		if (is_type(c, "uuid"))
			text_printf(s, "UUID()");
		else if (strncmp(c->type, "inet", 4) == 0)
			text_printf(s, "'::'");
		else
			text_printf(s, "NOW(6) + INTERVAL %zu SECOND", i);
		break;
	case FORM_BYTES:
		text_printf(s, "SUBSTRING(UNHEX(MD5(UUID())), 1, %llu)",
			    (unsigned long long)(c->width < 16 ? c->width : 16));
		break;
	case FORM_TEXT:
	case FORM_NONE:
		text_printf(s, "SUBSTRING(MD5(UUID()), 1, %llu)",
			    (unsigned long long)(c->width < 32 ? c->width : 32));
		break;
	}
}

/* The first word of enum('a','b'), as it stands there; '' for a set. */
static void fill_word(struct text *s, const struct column *c)
{
	const char *p = strchr(c->shown, '\''), *end = p ? p + 1 : NULL;

	while (end && *end && (*end != '\'' || end[1] == '\''))
		end += *end == '\'' ? 2 : 1;
	if (p && end && *end && is_type(c, "enum"))
		text_add(s, p, (size_t)(end - p) + 1);
	else
		text_printf(s, "''");
}

static void fill_other(struct text *s, const struct column *c)
{
	enum form form = form_of(c);

	if (is_type(c, "enum") || is_type(c, "set"))
		fill_word(s, c);
	else if (is_type(c, "json") || (is_type(c, "longtext") && c->collation &&
					strcmp(c->collation, "utf8mb4_bin") == 0))
		text_printf(s, "'{}'");
	else if (form == FORM_OTHER && is_type(c, "uuid"))
		text_printf(s, "UUID()");
	else if (form == FORM_OTHER && strncmp(c->type, "inet", 4) == 0)
		text_printf(s, "'%s'", is_type(c, "inet4") ? "0.0.0.0" : "::");
	else if (form == FORM_OTHER)
		text_printf(s, "NOW()");
	else if (form == FORM_TEXT || form == FORM_BYTES)
		text_printf(s, "''");
	else
		text_printf(s, "0");
}

/* {"avatar": {"url": value}} */
static void fill_value(struct text *s, const struct instance *inst, struct migrate_bytes value)
{
	if (inst->kind != KIND_JSON) {
		text_stored(s, inst->column, value.p ? value : (struct migrate_bytes){ .p = "" });
		return;
	}
	for (size_t i = 0; i < inst->path.count; i++) {
		text_printf(s, inst->path.steps[i].is_index ? "JSON_ARRAY(" : "JSON_OBJECT(");
		if (inst->path.steps[i].is_index)
			continue;
		sql_string(s, inst->path.steps[i].text);
		text_printf(s, ", ");
	}
	sql_text(s, value);
	for (size_t i = 0; i < inst->path.count; i++)
		text_printf(s, ")");
}

static void add_row(struct text *s, const struct instance *inst, struct migrate_bytes value,
		    size_t i)
{
	text_printf(s, "%s(", i ? ", " : "");
	fill_value(s, inst, value);
	for (size_t c = 0; c < inst->column_count; c++) {
		if (!is_needed(inst, &inst->columns[c]))
			continue;
		text_printf(s, ", ");
		if (is_key(inst, &inst->columns[c]))
			fill_key(s, &inst->columns[c], c, i);
		else
			fill_other(s, &inst->columns[c]);
	}
	text_printf(s, ")");
}

/* Where numbers of keys that the server does not count itself go on. */
static enum migrate_status set_variables(struct self *self)
{
	const struct instance *inst = self->instance;
	enum migrate_status status = MIGRATE_OK;

	for (size_t c = 0; !status && c < inst->column_count; c++) {
		const struct column *column = &inst->columns[c];
		enum form form = form_of(column);

		if (!is_key(inst, column) || !is_needed(inst, column) ||
		    (form != FORM_INTEGER && form != FORM_NUMBER))
			continue;
		text_reset(&self->text);
		text_printf(&self->text,
			    "SET @migrate_%zu = (SELECT COALESCE(MAX(%s), 0) FROM %s FOR UPDATE)",
			    c, column->sql, inst->table_sql);
		status = command_text(self, SLOW, "cannot add rows", NULL);
	}
	return status;
}

static enum migrate_status insert_some(struct self *self, const struct migrate_bytes *values,
				       size_t n)
{
	const struct instance *inst = self->instance;
	struct text *s = &self->text;
	enum migrate_status status = set_variables(self);

	if (status)
		return status;
	text_reset(s);
	text_printf(s, "INSERT INTO %s (", inst->table_sql);
	sql_name(s, inst->column->name);
	for (size_t c = 0; c < inst->column_count; c++)
		if (is_needed(inst, &inst->columns[c])) {
			text_printf(s, ", ");
			sql_name(s, inst->columns[c].name);
		}
	text_printf(s, ") VALUES ");
	for (size_t i = 0; i < n; i++)
		add_row(s, inst, values[i], i);
	return command_text(self, SLOW, "cannot add rows; add them with the application instead",
			    NULL);
}

enum migrate_status mysql_insert(void *handle, struct migrate_insert *r)
{
	struct self *self = handle;
	enum migrate_status status;

	self->session = r->session;
	status = transaction_begin(self);
	for (size_t at = 0; !status && at < r->count; at += SLICE)
		status = insert_some(self, r->values + at,
				     r->count - at < SLICE ? r->count - at : SLICE);
	return status ? transaction_rollback(self, status) : transaction_commit(self);
}
