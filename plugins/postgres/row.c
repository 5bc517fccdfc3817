/* SPDX-License-Identifier: MIT */
#include "postgres-impl.h"

#include <stdio.h>
#include <string.h>

/*
 * extra: for each `set:` column a byte that says whether it is NULL (0) or not
 * (1), then its length in four bytes and its text.
 */

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

/* What sets_compare() looks at. */
struct set_row {
	const struct instance *inst;
	const PGresult *res;
	int row, first;
};

static struct migrate_bytes set_held(const void *arg, size_t i)
{
	const struct set_row *s = arg;

	return field(s->res, s->row, s->first + (int)i);
}

static struct migrate_bytes set_wanted(const void *arg, size_t i)
{
	const struct set_row *s = arg;
	const char *text = s->inst->set[i].canonical;

	return (struct migrate_bytes){ .p = text, .n = text ? strlen(text) : 0 };
}

enum sets row_sets(const struct instance *inst, const PGresult *res, int row, int first,
		   const struct migrate_change *c)
{
	const struct set_row s = { .inst = inst, .res = res, .row = row, .first = first };
	const struct set_columns columns = {
		.row = &s, .count = inst->set_count, .held = set_held, .wanted = set_wanted
	};

	return sets_compare(&columns, c);
}

static bool put(unsigned char *out, size_t *n, struct migrate_bytes b)
{
	if (EXTRA_MAX - *n < 5 || EXTRA_MAX - *n - 5 < b.n)
		return false;
	out[(*n)++] = b.p != NULL;
	if (!b.p)
		return true;
	put32(out + *n, (uint32_t)b.n);
	memcpy(out + *n + 4, b.p, b.n);
	*n += 4 + b.n;
	return true;
}

enum migrate_status row_extra(struct self *self, const PGresult *res, int row, int first,
			      struct migrate_bytes *extra)
{
	const struct instance *inst = self->instance;
	size_t n = 0;

	for (size_t i = 0; i < inst->set_count; i++)
		if (!put(self->extra, &n, field(res, row, first + (int)i)))
			return migrate_fail(self->session, MIGRATE_INVALID,
					    "set: the columns hold more than %d bytes, so the "
					    "change could not be undone",
					    EXTRA_MAX);
	*extra = (struct migrate_bytes){ .p = self->extra, .n = n };
	return MIGRATE_OK;
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
