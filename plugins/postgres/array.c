/* SPDX-License-Identifier: MIT */
#include "postgres-impl.h"

#include <stdlib.h>
#include <string.h>

/*
 * PostgreSQL's binary form of an array: dimensions, flags, type of the elements,
 * then for each dimension its size and lower bound, then each element with its
 * length before it (-1: NULL). All numbers are big-endian.
 */
#define HEADER 20

static char *grow(struct array *a, size_t n)
{
	size_t cap = a->cap ? a->cap : 4096;
	char *p;

	/* lengths are 32 bits, and so are libpq's */
	if (a->failed || n > INT32_MAX || a->n > INT32_MAX - n) {
		a->failed = true;
		return NULL;
	}
	while (cap < a->n + n)
		cap *= 2;
	if (cap > a->cap) {
		p = realloc(a->p, cap);
		if (!p) {
			a->failed = true;
			return NULL;
		}
		a->p = p;
		a->cap = cap;
	}
	a->n += n;
	return a->p + a->n - n;
}

void array_begin(struct array *a, Oid element)
{
	char *p;

	a->n = 0;
	a->count = 0;
	a->failed = false;
	p = grow(a, HEADER);
	if (!p)
		return;
	put32(p, 1);
	put32(p + 4, 0);
	put32(p + 8, element);
	put32(p + 12, 0);
	put32(p + 16, 1);
}

void array_add(struct array *a, struct migrate_bytes element)
{
	char *p = element.n <= INT32_MAX - 4 ? grow(a, element.n + 4) : NULL;

	if (!p) {
		a->failed = true;
		return;
	}
	put32(p, (uint32_t)element.n);
	if (element.n)
		memcpy(p + 4, element.p, element.n);
	a->count++;
}

void array_null(struct array *a)
{
	char *p = grow(a, 4);

	if (!p)
		return;
	put32(p, UINT32_MAX);
	put32(a->p + 4, 1);
	a->count++;
}

bool array_end(struct array *a)
{
	if (a->failed)
		return false;
	put32(a->p + 12, a->count);
	if (!a->count) { /* no elements, no dimensions */
		put32(a->p, 0);
		a->n = 12;
	}
	return true;
}

void array_release(struct array *a)
{
	free(a->p);
	*a = (struct array){ .p = NULL };
}

bool array_is_sound(struct migrate_bytes array)
{
	struct migrate_bytes element;
	uint32_t count = 0;
	size_t at = 0;

	if (array.n < HEADER || get32((const char *)array.p + 8) != OID_TEXT)
		return false;
	while (array_next(array, &at, &element))
		count++;
	return at == array.n && count == get32((const char *)array.p + 12);
}

bool array_next(struct migrate_bytes array, size_t *at, struct migrate_bytes *element)
{
	const unsigned char *p = array.p;
	uint32_t n;

	if (!*at) {
		if (array.n < HEADER || get32(p) != 1 || get32(p + 16) != 1)
			return false;
		*at = HEADER;
	}
	if (array.n - *at < 4)
		return false;
	n = get32(p + *at);
	*at += 4;
	*element = (struct migrate_bytes){ .p = NULL, .n = 0 };
	if (n == UINT32_MAX)
		return true;
	if (array.n - *at < n)
		return false;
	*element = (struct migrate_bytes){ .p = p + *at, .n = n };
	*at += n;
	return true;
}

bool list_element(struct migrate_bytes list, struct migrate_bytes place,
		  struct migrate_bytes *element)
{
	uint32_t wanted = place.n == 4 ? get32(place.p) : 0;
	size_t at = 0;

	*element = (struct migrate_bytes){ .p = NULL, .n = 0 };
	for (uint32_t i = 1; array_next(list, &at, element); i++)
		if (i == wanted)
			return true;
	return false;
}
