/* SPDX-License-Identifier: MIT */
#include "mysql-impl.h"

#include "../common/condition.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

/*
 * Pieces of statements. Only names out of the catalog (quoted), the operator's own
 * `where`, and literals of digits stand in them.
 */

/* A text takes the column's side in a comparison, so that an index serves it. */
void text_literal(struct text *s, const struct column *c, struct migrate_bytes value)
{
	if (is_binary(c)) {
		sql_binary(s, value);
	} else if (!c->charset || !strcmp(c->charset, "utf8mb4")) {
		sql_text(s, value);
	} else {
		text_printf(s, "CONVERT(");
		sql_text(s, value);
		text_printf(s, " USING %s) COLLATE %s", c->charset,
			    c->collation ? c->collation : "");
	}
}

void text_typed(struct text *s, const struct column *c, struct migrate_bytes value)
{
	text_printf(s, "CAST(");
	sql_text(s, value);
	if (!strcasecmp(c->type, "datetime") || !strcasecmp(c->type, "timestamp"))
		text_printf(s, " AS DATETIME(%d))", c->fraction);
	else if (!strcasecmp(c->type, "time"))
		text_printf(s, " AS TIME(%d))", c->fraction);
	else
		text_printf(s, " AS %s)", c->type);
}

static bool is_number(struct migrate_bytes b)
{
	const char *p = b.p;

	for (size_t i = 0; i < b.n; i++)
		if (!strchr("0123456789.-", p[i]) || !p[i])
			return false;
	return b.n > 0;
}

void text_stored(struct text *s, const struct column *c, struct migrate_bytes value)
{
	if (!value.p)
		text_printf(s, "NULL");
	else if (!strcasecmp(c->type, "bit") && is_number(value))
		text_add(s, value.p, value.n);
	else if (is_binary(c))
		sql_binary(s, value);
	else
		sql_text(s, value);
}

/* ---- Keys ---- */

bool text_key(struct text *s, const struct instance *inst, size_t k, struct migrate_bytes part)
{
	const struct key_part *key = &inst->key[k];
	char digits[24];

	switch (key->form) {
	case FORM_INTEGER:
		identity_integer(key->column, part, digits, sizeof(digits));
		text_add(s, digits, strlen(digits));
		return true;
	case FORM_NUMBER:
		text_add(s, part.p, part.n);
		return is_number(part);
	case FORM_OTHER:
		text_typed(s, key->column, part);
		return true;
	case FORM_TEXT:
	case FORM_BYTES:
		text_literal(s, key->column, part);
		return true;
	case FORM_NONE:
		break;
	}
	return false;
}

static void add_columns(struct text *s, const struct instance *inst)
{
	if (inst->key_count > 1)
		text_add(s, "(", 1);
	for (size_t k = 0; k < inst->key_count; k++)
		text_printf(s, "%s%s", k ? ", " : "", inst->key[k].column->sql);
	if (inst->key_count > 1)
		text_add(s, ")", 1);
}

bool text_key_values(struct text *s, const struct instance *inst, struct migrate_bytes identity)
{
	struct migrate_bytes parts[KEY_MAX];
	bool good = identity_split(inst, identity, parts);

	for (size_t k = 0; good && k < inst->key_count; k++) {
		if (k)
			text_add(s, ",", 1);
		good = text_key(s, inst, k, parts[k]);
	}
	return good;
}

static bool add_values(struct text *s, const struct instance *inst, struct migrate_bytes identity)
{
	bool good;

	if (inst->key_count > 1)
		text_add(s, "(", 1);
	good = text_key_values(s, inst, identity);
	if (inst->key_count > 1)
		text_add(s, ")", 1);
	return good;
}

bool text_keys(struct text *s, const struct instance *inst, const struct migrate_bytes *identities,
	       size_t n)
{
	add_columns(s, inst);
	text_printf(s, " IN (");
	for (size_t i = 0; i < n; i++) {
		if (i)
			text_add(s, ",", 1);
		if (!add_values(s, inst, identities[i]))
			return false;
	}
	text_printf(s, ")");
	return true;
}

bool text_before(struct text *s, const struct instance *inst, struct migrate_bytes identity)
{
	add_columns(s, inst);
	text_printf(s, " < ");
	return add_values(s, inst, identity);
}

/* (a > 1 OR (a = 1 AND (b > 2))): comparing (a, b) at once would not go by the index. */
bool text_behind(struct text *s, const struct instance *inst, struct migrate_bytes identity)
{
	struct migrate_bytes parts[KEY_MAX];
	bool good = identity_split(inst, identity, parts);

	for (size_t k = 0; good && k < inst->key_count; k++) {
		const char *name = inst->key[k].column->sql;

		text_printf(s, "%s(%s > ", k ? " AND " : "", name);
		good = text_key(s, inst, k, parts[k]);
		if (k + 1 == inst->key_count)
			break;
		text_printf(s, " OR (%s = ", name);
		good = good && text_key(s, inst, k, parts[k]);
	}
	for (size_t k = 0; k < inst->key_count; k++)
		text_printf(s, k + 1 == inst->key_count ? ")" : "))");
	return good;
}

/* ---- What rows are made of ---- */

/* The place in a document, as it stands there. */
static void add_place(struct text *s, const struct instance *inst)
{
	text_printf(s, "JSON_EXTRACT(%s, ", inst->column->sql);
	sql_string(s, inst->json_path);
	text_printf(s, ")");
}

