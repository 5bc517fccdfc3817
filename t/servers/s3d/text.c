/* SPDX-License-Identifier: MIT */
#include "text.h"

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void die(const char *format, ...)
{
	va_list args;

	fputs("s3d: ", stderr);
	va_start(args, format);
	vfprintf(stderr, format, args);
	va_end(args);
	fputc('\n', stderr);
	exit(2);
}

void *must_grow(void *p, size_t n)
{
	p = realloc(p, n ? n : 1);
	if (!p)
		die("out of memory for %zu bytes", n);
	return p;
}

void *must_alloc(size_t n)
{
	return must_grow(NULL, n);
}

void *must_zero(size_t n)
{
	return memset(must_alloc(n), 0, n);
}

void *must_dup(const void *p, size_t n)
{
	char *copy = must_alloc(n + 1);

	if (n)
		memcpy(copy, p, n);
	copy[n] = '\0';
	return copy;
}

char *must_text(const char *s)
{
	return must_dup(s, strlen(s));
}

static void text_reserve(struct text *t, size_t n)
{
	size_t cap = t->cap ? t->cap : 128;

	if (t->len + n + 1 <= t->cap)
		return;
	while (cap < t->len + n + 1)
		cap *= 2;
	t->p = must_grow(t->p, cap);
	t->cap = cap;
}

void text_add(struct text *t, const void *p, size_t n)
{
	text_reserve(t, n);
	if (n)
		memcpy(t->p + t->len, p, n);
	t->len += n;
	t->p[t->len] = '\0';
}

void text_puts(struct text *t, const char *s)
{
	text_add(t, s, strlen(s));
}

void text_put_bytes(struct text *t, struct bytes b)
{
	text_add(t, b.p, b.len);
}

void text_printf(struct text *t, const char *format, ...)
{
	va_list args;
	int n;

	va_start(args, format);
	n = vsnprintf(NULL, 0, format, args);
	va_end(args);
	if (n < 0)
		die("cannot format a message");
	text_reserve(t, (size_t)n);
	va_start(args, format);
	vsnprintf(t->p + t->len, (size_t)n + 1, format, args);
	va_end(args);
	t->len += (size_t)n;
}

void text_reset(struct text *t)
{
	t->len = 0;
	if (t->p)
		t->p[0] = '\0';
}

void text_release(struct text *t)
{
	free(t->p);
	*t = (struct text){ NULL, 0, 0 };
}

const char *text_get(const struct text *t)
{
	return t->p ? t->p : "";
}

bool bytes_equal(struct bytes a, struct bytes b)
{
	return a.len == b.len && (!a.len || !memcmp(a.p, b.p, a.len));
}

bool bytes_start(struct bytes b, struct bytes start)
{
	return start.len <= b.len && (!start.len || !memcmp(b.p, start.p, start.len));
}

int bytes_compare(struct bytes a, struct bytes b)
{
	size_t n = a.len < b.len ? a.len : b.len;
	int order = n ? memcmp(a.p, b.p, n) : 0;

	if (order)
		return order;
	return (a.len > b.len) - (a.len < b.len);
}

bool number_of(const char *s, unsigned long long max, unsigned long long *to)
{
	unsigned long long n = 0;

	if (!*s)
		return false;
	for (; *s; s++) {
		unsigned digit = (unsigned)(*s - '0');

		if (digit > 9 || digit > max || n > (max - digit) / 10)
			return false;
		n = n * 10 + digit;
	}
	*to = n;
	return true;
}

bool glob_match(struct bytes pattern, struct bytes name)
{
	size_t p = 0, n = 0, star = SIZE_MAX, star_name = 0;

	while (n < name.len) {
		if (p < pattern.len && pattern.p[p] == '*') {
			star = p++;
			star_name = n;
		} else if (p < pattern.len && (pattern.p[p] == '?' || pattern.p[p] == name.p[n])) {
			p++;
			n++;
		} else if (star != SIZE_MAX) {
			p = star + 1;
			n = ++star_name;
		} else {
			return false;
		}
	}
	while (p < pattern.len && pattern.p[p] == '*')
		p++;
	return p == pattern.len;
}
