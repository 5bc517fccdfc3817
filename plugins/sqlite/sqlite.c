/* SPDX-License-Identifier: MIT */
#include "sqlite-impl.h"

#include <stdlib.h>
#include <string.h>

#ifndef MIGRATE_VERSION
#define MIGRATE_VERSION "0"
#endif

#define SQLITE_OLDEST 3037000 /* pragma_table_list */

static const struct migrate_option options[] = {
	{ .name = "path",
	  MIGRATE_PATH(struct sqlite_config, path),
	  .flags = MIGRATE_REQUIRED,
	  .klass = MIGRATE_IDENTITY,
	  .help = "the database file; it must exist" },
	{ .name = "table",
	  MIGRATE_STRING(struct sqlite_config, table),
	  .flags = MIGRATE_REQUIRED,
	  .klass = MIGRATE_IDENTITY,
	  .help = "the table whose rows name objects" },
	{ .name = "column",
	  MIGRATE_STRING(struct sqlite_config, column),
	  .flags = MIGRATE_REQUIRED,
	  .klass = MIGRATE_IDENTITY,
	  .help = "the column that holds the names" },
	{ .name = "key",
	  MIGRATE_LIST(struct sqlite_config, key),
	  .klass = MIGRATE_IDENTITY,
	  .help = "the columns that identify a row: a unique index must consist of just these; "
		  "default: the primary key, else the rowid" },
	{ .name = "where",
	  MIGRATE_STRING(struct sqlite_config, where),
	  .klass = MIGRATE_SELECTION,
	  .help = "only rows for which this SQL expression is true" },
	{ .name = "set",
	  MIGRATE_MAP(struct sqlite_config, set),
	  .klass = MIGRATE_MAPPING,
	  .help = "other columns to change together with the name, and what to; put back when the "
		  "job is reverted" },
	{ .name = "busy_timeout",
	  MIGRATE_DURATION(struct sqlite_config, busy_timeout),
	  .klass = MIGRATE_TUNABLE,
	  .value = "5s",
	  .min = 0,
	  .max = 600000,
	  .help = "how long to wait for another program's lock before the run pauses" },
	{ .name = "foreign_keys",
	  MIGRATE_BOOLEAN(struct sqlite_config, foreign_keys),
	  .klass = MIGRATE_TUNABLE,
	  .value = "true",
	  .help = "enforce foreign keys, so that ON UPDATE actions happen" },
};

static void instance_free(struct instance *inst)
{
	others_release(inst);
	for (size_t i = 0; i < inst->column_count; i++) {
		sqlite3_free(inst->columns[i].name);
		sqlite3_free(inst->columns[i].type);
	}
	free(inst->columns);
	for (size_t k = 0; k < inst->key_count; k++) {
		sqlite3_free(inst->key[k].name);
		sqlite3_free(inst->key[k].sql);
	}
	for (size_t i = 0; i < SET_MAX; i++) {
		sqlite3_free(inst->set[i].sql);
		sqlite3_free(inst->set[i].value);
	}
	for (size_t i = 0; i < S_COUNT_OF; i++)
		sqlite3_free(inst->sql[i]);
	sqlite3_free(inst->in_head);
	sqlite3_free(inst->in_first);
	sqlite3_free(inst->in_next);
	sqlite3_free(inst->where);
	sqlite3_free(inst->table);
	sqlite3_free(inst->column);
	sqlite3_free(inst->table_sql);
	sqlite3_free(inst->column_sql);
	sqlite3_free(inst->path);
	free(inst);
}

static void self_free(struct self *self)
{
	connect_close(self);
	free(self->hits);
	free(self->extra);
	free(self->undo);
	free(self->found);
	free(self);
}

static enum migrate_status self_new(struct instance *inst, struct migrate_session *session,
				    struct self **out)
{
	struct self *self = calloc(1, sizeof(*self));
	enum migrate_status status;

	*out = NULL;
	if (!self)
		return migrate_fail(session, MIGRATE_TRANSIENT, "out of memory");
	self->instance = inst;
	self->session = session;
	status = connect_open(self);
	if (status)
		self_free(self);
	else
		*out = self;
	return status;
}

static enum migrate_status out_of_memory(struct migrate_session *session)
{
	return migrate_fail(session, MIGRATE_TRANSIENT, "out of memory");
}

static enum migrate_status learn(struct instance *inst, struct migrate_open *r)
{
	const struct sqlite_config *config = r->config;
	struct self *self;
	enum migrate_status status = self_new(inst, r->session, &self);

	if (status)
		return status;
	status = catalog_read(self, config);
	if (!status)
		status = text_build(self, config->where);
	if (!status && inst->rowid_key)
		migrate_note(r->session,
			     "rows of '%s' are told apart by their rowid: do not VACUUM the "
			     "database until the job is done and will not be reverted",
			     inst->table);
	self_free(self);
	return status;
}

