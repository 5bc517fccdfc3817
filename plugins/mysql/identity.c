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

/* Bytes as digits, 16 of them as a uuid. */
static size_t show_bytes(char *text, size_t max, size_t at, struct migrate_bytes b)
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

static size_t show_part(struct self *self, size_t k, struct migrate_bytes b, size_t at)
{
	const struct key_part *part = &self->instance->key[k];
	const size_t max = sizeof(self->shown);

	at = show(self->shown, max, at, "%s%s=", k ? "," : "", part->column->name);
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
	unsigned char *out = self->identity + *n, integer[8];

	if (part->form == FORM_INTEGER) { /* what the library gives ends with a NUL */
		put_integer(part->column, b.p, integer);
		b = (struct migrate_bytes){ .p = integer, .n = sizeof(integer) };
	}
	if (b.n > MIGRATE_IDENTITY_MAX || MIGRATE_IDENTITY_MAX - *n < b.n + 2)
		return false;
	out[0] = (unsigned char)(b.n >> 8);
	out[1] = (unsigned char)b.n;
	if (b.n)
		memcpy(out + 2, b.p, b.n);
	*n += b.n + 2;
	return true;
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
			return migrate_fail(self->session, MIGRATE_INVALID,
					    "a row of '%s' has a key of more than %d bytes; name "
					    "another one with the option key",
					    inst->table, MIGRATE_IDENTITY_MAX);
		at = show_part(self, k, b, at);
	}
	*identity = (struct migrate_bytes){ .p = self->identity, .n = n };
	return MIGRATE_OK;
}

bool cursor_moves(const struct self *self, struct migrate_bytes cursor, size_t n)
{
	const struct instance *inst = self->instance;
	bool ordered = true;
	int c;

	for (size_t k = 0; k < inst->key_count; k++)
		ordered &= inst->key[k].form == FORM_INTEGER;
	if (!cursor.n)
		return true;
	c = memcmp(self->identity, cursor.p, n < cursor.n ? n : cursor.n);
	/* how the server orders other keys is its own affair */
	return ordered ? c > 0 : c || n != cursor.n;
}

bool identity_split(const struct instance *inst, struct migrate_bytes identity,
		    struct migrate_bytes parts[KEY_MAX])
{
	const unsigned char *p = identity.p;
	size_t left = identity.n;

	for (size_t k = 0; k < inst->key_count; k++) {
		size_t n = left < 2 ? SIZE_MAX : (size_t)p[0] << 8 | p[1];

		if (n == SIZE_MAX || n > left - 2 || n > MIGRATE_IDENTITY_MAX)
			return false;
		if (inst->key[k].form == FORM_INTEGER && n != 8)
			return false;
		parts[k] = (struct migrate_bytes){ .p = p + 2, .n = n };
		p += 2 + n;
		left -= 2 + n;
	}
	return !left;
}
