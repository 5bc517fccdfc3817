/* SPDX-License-Identifier: MIT */
#include "text.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FIRST 256

/* Where n bytes more will be, and room for a NUL behind them; NULL: it is bad. */
static char *room(struct text *t, size_t n)
{
	size_t cap = t->cap ? t->cap : FIRST;
	char *p;

	if (t->bad || n > SIZE_MAX / 4 || t->n > SIZE_MAX / 4 - n) {
		t->bad = true;
		return NULL;
	}
	while (cap <= t->n + n)
		cap *= 2;
	if (cap > t->cap) {
		p = realloc(t->p, cap);
		if (!p) {
			t->bad = true;
			return NULL;
		}
		t->p = p;
		t->cap = cap;
	}
	return t->p + t->n;
}

static void grow(struct text *t, size_t n)
{
	t->n += n;
	t->p[t->n] = '\0';
}

bool text_add(struct text *t, const void *bytes, size_t n)
{
	char *out = room(t, n);

	if (!out)
		return false;
	if (n)
		memcpy(out, bytes, n);
	grow(t, n);
	return true;
}

bool text_str(struct text *t, const char *text)
{
	return text_add(t, text, strlen(text));
}

bool text_char(struct text *t, char c)
{
	return text_add(t, &c, 1);
}

bool text_printf(struct text *t, const char *format, ...)
{
	va_list ap;
	char *out;
	int n;

	va_start(ap, format);
	n = vsnprintf(NULL, 0, format, ap);
	va_end(ap);
	out = n < 0 ? NULL : room(t, (size_t)n);
	if (!out) {
		t->bad = true;
		return false;
	}
	va_start(ap, format);
	vsnprintf(out, (size_t)n + 1, format, ap);
	va_end(ap);
	grow(t, (size_t)n);
	return true;
}

bool text_hex(struct text *t, const void *bytes, size_t n)
{
	static const char digits[] = "0123456789abcdef";
	const unsigned char *in = bytes;
	char *out = room(t, n < SIZE_MAX / 2 ? 2 * n : SIZE_MAX);

	if (!out)
		return false;
	for (size_t i = 0; i < n; i++) {
		*out++ = digits[in[i] >> 4];
		*out++ = digits[in[i] & 15];
	}
	grow(t, 2 * n);
	return true;
}

bool text_quoted(struct text *t, const char *text, char quote)
{
	text_char(t, quote);
	for (; *text; text++) {
		if (*text == quote)
			text_char(t, quote);
		text_char(t, *text);
	}
	return text_char(t, quote);
}

const char *text_get(const struct text *t)
{
	return t->p ? t->p : "";
}

char *text_finish(struct text *t)
{
	char *p;

	text_add(t, "", 0); /* an empty one is a text, too */
	p = t->bad ? NULL : t->p;
	if (!p)
		free(t->p);
	*t = (struct text){ .p = NULL };
	return p;
}

void text_cut(struct text *t, size_t n)
{
	t->n = n;
	if (t->p)
		t->p[n] = '\0';
}

void text_reset(struct text *t)
{
	text_cut(t, 0);
	t->bad = false;
}

void text_release(struct text *t)
{
	free(t->p);
	*t = (struct text){ .p = NULL };
}

void text_wipe(struct text *t)
{
	if (t->p)
		explicit_bzero(t->p, t->cap);
	text_release(t);
}

void text_shrink(struct text *t, size_t keep)
{
	if (t->cap > keep)
		text_release(t);
}
