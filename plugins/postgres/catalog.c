/* SPDX-License-Identifier: MIT */
#include "postgres-impl.h"

#include <stdlib.h>
#include <string.h>

/* The table and its surroundings, by bound parameters. */

static enum migrate_status no_such_table(struct self *self, const char *name)
{
	const char *names[NAMES_MAX];
	enum migrate_status status;
	PGresult *res =
	    catalog(self,
		    "SELECT CASE WHEN pg_catalog.pg_table_is_visible(c.oid) THEN c.relname::text "
		    "ELSE n.nspname || '.' || c.relname END FROM pg_catalog.pg_class c JOIN "
		    "pg_catalog.pg_namespace n ON n.oid = c.relnamespace WHERE c.relkind IN ('r', "
		    "'p') AND n.nspname NOT IN ('pg_catalog', 'information_schema') AND n.nspname "
		    "NOT LIKE 'pg\\_t%' ORDER BY 1 LIMIT 512",
		    NULL, SHAPE("s", 0, NAMES_MAX), &status);
	int n = 0;

	if (!res)
		return status;
	for (; n < PQntuples(res) && n < NAMES_MAX; n++)
		names[n] = PQgetvalue(res, n, 0);
	status =
	    no_such(self->session, "table", "table", name, self->instance->table, names, (size_t)n);
	PQclear(res);
	return status;
}

static const char find_table[] =
    "SELECT c.oid, n.nspname, c.relname, c.relkind, c.relpersistence = 'u', c.relhassubclass, "
    "pg_catalog.row_security_active(c.oid) FROM pg_catalog.pg_class c JOIN "
    "pg_catalog.pg_namespace n ON n.oid = c.relnamespace WHERE c.relkind IN ('r', 'p', 'v', 'm', "
    "'f') AND (c.relname = $1::text AND pg_catalog.pg_table_is_visible(c.oid) OR n.nspname = "
    "$2::text AND c.relname = $3::text) ORDER BY c.relname = $1::text DESC LIMIT 1";

static const struct shape *const table_shape = SHAPE("osssbbb", 0, 1);

/* A name as it is, or schema.name: both as the catalog spells them. */
static PGresult *look_for_table(struct self *self, const char *name, const char *dot,
				enum migrate_status *status)
{
	struct parameters p = { .n = 0 };

	parameter(&p, name, strlen(name));
	parameter(&p, name, dot ? (size_t)(dot - name) : 0);
	parameter(&p, dot ? dot + 1 : "", dot ? strlen(dot + 1) : 0);
	return catalog(self, find_table, &p, table_shape, status);
}

/* What the name means in SQL: quotes are quotes, and other letters become small. */
static PGresult *look_as_sql(struct self *self, const char *name, enum migrate_status *status)
{
	struct parameters p = { .n = 0 };
	PGresult *parsed, *res = NULL;

	parameter(&p, name, strlen(name));
	parsed = catalog(self,
			 "SELECT i[1], i[2] FROM pg_catalog.parse_ident($1::text) AS i WHERE "
			 "pg_catalog.cardinality(i) <= 2",
			 &p, SHAPE("sS", 0, 1), status);
	if (parsed && PQntuples(parsed)) {
		const char *first = PQgetvalue(parsed, 0, 0), *second = PQgetvalue(parsed, 0, 1);
		bool alone = PQgetisnull(parsed, 0, 1);

		p.n = 0;
		parameter(&p, alone ? first : "", alone ? strlen(first) : 0);
		parameter(&p, first, strlen(first));
		parameter(&p, second, strlen(second));
		res = catalog(self, find_table, &p, table_shape, status);
	}
	PQclear(parsed);
	if (*status == MIGRATE_INVALID) /* it is no identifier: then it names no table */
		*status = MIGRATE_OK;
	return res;
}

static enum migrate_status wrong_kind(struct self *self, char kind)
{
	return migrate_fail(self->session, MIGRATE_INVALID,
			    "table: '%s' is a %s; name the table that holds the rows",
			    self->instance->table,
			    kind == 'v'   ? "view"
			    : kind == 'm' ? "materialized view"
					  : "foreign table");
}

static enum migrate_status take_table(struct self *self, const PGresult *res)
{
	struct instance *inst = self->instance;
	char kind = *PQgetvalue(res, 0, 3);
	struct text s = { .n = 0 };

	inst->oid = (Oid)field_number(res, 0, 0);
	inst->space = strdup(PQgetvalue(res, 0, 1));
	inst->table = strdup(PQgetvalue(res, 0, 2));
	inst->partitioned = kind == 'p';
	inst->unlogged = field_true(res, 0, 4);
	if (!inst->space || !inst->table)
		return out_of_memory(self);
	if (kind != 'r' && kind != 'p')
		return wrong_kind(self, kind);
	if (field_true(res, 0, 6))
		return migrate_fail(self->session, MIGRATE_DENIED,
				    "table: row-level security hides rows of '%s' from this user, "
				    "so they would be left behind; use its owner or a role with "
				    "BYPASSRLS",
				    inst->table);
	/* children that inherit have keys of their own */
	text_printf(&s, "%s", inst->partitioned ? "" : "ONLY ");
	sql_name(&s, inst->space);
	text_printf(&s, ".");
	sql_name(&s, inst->table);
	inst->table_sql = text_finish(&s);
	inst->alias = quoted_name(inst->table);
	if (!inst->partitioned && field_true(res, 0, 5))
		migrate_note(self->session,
			     "tables that inherit from '%s' are not part of it; name each of them "
			     "as a database of its own",
			     inst->table);
	return inst->table_sql && inst->alias ? MIGRATE_OK : out_of_memory(self);
}

