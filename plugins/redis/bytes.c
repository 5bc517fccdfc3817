/* SPDX-License-Identifier: MIT */
#include "redis-impl.h"

#include <stdlib.h>
#include <string.h>

bool bytes_add(struct bytes *b, const void *p, size_t n)
{
	if (n > b->cap - b->n) {
		size_t cap = b->cap ? b->cap : 256;
		char *grown;

		while (cap - b->n < n) {
			if (cap > SIZE_MAX / 2)
				return false;
			cap *= 2;
		}
		grown = realloc(b->p, cap);
		if (!grown)
			return false;
		b->p = grown;
		b->cap = cap;
	}
	if (n)
		memcpy(b->p + b->n, p, n);
	b->n += n;
	return true;
}

void bytes_release(struct bytes *b)
{
	free(b->p);
	*b = (struct bytes){ .p = NULL };
}
