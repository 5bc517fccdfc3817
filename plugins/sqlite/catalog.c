/* SPDX-License-Identifier: MIT */
#include "sqlite-impl.h"

#include <stdlib.h>
#include <string.h>

bool same_name(const char *a, const char *b)
{
	return sqlite3_stricmp(a, b) == 0;
}

static enum migrate_status no_such_table(struct self *self, const char *name)
{
	char *names[NAMES_MAX];
	enum migrate_status status = MIGRATE_OK;
	size_t n = 0;
	sqlite3_stmt *stmt = statement_text(self,
					    "SELECT name FROM sqlite_schema WHERE type = 'table' "
					    "AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\'",
					    &status);

	if (!stmt)
		return status;
	while (n < NAMES_MAX && sqlite3_step(stmt) == SQLITE_ROW) {
		names[n] = sqlite3_mprintf("%s", column_text(stmt, 0));
		if (names[n])
			n++;
	}
	sqlite3_finalize(stmt);
	status = no_such(self->session, "table", "table", name, self->instance->path,
			 (const char *const *)names, n);
	while (n)
		sqlite3_free(names[--n]);
	return status;
}

static enum migrate_status wrong_kind(struct self *self, const char *type)
{
	return migrate_fail(self->session, MIGRATE_INVALID,
			    "table: '%s' is a %s table or view; name the table that holds the rows",
			    self->instance->table, type);
}

/* The table's name as the schema spells it, and what kind it is. */
static enum migrate_status read_table(struct self *self, const char *name)
{
	struct instance *inst = self->instance;
	enum migrate_status status = MIGRATE_OK;
	sqlite3_stmt *stmt = statement_text(
	    self,
	    "SELECT name, type, wr, strict FROM pragma_table_list WHERE schema = 'main' AND "
	    "name = ?1 COLLATE NOCASE",
	    &status);
	int rc;

	if (!stmt)
		return status;
	sqlite3_bind_text(stmt, 1, name, -1, SQLITE_STATIC);
	rc = sqlite3_step(stmt);
	if (rc == SQLITE_DONE) {
		status = no_such_table(self, name);
	} else if (rc != SQLITE_ROW) {
		status = fail_sql(self, rc, "cannot read the schema");
	} else {
		inst->table = sqlite3_mprintf("%s", column_text(stmt, 0));
		inst->without_rowid = sqlite3_column_int(stmt, 2);
		inst->strict = sqlite3_column_int(stmt, 3);
		if (inst->table && strcmp(column_text(stmt, 1), "table"))
			status = wrong_kind(self, column_text(stmt, 1));
	}
	sqlite3_finalize(stmt);
	return status;
}

/* SQLite's rule for what a declared type prefers to hold. */
static enum affinity affinity_of(const char *type, bool strict)
{
	char upper[64];
	size_t n = 0;

	for (; type[n] && n < sizeof(upper) - 1; n++)
		upper[n] = (char)(type[n] >= 'a' && type[n] <= 'z' ? type[n] - 32 : type[n]);
	upper[n] = '\0';
	if (strstr(upper, "INT"))
		return AFFINITY_NUMERIC;
	if (strstr(upper, "CHAR") || strstr(upper, "CLOB") || strstr(upper, "TEXT"))
		return AFFINITY_TEXT;
	if (!n || strstr(upper, "BLOB") || (strict && !strcmp(upper, "ANY")))
		return AFFINITY_BLOB;
	return AFFINITY_NUMERIC;
}

static bool add_column(struct instance *inst, sqlite3_stmt *stmt)
{
	struct column *c = realloc(inst->columns, (inst->column_count + 1) * sizeof(*c));

	if (!c)
		return false;
	inst->columns = c;
	c += inst->column_count;
	*c = (struct column){
		.name = sqlite3_mprintf("%s", column_text(stmt, 0)),
		.type = sqlite3_mprintf("%s", column_text(stmt, 1)),
		.not_null = sqlite3_column_int(stmt, 2),
		.has_default = sqlite3_column_int(stmt, 3),
		.pk = sqlite3_column_int(stmt, 4),
		.generated = sqlite3_column_int(stmt, 5) > 1,
	};
	inst->column_count++;
	if (!c->name || !c->type)
		return false;
	c->affinity = affinity_of(c->type, inst->strict);
	return true;
}

static enum migrate_status read_columns(struct self *self)
{
	enum migrate_status status = MIGRATE_OK;
	sqlite3_stmt *stmt = statement_text(self,
					    "SELECT name, type, \"notnull\", dflt_value IS NOT "
					    "NULL, pk, hidden FROM pragma_table_xinfo(?1)",
					    &status);
	int rc;

