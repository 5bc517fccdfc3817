/* SPDX-License-Identifier: MIT */
#include "engine/task/attributes.h"

#include "base/bytes.h"

#include <ctype.h>
#include <string.h>

/*
 * Does a copy bear what its source does? Asked only where both have been looked at, so that a
 * difference that is none costs one needless copy and nothing else.
 */

/* Seconds, and perhaps a point and a fraction: nanoseconds of both as one text of 9 digits each. */
static bool read_time(struct migrate_bytes v, struct migrate_bytes *seconds, char fraction[9])
{
	const char *p = v.p, *point = v.n ? memchr(p, '.', v.n) : NULL;
	size_t whole = point ? (size_t)(point - p) : v.n, n = point ? v.n - whole - 1 : 0;

	memset(fraction, '0', 9);
	*seconds = bytes_of(p, whole);
	if (!whole || n > 9)
		return false;
	if (n)
		memcpy(fraction, point + 1, n);
	for (size_t i = 0; i < whole; i++)
		if (!isdigit((unsigned char)p[i]) && (i || p[i] != '-'))
			return false;
	return true;
}

static bool same_time(struct migrate_bytes a, struct migrate_bytes b)
{
	struct migrate_bytes one, other;
	char of_one[9], of_other[9];

	return read_time(a, &one, of_one) && read_time(b, &other, of_other) &&
	       bytes_equal(one, other) && !memcmp(of_one, of_other, sizeof(of_one));
}

static bool same_mode(struct migrate_bytes a, struct migrate_bytes b)
{
	while (a.n && *(const char *)a.p == '0')
		a = bytes_of((const char *)a.p + 1, a.n - 1);
	while (b.n && *(const char *)b.p == '0')
		b = bytes_of((const char *)b.p + 1, b.n - 1);
	return bytes_equal(a, b);
}

static bool same_attribute(const char *name, struct migrate_bytes a, struct migrate_bytes b)
{
	if (bytes_equal(a, b))
		return true;
	if (!strcmp(name, "mtime"))
		return same_time(a, b);
	return !strcmp(name, "mode") && same_mode(a, b);
}

/* Files have these whether somebody gave them or not. */
static bool is_of_files(const struct store_facts *f, const char *name)
{
	return f->d.flags & MIGRATE_REAL_OWNERS &&
	       (!strcmp(name, "mtime") || !strcmp(name, "mode") || !strcmp(name, "owner"));
}

/* So have objects these, of a bucket's own. */
static bool is_of_place(const char *name)
{
	return !strcmp(name, "acl") || !strcmp(name, "storage-class");
}

bool attribute_is_lost(const struct ends *e, const char *name, size_t n)
{
	return !store_keeps(&e->destination_facts, name, n) ||
	       store_doubts(&e->destination_facts, &e->source_facts, name);
}

bool attributes_agree(const struct ends *e, const struct migrate_attributes *source,
		      const struct migrate_attributes *copy, bool strict)
{
	struct migrate_bytes value, there;
	const char *name;

	for (size_t i = 0; migrate_attribute_at(source, i, &name, &value); i++) {
		if (attribute_is_lost(e, name, value.n)) {
			if (strict)
				return false;
			continue;
		}
		if (!migrate_attribute(copy, name, &there) || !same_attribute(name, value, there))
			return false;
	}
	for (size_t i = 0; migrate_attribute_at(copy, i, &name, &there); i++)
		if (!migrate_attribute(source, name, &value) && !is_of_place(name) &&
		    !is_of_files(&e->destination_facts, name))
			return false;
	return true;
}
