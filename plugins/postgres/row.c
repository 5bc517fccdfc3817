/* SPDX-License-Identifier: MIT */
#include "postgres-impl.h"

#include <stdio.h>
#include <string.h>

bool value_is_possible(const struct instance *inst, struct migrate_bytes value)
{
	if (inst->kind == KIND_BYTES || !value.n)
		return true;
	return !memchr(value.p, 0, value.n) && (!inst->utf8 || migrate_is_utf8(value.p, value.n));
}

int32_t row_place(const struct instance *inst, const PGresult *res, int row)
{
	if (inst->kind != KIND_LIST)
		return 0;
	return (int32_t)get32(PQgetvalue(res, row, value_column(inst) + 1));
}

static void set_columns(const struct instance *inst, const PGresult *res, int row, int first,
			struct migrate_bytes held[SET_MAX])
{
	for (size_t i = 0; i < inst->set_count; i++)
		held[i] = field(res, row, first + (int)i);
}

enum sets row_sets(const struct instance *inst, const PGresult *res, int row, int first,
		   const struct migrate_change *c)
{
	struct migrate_bytes held[SET_MAX], asked[SET_MAX];

	set_columns(inst, res, row, first, held);
	for (size_t i = 0; i < inst->set_count; i++)
		asked[i] = string_bytes(inst->set[i].canonical);
	return sets_compare(held, asked, inst->set_count, c);
}

enum migrate_status row_extra(struct self *self, const PGresult *res, int row, int first,
			      struct migrate_bytes *extra)
{
	const struct instance *inst = self->instance;
	struct migrate_bytes held[SET_MAX];

	set_columns(inst, res, row, first, held);
	return extra_write(self->session, held, inst->set_count, self->extra, extra);
}

static char key_letter(const struct key_part *part)
{
	switch (part->form) {
	case FORM_INTEGER:
		return part->column->base == OID_INT2   ? '2'
		       : part->column->base == OID_INT4 ? '4'
							: '8';
	case FORM_UUID:
		return 'u';
	case FORM_TEXT:
		return 't';
	case FORM_OTHER:
		break;
	}
	return 'x';
}

/* The columns of text_row(), and one more. */
static void row_letters(const struct instance *inst, char value, char last, char *out)
{
	for (size_t k = 0; k < inst->key_count; k++)
		*out++ = key_letter(&inst->key[k]);
	for (size_t k = 0; k < inst->shown_count; k++)
		*out++ = 't';
	*out++ = value;
	if (inst->kind == KIND_LIST)
		*out++ = '4';
	for (size_t i = 0; i < inst->set_count; i++)
		*out++ = 'T';
	*out++ = last;
	*out = '\0';
}

void row_shapes(struct instance *inst)
{
	bool bytes = inst->kind == KIND_BYTES;
	char held = inst->kind == KIND_LIST ? 'A' : bytes ? 'Y' : 'T';

	row_letters(inst, bytes ? 'y' : 't', '8', inst->find_columns);
	if (inst->texts) /* one that is too long comes as NULL */
		row_letters(inst, bytes ? 'Y' : 'T', '8', inst->scan_columns);
	else
		row_letters(inst, bytes ? 'y' : 't', '\0', inst->scan_columns);
	snprintf(inst->changed_columns, ROW_LETTERS, "8%c", held);
	snprintf(inst->locked_columns, ROW_LETTERS, "81%c", held);
	memset(inst->locked_columns + 3, 'T', inst->set_count);
	if (inst->where)
		inst->locked_columns[3 + inst->set_count] = '1';
}

/* The place: the element's number in a list, else nothing. */
enum migrate_status row_fill(struct self *self, struct link *link, const PGresult *res, int row,
			     struct migrate_row *out)
{
	const struct instance *inst = self->instance;
	static const struct migrate_change of_job = { .outcome = 0 };
	enum migrate_status status = identity_encode(self, res, row, &out->identity);
	int sets = set_column_at(inst);

	if (status)
		return status;
	if (inst->kind == KIND_LIST)
		out->place = field(res, row, value_column(inst) + 1);
	out->value = field(res, row, value_column(inst));
	if (out->value.n > inst->value_max)
		return wrong_answer(self, link, "cannot read a row",
				    "its value has %zu bytes where at most %llu were asked for",
				    out->value.n, (unsigned long long)inst->value_max);
	out->text = self->text;
	out->settled = row_sets(inst, res, row, sets, &of_job) == SETS_DONE;
	return inst->set_count ? row_extra(self, res, row, sets, &out->extra) : MIGRATE_OK;
}
