/* SPDX-License-Identifier: MIT */
#include "postgres-impl.h"

#include <stdlib.h>
#include <string.h>

#ifndef MIGRATE_VERSION
#define MIGRATE_VERSION "0"
#endif

#define LIBRARY_OLDEST 140000 /* target_session_attrs of all kinds */

static const struct migrate_option options[] = {
	{ .name = "connection",
	  MIGRATE_SECRET(struct postgres_config, connection),
	  .flags = MIGRATE_REQUIRED,
	  .help = "the server and the database: a URI, keyword=value pairs, or service=NAME, as "
		  "libpq takes them" },
	{ .name = "scan_connection",
	  MIGRATE_SECRET(struct postgres_config, scan_connection),
	  .help = "a replica of the same database that long reads go to" },
	{ .name = "table",
	  MIGRATE_STRING(struct postgres_config, table),
	  .flags = MIGRATE_REQUIRED,
	  .klass = MIGRATE_IDENTITY,
	  .help = "the table whose rows name objects, with its schema in front if the search path "
		  "does not lead to it" },
	{ .name = "column",
	  MIGRATE_STRING(struct postgres_config, column),
	  .flags = MIGRATE_REQUIRED,
	  .klass = MIGRATE_IDENTITY,
	  .help = "the column that holds the names: text, varchar, bytea, jsonb, text[] or a "
		  "domain over one" },
	{ .name = "json_path",
	  MIGRATE_STRING(struct postgres_config, json_path),
	  .klass = MIGRATE_IDENTITY,
	  .help = "where in a jsonb column the name stands: $.avatar.url" },
	{ .name = "key",
	  MIGRATE_LIST(struct postgres_config, key),
	  .klass = MIGRATE_IDENTITY,
	  .help = "the columns that identify a row: a unique index must consist of just these; "
		  "default: the primary key, else another unique index" },
	{ .name = "where",
	  MIGRATE_STRING(struct postgres_config, where),
	  .klass = MIGRATE_SELECTION,
	  .help = "only rows for which this SQL expression is true" },
	{ .name = "set",
	  MIGRATE_MAP(struct postgres_config, set),
	  .klass = MIGRATE_MAPPING,
	  .help = "other columns to change together with the name, and what to; put back when the "
		  "job is reverted" },
	{ .name = "lock_timeout",
	  MIGRATE_DURATION(struct postgres_config, lock_timeout),
	  .klass = MIGRATE_TUNABLE,
	  .value = "5s",
	  .min = 0,
	  .max = 600000,
	  .help = "how long to wait for a row that another session has locked before trying "
		  "again; 0: as long as the server allows" },
	{ .name = "statement_timeout",
	  MIGRATE_DURATION(struct postgres_config, statement_timeout),
	  .klass = MIGRATE_TUNABLE,
	  .value = "10m",
	  .min = 0,
	  .max = 86400000,
	  .help = "how long one statement may take; 0: any time" },
};

static void column_free(struct column *c)
{
	free(c->name);
	free(c->shown);
	free(c->declared);
	free(c->type);
	free(c->space);
	free(c->collation);
}

static void instance_free(struct instance *inst)
{
	for (size_t i = 0; i < inst->column_count; i++)
		column_free(&inst->columns[i]);
	free(inst->columns);
	for (size_t k = 0; k < inst->key_count; k++)
		free(inst->key[k].sql);
	for (size_t i = 0; i < SET_MAX; i++) {
		free(inst->set[i].sql);
		free(inst->set[i].value);
		free(inst->set[i].canonical);
	}
	for (size_t i = 0; i < S_COUNT_OF; i++)
		free(inst->sql[i]);
	path_free(inst);
	wipe(inst->conninfo);
	wipe(inst->scan_conninfo);
	free(inst->search_path);
	free(inst->space);
	free(inst->table);
	free(inst->table_sql);
	free(inst->alias);
	free(inst->system);
	free(inst->where);
	free(inst);
}

static void self_free(struct self *self)
{
	link_close(&self->main);
	link_close(&self->scan);
	for (size_t i = 0; i < PARAMETERS_MAX; i++)
		array_release(&self->arrays[i]);
	free(self->extra);
	free(self);
}

static enum migrate_status self_new(struct instance *inst, struct migrate_session *session,
				    struct self **out)
{
	struct self *self = calloc(1, sizeof(*self));

	*out = self;
	if (!self)
		return migrate_fail(session, MIGRATE_UNAVAILABLE, "out of memory");
	self->instance = inst;
	self->session = session;
	self->scan.is_scan = true;
	self->lock_timeout = inst->lock_timeout;
	self->extra = malloc(EXTRA_MAX);
	if (self->extra)
		return MIGRATE_OK;
	self_free(self);
	return migrate_fail(session, MIGRATE_UNAVAILABLE, "out of memory");
}

static enum migrate_status learn(struct self *self, const struct postgres_config *config)
{
	struct instance *inst = self->instance;
	enum migrate_status status = conninfo_take(self, "connection", config->connection,
						   &inst->conninfo, &inst->verify_tls);

	if (!status && config->scan_connection)
		status = conninfo_take(self, "scan_connection", config->scan_connection,
				       &inst->scan_conninfo, &inst->scan_verify_tls);
	if (!status)
		status = catalog_read(self, config);
	if (!status)
		status = text_build(self, config->where);
	return status;
}

