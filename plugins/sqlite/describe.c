/* SPDX-License-Identifier: MIT */
#include "sqlite-impl.h"

/* What migrate-check and the report say of a table. */

/* The first column of one row as a fact; rows are joined when there are several. */
static enum migrate_status fact(struct self *self, struct migrate_describe_database *r,
				const char *name, const char *sql)
{
	enum migrate_status status = MIGRATE_OK;
	sqlite3_stmt *stmt = statement_text(self, sql, &status);
	int rc;

	if (!stmt)
		return status;
	if (sqlite3_bind_parameter_count(stmt))
		sqlite3_bind_text(stmt, 1, self->instance->table, -1, SQLITE_STATIC);
	rc = sqlite3_step(stmt);
	if (rc == SQLITE_ROW && sqlite3_column_type(stmt, 0) != SQLITE_NULL)
		migrate_set_fact(r, name, "%s", column_text(stmt, 0));
	else if (rc != SQLITE_ROW && rc != SQLITE_DONE)
		status = fail_sql(self, rc, "cannot read the schema");
	sqlite3_finalize(stmt);
	return status;
}

static enum migrate_status schema_facts(struct self *self, struct migrate_describe_database *r)
{
	static const struct {
		const char *name, *sql;
	} facts[] = {
		{ "sqlite", "SELECT sqlite_version()" },
		{ "journal mode", "SELECT journal_mode FROM pragma_journal_mode" },
		{ "encoding", "SELECT encoding FROM pragma_encoding" },
		{ "triggers", "SELECT group_concat(name, ', ') FROM sqlite_schema WHERE type = "
			      "'trigger' AND tbl_name = ?1 COLLATE NOCASE" },
		{ "foreign keys", "SELECT group_concat(\"from\" || ' -> ' || \"table\", ', ') FROM "
				  "pragma_foreign_key_list(?1)" },
	};
	enum migrate_status status = MIGRATE_OK;

	for (size_t i = 0; !status && i < sizeof(facts) / sizeof(facts[0]); i++)
		status = fact(self, r, facts[i].name, facts[i].sql);
	return status;
}

static void key_fact(const struct instance *inst, struct migrate_describe_database *r)
{
	sqlite3_str *text = sqlite3_str_new(NULL);
	char *names;

	for (size_t k = 0; k < inst->key_count; k++)
		sqlite3_str_appendf(text, "%s%s", k ? ", " : "", inst->key[k].name);
	names = sqlite3_str_finish(text);
	migrate_set_fact(r, "key", "%s%s", names ? names : "",
			 inst->rowid_key ? " (VACUUM renumbers it: none while the job lasts)" : "");
	sqlite3_free(names);
}

static enum migrate_status collation_fact(struct self *self, struct migrate_describe_database *r)
{
	const struct instance *inst = self->instance;
	const char *type = NULL, *collation = NULL;
	int rc = sqlite3_table_column_metadata(self->db, "main", inst->table, inst->column, &type,
					       &collation, NULL, NULL, NULL);

	if (rc)
		return fail_sql(self, rc, "cannot read the schema");
	migrate_set_fact(r, "column type", "%s%s", type ? type : "none",
			 inst->strict ? " (strict)" : "");
	migrate_set_fact(r, "collation", "%s (values are compared as bytes)", collation);
	return MIGRATE_OK;
}

enum migrate_status sqlite_describe(void *handle, struct migrate_describe_database *r)
{
	struct self *self = handle;
	const struct instance *inst = self->instance;
	enum migrate_status status;

	self->session = r->session;
	r->flags = MIGRATE_ATOMIC_CALL | MIGRATE_DURABLE | MIGRATE_TEXTS;
	if (inst->indexed)
		r->flags |= MIGRATE_INDEXED;
	if (inst->unique)
		r->flags |= MIGRATE_UNIQUE;
	r->sessions_max = 1; /* there is one write lock for the whole file */
	status = schema_facts(self, r);
	if (!status)
		status = collation_fact(self, r);
	if (!status)
		key_fact(inst, r);
	return status;
}
