/* SPDX-License-Identifier: MIT */
#include "mysql-impl.h"

#include <stdlib.h>
#include <string.h>

#ifndef MIGRATE_VERSION
#define MIGRATE_VERSION "0"
#endif

static const struct migrate_option options[] = {
	{ .name = "connection",
	  MIGRATE_SECRET(struct mysql_config, connection),
	  .help = "the server and the database: mysql://user:password@host:port/database, or, as "
		  "connection_file, an option file with a group [client]" },
	{ .name = "scan_connection",
	  MIGRATE_SECRET(struct mysql_config, scan_connection),
	  .help = "a replica of the same server that long reads go to" },
	{ .name = "host",
	  MIGRATE_STRING(struct mysql_config, host),
	  .help = "the server, in place of the one in connection" },
	{ .name = "port",
	  MIGRATE_INTEGER(struct mysql_config, port),
	  .min = 1,
	  .max = 65535,
	  .help = "its port; default: 3306" },
	{ .name = "socket",
	  MIGRATE_STRING(struct mysql_config, socket),
	  .help = "a socket of this machine instead of host and port" },
	{ .name = "user", MIGRATE_STRING(struct mysql_config, user), .help = "who we are there" },
	{ .name = "password",
	  MIGRATE_SECRET(struct mysql_config, password),
	  .help = "the user's password; default: what ~/.my.cnf says" },
	{ .name = "database",
	  MIGRATE_STRING(struct mysql_config, database),
	  .help = "the database, in place of the one in connection" },
	{ .name = "ssl",
	  MIGRATE_CHOICE(struct mysql_config, ssl, "auto|verify|encrypt|off"),
	  .value = "auto",
	  .help =
	      "verify: the server must prove who it is; encrypt: it need not; auto: verify, but "
	      "off for a socket or a loopback address" },
	{ .name = "ca_file",
	  MIGRATE_PATH(struct mysql_config, ca_file),
	  .help = "certificates of the authorities that may vouch for the server; default: the "
		  "system's" },
	{ .name = "table",
	  MIGRATE_STRING(struct mysql_config, table),
	  .flags = MIGRATE_REQUIRED,
	  .klass = MIGRATE_IDENTITY,
	  .help = "the table whose rows name objects, with its database in front if it is another "
		  "one" },
	{ .name = "column",
	  MIGRATE_STRING(struct mysql_config, column),
	  .flags = MIGRATE_REQUIRED,
	  .klass = MIGRATE_IDENTITY,
	  .help =
	      "the column that holds the names: char, varchar, text, binary, varbinary, blob or "
	      "json" },
	{ .name = "json_path",
	  MIGRATE_STRING(struct mysql_config, json_path),
	  .klass = MIGRATE_IDENTITY,
	  .help = "where in a document the name stands: $.avatar.url" },
	{ .name = "key",
	  MIGRATE_LIST(struct mysql_config, key),
	  .klass = MIGRATE_IDENTITY,
	  .help = "the columns that identify a row: a unique index must consist of just these; "
		  "default: the primary key, else another unique index" },
	{ .name = "where",
	  MIGRATE_STRING(struct mysql_config, where),
	  .klass = MIGRATE_SELECTION,
	  .help = "only rows for which this SQL expression is true" },
	{ .name = "set",
	  MIGRATE_MAP(struct mysql_config, set),
	  .klass = MIGRATE_MAPPING,
	  .help = "other columns to change together with the name, and what to; put back when the "
		  "job is reverted" },
	{ .name = "lock_timeout",
	  MIGRATE_DURATION(struct mysql_config, lock_timeout),
	  .klass = MIGRATE_TUNABLE,
	  .value = "5s",
	  .min = 0,
	  .max = 600000,
	  .help = "how long to wait for a row that another session has locked before trying "
		  "again, in whole seconds; 0: as long as it takes" },
	{ .name = "statement_timeout",
	  MIGRATE_DURATION(struct mysql_config, statement_timeout),
	  .klass = MIGRATE_TUNABLE,
	  .value = "10m",
	  .min = 0,
	  .max = 86400000,
	  .help = "how long one statement may take, in MySQL one that reads; 0: any time" },
};

static void column_free(struct column *c)
{
	free(c->name);
	free(c->sql);
	free(c->type);
	free(c->shown);
	free(c->charset);
	free(c->collation);
	free(c->expression);
}

