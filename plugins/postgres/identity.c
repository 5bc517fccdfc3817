/* SPDX-License-Identifier: MIT */
#include "postgres-impl.h"

#include <stdio.h>
#include <string.h>

/*
 * A row's identity: for each column of the key its length in two bytes, then its
 * binary form, which no setting of a session changes. In integers the sign is
 * turned, so that memcmp() orders them as the server does.
 */

static void turn_sign(const struct key_part *part, unsigned char *p)
{
	if (part->form == FORM_INTEGER)
		*p ^= 0x80;
}

static long long integer_of(struct migrate_bytes b)
{
	switch (b.n) {
	case 2:
		return (int16_t)(get32((const char[4]){ 0, 0, ((const char *)b.p)[0],
							((const char *)b.p)[1] }) &
				 0xffff);
	case 4:
		return (int32_t)get32(b.p);
	case 8:
		return (int64_t)get64(b.p);
	default:
		return 0;
	}
}

static size_t show_part(struct self *self, size_t k, struct migrate_bytes b,
			struct migrate_bytes other, size_t at)
{
	const struct key_part *part = &self->instance->key[k];
	const size_t max = sizeof(self->text);

	at = show_printf(self->text, max, at, "%s%s=", k ? "," : "", part->column->name);
	switch (part->form) {
	case FORM_INTEGER:
		return show_printf(self->text, max, at, "%lld", integer_of(b));
	case FORM_UUID:
		return show_bytes(self->text, max, at, b);
	case FORM_TEXT:
		return show_text(self->text, max, at, b);
	case FORM_OTHER:
		return show_text(self->text, max, at, other);
	}
	return at;
}

static bool append(struct self *self, size_t k, struct migrate_bytes b, size_t *n)
{
	unsigned char *out = self->identity + *n + 2;

	if (!identity_add(self->identity, n, b))
		return false;
	if (b.n)
		turn_sign(&self->instance->key[k], out);
	return true;
}

enum migrate_status identity_encode(struct self *self, const PGresult *res, int row,
				    struct migrate_bytes *identity)
{
	const struct instance *inst = self->instance;
	const struct migrate_bytes none = { .p = NULL, .n = 0 };
	int shown = (int)inst->key_count;
	size_t n = 0, at = 0;

	for (size_t k = 0; k < inst->key_count; k++) {
		struct migrate_bytes b = field(res, row, (int)k), other = none;

		if (inst->key[k].form == FORM_OTHER)
			other = field(res, row, shown++);
		if (!append(self, k, b, &n))
			return identity_too_long(self->session, inst->table);
		at = show_part(self, k, b, other, at);
	}
	*identity = (struct migrate_bytes){ .p = self->identity, .n = n };
	return MIGRATE_OK;
}

bool identity_part(const struct instance *inst, size_t k, struct migrate_bytes *in,
		   unsigned char *scratch, struct migrate_bytes *part)
{
	if (!identity_next(in, part))
		return false;
	if (part->n) {
		memcpy(scratch, part->p, part->n);
		turn_sign(&inst->key[k], scratch);
	}
	part->p = scratch;
	return true;
}

/* A cursor: the identity of the last row, and in lists the place of the last element. */
size_t cursor_make(struct self *self, size_t identity, int32_t place)
{
	if (self->instance->kind != KIND_LIST)
		return identity;
	put32(self->identity + identity, (uint32_t)place);
	return identity + 4;
}

bool cursor_moves(const struct self *self, struct migrate_bytes cursor, size_t n)
{
	const struct instance *inst = self->instance;
	bool ordered = true;

	for (size_t k = 0; k < inst->key_count; k++)
		ordered &= inst->key[k].form == FORM_INTEGER || inst->key[k].form == FORM_UUID;
	return identity_is_behind(self->identity, n, cursor, ordered);
}

enum migrate_status cursor_bind(struct self *self, struct migrate_bytes cursor,
				struct parameters *p)
{
	const struct instance *inst = self->instance;
	size_t used = 0;
	bool good = true;

	for (size_t k = 0; good && k < inst->key_count; k++) {
		struct migrate_bytes part;

		good = identity_part(inst, k, &cursor, self->scratch + used, &part);
		if (good)
			parameter(p, part.p, part.n);
		used += good ? part.n : 0;
	}
	if (good && inst->kind == KIND_LIST && cursor.n == 4) {
		parameter(p, cursor.p, cursor.n);
		cursor.n = 0;
	} else if (inst->kind == KIND_LIST) {
		good = false;
	}
	if (!good || cursor.n)
		return not_a_cursor(self->session);
	return MIGRATE_OK;
}
