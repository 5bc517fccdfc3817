/* SPDX-License-Identifier: MIT */
#include "mysql-impl.h"

#include <stdlib.h>
#include <string.h>

/*
 * One statement asks for all values of a call; the column's collation finds them
 * and their twins by the index, and what is not equal to the byte is dropped here.
 * Values that one statement cannot hold are asked for by the next: a cursor is
 * the number of the first value in four bytes, then the last row's identity.
 */

struct search {
	struct self *self;
	struct migrate_find *r;
	size_t first, end;          /* of the values, in this statement */
	struct migrate_bytes after; /* this row's identity; none: from the first */
	struct lookup lookup;
};

static void add_value(struct text *s, const struct instance *inst, struct migrate_bytes value)
{
	if (inst->kind == KIND_JSON && !inst->indexed)
		sql_text(s, value);
	else
		text_literal(s, inst->find_column, value);
}

/* Up to half a packet of values that rows can hold; false: there are none left. */
static bool add_values(struct search *f, struct text *s)
{
	const struct instance *inst = f->self->instance;
	size_t limit = s->n + (size_t)inst->packet / 2, count = 0;

	for (f->end = f->first; f->end < f->r->count && s->n < limit && !s->bad; f->end++) {
		struct migrate_bytes value = f->r->values[f->end];

		if (!value_is_possible(inst, value))
			continue;
		if (count++)
			text_add(s, ",", 1);
		add_value(s, inst, value);
	}
	return count > 0;
}

/* *any false: no value can stand in a row. */
static enum migrate_status build(struct search *f, bool *any)
{
	const struct instance *inst = f->self->instance;
	struct text *s = &f->self->text;

	text_select(s, inst, inst->row_sql, inst->find_index);
	text_printf(s, "%s IN (",
		    inst->kind == KIND_JSON && !inst->indexed ? inst->value_sql
							      : inst->find_column->sql);
	*any = add_values(f, s);
	text_printf(s, ") AND %s", inst->usable_sql);
	if (f->after.n) {
		text_printf(s, " AND ");
		if (!text_behind(s, inst, f->after))
			return not_a_cursor(f->self->session);
	}
	text_printf(s, "%s%s ORDER BY %s LIMIT %u", inst->where ? " AND " : "",
		    inst->where ? inst->where : "", inst->order_sql, f->r->limit + 1);
	return MIGRATE_OK;
}

/* *last: the bytes of the row's identity. */
static enum migrate_status emit_row(struct search *f, const struct row *fields, size_t *last)
{
	struct migrate_row row = { .settled = true };
	enum migrate_status status = row_fill(f->self, &f->self->main, fields, &row);
	size_t n;

	if (status)
		return status;
	*last = row.identity.n;
	n = lookup_find(&f->lookup, row.value);
	if (n == SIZE_MAX) /* a twin */
		return MIGRATE_OK;
	return migrate_emit_found(f->r, n, &row) ? MIGRATE_OK : MIGRATE_CANCELLED;
}

static enum migrate_status set_cursor(struct search *f, size_t first, size_t identity)
{
	unsigned char cursor[MIGRATE_IDENTITY_MAX + 4];

	put32(cursor, (uint32_t)first);
	memcpy(cursor + 4, f->self->identity, identity);
	return migrate_set_find_cursor(f->r, cursor, identity + 4) ? MIGRATE_OK : MIGRATE_CANCELLED;
}

static const char what[] = "cannot find rows";

static enum migrate_status emit_rows(struct search *f, struct answer *res)
{
	bool more = res->rows > f->r->limit;
	enum migrate_status status = MIGRATE_OK;
	struct row row;
	size_t last = 0;

	for (uint32_t i = 0; !status && i < f->r->limit && row_next(res, &row); i++)
		status = emit_row(f, &row, &last);
	f->r->done = !status && !more && f->end == f->r->count;
	if (!status && last && !cursor_moves(f->self, f->after, last))
		return wrong_answer(f->self, &f->self->main, what, "the same rows came back again");
	if (status || f->r->done)
		return status;
	return more ? set_cursor(f, f->first, last) : set_cursor(f, f->end, 0);
}

static enum migrate_status search(struct search *f)
{
	struct self *self = f->self;
	const struct shape shape = { .columns = self->instance->row_columns,
				     .most = (uint64_t)f->r->limit + 1,
				     .values = true };
	enum migrate_status status;
	struct answer *res;
	bool any;

	status = build(f, &any);
	if (status)
		return status;
	if (!any) {
		f->r->done = true;
		return MIGRATE_OK;
	}
	if (!lookup_make(&f->lookup, f->r->values, f->r->count))
		return out_of_memory(self);
	res = query_text(self, &self->main, &shape, self->instance->indexed ? QUICK : SLOW, what,
			 &status);
	if (!status)
		status = emit_rows(f, res);
	answer_free(res);
	lookup_release(&f->lookup);
	return status;
}

enum migrate_status mysql_find(void *handle, struct migrate_find *r)
{
	struct search f = { .self = handle, .r = r };

	f.self->session = r->session;
	if (r->cursor.n && r->cursor.n < 4)
		return not_a_cursor(r->session);
	if (r->cursor.n) {
		f.first = get32(r->cursor.p);
		f.after.p = (const char *)r->cursor.p + 4;
		f.after.n = r->cursor.n - 4;
	}
	return search(&f);
}
