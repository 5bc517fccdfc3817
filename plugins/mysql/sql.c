/* SPDX-License-Identifier: MIT */
#include "mysql-impl.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Texts that are put together; a failure is remembered until the end. */

static char *room(struct sql *s, size_t n)
{
	size_t cap = s->cap ? s->cap : 256;
	char *p;

	if (s->failed || n > SIZE_MAX / 4 - s->n) {
		s->failed = true;
		return NULL;
	}
	while (cap < s->n + n + 1)
		cap *= 2;
	if (cap > s->cap) {
		p = realloc(s->p, cap);
		if (!p) {
			s->failed = true;
			return NULL;
		}
		s->p = p;
		s->cap = cap;
	}
	s->n += n;
	s->p[s->n] = '\0';
	return s->p + s->n - n;
}

void sql_reset(struct sql *s)
{
	s->n = 0;
	s->failed = false;
}

void sql_bytes(struct sql *s, const void *p, size_t n)
{
	char *out = room(s, n);

	if (out && n)
		memcpy(out, p, n);
}

void sql_add(struct sql *s, const char *format, ...)
{
	va_list ap;
	char *out;
	int n;

	va_start(ap, format);
	n = vsnprintf(NULL, 0, format, ap);
	va_end(ap);
	out = n < 0 ? NULL : room(s, (size_t)n);
	if (!out) {
		s->failed = true;
		return;
	}
	va_start(ap, format);
	vsnprintf(out, (size_t)n + 1, format, ap);
	va_end(ap);
}

void sql_name(struct sql *s, const char *name)
{
	sql_bytes(s, "`", 1);
	for (; *name; name++) {
		if (*name == '`')
			sql_bytes(s, "`", 1);
		sql_bytes(s, name, 1);
	}
	sql_bytes(s, "`", 1);
}

void sql_hex(struct sql *s, struct migrate_bytes value)
{
	static const char digits[] = "0123456789abcdef";
	const unsigned char *in = value.p;
	char *out = value.n < SIZE_MAX / 8 ? room(s, 2 * value.n + 3) : NULL;

	if (!out) {
		s->failed = true;
		return;
	}
	*out++ = 'x';
	*out++ = '\'';
	for (size_t i = 0; i < value.n; i++) {
		*out++ = digits[in[i] >> 4];
		*out++ = digits[in[i] & 15];
	}
	*out = '\'';
}

void sql_binary(struct sql *s, struct migrate_bytes value)
{
	sql_bytes(s, "_binary ", 8);
	sql_hex(s, value);
}

void sql_text(struct sql *s, struct migrate_bytes value)
{
	sql_bytes(s, "_utf8mb4 ", 9);
	sql_hex(s, value);
}

void sql_string(struct sql *s, const char *value)
{
	sql_text(s, (struct migrate_bytes){ .p = value, .n = strlen(value) });
}

char *sql_finish(struct sql *s)
{
	if (!s->failed && !s->p)
		sql_bytes(s, "", 0);
	if (!s->failed)
		return s->p;
	free(s->p);
	*s = (struct sql){ .failed = true };
	return NULL;
}

char *quoted_name(const char *name)
{
	struct sql s = { .n = 0 };

	sql_name(&s, name);
	return sql_finish(&s);
}
