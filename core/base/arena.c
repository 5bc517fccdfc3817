/* SPDX-License-Identifier: MIT */
#include "base/arena.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define BLOCK_MIN 16384
#define ALIGN _Alignof(max_align_t)

struct arena_block {
	struct arena_block *next;
	size_t size, used;
	_Alignas(max_align_t) char bytes[];
};

static struct arena_block *add_block(struct arena *a, size_t n)
{
	size_t size = n > BLOCK_MIN ? n : BLOCK_MIN;
	struct arena_block *b;

	if (size > SIZE_MAX - sizeof(*b))
		return NULL;
	b = malloc(sizeof(*b) + size);
	if (!b)
		return NULL;
	b->size = size;
	b->used = 0;
	b->next = a->blocks;
	a->blocks = b;
	return b;
}

static void *take_bytes(struct arena *a, size_t n, size_t align)
{
	struct arena_block *b = a->blocks;
	size_t at = b ? (b->used + align - 1) / align * align : 0;

	if (!b || at > b->size || n > b->size - at) {
		b = add_block(a, n);
		at = 0;
	}
	if (!b)
		return NULL;
	b->used = at + n;
	a->used += n;
	return b->bytes + at;
}

void *arena_alloc(struct arena *a, size_t n)
{
	void *p = take_bytes(a, n, ALIGN);

	return p ? memset(p, 0, n) : NULL;
}

char *arena_copy(struct arena *a, const void *bytes, size_t n)
{
	char *p = n < SIZE_MAX ? take_bytes(a, n + 1, 1) : NULL;

	if (!p)
		return NULL;
	if (n)
		memcpy(p, bytes, n);
	p[n] = '\0';
	return p;
}

char *arena_text(struct arena *a, const char *s)
{
	return arena_copy(a, s, strlen(s));
}

char *arena_printf(struct arena *a, const char *format, ...)
{
	va_list ap;
	char *text = NULL, *copy;
	int n;

	va_start(ap, format);
	n = vasprintf(&text, format, ap);
	va_end(ap);
	if (n < 0)
		return NULL;
	copy = arena_copy(a, text, (size_t)n);
	free(text);
	return copy;
}

bool arena_bytes(struct arena *a, struct migrate_bytes in, struct migrate_bytes *out)
{
	const char *p = arena_copy(a, in.p, in.n);

	if (p)
		*out = (struct migrate_bytes){ .p = p, .n = in.n };
	return p != NULL;
}

void arena_reset(struct arena *a)
{
	struct arena_block *keep = a->blocks;

	if (!keep)
		return;
	a->blocks = keep->next;
	arena_release(a);
	keep->next = NULL;
	keep->used = 0;
	a->blocks = keep;
}

void arena_release(struct arena *a)
{
	while (a->blocks) {
		struct arena_block *next = a->blocks->next;

		free(a->blocks);
		a->blocks = next;
	}
	a->used = 0;
}
