/* SPDX-License-Identifier: MIT */
#ifndef MIGRATE_BASE_BYTES_H
#define MIGRATE_BASE_BYTES_H

#include <migrate/plugin.h>

#include <string.h>

/* Runs of bytes that somebody else owns: keys, values, etags. NULs are bytes like others. */

#define BYTES(literal_) ((struct migrate_bytes){ .p = "" literal_, .n = sizeof(literal_) - 1 })

static inline struct migrate_bytes bytes_of(const void *p, size_t n)
{
	return (struct migrate_bytes){ .p = p, .n = n };
}

static inline struct migrate_bytes bytes_of_text(const char *s)
{
	return bytes_of(s, s ? strlen(s) : 0);
}

static inline bool bytes_equal(struct migrate_bytes a, struct migrate_bytes b)
{
	return a.n == b.n && (!a.n || !memcmp(a.p, b.p, a.n));
}

/* Byte order, as memcmp; a prefix comes before what it begins. */
static inline int bytes_compare(struct migrate_bytes a, struct migrate_bytes b)
{
	size_t n = a.n < b.n ? a.n : b.n;
	int c = n ? memcmp(a.p, b.p, n) : 0;

	return c ? c : (a.n > b.n) - (a.n < b.n);
}

static inline bool bytes_begin_with(struct migrate_bytes a, struct migrate_bytes prefix)
{
	return a.n >= prefix.n && (!prefix.n || !memcmp(a.p, prefix.p, prefix.n));
}

static inline bool bytes_end_with(struct migrate_bytes a, struct migrate_bytes suffix)
{
	return a.n >= suffix.n &&
	       (!suffix.n || !memcmp((const char *)a.p + (a.n - suffix.n), suffix.p, suffix.n));
}

#endif
