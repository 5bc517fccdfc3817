/* SPDX-License-Identifier: MIT */
#include "identity.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

bool identity_add(unsigned char *out, size_t *n, struct migrate_bytes part)
{
	if (part.n > MIGRATE_IDENTITY_MAX || MIGRATE_IDENTITY_MAX - *n < part.n + 2)
		return false;
	out += *n;
	out[0] = (unsigned char)(part.n >> 8);
	out[1] = (unsigned char)part.n;
	if (part.n)
		memcpy(out + 2, part.p, part.n);
	*n += part.n + 2;
	return true;
}

bool identity_next(struct migrate_bytes *identity, struct migrate_bytes *part)
{
	const unsigned char *p = identity->p;
	size_t n;

	if (identity->n < 2)
		return false;
	n = (size_t)p[0] << 8 | p[1];
	if (n > identity->n - 2 || n > MIGRATE_IDENTITY_MAX)
		return false;
	*part = (struct migrate_bytes){ .p = p + 2, .n = n };
	*identity = (struct migrate_bytes){ .p = p + 2 + n, .n = identity->n - 2 - n };
	return true;
}

bool identity_is_behind(const void *identity, size_t n, struct migrate_bytes cursor, bool ordered)
{
	int c;

	if (!cursor.n)
		return true;
	c = memcmp(identity, cursor.p, n < cursor.n ? n : cursor.n);
	/* how the server orders other keys is its own affair */
	return ordered ? c > 0 : c || n != cursor.n;
}

enum migrate_status identity_too_long(struct migrate_session *session, const char *table)
{
	return migrate_fail(session, MIGRATE_INVALID,
			    "a row of '%s' has a key of more than %d bytes; name another one with "
			    "the option key",
			    table, MIGRATE_IDENTITY_MAX);
}

enum migrate_status not_an_identity(struct migrate_session *session, const char *table)
{
	return migrate_fail(session, MIGRATE_INVALID, "not an identity of a row of '%s'", table);
}

enum migrate_status not_a_cursor(struct migrate_session *session)
{
	return migrate_fail(session, MIGRATE_INVALID, "not a cursor of this table");
}

size_t show_printf(char *text, size_t max, size_t at, const char *format, ...)
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

size_t show_text(char *text, size_t max, size_t at, struct migrate_bytes value)
{
	const char *p = value.p;

	for (size_t i = 0; i < value.n && max - at > 2; i++) {
		if (p[i] == ',' || p[i] == '\\')
			text[at++] = '\\';
		text[at++] = p[i];
	}
	text[at] = '\0';
	return at;
}

size_t show_bytes(char *text, size_t max, size_t at, struct migrate_bytes value)
{
	const unsigned char *p = value.p;

	for (size_t i = 0; i < value.n; i++)
		at = show_printf(
		    text, max, at, "%s%02x",
		    value.n == 16 && (i == 4 || i == 6 || i == 8 || i == 10) ? "-" : "", p[i]);
	return at;
}