	if (!stmt)
		return status;
	sqlite3_bind_text(stmt, 1, self->instance->table, -1, SQLITE_STATIC);
	while ((rc = sqlite3_step(stmt)) == SQLITE_ROW)
		if (!add_column(self->instance, stmt)) {
			rc = SQLITE_NOMEM;
			break;
		}
	sqlite3_finalize(stmt);
	return rc == SQLITE_DONE
		   ? MIGRATE_OK
		   : migrate_fail(self->session, status_of(rc), "cannot read the columns of '%s'",
				  self->instance->table);
}

struct column *catalog_column(const struct instance *instance, const char *name)
{
	for (size_t i = 0; i < instance->column_count; i++)
		if (same_name(instance->columns[i].name, name))
			return &instance->columns[i];
	return NULL;
}

/* A column that we write to; NULL with *status. */
static struct column *written_column(struct self *self, const char *option, const char *name,
				     enum migrate_status *status)
{
	struct instance *inst = self->instance;
	struct column *c = catalog_column(inst, name);

	if (c && !c->generated)
		return c;
	if (c) {
		*status = column_is_generated(self->session, option, c->name);
		return NULL;
	}
	*status = no_such_column(self->session, option, name, inst->path, inst->columns,
				 sizeof(*inst->columns), inst->column_count);
	return NULL;
}

static enum migrate_status take_column(struct self *self, const char *name)
{
	struct instance *inst = self->instance;
	enum migrate_status status = MIGRATE_OK;
	struct column *c = written_column(self, "column", name, &status);

	if (!c)
		return status;
	if (inst->strict && c->affinity == AFFINITY_NUMERIC)
		return migrate_fail(self->session, MIGRATE_INVALID,
				    "column: '%s' is declared %s and can hold no text", c->name,
				    c->type);
	inst->affinity = c->affinity;
	inst->blob = sqlite3_stricmp(c->type, "BLOB") == 0;
	inst->column = sqlite3_mprintf("%s", c->name);
	inst->column_sql = sqlite3_mprintf("\"%w\"", c->name);
	inst->table_sql = sqlite3_mprintf("main.\"%w\"", inst->table);
	if (!inst->column || !inst->column_sql || !inst->table_sql)
		return migrate_fail(self->session, MIGRATE_TRANSIENT, "out of memory");
	return MIGRATE_OK;
}

static enum migrate_status take_set(struct self *self, const struct migrate_map *set)
{
	struct instance *inst = self->instance;
	enum migrate_status status = MIGRATE_OK;

	if (set->n > SET_MAX)
		return too_many_sets(self->session, SET_MAX);
	for (size_t i = 0; i < set->n; i++) {
		const struct migrate_pair *pair = &set->pairs[i];
		struct column *c = written_column(self, "set", pair->name, &status);
		struct set_column *to = &inst->set[i];

		if (!c)
			return status;
		if (same_name(c->name, inst->column))
			return set_is_taken(self->session, c->name, true);
		to->name = c->name;
		to->sql = sqlite3_mprintf("\"%w\"", c->name);
		to->value = pair->value ? sqlite3_mprintf("%s", pair->value) : NULL;
		if (!to->sql || (pair->value && !to->value))
			return migrate_fail(self->session, MIGRATE_TRANSIENT, "out of memory");
		inst->set_count++;
	}
	return MIGRATE_OK;
}

/* SELECT of one small value: encoding, number of triggers, ... */
static enum migrate_status read_facts(struct self *self)
{
	struct instance *inst = self->instance;
	enum migrate_status status = MIGRATE_OK;
	sqlite3_stmt *stmt = statement_text(
	    self,
	    "SELECT (SELECT encoding FROM pragma_encoding) <> 'UTF-8', EXISTS (SELECT 1 FROM "
	    "sqlite_schema WHERE type = 'trigger' AND tbl_name = ?1 COLLATE NOCASE) OR EXISTS "
	    "(SELECT 1 FROM sqlite_schema s, pragma_foreign_key_list(s.name) f WHERE s.type = "
	    "'table' AND f.\"table\" = ?1 COLLATE NOCASE AND f.on_update NOT IN ('NO ACTION', "
	    "'RESTRICT'))",
	    &status);
	int rc;

	if (!stmt)
		return status;
	sqlite3_bind_text(stmt, 1, inst->table, -1, SQLITE_STATIC);
	rc = sqlite3_step(stmt);
	inst->utf16 = rc == SQLITE_ROW && sqlite3_column_int(stmt, 0);
	inst->triggers = rc == SQLITE_ROW && sqlite3_column_int(stmt, 1);
	sqlite3_finalize(stmt);
	return rc == SQLITE_ROW ? MIGRATE_OK : fail_sql(self, rc, "cannot read the schema");
}

enum migrate_status catalog_read(struct self *self, const struct sqlite_config *config)
{
	enum migrate_status status = read_table(self, config->table);

	if (!status)
		status = read_columns(self);
	if (!status)
		status = take_column(self, config->column);
	if (!status)
		status = take_set(self, &config->set);
	if (!status)
		status = read_facts(self);
	if (!status)
		status = catalog_key(self, config);
	return status;
}
