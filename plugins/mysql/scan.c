/* SPDX-License-Identifier: MIT */
#include "mysql-impl.h"

#include <inttypes.h>
#include <stdlib.h>

/* Rows by the key's index, a page in a statement of its own. */

static const char measuring[] = "cannot measure the rows", reading[] = "cannot read the rows";

/* Rows behind the cursor; lengths: of their values alone. One more than the page has. */
static enum migrate_status build(struct self *self, const struct migrate_scan *r, uint32_t page,
				 bool lengths)
{
	const struct instance *inst = self->instance;
	struct text *s = &self->text;

	text_select(s, inst, lengths ? inst->length_sql : inst->row_sql, inst->key_index);
	text_printf(s, "%s", inst->usable_sql);
	if (r->cursor.n) {
		text_printf(s, " AND ");
		if (!text_behind(s, inst, r->cursor))
			return not_a_cursor(self->session);
	}
	text_printf(s, "%s%s ORDER BY %s LIMIT %u", inst->where ? " AND " : "",
		    inst->where ? inst->where : "", inst->order_sql, page + 1);
	return MIGRATE_OK;
}

/* Rows whose texts are too long: those of the whole table, with its first page. */
static enum migrate_status count_too_long(struct self *self, struct migrate_scan *r)
{
	const struct instance *inst = self->instance;
	enum migrate_status status;
	struct row fields;
	struct answer *res;

	text_select(&self->text, inst, "COUNT(*)", NULL);
	text_printf(&self->text, "%s > %" PRIu64 "%s%s", inst->length_sql, inst->value_max,
		    inst->where ? " AND " : "", inst->where ? inst->where : "");
	res = query_text(self, scan_link(self), SHAPE("u", 1, 1), SLOW, measuring, &status);
	if (res && row_next(res, &fields))
		r->too_long = field_number(&fields, 0);
	answer_free(res);
	return status;
}

/* Texts: how many rows make a page. Lengths cost little to ask for, values do not. */
static enum migrate_status measure(struct self *self, const struct migrate_scan *r, uint32_t *page)
{
	const struct shape shape = { .columns = "u", .most = (uint64_t)*page + 1 };
	enum migrate_status status = build(self, r, *page, true);
	uint64_t bytes = 0;
	uint32_t n = 0;
	struct row fields;
	struct answer *res;

	if (status)
		return status;
	res = query_text(self, scan_link(self), &shape, SLOW, measuring, &status);
	while (res && (!r->bytes || bytes < r->bytes) && n < *page && row_next(res, &fields)) {
		bytes += field_number(&fields, 0);
		n++;
	}
	*page = n ? n : 1;
	answer_free(res);
	return status;
}

static enum migrate_status emit_rows(struct self *self, struct answer *res, uint32_t page,
				     struct migrate_scan *r)
{
	struct row fields;
	size_t last = 0;

	r->done = res->rows <= page;
	for (uint32_t i = 0; i < page && row_next(res, &fields); i++) {
		struct migrate_row row = { .settled = true };
		enum migrate_status status = row_fill(self, scan_link(self), &fields, &row);

		if (status)
			return status;
		if (!migrate_emit_scanned(r, &row))
			return MIGRATE_CANCELLED;
		last = row.identity.n;
	}
	if (last && !cursor_moves(self, r->cursor, last))
		return wrong_answer(self, scan_link(self), reading,
				    "the same rows came back again");
	if (last && !migrate_set_scan_cursor(r, self->identity, last))
		return MIGRATE_CANCELLED;
	return MIGRATE_OK;
}

enum migrate_status mysql_scan(void *handle, struct migrate_scan *r)
{
	struct self *self = handle;
	enum migrate_status status = MIGRATE_OK;
	struct shape shape = { .columns = self->instance->row_columns, .values = true };
	uint32_t page = r->limit;
	struct answer *res = NULL;

	self->session = r->session;
	if (self->instance->has_scan && !r->cursor.n)
		status = replica_catch_up(self);
	if (!status && self->instance->texts && !r->cursor.n)
		status = count_too_long(self, r);
	if (!status && self->instance->texts)
		status = measure(self, r, &page);
	shape.most = (uint64_t)page + 1;
	if (!status)
		status = build(self, r, page, false);
	if (!status)
		res = query_text(self, scan_link(self), &shape, SLOW, reading, &status);
	if (!status)
		status = emit_rows(self, res, page, r);
	answer_free(res);
	return status;
}
