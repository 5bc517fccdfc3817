/* SPDX-License-Identifier: MIT */
#include "postgres-impl.h"

#include <string.h>

/*
 * Does the plan of a find use an index as a find needs it? The planner may walk
 * through a whole index for each value where our column is not the first of it, and
 * through a summary of the table where the index is no more than that.
 */
#define NAME_BYTES 300 /* an identifier of 63 bytes, quoted */

/* The index that a line of a plan names, as SQL writes it. False: it names none. */
static bool index_named(const char *line, char name[NAME_BYTES])
{
	const char *at = strstr(line, " using "), *end;

	if (at && strstr(line, "Index"))
		at += strlen(" using ");
	else if ((at = strstr(line, "Bitmap Index Scan on ")))
		at += strlen("Bitmap Index Scan on ");
	else
		return false;
	end = at + (*at == '"');
	if (*at == '"')
		while (*end && (*end != '"' || end[1] == '"'))
			end += *end == '"' ? 2 : 1;
	else
		end += strcspn(end, " ");
	end += *at == '"' && *end == '"';
	if ((size_t)(end - at) >= NAME_BYTES)
		return false;
	memcpy(name, at, (size_t)(end - at));
	name[end - at] = '\0';
	return true;
}

/* Its first column stands in the condition, and it leads to rows. */
static enum migrate_status index_leads(struct self *self, const char *name, const char *condition,
				       bool *leads)
{
	struct parameters p = { .n = 0 };
	enum migrate_status status;
	unsigned char oid[4];
	PGresult *res;

	put32(oid, self->instance->oid);
	parameter_text(&p, name);
	parameter(&p, oid, sizeof(oid));
	res = catalog(self,
		      "SELECT pg_catalog.pg_get_indexdef(i.indexrelid, 1, true), a.amname = 'brin' "
		      "FROM pg_catalog.pg_index i JOIN pg_catalog.pg_class c ON c.oid = "
		      "i.indexrelid JOIN pg_catalog.pg_am a ON a.oid = c.relam WHERE "
		      "pg_catalog.quote_ident(c.relname) = $1::text AND i.indrelid IN (SELECT "
		      "relid FROM pg_catalog.pg_partition_tree($2::oid) UNION ALL SELECT $2::oid)",
		      &p, SHAPE("sb", 0, ANY_ROWS), &status);
	*leads = res && PQntuples(res);
	for (int i = 0; res && i < PQntuples(res); i++)
		*leads &=
		    !field_true(res, i, 1) && strstr(condition, PQgetvalue(res, i, 0)) != NULL;
	PQclear(res);
	return status;
}

enum migrate_status plan_serves(struct self *self, const PGresult *plan, bool *serves)
{
	enum migrate_status status = MIGRATE_OK;
	char name[NAME_BYTES] = "";
	bool leads, passed = false, weak = false;

	*serves = false;
	for (int i = 0; !status && i < PQntuples(plan); i++) {
		const char *line = PQgetvalue(plan, i, 0);

		passed |= strstr(line, "Seq Scan on") != NULL;
		if (index_named(line, name) || !strstr(line, "Index Cond:") ||
		    !strstr(line, "migrate_w.migrate_w"))
			continue;
		status = index_leads(self, name, line, &leads);
		*serves |= leads;
		weak |= !leads;
	}
	/* in partitions: in each of them */
	*serves &= !weak && !(passed && self->instance->partitioned);
	return status;
}
