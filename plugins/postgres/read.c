/* SPDX-License-Identifier: MIT */
#include "postgres-impl.h"

#include <stdlib.h>

/* What rows hold now, by their keys alone, by one statement that locks nothing. */

/* Columns of what S_READ gives, as of S_LOCK. */
enum { READ_N, READ_THERE, READ_VALUE };

static const char what[] = "cannot read rows by their keys";

static enum migrate_status bind_keys(struct self *self, const struct migrate_read *r,
				     struct parameters *p)
{
	const struct instance *inst = self->instance;
	struct migrate_bytes part;

	for (size_t k = 0; k < inst->key_count; k++)
		array_begin(&self->arrays[k], inst->key[k].column->base);
	for (size_t i = 0; i < r->count; i++) {
		struct migrate_bytes identity = r->rows[i].identity;

		for (size_t k = 0; k < inst->key_count; k++) {
			if (!identity_part(inst, k, &identity, self->scratch, &part))
				goto not_ours;
			array_add(&self->arrays[k], part);
		}
		if (identity.n)
			goto not_ours;
	}
	for (size_t k = 0; k < inst->key_count; k++) {
		if (!array_end(&self->arrays[k]))
			return out_of_memory(self);
		parameter_array(p, &self->arrays[k]);
	}
	return MIGRATE_OK;
not_ours:
	return not_an_identity(self->session, inst->table);
}

/* False: there is no such place. */
static bool value_at(const struct instance *inst, const PGresult *res, int row,
		     struct migrate_bytes place, struct migrate_bytes *value)
{
	*value = field(res, row, READ_VALUE);
	if (inst->kind == KIND_LIST)
		return list_element(*value, place, value);
	return *PQgetvalue(res, row, READ_THERE) != 0; /* a byte, by its shape */
}

static enum migrate_holding holding_of(const struct instance *inst, struct migrate_bytes value)
{
	if (!value.p)
		return MIGRATE_HOLDS_NULL;
	return value.n > inst->value_max ? MIGRATE_HOLDS_OTHER : MIGRATE_HOLDS_VALUE;
}

static enum migrate_status emit_rows(struct self *self, const PGresult *res, bool *told,
				     struct migrate_read *r)
{
	const struct instance *inst = self->instance;

	for (int row = 0; row < PQntuples(res); row++) {
		uint64_t n = field_count(res, row, READ_N);
		struct migrate_bytes value;

		if (!n || n > r->count || told[n - 1])
			return wrong_answer(self, &self->main, what,
					    "a row came back that was not asked for");
		told[n - 1] = true;
		if (value_at(inst, res, row, r->rows[n - 1].place, &value) &&
		    !migrate_emit_held(r, (size_t)n - 1, holding_of(inst, value), value.p, value.n))
			return MIGRATE_CANCELLED;
	}
	return MIGRATE_OK;
}

enum migrate_status postgres_read(void *handle, struct migrate_read *r)
{
	struct self *self = handle;
	const struct instance *inst = self->instance;
	const struct shape shape = { .columns = inst->locked_columns,
				     .most = (uint32_t)r->count,
				     .values = true };
	struct parameters p = { .n = 0 };
	bool *told = calloc(r->count + 1, sizeof(*told));
	enum migrate_status status;
	PGresult *res = NULL;

	self->session = r->session;
	status = told ? bind_keys(self, r, &p) : out_of_memory(self);
	if (!status)
		res = query(self, &self->main, inst->sql[S_READ], &p, &shape, QUICK, what, &status);
	if (!status)
		status = emit_rows(self, res, told, r);
	PQclear(res);
	free(told);
	return status;
}
