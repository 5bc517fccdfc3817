/* SPDX-License-Identifier: MIT */
#include "mysql-impl.h"

#include <stdlib.h>
#include <string.h>

/* The server, the table and what we may do with it. */

#define PACKET_MIN 1024 /* of max_allowed_packet, for either server */

/* ---- The server ---- */

/* A variable, or another text in its place where the server does not know it. */
static char *variable(struct self *self, const char *name, const char *otherwise,
		      enum migrate_status *status)
{
	struct text s = { .n = 0 };
	char *value = NULL;
	struct answer *res;
	struct row row;

	text_printf(&s, "SHOW GLOBAL VARIABLES WHERE variable_name = '%s'", name);
	res = catalog_built(self, &s, SHAPE("sS", 0, 1), status);
	if (!res)
		return NULL;
	value =
	    strdup(row_next(res, &row) && *field_text(&row, 1) ? field_text(&row, 1) : otherwise);
	answer_free(res);
	if (!value)
		*status = out_of_memory(self);
	return value;
}

static bool variable_is(struct self *self, const char *name, const char *value,
			enum migrate_status *status)
{
	char *text = *status ? NULL : variable(self, name, "", status);
	bool is = text && !strcasecmp(text, value);

	free(text);
	return is;
}

/*
 * What stays the same when another node of a cluster takes over, where there is
 * such a thing; else the number that the server gave itself, else where its data is.
 */
static enum migrate_status system_read(struct self *self)
{
	static const char *const names[] = { "group_replication_group_name", "server_uuid" };
	struct instance *inst = self->instance;
	enum migrate_status status = MIGRATE_OK;
	struct answer *res;
	struct row row;

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		inst->system = variable(self, names[i], "", &status);
		if (status || (inst->system && *inst->system))
			return status;
		free(inst->system);
		inst->system = NULL;
	}
	res = catalog(self,
		      "SELECT COALESCE((SELECT NULLIF(variable_value, '') FROM "
		      "information_schema.global_status WHERE variable_name = "
		      "'wsrep_cluster_state_uuid'), CONCAT_WS(':', @@hostname, @@port, @@datadir))",
		      SHAPE("s", 1, 1), &status);
	if (!res)
		return status;
	inst->system = row_next(res, &row) ? strdup(field_text(&row, 0)) : NULL;
	answer_free(res);
	return inst->system ? MIGRATE_OK : out_of_memory(self);
}

/* The lowest versions that have all that statements here use. */
static enum migrate_status version_check(struct self *self)
{
	unsigned long version = mysql_get_server_version(self->main.conn);
	bool is_old = self->instance->is_mariadb ? version < 100300 : version < 50708;

	if (!is_old)
		return MIGRATE_OK;
	return migrate_fail(self->session, MIGRATE_INVALID,
			    "%s: the server is older than MariaDB 10.3 or MySQL 5.7",
			    self->instance->address.option);
}

/* A log of statements does not bear READ COMMITTED. */
static enum migrate_status server_read(struct self *self)
{
	struct instance *inst = self->instance;
	enum migrate_status status = link_ready(self, &self->main);
	unsigned long version;
	char *packet = NULL;

	if (status)
		return status;
	inst->is_mariadb = mariadb_connection(self->main.conn);
	version = mysql_get_server_version(self->main.conn);
	inst->has_nowait = inst->is_mariadb || version >= 80001;
	inst->has_skip = inst->is_mariadb ? version >= 100600 : version >= 80001;
	status = version_check(self);
	if (!status)
		packet = variable(self, "max_allowed_packet", "1048576", &status);
	if (packet)
		inst->packet = strtoull(packet, NULL, 10);
	free(packet);
	if (!status && inst->packet < PACKET_MIN)
		return wrong_answer(self, &self->main, "cannot read the catalog",
				    "max_allowed_packet is too small");
	inst->fold_names = !variable_is(self, "lower_case_table_names", "0", &status);
	inst->durable = variable_is(self, "innodb_flush_log_at_trx_commit", "1", &status);
	inst->read_committed = !variable_is(self, "binlog_format", "STATEMENT", &status) ||
			       !variable_is(self, "log_bin", "ON", &status);
	return status ? status : system_read(self);
}

/* ---- The table ---- */

