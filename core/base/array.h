/* SPDX-License-Identifier: MIT */
#ifndef MIGRATE_BASE_ARRAY_H
#define MIGRATE_BASE_ARRAY_H

#include <stddef.h>
#include <stdlib.h>

/*
 * qsort(3) and bsearch(3) for arrays that may hold nothing and then need not exist:
 * the C library's own are undefined for NULL. The core calls no others.
 */

typedef int array_compare(const void *a, const void *b);

static inline void array_sort(void *items, size_t n, size_t size, array_compare *compare)
{
	if (n > 1)
		qsort(items, n, size, compare);
}

/* An item that is equal to key, in an array in the order of compare; or NULL. */
static inline void *array_find(const void *key, const void *items, size_t n, size_t size,
			       array_compare *compare)
{
	return n ? bsearch(key, items, n, size, compare) : NULL;
}

#endif
