/* SPDX-License-Identifier: MIT */
#include "base/sorter.h"

#include "base/sorter-impl.h"

#include <stdlib.h>
#include <string.h>

/*
 * Records are gathered in one block of memory. When it is full they are sorted
 * and written as a run; in the end the runs are merged (sorter-merge.c). What
 * never fills the block never touches a file.
 */
#define MEMORY_MIN ((size_t)64 << 10)
#define MEMORY_MAX ((size_t)1 << 30)
#define FIRST_BLOCK ((size_t)8 << 10)

struct sorter *sorter_new(size_t memory, const char *folder)
{
	struct sorter *s = calloc(1, sizeof(*s));

	if (!s)
		return NULL;
	s->memory = memory < MEMORY_MIN ? MEMORY_MIN : memory > MEMORY_MAX ? MEMORY_MAX : memory;
	s->folder = strdup(folder ? folder : "");
	s->fd = -1;
	if (!s->folder) {
		free(s);
		return NULL;
	}
	return s;
}

/* The first bytes of a key as a number: most comparisons end there, without a look at the key. */
static uint64_t head_of(struct migrate_bytes key)
{
	unsigned char head[8] = { 0 };
	uint64_t v = 0;

	if (key.n)
		memcpy(head, key.p, key.n < 8 ? key.n : 8);
	for (int i = 0; i < 8; i++)
		v = v << 8 | head[i];
	return v;
}

static int compare_entries(const void *a, const void *b, void *arg)
{
	const struct sorter_entry *x = a, *y = b;
	const struct sorter *s = arg;

	if (x->head != y->head)
		return x->head < y->head ? -1 : 1;
	return sorter_record_compare(s->block + x->at, s->block + y->at);
}

static bool grow_block(struct sorter *s, size_t want)
{
	size_t cap = s->cap ? s->cap : FIRST_BLOCK;
	unsigned char *p;

	while (cap < want)
		cap *= 2;
	p = realloc(s->block, cap);
	if (!p)
		return false;
	s->block = p;
	s->cap = cap;
	return true;
}

static bool grow_entries(struct sorter *s)
{
	size_t cap = s->entry_cap ? 2 * s->entry_cap : 64;
	struct sorter_entry *p = realloc(s->entries, cap * sizeof(*p));

	if (!p)
		return false;
	s->entries = p;
	s->entry_cap = cap;
	return true;
}

static void sort_block(struct sorter *s)
{
	if (s->entry_count > 1)
		qsort_r(s->entries, s->entry_count, sizeof(*s->entries), compare_entries, s);
}

/* Sort what is in memory and write it behind the runs that are there. */
static int spill(struct sorter *s, struct error *err)
{
	if (!s->entry_count)
		return 0;
	sort_block(s);
	if (s->fd < 0) {
		s->fd = sorter_open_file(s->folder, err);
		if (s->fd < 0)
			return -1;
	}
	if (sorter_write_run(s, err))
		return -1;
	s->used = 0;
	s->entry_count = 0;
	return 0;
}

static int make_sorter_room(struct sorter *s, size_t n, struct error *err)
{
	size_t held = s->used + s->entry_count * sizeof(*s->entries);

	if (s->entry_count && held + n + sizeof(*s->entries) > s->memory && spill(s, err))
		return -1;
	if (s->used + n > s->cap && !grow_block(s, s->used + n))
		return error_set(err, EXIT_INTERNAL, "out of memory while sorting");
	if (s->entry_count == s->entry_cap && !grow_entries(s))
		return error_set(err, EXIT_INTERNAL, "out of memory while sorting");
	return 0;
}

int sorter_add(struct sorter *s, struct migrate_bytes key, struct migrate_bytes payload,
	       struct error *err)
{
	struct sorter_head h;
	unsigned char *p;

	if (key.n > SORTER_PART_MAX || payload.n > SORTER_PART_MAX)
		return error_set(err, EXIT_INTERNAL, "a record of %zu bytes is too long to sort",
				 key.n > payload.n ? key.n : payload.n);
	h = (struct sorter_head){ .key = (uint32_t)key.n, .payload = (uint32_t)payload.n };
	if (make_sorter_room(s, sizeof(h) + key.n + payload.n, err))
		return -1;
	p = s->block + s->used;
	memcpy(p, &h, sizeof(h));
	if (key.n)
		memcpy(p + sizeof(h), key.p, key.n);
	if (payload.n)
		memcpy(p + sizeof(h) + key.n, payload.p, payload.n);
	s->entries[s->entry_count++] = (struct sorter_entry){ .head = head_of(key), .at = s->used };
	s->used += sizeof(h) + key.n + payload.n;
	return 0;
}

static void free_block(struct sorter *s)
{
	free(s->block);
	free(s->entries);
	s->block = NULL;
	s->entries = NULL;
	s->cap = s->used = s->entry_cap = s->entry_count = 0;
}

int sorter_finish(struct sorter *s, struct error *err)
{
	s->next = 0;
	if (s->fd < 0) {
		sort_block(s);
		return 0;
	}
	if (spill(s, err))
		return -1;
	free_block(s);
	return sorter_merge_begin(s, err);
}

int sorter_next(struct sorter *s, struct migrate_bytes *key, struct migrate_bytes *payload,
		struct error *err)
{
	if (s->fd >= 0)
		return sorter_merge_next(s, key, payload, err);
	if (s->next == s->entry_count)
		return 0;
	sorter_record_split(s->block + s->entries[s->next++].at, key, payload);
	return 1;
}

void sorter_free(struct sorter *s)
{
	if (!s)
		return;
	sorter_merge_release(s);
	sorter_close_file(s);
	free_block(s);
	free(s->runs);
	free(s->folder);
	free(s);
}
