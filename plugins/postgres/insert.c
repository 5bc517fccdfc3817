/* SPDX-License-Identifier: MIT */
#include "postgres-impl.h"

enum migrate_status postgres_insert(void *handle, struct migrate_insert *r)
{
	struct self *self = handle;
	const struct instance *inst = self->instance;
	struct array *values = &self->arrays[0];
	struct parameters p = { .n = 0 };
	enum migrate_status status;

	self->session = r->session;
	array_begin(values, inst->kind == KIND_BYTES ? OID_BYTEA : OID_TEXT);
	for (size_t i = 0; i < r->count; i++)
		array_add(values, r->values[i]);
	if (!array_end(values))
		return out_of_memory(self);
	parameter_array(&p, values);
	status = transaction_begin(self, false);
	if (status)
		return status;
	PQclear(query(self, &self->main, inst->sql[S_INSERT], &p, NULL, SLOW,
		      "cannot add rows; add them with the application instead", &status));
	return status ? transaction_rollback(self, status) : transaction_commit(self);
}
