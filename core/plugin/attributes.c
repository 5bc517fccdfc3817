/* SPDX-License-Identifier: MIT */
#include "base/bytes.h"
#include "plugin/end-impl.h"

#include <stdlib.h>
#include <string.h>

#define ATTRIBUTES_MAX 256
#define ATTRIBUTES_BYTES (64 * 1024)
#define NAME_MAX_BYTES 512

/*
 * Invariants: names are distinct, NUL-terminated and ours; bytes counts names
 * and values. refused names the first one that did not fit.
 */
struct migrate_attributes {
	struct attribute {
		const char *name;
		struct migrate_bytes value;
	} items[ATTRIBUTES_MAX];
	size_t n, bytes;
	struct arena arena;
	char refused[NAME_MAX_BYTES + 1];
};

struct migrate_attributes *attributes_new(void)
{
	return calloc(1, sizeof(struct migrate_attributes));
}

void attributes_reset(struct migrate_attributes *a)
{
	a->n = 0;
	a->bytes = 0;
	a->refused[0] = '\0';
	arena_reset(&a->arena);
}

void attributes_forget(struct migrate_attributes *a, size_t i)
{
	a->bytes -= a->items[i].value.n + strlen(a->items[i].name);
	a->n--;
	memmove(&a->items[i], &a->items[i + 1], (a->n - i) * sizeof(a->items[0]));
}

void attributes_free(struct migrate_attributes *a)
{
	if (!a)
		return;
	arena_release(&a->arena);
	free(a);
}

const char *attributes_refused(const struct migrate_attributes *a)
{
	return a->refused;
}

static bool name_is_known(const char *name)
{
	static const char *const known[] = {
		"content-type",
		"content-encoding",
		"content-language",
		"content-disposition",
		"cache-control",
		"expires",
		"storage-class",
		"acl",
		"mtime",
		"mode",
		"owner",
	};
	static const char *const families[] = { "meta:", "tag:", "xattr:" };

	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
		if (!strcmp(name, known[i]))
			return true;
	for (size_t i = 0; i < sizeof(families) / sizeof(families[0]); i++) {
		size_t n = strlen(families[i]);

		if (!strncmp(name, families[i], n) && name[n])
			return true;
	}
	return false;
}

static struct attribute *find_attribute(const struct migrate_attributes *a, const char *name)
{
	for (size_t i = 0; i < a->n; i++)
		if (!strcmp(a->items[i].name, name))
			return (struct attribute *)&a->items[i];
	return NULL;
}

static bool refuse_attribute(struct migrate_attributes *a, const char *name)
{
	size_t n = strnlen(name, NAME_MAX_BYTES);

	if (!a->refused[0]) {
		memcpy(a->refused, name, n);
		a->refused[n] = '\0';
	}
	return false;
}

bool migrate_set_attribute(struct migrate_attributes *a, const char *name, const void *value,
			   size_t n)
{
	struct attribute *there;
	size_t length = name ? strlen(name) : 0;
	size_t old;

	if (!a || !name || (!value && n))
		return false;
	if (length > NAME_MAX_BYTES || !name_is_known(name))
		return refuse_attribute(a, name);
	there = find_attribute(a, name);
	old = there ? there->value.n + length : 0;
	if ((!there && a->n == ATTRIBUTES_MAX) || n > ATTRIBUTES_BYTES ||
	    a->bytes - old + n + length > ATTRIBUTES_BYTES)
		return refuse_attribute(a, name);
	if (!there) {
		there = &a->items[a->n];
		there->name = arena_copy(&a->arena, name, length);
	}
	if (!there->name || !arena_bytes(&a->arena, bytes_of(value, n), &there->value))
		return refuse_attribute(a, name);
	a->n += there == &a->items[a->n];
	a->bytes = a->bytes - old + n + length;
	return true;
}

size_t migrate_attribute_count(const struct migrate_attributes *a)
{
	return a ? a->n : 0;
}

bool migrate_attribute_at(const struct migrate_attributes *a, size_t i, const char **name,
			  struct migrate_bytes *value)
{
	if (!a || i >= a->n)
		return false;
	*name = a->items[i].name;
	*value = a->items[i].value;
	return true;
}

bool migrate_attribute(const struct migrate_attributes *a, const char *name,
		       struct migrate_bytes *value)
{
	const struct attribute *there = a && name ? find_attribute(a, name) : NULL;

	if (there)
		*value = there->value;
	return there != NULL;
}
