/* SPDX-License-Identifier: MIT */
#include "mysql-impl.h"

#include <stdlib.h>

/* What rows hold now, by their keys alone, by one statement that locks nothing. */

static const char what[] = "cannot read rows by their keys";

static enum migrate_status ask(struct self *self, const struct migrate_bytes *identities, size_t n,
			       struct answer **res)
{
	const struct instance *inst = self->instance;
	/* a key that only its collation takes for ours comes as well */
	const struct shape shape = { .columns = inst->look_columns,
				     .most = ANY_ROWS,
				     .values = true };
	struct text *s = &self->text;
	enum migrate_status status;

	text_select(s, inst, inst->look_sql, inst->key_index);
	if (!text_keys(s, inst, identities, n))
		return not_an_identity(self->session, inst->table);
	text_printf(s, " ORDER BY %s", inst->order_sql);
	*res = query_text(self, &self->main, &shape, QUICK, what, &status);
	return status;
}

static enum migrate_holding holding_of(const struct instance *inst, struct migrate_bytes value)
{
	if (!value.p)
		return MIGRATE_HOLDS_NULL;
	return value.n > inst->value_max ? MIGRATE_HOLDS_OTHER : MIGRATE_HOLDS_VALUE;
}

static enum migrate_status emit_rows(struct self *self, struct answer *res,
				     const struct lookup *lookup, bool *told,
				     struct migrate_read *r)
{
	enum migrate_status status = MIGRATE_OK;
	struct migrate_bytes identity;
	struct row row;

	while (!status && row_next(res, &row)) {
		struct migrate_bytes value = field(&row, value_column(self->instance));
		size_t i;

		status = identity_encode(self, &row, &identity);
		if (status)
			break;
		i = lookup_find(lookup, identity);
		if (i == SIZE_MAX || told[i])
			continue;
		told[i] = true;
		if (!migrate_emit_held(r, i, holding_of(self->instance, value), value.p, value.n))
			status = MIGRATE_CANCELLED;
	}
	return status;
}

enum migrate_status mysql_read(void *handle, struct migrate_read *r)
{
	struct self *self = handle;
	struct migrate_bytes *identities = calloc(r->count + 1, sizeof(*identities));
	bool *told = calloc(r->count + 1, sizeof(*told));
	struct lookup lookup = { .items = NULL };
	struct answer *res = NULL;
	enum migrate_status status = MIGRATE_OK;

	self->session = r->session;
	for (size_t i = 0; identities && i < r->count; i++)
		identities[i] = r->rows[i].identity;
	if (!identities || !told || !lookup_make(&lookup, identities, r->count))
		status = out_of_memory(self);
	if (!status)
		status = ask(self, identities, r->count, &res);
	if (!status)
		status = emit_rows(self, res, &lookup, told, r);
	answer_free(res);
	lookup_release(&lookup);
	free(identities);
	free(told);
	return status;
}
