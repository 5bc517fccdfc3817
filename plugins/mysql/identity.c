/* SPDX-License-Identifier: MIT */
#include "mysql-impl.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/*
 * A row's identity: for each column of the key its length in two bytes, then
 * what the server shows of it, to the byte. Integers have eight bytes, of which
 * memcmp() makes the order that the server has.
 */
#define SIGN ((uint64_t)1 << 63)

static size_t show_part(struct self *self, size_t k, struct migrate_bytes b, size_t at)
{
	const struct key_part *part = &self->instance->key[k];
	const size_t max = sizeof(self->shown);

	at = show_printf(self->shown, max, at, "%s%s=", k ? "," : "", part->column->name);
	if (part->form == FORM_BYTES)
		return show_bytes(self->shown, max, at, b);
	return show_text(self->shown, max, at, b);
}

static void put_integer(const struct column *c, const char *digits, unsigned char out[8])
{
	uint64_t v = c->is_unsigned ? strtoull(digits, NULL, 10)
				    : (uint64_t)strtoll(digits, NULL, 10) ^ SIGN;

	put32(out, (uint32_t)(v >> 32));
	put32(out + 4, (uint32_t)v);
}

void identity_integer(const struct column *c, struct migrate_bytes part, char *out, size_t size)
{
	uint64_t v = (uint64_t)get32(part.p) << 32 | get32((const char *)part.p + 4);

	if (c->is_unsigned)
		snprintf(out, size, "%" PRIu64, v);
	else
		snprintf(out, size, "%" PRId64, (int64_t)(v ^ SIGN));
}

static bool append(struct self *self, size_t k, struct migrate_bytes b, size_t *n)
{
	const struct key_part *part = &self->instance->key[k];
	unsigned char integer[8];

	if (part->form == FORM_INTEGER) { /* what the library gives ends with a NUL */
		put_integer(part->column, b.p, integer);
		b = (struct migrate_bytes){ .p = integer, .n = sizeof(integer) };
	}
	return identity_add(self->identity, n, b);
}

enum migrate_status identity_encode(struct self *self, const struct row *row,
				    struct migrate_bytes *identity)
{
	const struct instance *inst = self->instance;
	size_t n = 0, at = 0;

	for (size_t k = 0; k < inst->key_count; k++) {
		struct migrate_bytes b = field(row, k);

		if (!b.p)
			return migrate_fail(self->session, MIGRATE_FATAL,
					    "a row of '%s' has no key", inst->table);
		if (!append(self, k, b, &n))
			return identity_too_long(self->session, inst->table);
		at = show_part(self, k, b, at);
	}
	*identity = (struct migrate_bytes){ .p = self->identity, .n = n };
	return MIGRATE_OK;
}

bool cursor_moves(const struct self *self, struct migrate_bytes cursor, size_t n)
{
	const struct instance *inst = self->instance;
	bool ordered = true;

	for (size_t k = 0; k < inst->key_count; k++)
		ordered &= inst->key[k].form == FORM_INTEGER;
	return identity_is_behind(self->identity, n, cursor, ordered);
}

bool identity_split(const struct instance *inst, struct migrate_bytes identity,
		    struct migrate_bytes parts[KEY_MAX])
{
	for (size_t k = 0; k < inst->key_count; k++)
		if (!identity_next(&identity, &parts[k]) ||
		    (inst->key[k].form == FORM_INTEGER && parts[k].n != 8))
			return false;
	return !identity.n;
}