static enum migrate_status no_such_table(struct self *self, const char *name)
{
	char *found[NAMES_MAX];
	enum migrate_status status;
	struct answer *res =
	    catalog(self,
		    "SELECT IF(table_schema = DATABASE(), table_name, "
		    "CONCAT(table_schema, '.', table_name)) FROM "
		    "information_schema.tables WHERE table_schema NOT IN ('mysql', "
		    "'sys', 'information_schema', 'performance_schema') LIMIT 512",
		    SHAPE("s", 0, NAMES_MAX), &status);
	struct row row;
	size_t n = 0;

	if (!res)
		return status;
	while (n < NAMES_MAX && row_next(res, &row)) {
		found[n] = strdup(field_text(&row, 0));
		n += found[n] != NULL;
	}
	answer_free(res);
	status = no_such(self->session, "table", "table", name, self->instance->table,
			 (const char *const *)found, n);
	while (n)
		free(found[--n]);
	return status;
}

static bool same_name(const struct instance *inst, const char *a, const char *b)
{
	return inst->fold_names ? !strcasecmp(a, b) : !strcmp(a, b);
}

static enum migrate_status check_kind(struct self *self, const struct row *row)
{
	const char *kind = field_text(row, 2), *engine = field_text(row, 3);
	const char *table = self->instance->table;

	if (strcasecmp(kind, "BASE TABLE") != 0 && strcasecmp(kind, "SYSTEM VERSIONED") != 0)
		return migrate_fail(self->session, MIGRATE_INVALID,
				    "table: '%s' is a %s; name the table that holds the rows",
				    table, strcasecmp(kind, "VIEW") ? kind : "view");
	if (strcasecmp(engine, "InnoDB") != 0)
		return migrate_fail(self->session, MIGRATE_INVALID,
				    "table: '%s' is kept by %s, which has no transactions, so a "
				    "change that breaks off could not be taken back; ALTER TABLE "
				    "... ENGINE=InnoDB first",
				    table, *engine ? engine : "nothing");
	return MIGRATE_OK;
}

static enum migrate_status take_table(struct self *self, const struct row *row)
{
	struct instance *inst = self->instance;
	struct text s = { .n = 0 };

	inst->space = strdup(field_text(row, 0));
	inst->table = strdup(field_text(row, 1));
	if (!inst->space || !inst->table)
		return out_of_memory(self);
	sql_name(&s, inst->space);
	text_printf(&s, ".");
	sql_name(&s, inst->table);
	inst->table_sql = text_finish(&s);
	return inst->table_sql ? check_kind(self, row) : out_of_memory(self);
}

/* space NULL: the database of the connection. *found: there is one. */
static enum migrate_status look(struct self *self, const char *space, const char *name, bool *found)
{
	enum migrate_status status;
	struct text s = { .n = 0 };
	struct answer *res;
	struct row row;

	text_printf(&s, "SELECT table_schema, table_name, table_type, COALESCE(engine, '') FROM "
			"information_schema.tables WHERE table_schema = ");
	if (space)
		sql_string(&s, space);
	else
		text_printf(&s, "DATABASE()");
	text_printf(&s, " AND table_name = ");
	sql_string(&s, name);
	res = catalog_built(self, &s, SHAPE("ssss", 0, ANY_ROWS), &status);
	*found = false;
	while (res && !*found && row_next(res, &row)) {
		*found = same_name(self->instance, field_text(&row, 1), name) &&
			 (!space || same_name(self->instance, field_text(&row, 0), space));
		if (*found)
			status = take_table(self, &row);
	}
	answer_free(res);
	return status;
}

/* One name of `a`.`b`, out of its quotes; where it ends. */
static const char *unquote(const char *p, char *out, size_t size)
{
	bool quoted = *p == '`';
	size_t n = 0;

	for (p += quoted; *p && n + 1 < size; p++) {
		if (quoted && *p == '`' && *++p != '`')
			break;
		if (!quoted && *p == '.')
			break;
		out[n++] = *p;
	}
	out[n] = '\0';
	return p;
}

/* As it is written, then as schema.table, then as SQL reads it. */
static enum migrate_status table_read(struct self *self, const char *name)
{
	const char *dot = strchr(name, '.'), *end;
	char space[260], table[260];
	bool found = false;
	enum migrate_status status = look(self, NULL, name, &found);