static void instance_free(struct instance *inst)
{
	for (size_t i = 0; i < inst->column_count; i++)
		column_free(&inst->columns[i]);
	free(inst->columns);
	for (size_t i = 0; i < SET_MAX; i++) {
		free(inst->set[i].value);
		free(inst->set[i].canonical);
	}
	path_free(inst);
	address_release(&inst->address);
	address_release(&inst->scan_address);
	free(inst->system);
	free(inst->space);
	free(inst->table);
	free(inst->table_sql);
	free(inst->where);
	free(inst->key_index);
	free(inst->find_index);
	free(inst->row_sql);
	free(inst->look_sql);
	free(inst->value_sql);
	free(inst->length_sql);
	free(inst->bytes_sql);
	free(inst->usable_sql);
	free(inst->order_sql);
	free(inst);
}

static void self_free(struct self *self)
{
	link_close(&self->main);
	link_close(&self->scan);
	text_release(&self->text);
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
	self->extra = malloc(EXTRA_MAX);
	if (self->extra)
		return MIGRATE_OK;
	self_free(self);
	return migrate_fail(session, MIGRATE_UNAVAILABLE, "out of memory");
}

/* Connections are made anew: what open() learned decides how they are set up. */
static enum migrate_status learn(struct self *self, const struct mysql_config *config)
{
	enum migrate_status status = addresses_take(self, config);

	if (!status)
		status = catalog_read(self, config);
	if (!status)
		status = text_build(self, config->where);
	return status;
}

static enum migrate_status mysql_open(struct migrate_open *r)
{
	const struct mysql_config *config = r->config;
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

static void mysql_close_instance(void *instance)
{
	instance_free(instance);
}

/* The first call that needs a connection makes it: a server that is away is tried again. */
static enum migrate_status mysql_begin(struct migrate_begin *r)
{
	struct self *self;
	enum migrate_status status = self_new(r->instance, r->session, &self);

	if (!status)
		r->self = self;
	return status;
}

static void mysql_end(void *self)
{
	self_free(self);
}

static enum migrate_status mysql_identity(void *handle, struct migrate_identity *r)
{
	struct self *self = handle;
	const struct instance *inst = self->instance;
	struct text s = { .n = 0 };
	enum migrate_status status = MIGRATE_OK;
	char *text;

	self->session = r->session;
	text_printf(&s, "mysql:%s:%s.%s.%s%s%s", inst->system, inst->space, inst->table,
		    inst->column->name, inst->json_path ? ":" : "",
		    inst->json_path ? inst->json_path : "");
	text = text_finish(&s);
	if (!text || !migrate_set_identity(r, text))
		status = out_of_memory(self);
	free(text);
	return status;
}

/* A transaction that may write is not begun by a server that can only be read from. */
static enum migrate_status mysql_probe(void *handle, struct migrate_probe *r)
{
	static const char what[] = "the database does not answer";
	struct self *self = handle;
	enum migrate_status status;

	self->session = r->session;
	if (!self->instance->writes)
		return command(self, &self->main, "DO 1", what);
	status = transaction_rollback(self, transaction_begin(self));
	return status ? status : check_privileges(self);
}

static enum migrate_status mysql_count(void *handle, struct migrate_count *r)
{
	struct self *self = handle;
	const struct instance *inst = self->instance;
	enum migrate_status status;
	struct row row;
	struct answer *res;

	self->session = r->session;
	text_reset(&self->text);
	text_printf(&self->text, "SELECT COUNT(*) FROM %s WHERE %s%s%s", inst->table_sql,
		    inst->usable_sql, inst->where ? " AND " : "", inst->where ? inst->where : "");
	res = query_text(self, scan_link(self), SHAPE("u", 1, 1), SLOW, "cannot count the rows",
			 &status);
	if (res && row_next(res, &row))
		r->rows = field_number(&row, 0);
	answer_free(res);
	return status;
}

static int mysql_load(void)
{
	if (mysql_library_init(0, NULL, NULL) || !mysql_thread_safe())
		return -1;
	flood_load();
	return 0;
}

static const struct migrate_database_ops ops = {
	.size = sizeof(struct migrate_database_ops),
	.open = mysql_open,
	.close = mysql_close_instance,
	.begin = mysql_begin,
	.end = mysql_end,
	.identity = mysql_identity,
	.describe = mysql_describe,
	.probe = mysql_probe,
	.count = mysql_count,
	.scan = mysql_scan,
	.find = mysql_find,
	.read = mysql_read,
	.rewrite = mysql_rewrite,
	.insert = mysql_insert,
	.lag = mysql_lag,
};

static const struct migrate_plugin plugin = {
	MIGRATE_PLUGIN_HEAD,
	.kind = MIGRATE_DATABASE,
	.name = "mysql",
	.version = MIGRATE_VERSION,
	.summary = "rows of a table in a MariaDB or MySQL database",
	.options = options,
	.option_count = sizeof(options) / sizeof(options[0]),
	.config_size = sizeof(struct mysql_config),
	.database = &ops,
	.load = mysql_load,
};

const struct migrate_plugin *migrate_plugin_v1(void)
{
	return &plugin;
}
