/* SPDX-License-Identifier: MIT */
#include "sqlite-impl.h"

#include <stdio.h>
#include <string.h>

/*
 * A value as bytes: a tag, then what it holds, so made that memcmp() orders
 * integers, reals, BLOBs and plain text as SQLite does. Integers and reals: 8
 * bytes, the sign turned. TEXT and BLOB: each NUL followed by 0xff, two NULs at
 * the end.
 */
enum tag { TAG_NULL = 1, TAG_INTEGER, TAG_REAL, TAG_TEXT, TAG_BLOB };

#define SIGN (UINT64_C(1) << 63)

static uint64_t real_to_bits(double d)
{
	uint64_t v;

	memcpy(&v, &d, sizeof(v));
	return v & SIGN ? ~v : v ^ SIGN;
}

static double bits_to_real(uint64_t v)
{
	double d;

	v = v & SIGN ? v ^ SIGN : ~v;
	memcpy(&d, &v, sizeof(d));
	return d;
}

static bool put_number(unsigned char *out, size_t max, size_t *n, enum tag tag, uint64_t v)
{
	if (max - *n < 9)
		return false;
	out[*n] = (unsigned char)tag;
	put64(out + *n + 1, v);
	*n += 9;
	return true;
}

static bool put_bytes(unsigned char *out, size_t max, size_t *n, enum tag tag,
		      const unsigned char *p, size_t count)
{
	size_t at = *n;

	if (max - at < 3 || max - at - 3 < count)
		return false;
	out[at++] = (unsigned char)tag;
	for (size_t i = 0; i < count; i++) {
		if (max - at < 4)
			return false;
		out[at++] = p[i];
		if (!p[i])
			out[at++] = 0xff;
	}
	out[at++] = 0;
	out[at++] = 0;
	*n = at;
	return true;
}

bool value_encode(sqlite3_stmt *stmt, int i, unsigned char *out, size_t max, size_t *n)
{
	const void *p;

	switch (sqlite3_column_type(stmt, i)) {
	case SQLITE_INTEGER:
		return put_number(out, max, n, TAG_INTEGER,
				  (uint64_t)sqlite3_column_int64(stmt, i) ^ SIGN);
	case SQLITE_FLOAT:
		return put_number(out, max, n, TAG_REAL,
				  real_to_bits(sqlite3_column_double(stmt, i)));
	case SQLITE_TEXT:
		p = sqlite3_column_text(stmt, i);
		return p &&
		       put_bytes(out, max, n, TAG_TEXT, p, (size_t)sqlite3_column_bytes(stmt, i));
	case SQLITE_BLOB:
		p = sqlite3_column_blob(stmt, i);
		return put_bytes(out, max, n, TAG_BLOB, p, (size_t)sqlite3_column_bytes(stmt, i));
	default:
		if (*n == max)
			return false;
		out[(*n)++] = TAG_NULL;
		return true;
	}
}

static bool get_bytes(struct migrate_bytes *in, unsigned char *scratch, size_t *used, size_t max,
		      struct migrate_bytes *out)
{
	const unsigned char *p = in->p;
	unsigned char *to = scratch + *used;
	size_t at = 0, n = 0;

	for (;;) {
		if (at == in->n || n == max - *used)
			return false;
		to[n++] = p[at++];
		if (to[n - 1])
			continue;
		if (at == in->n || (p[at] && p[at] != 0xff))
			return false;
		if (!p[at++])
			break;
	}
	*out = (struct migrate_bytes){ .p = to, .n = n - 1 }; /* without the end's NUL */
	*used += n;
	*in = (struct migrate_bytes){ .p = p + at, .n = in->n - at };
	return true;
}

static bool get_number(struct migrate_bytes *in, uint64_t *v)
{
	if (in->n < 8)
		return false;
	*v = get64(in->p);
	*in = (struct migrate_bytes){ .p = (const unsigned char *)in->p + 8, .n = in->n - 8 };
	return true;
}

bool value_decode(struct migrate_bytes *in, unsigned char *scratch, size_t *used, size_t max,
		  struct value *out)
{
	uint64_t v;
	int tag;