static void add_value(struct text *s, const struct instance *inst)
{
	if (inst->kind != KIND_JSON) {
		text_printf(s, "%s", inst->column->sql);
		return;
	}
	text_printf(s, "IF(JSON_VALID(%s) AND JSON_TYPE(", inst->column->sql);
	add_place(s, inst);
	text_printf(s, ") = 'STRING', JSON_UNQUOTE(");
	add_place(s, inst);
	text_printf(s, "), NULL)");
}

static char *value_text(const struct instance *inst)
{
	struct text s = { .n = 0 };

	add_value(&s, inst);
	return text_finish(&s);
}

/* Its bytes as they reach us, which no collation compares. */
static char *bytes_text(const struct instance *inst)
{
	struct text s = { .n = 0 };

	if (inst->kind == KIND_BYTES)
		text_printf(&s, "%s", inst->value_sql);
	else if (inst->kind == KIND_TEXT && !inst->may_differ)
		text_printf(&s, "CAST(%s AS BINARY)", inst->value_sql);
	else
		text_printf(&s, "CAST(CONVERT(%s USING utf8mb4) AS BINARY)", inst->value_sql);
	return text_finish(&s);
}

/* As it reaches us. */
static char *length_text(const struct instance *inst)
{
	const struct column *c = inst->column;
	bool plain = inst->kind != KIND_TEXT || !strcmp(c->charset, "utf8mb4");
	struct text s = { .n = 0 };

	text_printf(&s, "OCTET_LENGTH(%s%s%s)", plain ? "" : "CONVERT(", inst->value_sql,
		    plain ? "" : " USING utf8mb4)");
	return text_finish(&s);
}

/* What matters: neither NULL nor too long. */
static char *usable_text(const struct instance *inst)
{
	struct text s = { .n = 0 };

	text_printf(&s, "%s <= %" PRIu64, inst->length_sql, inst->value_max);
	return text_finish(&s);
}

/* Numbers whose text would not be all of them are shown by another type. */
static const char *shown_as(const struct column *c)
{
	if (!strcasecmp(c->type, "float") || !strcasecmp(c->type, "double"))
		return " + 0e0";
	return strcasecmp(c->type, "bit") ? "" : " + 0";
}

/* Of character sets in which several bytes mean one character, or some mean none. */
static void add_exact(struct text *s, const struct instance *inst)
{
	const char *column = inst->column->sql;

	text_printf(
	    s, ", CAST(CONVERT(CONVERT(%s USING utf8mb4) USING %s) AS BINARY) = CAST(%s AS BINARY)",
	    column, inst->column->charset, column);
}

static char *row_text(const struct instance *inst, bool looks)
{
	struct text s = { .n = 0 };

	for (size_t k = 0; k < inst->key_count; k++)
		text_printf(&s, "%s, ", inst->key[k].column->sql);
	text_printf(&s, "%s", inst->value_sql);
	for (size_t i = 0; i < inst->set_count; i++)
		text_printf(&s, ", %s%s", inst->set[i].column->sql, shown_as(inst->set[i].column));
	if (looks && inst->where)
		text_printf(&s, ", %s IS TRUE", inst->where);
	if (looks && inst->may_differ)
		add_exact(&s, inst);
	return text_finish(&s);
}

static char *order_text(const struct instance *inst)
{
	struct text s = { .n = 0 };

	for (size_t k = 0; k < inst->key_count; k++)
		text_printf(&s, "%s%s", k ? ", " : "", inst->key[k].column->sql);
	return text_finish(&s);
}

void text_select(struct text *s, const struct instance *inst, const char *what, const char *index)
{
	text_reset(s);
	text_printf(s, "SELECT %s FROM %s", what, inst->table_sql);
	if (index)
		text_printf(s, " FORCE INDEX (%s)", index);
	text_printf(s, " WHERE ");
}

/* The operator's own text: one expression. */
static enum migrate_status check_where(struct self *self, const char *where)
{
	struct instance *inst = self->instance;
	enum migrate_status status;
	struct text s = { .n = 0 }, full = { .n = 0 };

	if (!where || !*where)
		return MIGRATE_OK;
	text_printf(&s, "(%s\n)", where); /* a comment ends with its line */
	inst->where = text_finish(&s);
	if (!inst->where)
		return out_of_memory(self);
	text_printf(&full, "SELECT 1 FROM %s WHERE %s LIMIT 0", inst->table_sql, inst->where);
	if (full.bad) {
		text_release(&full);
		return out_of_memory(self);
	}
	answer_free(
	    query(self, &self->main, full.p, full.n, SHAPE("i", 0, 0), QUICK, "where", &status));
	text_release(&full);
	inst->where_asks = condition_asks(where);
	/* whatever the server says of it, it is the job file's */
	return status == MIGRATE_FATAL ? MIGRATE_INVALID : status;
}

enum migrate_status text_build(struct self *self, const char *where)
{
	struct instance *inst = self->instance;
	enum migrate_status status = check_where(self, where);

	if (status)
		return status;
	inst->may_differ = inst->column->charset && strcmp(inst->column->charset, "utf8mb4") != 0;
	row_shapes(inst);
	inst->value_sql = value_text(inst);
	inst->length_sql = inst->value_sql ? length_text(inst) : NULL;
	if (inst->length_sql) {
		inst->usable_sql = usable_text(inst);
		inst->bytes_sql = bytes_text(inst);
		inst->row_sql = row_text(inst, false);
		inst->look_sql = row_text(inst, true);
		inst->order_sql = order_text(inst);
	}
	if (!inst->value_sql || !inst->usable_sql || !inst->row_sql || !inst->look_sql ||
	    !inst->order_sql || !inst->bytes_sql)
		return out_of_memory(self);
	return MIGRATE_OK;
}
