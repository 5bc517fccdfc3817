/* SPDX-License-Identifier: MIT */
#include "postgres-impl.h"

#include <stdlib.h>
#include <string.h>

/* What migrate-check and the report say of a table. */

static const struct {
	const char *name, *sql;
} facts[] = {
	{ "postgresql", "SELECT pg_catalog.current_setting('server_version') WHERE $1::oid > 0" },
	{ "encoding", "SELECT pg_catalog.current_setting('server_encoding') WHERE $1::oid > 0" },
	{ "triggers", "SELECT pg_catalog.string_agg(tgname, ', ' ORDER BY tgname) FROM "
		      "pg_catalog.pg_trigger WHERE tgrelid = $1::oid AND NOT tgisinternal AND "
		      "tgenabled <> 'D' AND tgtype & 16 <> 0" },
	{ "generated columns",
	  "SELECT pg_catalog.string_agg(attname, ', ' ORDER BY attnum) FROM "
	  "pg_catalog.pg_attribute WHERE attrelid = $1::oid AND attgenerated <> '' AND NOT "
	  "attisdropped" },
	{ "partitions", "SELECT NULLIF(pg_catalog.count(*), 0)::text FROM pg_catalog.pg_inherits "
			"WHERE inhparent = $1::oid" },
	{ "foreign keys",
	  "SELECT pg_catalog.string_agg(conname, ', ' ORDER BY conname) FROM "
	  "pg_catalog.pg_constraint WHERE contype = 'f' AND $1::oid IN (conrelid, confrelid)" },
	{ "rules", "SELECT pg_catalog.string_agg(rulename, ', ') FROM pg_catalog.pg_rewrite WHERE "
		   "ev_class = $1::oid" },
	{ "replicas",
	  "SELECT NULLIF(pg_catalog.count(*), 0) || COALESCE(', at most ' || "
	  "pg_catalog.max(pg_catalog.pg_wal_lsn_diff(sent_lsn, replay_lsn)) || ' bytes behind', "
	  "'') FROM pg_catalog.pg_stat_replication WHERE $1::oid > 0" },
	{ "synchronous commit",
	  "SELECT 'on for every change; the server''s own is ' || "
	  "pg_catalog.current_setting('synchronous_commit') WHERE $1::oid > 0" },
};

/* The first column of one row as a fact, if there is one. */
static enum migrate_status fact(struct self *self, struct migrate_describe_database *r, size_t i)
{
	struct parameters p = { .n = 0 };
	enum migrate_status status;
	unsigned char oid[4];
	PGresult *res;

	put32(oid, self->instance->oid);
	parameter(&p, oid, sizeof(oid));
	res = catalog(self, facts[i].sql, &p, SHAPE("S", 0, 1), &status);
	if (res && PQntuples(res) && !PQgetisnull(res, 0, 0))
		migrate_set_fact(r, facts[i].name, "%s", PQgetvalue(res, 0, 0));
	PQclear(res);
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
	if (*inst->column->collation)
		migrate_set_fact(r, "collation", "%s (values are compared as bytes)",
				 inst->column->collation);
	if (inst->json_path)
		migrate_set_fact(r, "place", "%s", inst->json_path);
	if (inst->unlogged)
		migrate_set_fact(r, "durability", "none: the table is unlogged");
	else if (!inst->fsync)
		migrate_set_fact(r, "durability", "none: the server runs with fsync=off");
	free(names);
}

static uint64_t widest(const struct column *c)
{
	/* characters; a value of so many bytes fits in any case */
	return c->width > 0 ? (uint64_t)c->width : 0;
}

enum migrate_status postgres_describe(void *handle, struct migrate_describe_database *r)
{
	struct self *self = handle;
	const struct instance *inst = self->instance;
	enum migrate_status status = MIGRATE_OK;

	self->session = r->session;
	r->flags = MIGRATE_ATOMIC_CALL | MIGRATE_TEXTS;
	if (inst->fsync && !inst->unlogged)
		r->flags |= MIGRATE_DURABLE;
	if (inst->indexed)
		r->flags |= MIGRATE_INDEXED;
	if (inst->unique)
		r->flags |= MIGRATE_UNIQUE;
	r->value_max = inst->kind == KIND_TEXT ? widest(inst->column) : 0;
	own_facts(inst, r);
	for (size_t i = 0; !status && i < sizeof(facts) / sizeof(facts[0]); i++)
		status = fact(self, r, i);
	return status;
}
