/* SPDX-License-Identifier: MIT */
#include "mysql-impl.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/*
 * Values of `set:` are texts in the job file. What the server will show of them
 * once they are stored is asked before anything is touched: rows that hold it
 * already are left alone, and a value that does not fit is the job file's fault.
 */

static bool is_type(const struct column *c, const char *type)
{
	return !strcasecmp(c->type, type);
}

/* What a value becomes in such a column, as an expression over its literal. */
static void add_stored(struct text *s, const struct column *c, const char *value, bool is_mariadb)
{
	const char *after = ")";

	switch (form_of(c)) {
	case FORM_INTEGER:
		text_printf(s, "CAST(");
		after = c->is_unsigned || is_type(c, "year") ? " AS UNSIGNED)" : " AS SIGNED)";
		sql_string(s, value);
		text_printf(s, "%s", after);
		return;
	case FORM_NUMBER:
		text_printf(s, "CAST(");
		sql_string(s, value);
		text_printf(s, " AS DECIMAL(%d,%d))", c->precision, c->scale);
		return;
	case FORM_OTHER:
		text_typed(s, c, (struct migrate_bytes){ .p = value, .n = strlen(value) });
		return;
	case FORM_TEXT:
	case FORM_BYTES:
	case FORM_NONE:
		break;
	}
	if (is_type(c, "float") || is_type(c, "double")) {
		text_printf(s, "CAST(");
		sql_string(s, value);
		text_printf(s, " AS %s) + 0e0", c->type);
	} else if (is_type(c, "json") && !is_mariadb) {
		text_printf(s, "CAST(");
		sql_string(s, value);
		text_printf(s, " AS JSON)");
	} else if (c->charset && strcmp(c->charset, "utf8mb4") != 0) {
		text_printf(s, "CONVERT(CONVERT(");
		sql_string(s, value);
		text_printf(s, " USING %s) USING utf8mb4)", c->charset);
	} else {
		sql_string(s, value);
	}
}

/* 'a','b''c': the words of enum(...) or set(...); false: not one of them. */
static bool is_member(const struct column *c, const char *value)
{
	const char *p = strchr(c->shown, '(');
	char word[1024];

	while (p && (p = strchr(p, '\''))) {
		size_t n = 0;

		for (p++; *p && n + 1 < sizeof(word); p++) {
			if (*p == '\'' && *++p != '\'')
				break;
			word[n++] = *p;
		}
		word[n] = '\0';
		if (!strcmp(word, value))
			return true;
	}
	return false;
}

/* Integers of a type that is narrower than what a cast makes. */
static bool is_in_range(const struct column *c, const char *value)
{
	static const struct {
		const char *type;
		int bits;
	} types[] = { { "tinyint", 8 }, { "smallint", 16 }, { "mediumint", 24 }, { "int", 32 } };
	long long v = strtoll(value, NULL, 10);

	for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
		long long half = 1LL << (types[i].bits - 1);

		if (is_type(c, types[i].type))
			return c->is_unsigned ? v >= 0 && v < 2 * half : v >= -half && v < half;
	}
	return true;
}

static bool fits(const struct column *c, const char *value, const char *stored)
{
	size_t n = strlen(value);

	if (is_type(c, "enum"))
		return is_member(c, value);
	if (is_type(c, "set") || is_type(c, "json"))
		return true;
	if (c->charset)
		return !strcmp(value, stored) && utf8_length(value, n) <= c->width &&
		       !(is_type(c, "char") && n && value[n - 1] == ' ');
	if (is_binary(c))
		return !c->width || n <= c->width;
	return is_in_range(c, stored);
}

static enum migrate_status canonical(struct self *self, struct set_column *set)
{
	const struct column *c = set->column;
	enum migrate_status status;
	struct text s = { .n = 0 };
	struct answer *res;
	struct row row;
	bool good;

	if (!set->value)
		return c->not_null ? migrate_fail(self->session, MIGRATE_INVALID,
						  "set: '%s' may not be null", c->name)
				   : MIGRATE_OK;
	text_printf(&s, "SELECT ");
	add_stored(&s, c, set->value, self->instance->is_mariadb);
	res = catalog_built(self, &s, SHAPE("S", 1, 1), &status);
	if (!res)
		return status;
	good = row_next(res, &row) && field(&row, 0).p && !mysql_warning_count(self->main.conn) &&
	       fits(c, set->value, field_text(&row, 0));
	set->canonical = good ? strdup(field_text(&row, 0)) : NULL;
	answer_free(res);
	if (!good)
		return migrate_fail(self->session, MIGRATE_INVALID,
				    "set: '%s' is %s, which cannot hold '%s'", c->name, c->shown,
				    set->value);
	return set->canonical ? MIGRATE_OK : out_of_memory(self);
}

enum migrate_status sets_read(struct self *self, const struct migrate_map *map)
{
	struct instance *inst = self->instance;
	enum migrate_status status = MIGRATE_OK;

	if (map->n > SET_MAX)
		return too_many_sets(self->session, SET_MAX);
	for (size_t i = 0; !status && i < map->n; i++) {
		const struct migrate_pair *pair = &map->pairs[i];
		const struct column *c = column_written(self, "set", pair->name, &status);
		struct set_column *set = &inst->set[i];

		if (!c)
			return status;
		if (is_changed(inst, c))
			return set_is_taken(self->session, c->name, c == inst->column);
		set->column = c;
		set->value = pair->value ? strdup(pair->value) : NULL;
		inst->set_count++;
		if (pair->value && !set->value)
			return out_of_memory(self);
		status = canonical(self, set);
	}
	return status;
}
