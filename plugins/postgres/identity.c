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

/* Append text[at..max); what does not fit is cut, as it is only shown. */
static size_t show(char *text, size_t max, size_t at, const char *format, ...) MIGRATE_PRINTF(4, 5);

static size_t show(char *text, size_t max, size_t at, const char *format, ...)
{
	va_list ap;
	int n;

	va_start(ap, format);
	n = vsnprintf(text + at, max - at, format, ap);
	va_end(ap);
	if (n < 0)
		return at;
	return (size_t)n < max - at ? at + (size_t)n : max - 1;
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

static size_t show_uuid(char *text, size_t max, size_t at, struct migrate_bytes b)
{
	const unsigned char *p = b.p;

	for (size_t i = 0; i < b.n; i++)
		at = show(text, max, at, "%s%02x",
			  b.n == 16 && (i == 4 || i == 6 || i == 8 || i == 10) ? "-" : "", p[i]);
	return at;
}

/* A value whose end can be told: see struct migrate_row. */
static size_t show_text(char *text, size_t max, size_t at, struct migrate_bytes b)
{
	const char *p = b.p;

	for (size_t i = 0; i < b.n && max - at > 2; i++) {
		if (p[i] == ',' || p[i] == '\\')
			text[at++] = '\\';
		text[at++] = p[i];
	}
	text[at] = '\0';
	return at;
}

static size_t show_part(struct self *self, size_t k, struct migrate_bytes b,
			struct migrate_bytes other, size_t at)
{
	const struct key_part *part = &self->instance->key[k];
	const size_t max = sizeof(self->text);

	at = show(self->text, max, at, "%s%s=", k ? "," : "", part->column->name);
	switch (part->form) {
	case FORM_INTEGER:
		return show(self->text, max, at, "%lld", integer_of(b));
	case FORM_UUID:
		return show_uuid(self->text, max, at, b);
	case FORM_TEXT:
		return show_text(self->text, max, at, b);
	case FORM_OTHER:
		return show_text(self->text, max, at, other);
	}
	return at;
}

static bool append(struct self *self, size_t k, struct migrate_bytes b, size_t *n)
{
	unsigned char *out = self->identity + *n;

	if (b.n > MIGRATE_IDENTITY_MAX || MIGRATE_IDENTITY_MAX - *n < b.n + 2)
		return false;
	out[0] = (unsigned char)(b.n >> 8);
	out[1] = (unsigned char)b.n;
	if (b.n) {
		memcpy(out + 2, b.p, b.n);
		turn_sign(&self->instance->key[k], out + 2);
	}
	*n += b.n + 2;
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
			return migrate_fail(self->session, MIGRATE_INVALID,
					    "a row of '%s' has a key of more than %d bytes; name "
					    "another one with the option key",
					    inst->table, MIGRATE_IDENTITY_MAX);
		at = show_part(self, k, b, other, at);
	}
	*identity = (struct migrate_bytes){ .p = self->identity, .n = n };
	return MIGRATE_OK;
}

bool identity_part(const struct instance *inst, size_t k, struct migrate_bytes *in,
		   unsigned char *scratch, struct migrate_bytes *part)
{
	const unsigned char *p = in->p;
	size_t n;

	if (in->n < 2)
		return false;
	n = (size_t)p[0] << 8 | p[1];
	if (n > in->n - 2 || n > MIGRATE_IDENTITY_MAX)
		return false;
	memcpy(scratch, p + 2, n);
	if (n)
		turn_sign(&inst->key[k], scratch);
	*part = (struct migrate_bytes){ .p = scratch, .n = n };
	*in = (struct migrate_bytes){ .p = p + 2 + n, .n = in->n - 2 - n };
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
	int c;

	for (size_t k = 0; k < inst->key_count; k++)
		ordered &= inst->key[k].form == FORM_INTEGER || inst->key[k].form == FORM_UUID;
	if (!cursor.n)
		return true;
	c = memcmp(self->identity, cursor.p, n < cursor.n ? n : cursor.n);
	/* how the server orders other keys is its own affair */
	return ordered ? c > 0 : c || n != cursor.n;
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
		return migrate_fail(self->session, MIGRATE_INVALID, "not a cursor of this table");
	return MIGRATE_OK;
}