static enum migrate_status sqlite_open(struct migrate_open *r)
{
	const struct sqlite_config *config = r->config;
	struct instance *inst = calloc(1, sizeof(*inst));
	enum migrate_status status;

	if (!inst)
		return out_of_memory(r->session);
	inst->path = sqlite3_mprintf("%s", config->path);
	inst->busy_timeout = config->busy_timeout;
	inst->foreign_keys = config->foreign_keys;
	inst->writes = r->writes;
	inst->value_max = r->value_max ? r->value_max : MIGRATE_KEY_MAX;
	inst->dry = r->dry;
	status = inst->path ? learn(inst, r) : out_of_memory(r->session);
	if (status)
		instance_free(inst);
	else
		r->instance = inst;
	return status;
}

static void sqlite_close(void *instance)
{
	instance_free(instance);
}

static enum migrate_status sqlite_begin(struct migrate_begin *r)
{
	struct instance *inst = r->instance;
	struct self *self;
	enum migrate_status status = self_new(inst, r->session, &self);

	if (status)
		return status;
	if (inst->set_count) {
		self->extra = malloc(EXTRA_MAX);
		self->undo = malloc(EXTRA_MAX);
		self->found = malloc(EXTRA_MAX);
		if (!self->extra || !self->undo || !self->found) {
			self_free(self);
			return out_of_memory(r->session);
		}
	}
	r->self = self;
	return MIGRATE_OK;
}

static void sqlite_end(void *self)
{
	self_free(self);
}

/* The file itself, whatever path or link leads to it; names as the schema spells them. */
static enum migrate_status sqlite_identity(void *handle, struct migrate_identity *r)
{
	struct self *self = handle;
	const struct instance *inst = self->instance;
	char *text = sqlite3_mprintf("sqlite:%llx:%llx:\"%w\".\"%w\"", inst->file_system,
				     (unsigned long long)inst->inode, inst->table, inst->column);
	bool good = text && migrate_set_identity(r, text);

	sqlite3_free(text);
	return good ? MIGRATE_OK : out_of_memory(r->session);
}

/* Well when the locks that the work needs can be had. */
static enum migrate_status sqlite_probe(void *handle, struct migrate_probe *r)
{
	struct self *self = handle;
	enum migrate_status status;
	int rc;

	self->session = r->session;
	if (self->instance->writes && !self->instance->dry) {
		status = transaction_begin(self);
		if (!status)
			return transaction_rollback(self, MIGRATE_OK);
		/* somebody is at work beside us: it passes */
		return (sqlite3_errcode(self->db) & 0xff) == SQLITE_BUSY ? MIGRATE_TRANSIENT
									 : status;
	}
	status = connect_same_file(self);
	if (status)
		return status;
	rc = sqlite3_exec(self->db, "SELECT 1 FROM sqlite_schema LIMIT 1", NULL, NULL, NULL);
	return rc ? fail_sql(self, rc, "cannot read the database") : MIGRATE_OK;
}

static enum migrate_status sqlite_count(void *handle, struct migrate_count *r)
{
	struct self *self = handle;
	enum migrate_status status = MIGRATE_OK;
	sqlite3_stmt *stmt;
	int rc;

	self->session = r->session;
	status = connect_same_file(self);
	if (status)
		return status;
	stmt = statement(self, S_COUNT, &status);
	if (!stmt)
		return status;
	rc = sqlite3_step(stmt);
	if (rc == SQLITE_ROW)
		r->rows = (uint64_t)sqlite3_column_int64(stmt, 0);
	else
		status = fail_sql(self, rc, "cannot count the rows");
	statement_done(stmt);
	return status;
}

/*
 * Functions of SQLite that we call must be there. Counting memory takes a lock for
 * each allocation, and nobody asks for the count; too late once SQLite was used.
 */
static int sqlite_load(void)
{
	sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0);
	return sqlite3_libversion_number() >= SQLITE_OLDEST && sqlite3_threadsafe() ? 0 : -1;
}

static const struct migrate_database_ops ops = {
	.size = sizeof(struct migrate_database_ops),
	.open = sqlite_open,
	.close = sqlite_close,
	.begin = sqlite_begin,
	.end = sqlite_end,
	.identity = sqlite_identity,
	.describe = sqlite_describe,
	.probe = sqlite_probe,
	.count = sqlite_count,
	.scan = sqlite_scan,
	.find = sqlite_find,
	.read = sqlite_read,
	.rewrite = sqlite_rewrite,
	.insert = sqlite_insert,
};

static const struct migrate_plugin plugin = {
	MIGRATE_PLUGIN_HEAD,
	.kind = MIGRATE_DATABASE,
	.name = "sqlite",
	.version = MIGRATE_VERSION,
	.summary = "rows of a table in an SQLite database file",
	.options = options,
	.option_count = sizeof(options) / sizeof(options[0]),
	.config_size = sizeof(struct sqlite_config),
	.database = &ops,
	.load = sqlite_load,
};

const struct migrate_plugin *migrate_plugin_v1(void)
{
	return &plugin;
}