static enum migrate_status table_read(struct self *self, const char *name)
{
	enum migrate_status status = MIGRATE_OK;
	const char *dot = strchr(name, '.');
	PGresult *res = look_for_table(self, name, dot, &status);

	if (res && !PQntuples(res)) {
		PQclear(res);
		res = look_as_sql(self, name, &status);
	}
	if (status)
		return status;
	status = res && PQntuples(res) ? take_table(self, res) : no_such_table(self, name);
	PQclear(res);
	return status;
}

/* Which cluster this is: the number it was born with, as far as we may read it. */
static enum migrate_status system_read(struct self *self, struct link *link, char **system,
				       Oid *database)
{
	enum migrate_status status;
	PGresult *res = query(
	    self, link,
	    "SELECT CASE WHEN pg_catalog.has_function_privilege('pg_catalog.pg_control_system()', "
	    "'EXECUTE') THEN (SELECT system_identifier::text FROM pg_catalog.pg_control_system()) "
	    "ELSE 'unknown/' || pg_catalog.current_database() END, oid, "
	    "pg_catalog.current_setting('fsync') = 'on', "
	    "pg_catalog.current_setting('server_encoding') = 'UTF8' FROM pg_catalog.pg_database "
	    "WHERE datname = pg_catalog.current_database()",
	    NULL, SHAPE("sobb", 1, 1), QUICK, "cannot read the catalog", &status);

	if (!res)
		return status;
	*system = strdup(PQgetvalue(res, 0, 0));
	*database = (Oid)field_number(res, 0, 1);
	self->instance->fsync = field_true(res, 0, 2);
	self->instance->utf8 = field_true(res, 0, 3);
	PQclear(res);
	return *system ? MIGRATE_OK : out_of_memory(self);
}

/* A replica is of the same cluster, and of the same database in it. */
static enum migrate_status check_replica(struct self *self)
{
	struct instance *inst = self->instance;
	enum migrate_status status;
	char *system = NULL;
	Oid database = 0;

	if (!inst->scan_conninfo)
		return MIGRATE_OK;
	status = system_read(self, &self->scan, &system, &database);
	if (!status && (strcmp(system, inst->system) != 0 || database != inst->database))
		status = migrate_fail(self->session, MIGRATE_INVALID,
				      "scan_connection: this is not a replica of the database that "
				      "connection leads to");
	free(system);
	return status;
}

/*
 * The same path in every session, so that triggers meet what they are used to;
 * pg_catalog comes before all of it, wherever the user has put it.
 */
static enum migrate_status path_pin(struct self *self)
{
	enum migrate_status status;
	PGresult *res =
	    catalog(self,
		    "SELECT CASE WHEN s ~ '(^|,) *\"?pg_catalog\"? *(,|$)' THEN 'pg_catalog, ' || "
		    "s ELSE s END, (SELECT setting FROM pg_catalog.pg_settings WHERE name = "
		    "'deadlock_timeout') FROM pg_catalog.current_setting('search_path') AS s",
		    NULL, SHAPE("si", 1, 1), &status);

	if (!res)
		return status;
	self->instance->deadlock_timeout = field_number(res, 0, 1);
	self->instance->search_path = strdup(PQgetvalue(res, 0, 0));
	PQclear(res);
	return self->instance->search_path ? MIGRATE_OK : out_of_memory(self);
}

static enum migrate_status may_not(struct self *self, const char *what)
{
	const struct instance *inst = self->instance;

	return migrate_fail(self->session, MIGRATE_DENIED,
			    "table: the user may not %s '%s'; GRANT SELECT%s ON %s.%s TO it", what,
			    inst->table, inst->writes ? ", UPDATE" : "", inst->space, inst->table);
}

/* The names of all columns that we write to, in the first array. False: out of memory. */
static bool changed_names(struct self *self)
{
	const struct instance *inst = self->instance;
	struct array *names = &self->arrays[0];

	array_begin(names, OID_TEXT);
	for (size_t i = 0; i < inst->column_count; i++) {
		const struct column *c = &inst->columns[i];

		if (is_changed(inst, c))
			array_add(names,
				  (struct migrate_bytes){ .p = c->name, .n = strlen(c->name) });
	}
	return array_end(names);
}

