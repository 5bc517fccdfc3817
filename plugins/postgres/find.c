/* SPDX-License-Identifier: MIT */
#include "postgres-impl.h"

#include <stdlib.h>
#include <string.h>

static const char what[] = "cannot find rows";
static const struct migrate_bytes empty = { .p = "", .n = 0 };

/* What can stand in no row is NULL here, which equals nothing; so places keep their number. */
static bool fill_values(struct self *self, const struct migrate_find *r, struct array *a)
{
	array_begin(a, self->instance->kind == KIND_BYTES ? OID_BYTEA : OID_TEXT);
	for (size_t i = 0; i < r->count; i++) {
		if (value_is_possible(self->instance, r->values[i]))
			array_add(a, r->values[i].n ? r->values[i] : empty);
		else
			array_null(a);
	}
	return array_end(a);
}

static enum migrate_status emit_row(struct self *self, const PGresult *res, int i,
				    struct migrate_find *r, size_t *last)
{
	const struct instance *inst = self->instance;
	uint64_t n = field_count(res, i, set_column_at(inst) + (int)inst->set_count);
	struct migrate_row row = { .settled = true };
	enum migrate_status status = row_fill(self, &self->main, res, i, &row);

	if (status)
		return status;
	*last = cursor_make(self, row.identity.n, row_place(inst, res, i));
	if (!n || n > r->count || row.value.n != r->values[n - 1].n ||
	    (row.value.n && memcmp(row.value.p, r->values[n - 1].p, row.value.n)))
		return wrong_answer(self, &self->main, what, "a row came back for no value");
	return migrate_emit_found(r, (size_t)n - 1, &row) ? MIGRATE_OK : MIGRATE_CANCELLED;
}

static enum migrate_status emit_rows(struct self *self, const PGresult *res, struct migrate_find *r)
{
	enum migrate_status status = MIGRATE_OK;
	int rows = PQntuples(res);
	size_t last = 0;

	for (int i = 0; !status && i < rows && i < (int64_t)r->limit; i++)
		status = emit_row(self, res, i, r, &last);
	r->done = !status && rows <= (int64_t)r->limit;
	if (!status && last && !cursor_moves(self, r->cursor, last))
		return wrong_answer(self, &self->main, what, "the same rows came back again");
	if (!status && last && !migrate_set_find_cursor(r, self->identity, last))
		status = MIGRATE_CANCELLED;
	return status;
}

enum migrate_status postgres_find(void *handle, struct migrate_find *r)
{
	struct self *self = handle;
	const struct instance *inst = self->instance;
	const struct shape shape = { .columns = inst->find_columns,
				     .most = r->limit + 1,
				     .values = true };
	struct parameters p = { .n = 0 };
	enum migrate_status status = MIGRATE_OK;
	unsigned char limit[8];
	PGresult *res = NULL;

	self->session = r->session;
	if (!fill_values(self, r, &self->arrays[0]))
		return out_of_memory(self);
	put64(limit, (uint64_t)r->limit + 1); /* one more tells whether there are more */
	parameter_array(&p, &self->arrays[0]);
	parameter(&p, limit, sizeof(limit));
	if (r->cursor.n)
		status = cursor_bind(self, r->cursor, &p);
	if (!status)
		res = query(self, &self->main, inst->sql[r->cursor.n ? S_FIND_NEXT : S_FIND_FIRST],
			    &p, &shape, inst->indexed ? QUICK : SLOW, what, &status);
	if (!status)
		status = emit_rows(self, res, r);
	PQclear(res);
	return status;
}
