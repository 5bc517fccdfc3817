/* SPDX-License-Identifier: MIT */
#include "memory.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/*
 * The one thing that instances share: what a name stands for. It must outlive
 * them, or nobody could look at what a job wrote. Never freed.
 */
static pthread_mutex_t tables_lock = PTHREAD_MUTEX_INITIALIZER;
static struct table *tables;

static int compare(const struct entry *e, struct migrate_bytes key)
{
	size_t n = e->n < key.n ? e->n : key.n;
	int c = n ? memcmp(e->key, key.p, n) : 0;

	return c ? c : (e->n > key.n) - (e->n < key.n);
}

size_t table_position(const struct table *t, struct migrate_bytes key)
{
	size_t low = 0, high = t->n;

	/* Keys often come in order: then the place is behind the last. */
	if (high && compare(t->entries[high - 1], key) < 0)
		return high;
	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (compare(t->entries[middle], key) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

bool entry_is(const struct table *t, size_t at, struct migrate_bytes key)
{
	return at < t->n && compare(t->entries[at], key) == 0;
}

struct object *table_find(struct table *t, struct migrate_bytes key)
{
	struct object *o = NULL;
	size_t at;

	pthread_mutex_lock(&t->lock);
	at = table_position(t, key);
	if (entry_is(t, at, key)) {
		o = t->entries[at]->object;
		atomic_fetch_add(&o->references, 1);
	}
	pthread_mutex_unlock(&t->lock);
	return o;
}

void table_number(struct table *t, char prefix, char text[24])
{
	snprintf(text, 24, "%c%llu", prefix, (unsigned long long)++t->last);
}

static bool insert(struct table *t, size_t at, struct migrate_bytes key, struct object *o)
{
	struct entry **entries = t->entries, *e;

	if (t->n == t->cap) {
		size_t cap = t->cap ? t->cap * 2 : 64;

		entries = realloc(entries, cap * sizeof(struct entry *));
		if (!entries)
			return false;
		t->entries = entries;
		t->cap = cap;
	}
	e = malloc(sizeof(*e) + key.n);
	if (!e)
		return false;
	e->object = o;
	e->n = key.n;
	memcpy(e->key, key.p, key.n);
	memmove(entries + at + 1, entries + at, (t->n - at) * sizeof(struct entry *));
	entries[at] = e;
	t->n++;
	return true;
}

static enum migrate_status check(const struct object *there, uint32_t precondition,
				 struct migrate_bytes if_match)
{
	if (precondition == MIGRATE_ABSENT && there)
		return MIGRATE_EXISTS;
	if (precondition == MIGRATE_MATCH && (!there || !matches(there->etag, if_match)))
		return MIGRATE_CHANGED;
	return MIGRATE_OK;
}

static enum migrate_status set_locked(struct table *t, struct migrate_bytes key, struct object *o,
				      uint32_t precondition, struct migrate_bytes if_match,
				      struct object **old)
{
	size_t at = table_position(t, key);
	enum migrate_status status;

	*old = entry_is(t, at, key) ? t->entries[at]->object : NULL;
	status = check(*old, precondition, if_match);
	if (status == MIGRATE_OK && !*old && !insert(t, at, key, o))
		status = MIGRATE_NO_SPACE;
	if (status != MIGRATE_OK) {
		*old = o;
		return status;
	}
	table_number(t, 'v', o->etag);
	t->entries[at]->object = o;
	return MIGRATE_OK;
}

enum migrate_status table_set(struct table *t, struct migrate_bytes key, struct object *o,
			      uint32_t precondition, struct migrate_bytes if_match)
{
	struct object *old;
	enum migrate_status status;

	pthread_mutex_lock(&t->lock);
	status = set_locked(t, key, o, precondition, if_match, &old);
	pthread_mutex_unlock(&t->lock);
	object_unref(old); /* what was there, or o if it was not taken */
	return status;
}

enum migrate_status table_remove(struct table *t, struct migrate_bytes key,
				 struct migrate_bytes if_match)
{
	enum migrate_status status = MIGRATE_NOT_FOUND;
	struct entry *e = NULL;
	size_t at;

	pthread_mutex_lock(&t->lock);
	at = table_position(t, key);
	if (entry_is(t, at, key))
		status = if_match.n && !matches(t->entries[at]->object->etag, if_match)
			     ? MIGRATE_CHANGED
			     : MIGRATE_OK;
	if (status == MIGRATE_OK) {
		e = t->entries[at];
		t->n--;
		memmove(t->entries + at, t->entries + at + 1, (t->n - at) * sizeof(struct entry *));
	}
	pthread_mutex_unlock(&t->lock);
	if (e)
		object_unref(e->object);
	free(e);
	return status;
}

/* prefix00000000.bin, ...: in order, so that each one goes behind the last. */
static bool seed_one(struct table *t, const struct config *c, int64_t i)
{
	struct object *o = object_synthetic(c->object_size, (uint64_t)i << 32);
	struct migrate_bytes key;
	char *text = NULL;
	int n = asprintf(&text, "%s%08lld.bin", c->prefix, (long long)i);
	bool ok = o && n > 0;

	key = (struct migrate_bytes){ .p = text, .n = ok ? (size_t)n : 0 };
	if (ok)
		snprintf(o->etag, sizeof(o->etag), "s%llx", (unsigned long long)c->object_size);
	ok = ok && insert(t, table_position(t, key), key, o);
	if (!ok)
		object_unref(o);
	if (n >= 0)
		free(text);
	return ok;
}

static bool seed(struct table *t, const struct config *c)
{
	for (int64_t i = 0; i < c->objects; i++)
		if (!seed_one(t, c, i))
			return false;
	t->seeded = c->objects;
	return true;
}

static struct table *find_or_make(const char *name)
{
	struct table *t;

	for (t = tables; t; t = t->next)
		if (!strcmp(t->name, name))
			return t;
	t = calloc(1, sizeof(*t));
	if (!t || !(t->name = strdup(name))) {
		free(t);
		return NULL;
	}
	pthread_mutex_init(&t->lock, NULL);
	t->seeded = -1;
	t->next = tables;
	tables = t;
	return t;
}

struct table *table_get(const struct config *c)
{
	struct table *t;

	pthread_mutex_lock(&tables_lock);
	t = find_or_make(c->name);
	if (t && t->seeded < 0 && !seed(t, c))
		t = NULL;
	pthread_mutex_unlock(&tables_lock);
	return t;
}