/* $1: the table; $2: the columns that are changed. oid: room for it, as long as p. */
static enum migrate_status about_changes(struct self *self, struct parameters *p,
					 unsigned char oid[4])
{
	if (!changed_names(self))
		return out_of_memory(self);
	put32(oid, self->instance->oid);
	parameter(p, oid, 4);
	parameter_array(p, &self->arrays[0]);
	return MIGRATE_OK;
}

enum migrate_status check_privileges(struct self *self)
{
	struct instance *inst = self->instance;
	struct parameters p = { .n = 0 };
	unsigned char oid[4];
	enum migrate_status status = about_changes(self, &p, oid);
	PGresult *res;

	if (status)
		return status;
	res = catalog(self,
		      "SELECT pg_catalog.has_table_privilege($1::oid, 'SELECT') OR "
		      "pg_catalog.bool_and(pg_catalog.has_column_privilege($1::oid, c, 'SELECT')), "
		      "pg_catalog.bool_and(pg_catalog.has_column_privilege($1::oid, c, 'UPDATE')) "
		      "FROM pg_catalog.unnest($2::pg_catalog.text[]) AS c",
		      &p, SHAPE("bb", 1, 1), &status);
	if (!res)
		return status;
	if (!field_true(res, 0, 0))
		status = may_not(self, "read");
	else if (inst->writes && !field_true(res, 0, 1))
		status = may_not(self, "change");
	PQclear(res);
	return status;
}

/*
 * What may make another value of what we write, or write to our rows once more: triggers for
 * updates (where rows move between partitions, those for inserts and deletes as well), rules,
 * and foreign keys that carry our columns on to tables with triggers of their own. And whether
 * one of our columns is in an index that foreign keys may refer to.
 */
static const char find_triggers[] =
    "WITH r AS (SELECT $1::pg_catalog.oid AS oid UNION SELECT relid FROM "
    "pg_catalog.pg_partition_tree($1::pg_catalog.oid::pg_catalog.regclass)) SELECT EXISTS "
    "(SELECT 1 FROM r JOIN pg_catalog.pg_trigger t ON t.tgrelid = r.oid WHERE NOT t.tgisinternal "
    "AND t.tgenabled <> 'D' AND (t.tgtype & 16 <> 0 OR $3::pg_catalog.bool)) OR EXISTS (SELECT 1 "
    "FROM r JOIN pg_catalog.pg_rewrite w ON w.ev_class = r.oid WHERE w.ev_type = '2' AND "
    "w.ev_enabled <> 'D') OR EXISTS (SELECT 1 FROM r JOIN pg_catalog.pg_constraint k ON "
    "k.confrelid = r.oid JOIN pg_catalog.pg_attribute a ON a.attrelid = k.confrelid AND a.attnum = "
    "ANY (k.confkey) WHERE k.contype = 'f' AND k.confupdtype IN ('c', 'n', 'd') AND a.attname = "
    "ANY ($2::pg_catalog.text[])), EXISTS (SELECT 1 FROM r JOIN pg_catalog.pg_index i ON "
    "i.indrelid "
    "= r.oid JOIN pg_catalog.pg_attribute a ON a.attrelid = r.oid AND a.attnum = ANY "
    "((i.indkey::pg_catalog.int2[])[0:i.indnkeyatts - 1]) WHERE i.indisunique AND i.indpred IS "
    "NULL "
    "AND i.indexprs IS NULL AND a.attname = ANY ($2::pg_catalog.text[])), (SELECT "
    "pg_catalog.min(w.rulename::pg_catalog.text) FROM r "
    "JOIN pg_catalog.pg_rewrite w ON w.ev_class = r.oid WHERE w.ev_type = '2' AND w.is_instead AND "
    "w.ev_enabled <> 'D')";

static enum migrate_status triggers_read(struct self *self)
{
	struct instance *inst = self->instance;
	struct parameters p = { .n = 0 };
	unsigned char oid[4];
	enum migrate_status status = about_changes(self, &p, oid);
	PGresult *res;

	if (status)
		return status;
	parameter(&p, inst->partitioned ? "\1" : "\0", 1);
	res = catalog(self, find_triggers, &p, SHAPE("bbS", 1, 1), &status);
	inst->verify = !res || field_true(res, 0, 0);
	inst->in_key = !res || field_true(res, 0, 1);
	if (res && inst->writes && !PQgetisnull(res, 0, 2))
		status = migrate_fail(self->session, MIGRATE_INVALID,
				      "table: the rule '%s' of '%s' does something else instead of "
				      "changing its rows",
				      PQgetvalue(res, 0, 2), inst->table);
	PQclear(res);
	return status;
}

enum migrate_status catalog_read(struct self *self, const struct postgres_config *config)
{
	struct instance *inst = self->instance;
	enum migrate_status status = system_read(self, &self->main, &inst->system, &inst->database);

	if (!status)
		status = path_pin(self);
	if (!status)
		status = table_read(self, config->table);
	if (!status)
		status = columns_read(self, config);
	if (!status)
		status = key_read(self, config);
	if (!status)
		status = check_privileges(self);
	if (!status)
		status = triggers_read(self);
	if (!status)
		status = check_replica(self);
	return status;
}
