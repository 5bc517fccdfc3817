/* SPDX-License-Identifier: MIT */
#include "mysql-impl.h"

#include <stdlib.h>
#include <string.h>

/* FNV-1a: who can choose the keys of their objects gains a slow look-up of a thousand, no more. */
static size_t hash(struct migrate_bytes b)
{
	const unsigned char *p = b.p;
	uint64_t h = 0xcbf29ce484222325u;

	for (size_t i = 0; i < b.n; i++)
		h = (h ^ p[i]) * 0x100000001b3u;
	return (size_t)(h ^ h >> 32);
}

bool lookup_make(struct lookup *l, const struct migrate_bytes *items, size_t n)
{
	*l = (struct lookup){ .size = 16, .items = items };
	if (n > UINT32_MAX / 4)
		return false;
	while (l->size < 2 * n)
		l->size *= 2;
	l->slots = calloc(l->size, sizeof(*l->slots));
	if (!l->slots)
		return false;
	for (size_t i = 0; i < n; i++) {
		size_t at = hash(items[i]) & (l->size - 1);

		while (l->slots[at])
			at = (at + 1) & (l->size - 1);
		l->slots[at] = (uint32_t)i + 1;
	}
	return true;
}

size_t lookup_find(const struct lookup *l, struct migrate_bytes b)
{
	size_t at = hash(b) & (l->size - 1);

	for (; l->slots[at]; at = (at + 1) & (l->size - 1))
		if (same_bytes(l->items[l->slots[at] - 1], b))
			return l->slots[at] - 1;
	return SIZE_MAX;
}

void lookup_release(struct lookup *l)
{
	free(l->slots);
	l->slots = NULL;
}

size_t utf8_length(const void *text, size_t n)
{
	const unsigned char *p = text;
	size_t length = 0;

	if (!migrate_is_utf8(text, n))
		return SIZE_MAX;
	for (size_t i = 0; i < n; i++)
		length += (p[i] & 0xc0) != 0x80; /* a character begins */
	return length;
}
