/* SPDX-License-Identifier: MIT */
#include "mysql-impl.h"

#include <stdlib.h>

/* Rows by the key's index, a page in a statement of its own. */

static enum migrate_status build(struct self *self, const struct migrate_scan *r)
{
	const struct instance *inst = self->instance;
	struct sql *s = &self->text;

	text_select(s, inst, inst->key_index);
	sql_add(s, "%s", inst->usable_sql);
	if (r->cursor.n) {
		sql_add(s, " AND ");
		if (!text_behind(s, inst, r->cursor))
			return migrate_fail(self->session, MIGRATE_INVALID,
					    "not a cursor of this table");
	}
	/* one more tells whether there are more */
	sql_add(s, "%s%s ORDER BY %s LIMIT %u", inst->where ? " AND " : "",
		inst->where ? inst->where : "", inst->order_sql, r->limit + 1);
	return MIGRATE_OK;
}

static enum migrate_status emit_rows(struct self *self, MYSQL_RES *res, struct migrate_scan *r)
{
	struct row fields;
	size_t last = 0;

	r->done = mysql_num_rows(res) <= r->limit;
	for (uint32_t i = 0; i < r->limit && row_next(res, &fields); i++) {
		struct migrate_row row = { .settled = true };
		enum migrate_status status = row_fill(self, &fields, &row);

		if (status)
			return status;
		if (!migrate_emit_scanned(r, &row))
			return MIGRATE_CANCELLED;
		last = row.identity.n;
	}
	if (last && !migrate_set_scan_cursor(r, self->identity, last))
		return MIGRATE_CANCELLED;
	return MIGRATE_OK;
}

enum migrate_status mysql_scan(void *handle, struct migrate_scan *r)
{
	struct self *self = handle;
	enum migrate_status status = MIGRATE_OK;
	MYSQL_RES *res = NULL;

	self->session = r->session;
	if (self->instance->has_scan && !r->cursor.n)
		status = replica_catch_up(self);
	if (!status)
		status = build(self, r);
	if (!status)
		res = query_text(self, scan_link(self), SLOW, "cannot read the rows", &status);
	if (!status)
		status = emit_rows(self, res, r);
	mysql_free_result(res);
	return status;
}
