/* SPDX-License-Identifier: MIT */
#include "mysql-impl.h"

#include <string.h>

bool value_is_possible(const struct instance *inst, struct migrate_bytes value)
{
	return value_obstacle(inst, value) == NULL;
}

/* What a server would silently cut, even if it is strict, counts as well. */
const char *value_obstacle(const struct instance *inst, struct migrate_bytes value)
{
	const struct column *c = inst->column;
	size_t length;

	if (inst->kind == KIND_BYTES) {
		if (!strcasecmp(c->type, "binary") && value.n != c->width)
			return "is not as long as the column";
		return value.n > c->width ? "is too long for the column" : NULL;
	}
	length = utf8_length(value.p, value.n);
	if (length == SIZE_MAX)
		return "is not valid text";
	if (inst->kind == KIND_JSON)
		return NULL;
	if (length > c->width)
		return "is too long for the column";
	if (!strcasecmp(c->type, "char") && value.n && ((const char *)value.p)[value.n - 1] == ' ')
		return "ends with a blank, which a column of char(n) drops";
	return NULL;
}

static void set_columns(const struct instance *inst, const struct row *row,
			struct migrate_bytes held[SET_MAX])
{
	for (size_t i = 0; i < inst->set_count; i++)
		held[i] = field(row, set_column_at(inst) + i);
}

enum sets row_sets(const struct instance *inst, const struct row *row,
		   const struct migrate_change *c)
{
	struct migrate_bytes held[SET_MAX], asked[SET_MAX];

	set_columns(inst, row, held);
	for (size_t i = 0; i < inst->set_count; i++)
		asked[i] = string_bytes(inst->set[i].canonical);
	return sets_compare(held, asked, inst->set_count, c);
}

bool row_is_meant(const struct instance *inst, const struct row *row)
{
	return !inst->where || field_number(row, set_column_at(inst) + inst->set_count) == 1;
}

bool row_is_exact(const struct instance *inst, const struct row *row)
{
	size_t column = set_column_at(inst) + inst->set_count + (inst->where != NULL);

	return !inst->may_differ || field_number(row, column) == 1;
}

enum migrate_status row_extra(struct self *self, const struct row *row, struct migrate_bytes *extra)
{
	const struct instance *inst = self->instance;
	struct migrate_bytes held[SET_MAX];

	set_columns(inst, row, held);
	return extra_write(self->session, held, inst->set_count, self->extra, extra);
}

static char key_letter(const struct key_part *part)
{
	if (part->form == FORM_INTEGER)
		return part->column->is_unsigned ? 'u' : 'i';
	return part->form == FORM_NUMBER ? 'd' : 'v';
}

static void row_letters(const struct instance *inst, bool looks, char *out)
{
	for (size_t k = 0; k < inst->key_count; k++)
		*out++ = key_letter(&inst->key[k]);
	*out++ = looks ? 'V' : 'v';
	for (size_t i = 0; i < inst->set_count; i++)
		*out++ = 'V';
	if (looks && inst->where)
		*out++ = 'i';
	if (looks && inst->may_differ)
		*out++ = 'I'; /* of NULL nothing is known */
	*out = '\0';
}

void row_shapes(struct instance *inst)
{
	row_letters(inst, false, inst->row_columns);
	row_letters(inst, true, inst->look_columns);
}

/* A row has one place: the column, or the path in it. */
enum migrate_status row_fill(struct self *self, struct link *link, const struct row *row,
			     struct migrate_row *out)
{
	const struct instance *inst = self->instance;
	static const struct migrate_change of_job = { .outcome = 0 };
	enum migrate_status status = identity_encode(self, row, &out->identity);

	if (status)
		return status;
	out->value = field(row, value_column(inst));
	if (out->value.n > inst->value_max)
		return wrong_answer(self, link, "cannot read a row",
				    "its value has %zu bytes where at most %llu were asked for",
				    out->value.n, (unsigned long long)inst->value_max);
	out->text = self->shown;
	out->settled = row_sets(inst, row, &of_job) == SETS_DONE;
	return inst->set_count ? row_extra(self, row, &out->extra) : MIGRATE_OK;
}