	if (!status && !found && dot && (size_t)(dot - name) < sizeof(space)) {
		memcpy(space, name, (size_t)(dot - name));
		space[dot - name] = '\0';
		status = look(self, space, dot + 1, &found);
	}
	if (!status && !found && strchr(name, '`')) {
		end = unquote(name, space, sizeof(space));
		if (*end == '.') {
			unquote(end + 1, table, sizeof(table));
			status = look(self, space, table, &found);
		} else {
			status = look(self, NULL, space, &found);
		}
	}
	return status || found ? status : no_such_table(self, name);
}

/* ---- Privileges ---- */

/* A statement that changes nothing, explained: it needs what the real one will. */
static enum migrate_status check_update(struct self *self)
{
	const struct instance *inst = self->instance;
	enum migrate_status status;
	struct text s = { .n = 0 };

	if (!inst->writes)
		return MIGRATE_OK;
	text_printf(&s, "EXPLAIN UPDATE %s SET %s = %s", inst->table_sql, inst->column->sql,
		    inst->column->sql);
	for (size_t i = 0; i < inst->set_count; i++)
		text_printf(&s, ", %s = %s", inst->set[i].column->sql, inst->set[i].column->sql);
	text_printf(&s, " WHERE 1 = 0");
	answer_free(catalog_built(self, &s, SHAPE("*", 0, ANY_ROWS), &status));
	if (status != MIGRATE_DENIED)
		return status;
	return migrate_fail(self->session, MIGRATE_DENIED,
			    "table: the user may not change '%s'; GRANT SELECT, UPDATE ON %s TO it",
			    inst->table, inst->table_sql);
}

static enum migrate_status check_select(struct self *self)
{
	const struct instance *inst = self->instance;
	enum migrate_status status;
	struct text s = { .n = 0 };

	text_printf(&s, "SELECT %s", inst->column->sql);
	for (size_t k = 0; k < inst->key_count; k++)
		text_printf(&s, ", %s", inst->key[k].column->sql);
	for (size_t i = 0; i < inst->set_count; i++)
		text_printf(&s, ", %s", inst->set[i].column->sql);
	text_printf(&s, " FROM %s LIMIT 0", inst->table_sql);
	answer_free(catalog_built(self, &s, SHAPE("*", 0, 0), &status));
	if (status != MIGRATE_DENIED)
		return status;
	return migrate_fail(self->session, MIGRATE_DENIED,
			    "table: the user may not read '%s'; GRANT SELECT%s ON %s TO it",
			    inst->table, inst->writes ? ", UPDATE" : "", inst->table_sql);
}

enum migrate_status check_privileges(struct self *self)
{
	enum migrate_status status = check_select(self);

	return status ? status : check_update(self);
}

/* Triggers are shown to those who may make some; what we cannot see may be there. */
static enum migrate_status triggers_read(struct self *self)
{
	struct instance *inst = self->instance;
	enum migrate_status status;
	struct text s = { .n = 0 };
	struct answer *res;
	struct row row;

	text_printf(&s, "SELECT (SELECT COUNT(*) FROM information_schema.triggers WHERE "
			"event_object_schema = ");
	sql_string(&s, inst->space);
	text_printf(&s, " AND event_object_table = ");
	sql_string(&s, inst->table);
	text_printf(&s, " AND event_manipulation = 'UPDATE' AND action_timing = 'BEFORE') = 0 AND "
			"(EXISTS (SELECT 1 FROM information_schema.user_privileges WHERE "
			"privilege_type = 'TRIGGER') OR EXISTS (SELECT 1 FROM "
			"information_schema.schema_privileges WHERE privilege_type = 'TRIGGER' AND "
			"table_schema = ");
	sql_string(&s, inst->space);
	text_printf(&s, "))");
	res = catalog_built(self, &s, SHAPE("I", 1, 1), &status);
	inst->verify = !res || !row_next(res, &row) || *field_text(&row, 0) != '1';
	answer_free(res);
	return status;
}

enum migrate_status catalog_read(struct self *self, const struct mysql_config *config)
{
	enum migrate_status status = server_read(self);

	if (!status)
		status = table_read(self, config->table);
	if (!status)
		status = columns_read(self, config);
	if (!status)
		status = indexes_read(self, config);
	if (!status)
		status = check_privileges(self);
	if (!status)
		status = triggers_read(self);
	return status ? status : replica_check(self);
}