static enum migrate_status postgres_open(struct migrate_open *r)
{
	const struct postgres_config *config = r->config;
	struct instance *inst = calloc(1, sizeof(*inst));
	enum migrate_status status;
	struct self *self;

	if (!inst)
		return migrate_fail(r->session, MIGRATE_UNAVAILABLE, "out of memory");
	inst->writes = r->writes;
	inst->value_max = r->value_max ? r->value_max : MIGRATE_KEY_MAX;
	inst->texts = inst->value_max > MIGRATE_KEY_MAX;
	inst->lock_timeout = config->lock_timeout;
	inst->statement_timeout = config->statement_timeout;
	status = self_new(inst, r->session, &self);
	if (!status) {
		status = learn(self, config);
		self_free(self);
	}
	if (status)
		instance_free(inst);
	else
		r->instance = inst;
	return status;
}

static void postgres_close(void *instance)
{
	instance_free(instance);
}

/* Connections are made by the first call that needs one: a server that is away is tried again. */
static enum migrate_status postgres_begin(struct migrate_begin *r)
{
	struct self *self;
	enum migrate_status status = self_new(r->instance, r->session, &self);

	if (!status)
		r->self = self;
	return status;
}

static void postgres_end(void *self)
{
	self_free(self);
}

/* The cluster's own number and the numbers of things in it: whatever leads there, and its name. */
static enum migrate_status postgres_identity(void *handle, struct migrate_identity *r)
{
	struct self *self = handle;
	const struct instance *inst = self->instance;
	struct text s = { .n = 0 };
	enum migrate_status status = MIGRATE_OK;
	char *text;

	self->session = r->session;
	text_printf(&s, "postgres:%s:%u:%u:%d%s", inst->system, inst->database, inst->oid,
		    inst->column->number, inst->json_path ? inst->json_path : "");
	text = text_finish(&s);
	if (!text || !migrate_set_identity(r, text))
		status = out_of_memory(self);
	free(text);
	return status;
}

static enum migrate_status postgres_probe(void *handle, struct migrate_probe *r)
{
	struct self *self = handle;
	enum migrate_status status;
	PGresult *res;

	self->session = r->session;
	res = query(self, &self->main,
		    "SELECT pg_catalog.pg_is_in_recovery() OR "
		    "pg_catalog.current_setting('transaction_read_only') = 'on'",
		    NULL, SHAPE("b", 1, 1), QUICK, "the database does not answer", &status);
	if (res && self->instance->writes && field_true(res, 0, 0)) {
		status = migrate_fail(r->session, MIGRATE_UNAVAILABLE,
				      "the server can only be read from");
		link_close(
		    &self->main); /* the next connection looks for one that can be written to */
	}
	PQclear(res);
	return status ? status : check_privileges(self);
}

static enum migrate_status postgres_count(void *handle, struct migrate_count *r)
{
	struct self *self = handle;
	enum migrate_status status;
	PGresult *res;

	self->session = r->session;
	res = query(self, scan_link(self), self->instance->sql[S_COUNT], NULL, SHAPE("8", 1, 1),
		    SLOW, "cannot count the rows", &status);
	if (res)
		r->rows = field_count(res, 0, 0);
	PQclear(res);
	return status;
}

/* The slowest replica's; what the server does not show us counts as none. */
static enum migrate_status postgres_lag(void *handle, struct migrate_lag *r)
{
	struct self *self = handle;
	enum migrate_status status;
	PGresult *res;

	self->session = r->session;
	res = query(self, &self->main,
		    "SELECT COALESCE(pg_catalog.max(EXTRACT(epoch FROM replay_lag) * 1000), 0)::"
		    "pg_catalog.int8 FROM pg_catalog.pg_stat_replication",
		    NULL, SHAPE("8", 1, 1), QUICK, "cannot ask for the replicas", &status);
	if (res)
		r->milliseconds = (int64_t)field_count(res, 0, 0);
	PQclear(res);
	return status;
}

static int postgres_load(void)
{
	return PQisthreadsafe() && PQlibVersion() >= LIBRARY_OLDEST ? 0 : -1;
}

static const struct migrate_database_ops ops = {
	.size = sizeof(struct migrate_database_ops),
	.open = postgres_open,
	.close = postgres_close,
	.begin = postgres_begin,
	.end = postgres_end,
	.identity = postgres_identity,
	.describe = postgres_describe,
	.probe = postgres_probe,
	.count = postgres_count,
	.scan = postgres_scan,
	.find = postgres_find,
	.read = postgres_read,
	.rewrite = postgres_rewrite,
	.insert = postgres_insert,
	.lag = postgres_lag,
};

static const struct migrate_plugin plugin = {
	MIGRATE_PLUGIN_HEAD,
	.kind = MIGRATE_DATABASE,
	.name = "postgres",
	.version = MIGRATE_VERSION,
	.summary = "rows of a table in a PostgreSQL database",
	.options = options,
	.option_count = sizeof(options) / sizeof(options[0]),
	.config_size = sizeof(struct postgres_config),
	.database = &ops,
	.load = postgres_load,
};

const struct migrate_plugin *migrate_plugin_v1(void)
{
	return &plugin;
}
