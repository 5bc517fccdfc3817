/* SPDX-License-Identifier: MIT */
#include "mysql-impl.h"

#include <stdlib.h>
#include <string.h>

#define COLUMNS_MAX 4096 /* as many as a table may have */

static const char columns_sql[] =
    "SELECT column_name, data_type, column_type, is_nullable = 'NO', column_default IS NOT NULL, "
    "COALESCE(character_maximum_length, 0), character_set_name, collation_name, extra, "
    "COALESCE(numeric_precision, 0), COALESCE(numeric_scale, 0), COALESCE(datetime_precision, 0), "
    "generation_expression FROM information_schema.columns WHERE table_schema = ";

static char *copy_or_null(const struct row *row, size_t column)
{
	return *field_text(row, column) ? strdup(field_text(row, column)) : NULL;
}

static bool take_row(struct column *c, const struct instance *inst, const struct row *row)
{
	const char *extra = field_text(row, 8);
	struct text s = { .n = 0 };

	text_printf(&s, "%s.", inst->table_sql);
	sql_name(&s, field_text(row, 0));
	*c = (struct column){
		.name = strdup(field_text(row, 0)),
		.sql = text_finish(&s),
		.type = strdup(field_text(row, 1)),
		.shown = strdup(field_text(row, 2)),
		.charset = copy_or_null(row, 6),
		.collation = copy_or_null(row, 7),
		.expression = copy_or_null(row, 12),
		.width = field_number(row, 5),
		.precision = (int)field_number(row, 9),
		.scale = (int)field_number(row, 10),
		.fraction = (int)field_number(row, 11),
		.not_null = field_number(row, 3) == 1,
		.has_default = field_number(row, 4) == 1,
		.automatic = strstr(extra, "auto_increment") != NULL,
		.on_update = strcasestr(extra, "on update") != NULL,
		.is_unsigned = strstr(field_text(row, 2), "unsigned") != NULL,
	};
	return c->name && c->sql && c->type && c->shown;
}

/* What a table made of its own columns or not: MySQL also says so of an expression as default. */
static void drop_expression(struct column *c, const char *extra)
{
	if (strstr(extra, "VIRTUAL") || strstr(extra, "STORED") || strstr(extra, "PERSISTENT"))
		return;
	free(c->expression);
	c->expression = NULL;
}

static enum migrate_status read_all(struct self *self)
{
	struct instance *inst = self->instance;
	enum migrate_status status;
	struct text s = { .n = 0 };
	struct answer *res;
	struct row row;

	text_printf(&s, "%s", columns_sql);
	sql_string(&s, inst->space);
	text_printf(&s, " AND table_name = ");
	sql_string(&s, inst->table);
	text_printf(&s, " ORDER BY ordinal_position");
	res = catalog_built(self, &s, SHAPE("sssIIuSSSuuuS", 0, COLUMNS_MAX), &status);
	if (!res)
		return status;
	inst->columns = calloc((size_t)res->rows + 1, sizeof(*inst->columns));
	if (!inst->columns)
		status = out_of_memory(self);
	while (!status && row_next(res, &row)) {
		struct column *c = &inst->columns[inst->column_count++];

		if (!take_row(c, inst, &row))
			status = out_of_memory(self);
		else
			drop_expression(c, field_text(&row, 8));
	}
	answer_free(res);
	return status;
}

/* Names of columns do not know case. */
const struct column *column_named(const struct instance *inst, const char *name)
{
	for (size_t i = 0; i < inst->column_count; i++)
		if (!strcasecmp(inst->columns[i].name, name))
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

static bool is_one_of(const char *type, const char *const *types)
{
	for (; *types; types++)
		if (!strcasecmp(type, *types))
			return true;
	return false;
}

bool is_binary(const struct column *c)
{
	static const char *const types[] = { "binary",   "varbinary", "blob",
					     "tinyblob", "longblob",  "mediumblob",
					     "geometry", "bit",       NULL };

	return is_one_of(c->type, types);
}

enum form form_of(const struct column *c)
{
	static const char *const integers[] = { "tinyint", "smallint", "mediumint", "int",
						"bigint",  "year",     NULL };
	static const char *const others[] = { "date", "datetime", "timestamp", "time",
					      "uuid", "inet4",    "inet6",     NULL };

	if (is_one_of(c->type, integers))
		return FORM_INTEGER;
	if (!strcasecmp(c->type, "decimal"))
		return FORM_NUMBER;
	if (is_one_of(c->type, others))
		return FORM_OTHER;
	if (is_binary(c))
		return strcasecmp(c->type, "bit") && strcasecmp(c->type, "geometry") ? FORM_BYTES
										     : FORM_NONE;
	if (c->charset && strcasecmp(c->type, "enum") && strcasecmp(c->type, "set") &&
	    strcasecmp(c->type, "json"))
		return FORM_TEXT;
	return FORM_NONE;
}

/* A column that we write to; NULL with *status. */
const struct column *column_written(struct self *self, const char *option, const char *name,
				    enum migrate_status *status)
{
	const struct instance *inst = self->instance;
	const struct column *c = column_named(inst, name);

	if (c && !c->expression)
		return c;
	if (c)
		*status = column_is_generated(self->session, option, c->name);
	else
		*status = no_such_column(self->session, option, name, inst->table, inst->columns,
					 sizeof(*inst->columns), inst->column_count);
	return NULL;
}

/* MariaDB's json is a longtext with a check; any text may hold a document. */
static enum migrate_status take_kind(struct self *self, const char *json_path)
{
	struct instance *inst = self->instance;
	const struct column *c = inst->column;
	bool is_json = !strcasecmp(c->type, "json");
	enum form form = form_of(c);

	if (json_path && (is_json || form == FORM_TEXT)) {
		inst->kind = KIND_JSON;
		return path_read(self, json_path);
	}
	if (json_path)
		return migrate_fail(self->session, MIGRATE_INVALID,
				    "json_path: column '%s' is %s, which holds no documents",
				    c->name, c->shown);
	if (form == FORM_BYTES)
		inst->kind = KIND_BYTES;
	else if (form == FORM_TEXT)
		inst->kind = KIND_TEXT;
	else
		return migrate_fail(self->session, MIGRATE_INVALID,
				    "column: '%s' is %s, which holds no names%s", c->name, c->shown,
				    is_json ? "; name the place in it with json_path" : "");
	return MIGRATE_OK;
}

enum migrate_status columns_read(struct self *self, const struct mysql_config *config)
{
	struct instance *inst = self->instance;
	enum migrate_status status = read_all(self);

	if (!status)
		inst->column = column_written(self, "column", config->column, &status);
	if (!status)
		status = take_kind(self, config->json_path);
	if (!status)
		status = sets_read(self, &config->set);
	return status;
}
