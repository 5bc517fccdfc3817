/* SPDX-License-Identifier: MIT */
#include "mysql-impl.h"

#include <stdlib.h>
#include <string.h>

/* What migrate-check and the report say of a table. */

/* Questions about the table; %s: its schema and its name as literals. */
static const struct {
	const char *name, *sql;
} facts[] = {
	{ "server", "SELECT VERSION() FROM DUAL WHERE %s <> '' AND %s <> ''" },
	{ "triggers", "SELECT GROUP_CONCAT(trigger_name ORDER BY trigger_name SEPARATOR ', ') FROM "
		      "information_schema.triggers WHERE event_object_schema = %s AND "
		      "event_object_table = %s AND event_manipulation = 'UPDATE'" },
	{ "generated columns",
	  "SELECT GROUP_CONCAT(column_name ORDER BY ordinal_position SEPARATOR ', ') FROM "
	  "information_schema.columns WHERE table_schema = %s AND table_name = %s AND (extra LIKE "
	  "'%%VIRTUAL%%' OR extra LIKE '%%STORED%%' OR extra LIKE '%%PERSISTENT%%')" },
	{ "set by each change",
	  "SELECT GROUP_CONCAT(column_name ORDER BY ordinal_position SEPARATOR ', ') FROM "
	  "information_schema.columns WHERE table_schema = %s AND table_name = %s AND extra LIKE "
	  "'%%on update%%'" },
	{ "partitions",
	  "SELECT NULLIF(COUNT(partition_name), 0) FROM "
	  "information_schema.partitions WHERE table_schema = %s AND table_name = %s" },
	{ "foreign keys",
	  "SELECT GROUP_CONCAT(DISTINCT constraint_name SEPARATOR ', ') FROM "
	  "information_schema.referential_constraints WHERE constraint_schema = %s AND %s IN "
	  "(table_name, referenced_table_name)" },
	{ "binary log", "SELECT CONCAT(@@binlog_format, IF(@@sync_binlog = 1, '', ', not synced at "
			"each commit')) FROM DUAL WHERE @@log_bin = 1 AND %s <> '' AND %s <> ''" },
};

/* The first column of one row as a fact, if there is one. */
static enum migrate_status fact(struct self *self, struct migrate_describe_database *r, size_t i)
{
	const struct instance *inst = self->instance;
	struct text space = { .n = 0 }, table = { .n = 0 }, s = { .n = 0 };
	enum migrate_status status;
	struct answer *res;
	struct row row;

	sql_string(&space, inst->space);
	sql_string(&table, inst->table);
	for (const char *p = facts[i].sql, *next; *p; p = next) {
		next = strchr(p, '%');
		next = next ? next : p + strlen(p);
		text_add(&s, p, (size_t)(next - p));
		if (next[0] == '%' && next[1] == 's') {
			struct text *one = space.n ? &space : &table;

			text_add(&s, one->p, one->n);
			one->n = 0;
		} else if (*next) {
			text_add(&s, "%", 1);
		}
		next += *next ? 2 : 0;
	}
	s.bad |= space.bad || table.bad;
	text_release(&space);
	text_release(&table);
	res = catalog_built(self, &s, SHAPE("S", 0, 1), &status);
	if (res && row_next(res, &row) && *field_text(&row, 0))
		migrate_set_fact(r, facts[i].name, "%s", field_text(&row, 0));
	answer_free(res);
	return status;
}

static void own_facts(const struct instance *inst, struct migrate_describe_database *r)
{
	struct text s = { .n = 0 };
	char *names;

	for (size_t k = 0; k < inst->key_count; k++)
		text_printf(&s, "%s%s", k ? ", " : "", inst->key[k].column->name);
	names = text_finish(&s);
	migrate_set_fact(r, "table", "%s.%s", inst->space, inst->table);
	migrate_set_fact(r, "key", "%s", names ? names : "");
	migrate_set_fact(r, "column type", "%s", inst->column->shown);
	if (inst->column->collation)
		migrate_set_fact(r, "collation", "%s (values are compared as bytes)",
				 inst->column->collation);
	if (inst->json_path)
		migrate_set_fact(r, "place", "%s", inst->json_path);
	migrate_set_fact(r, "index", "%s", inst->indexed ? inst->find_index : "none");
	if (!inst->durable)
		migrate_set_fact(r, "durability",
				 "none at once: innodb_flush_log_at_trx_commit is not 1");
	free(names);
}

enum migrate_status mysql_describe(void *handle, struct migrate_describe_database *r)
{
	struct self *self = handle;
	const struct instance *inst = self->instance;
	enum migrate_status status = MIGRATE_OK;

	self->session = r->session;
	r->flags = MIGRATE_ATOMIC_CALL | MIGRATE_TEXTS;
	if (inst->durable)
		r->flags |= MIGRATE_DURABLE;
	if (inst->indexed)
		r->flags |= MIGRATE_INDEXED;
	if (inst->unique)
		r->flags |= MIGRATE_UNIQUE;
	r->value_max = inst->kind == KIND_JSON ? 0 : inst->column->width;
	own_facts(inst, r);
	for (size_t i = 0; !status && i < sizeof(facts) / sizeof(facts[0]); i++)
		status = fact(self, r, i);
	return status;
}