	if (!in->n)
		return false;
	tag = *(const unsigned char *)in->p;
	*in = (struct migrate_bytes){ .p = (const unsigned char *)in->p + 1, .n = in->n - 1 };
	switch (tag) {
	case TAG_NULL:
		out->type = SQLITE_NULL;
		return true;
	case TAG_INTEGER:
		out->type = SQLITE_INTEGER;
		if (!get_number(in, &v))
			return false;
		out->integer = (int64_t)(v ^ SIGN);
		return true;
	case TAG_REAL:
		out->type = SQLITE_FLOAT;
		if (!get_number(in, &v))
			return false;
		out->real = bits_to_real(v);
		return true;
	case TAG_TEXT:
	case TAG_BLOB:
		out->type = tag == TAG_TEXT ? SQLITE_TEXT : SQLITE_BLOB;
		return get_bytes(in, scratch, used, max, &out->bytes);
	default:
		return false;
	}
}

int value_bind(sqlite3_stmt *stmt, int parameter, const struct value *value)
{
	switch (value->type) {
	case SQLITE_INTEGER:
		return sqlite3_bind_int64(stmt, parameter, value->integer);
	case SQLITE_FLOAT:
		return sqlite3_bind_double(stmt, parameter, value->real);
	case SQLITE_TEXT:
	case SQLITE_BLOB:
		return bind_bytes(stmt, parameter, value->bytes, value->type == SQLITE_BLOB);
	default:
		return sqlite3_bind_null(stmt, parameter);
	}
}

void identity_of_integer(unsigned char out[9], int64_t key)
{
	out[0] = TAG_INTEGER;
	put64(out + 1, (uint64_t)key ^ SIGN);
}

bool identity_to_integer(struct migrate_bytes identity, int64_t *key)
{
	const unsigned char *p = identity.p;

	if (identity.n != 9 || p[0] != TAG_INTEGER)
		return false;
	*key = (int64_t)(get64(p + 1) ^ SIGN);
	return true;
}

/* "name=value". */
static size_t show_part(char *text, size_t max, size_t at, const char *name, sqlite3_stmt *stmt,
			int i)
{
	const unsigned char *p;

	at = show_printf(text, max, at, "%s%s=", at ? "," : "", name);
	if (sqlite3_column_type(stmt, i) != SQLITE_BLOB)
		return show_text(text, max, at,
				 string_bytes((const char *)sqlite3_column_text(stmt, i)));
	p = sqlite3_column_blob(stmt, i);
	at = show_printf(text, max, at, "x'");
	for (int k = 0; k < sqlite3_column_bytes(stmt, i); k++)
		at = show_printf(text, max, at, "%02x", p[k]);
	return show_printf(text, max, at, "'");
}

enum migrate_status identity_encode(struct self *self, sqlite3_stmt *stmt,
				    struct migrate_bytes *identity)
{
	const struct instance *inst = self->instance;
	size_t n = 0, at = 0;

	for (size_t k = 0; k < inst->key_count; k++) {
		if (sqlite3_column_type(stmt, (int)k) == SQLITE_NULL)
			return migrate_fail(
			    self->session, MIGRATE_INVALID,
			    "a row of '%s' has NULL in its key '%s': give such rows "
			    "a key, or name another one with the option key",
			    inst->table, inst->key[k].name);
		if (!value_encode(stmt, (int)k, self->identity, sizeof(self->identity), &n))
			return identity_too_long(self->session, inst->table);
		/* after encoding: showing a number turns the column into text */
		at = show_part(self->text, sizeof(self->text), at, inst->key[k].name, stmt, (int)k);
	}
	*identity = (struct migrate_bytes){ .p = self->identity, .n = n };
	return MIGRATE_OK;
}

enum migrate_status identity_bind(struct self *self, sqlite3_stmt *stmt,
				  struct migrate_bytes identity)
{
	size_t used = 0;

	for (size_t k = 0; k < self->instance->key_count; k++) {
		struct value value;

		if (!value_decode(&identity, self->scratch, &used, sizeof(self->scratch), &value) ||
		    value_bind(stmt, P_KEY + (int)k, &value) != SQLITE_OK)
			return not_an_identity(self->session, self->instance->table);
	}
	if (identity.n)
		return not_an_identity(self->session, self->instance->table);
	return MIGRATE_OK;
}
