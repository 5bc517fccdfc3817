/* SPDX-License-Identifier: MIT */
#include "postgres-impl.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Texts that are put together; a failure is remembered until the end. */

static bool room(struct sql *s, size_t n)
{
	size_t cap = s->cap ? s->cap : 256;
	char *p;

	if (s->failed || n > SIZE_MAX / 4 - s->n) {
		s->failed = true;
		return false;
	}
	while (cap < s->n + n + 1)
		cap *= 2;
	if (cap == s->cap)
		return true;
	p = realloc(s->p, cap);
	if (!p) {
		s->failed = true;
		return false;
	}
	s->p = p;
	s->cap = cap;
	return true;
}

void sql_bytes(struct sql *s, const void *p, size_t n)
{
	if (!room(s, n))
		return;
	memcpy(s->p + s->n, p, n);
	s->n += n;
	s->p[s->n] = '\0';
}

void sql_add(struct sql *s, const char *format, ...)
{
	va_list ap;
	int n;

	va_start(ap, format);
	n = vsnprintf(NULL, 0, format, ap);
	va_end(ap);
	if (n < 0 || !room(s, (size_t)n)) {
		s->failed = true;
		return;
	}
	va_start(ap, format);
	vsnprintf(s->p + s->n, (size_t)n + 1, format, ap);
	va_end(ap);
	s->n += (size_t)n;
}

static void sql_quoted(struct sql *s, const char *text, char quote)
{
	sql_bytes(s, &quote, 1);
	for (; *text; text++) {
		if (*text == quote)
			sql_bytes(s, &quote, 1);
		sql_bytes(s, text, 1);
	}
	sql_bytes(s, &quote, 1);
}

void sql_name(struct sql *s, const char *name)
{
	sql_quoted(s, name, '"');
}

/* Every session has standard_conforming_strings on: a backslash is a backslash. */
void sql_literal(struct sql *s, const char *text)
{
	sql_quoted(s, text, '\'');
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
