/* SPDX-License-Identifier: MIT */
#include "engine/task/scratch.h"

#include "base/bytes.h"
#include "base/clock.h"
#include "base/escape.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#define BEGIN ".migrate-"
#define END "-scratch-"
#define ID 16
#define PAGE 1000

void scratch_prefix(char name[SCRATCH_NAME], const char *job_id)
{
	snprintf(name, SCRATCH_NAME, BEGIN "%.*s" END, ID, job_id);
}

void scratch_name(char name[SCRATCH_NAME], const char *job_id)
{
	unsigned int random = 0;

	if (getrandom(&random, sizeof(random), 0) != (ssize_t)sizeof(random))
		random = (unsigned int)clock_wall();
	snprintf(name, SCRATCH_NAME, BEGIN "%.*s" END "%08x", ID, job_id, random);
}

static bool is_hex(char c)
{
	return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
}

bool scratch_is_key(struct migrate_bytes key)
{
	const size_t head = sizeof(BEGIN) - 1;
	const char *p = key.p;

	if (key.n < head + ID + sizeof(END) - 1 || memcmp(p, BEGIN, head) != 0)
		return false;
	for (size_t i = head; i < head + ID; i++)
		if (!is_hex(p[i]))
			return false;
	return !memcmp(p + head + ID, END, sizeof(END) - 1);
}

void scratch_left_add(struct scratch_left *left, struct migrate_bytes key,
		      enum migrate_status status, const char *message)
{
	BUF_AUTO struct buf b = BUF_INIT(8192);
	const char **items;

	escape_add(&b, key.p, key.n);
	buf_add_text(&b, ": ");
	buf_add_text(&b, status_name(status));
	if (*message) {
		buf_add_text(&b, ": ");
		escape_message(&b, message, strlen(message));
	}
	if (left->n == left->cap) {
		items = reallocarray(left->items, left->cap * 2 + 16, sizeof(*items));
		if (!items)
			return;
		left->items = items;
		left->cap = left->cap * 2 + 16;
	}
	left->items[left->n] = arena_copy(&left->arena, b.p, b.len);
	left->n += left->items[left->n] != NULL;
}

/* One call for all of a page, as a run would do it. */
static enum migrate_status remove_page(struct migrate_session *s, const struct list_page *page,
				       size_t *removed, struct scratch_left *left)
{
	struct migrate_removal *items = calloc(page->n + 1, sizeof(*items));
	struct migrate_removal **list = calloc(page->n + 1, sizeof(*list));
	struct migrate_remove r = { .objects = list };
	enum migrate_status status = MIGRATE_TRANSIENT;

	for (size_t i = 0; items && list && i < page->n; i++) {
		if (page->items[i]->kind != LISTED_OBJECT)
			continue;
		items[r.count].key = page->items[i]->key;
		list[r.count] = &items[r.count];
		r.count++;
	}
	if (items && list)
		status = r.count ? store_remove(s, &r) : MIGRATE_OK;
	for (size_t i = 0; i < r.count; i++) {
		enum migrate_status one =
		    status == MIGRATE_OK ? (enum migrate_status)items[i].status : status;

		if (one == MIGRATE_OK)
			++*removed;
		else if (one != MIGRATE_NOT_FOUND)
			scratch_left_add(left, items[i].key, one, session_message(s));
	}
	free((void *)list);
	free(items);
	return status;
}

/* From the start each time: what a cursor means once its key is gone differs from store to store. */
static enum migrate_status sweep_objects(struct migrate_session *s, struct migrate_bytes prefix,
					 size_t *removed, struct scratch_left *left)
{
	struct list_page page = LIST_PAGE_INIT;
	struct migrate_list r = { .prefix = prefix, .limit = PAGE };
	enum migrate_status status;
	size_t before;

	do {
		before = *removed;
		status = store_list(s, &r, &page);
		if (status == MIGRATE_OK)
			status = remove_page(s, &page, removed, left);
	} while (status == MIGRATE_OK && !page.done && !left->n && *removed > before);
	list_page_release(&page);
	return status;
}

static void sweep_uploads(struct migrate_session *s, struct migrate_bytes prefix,
			  struct scratch_left *left)
{
	struct upload_list list = { .arena = ARENA_INIT };
	struct migrate_uploads r = { .prefix = prefix };

	if (store_uploads(s, &r, &list) == MIGRATE_OK)
		for (size_t i = 0; i < list.n; i++) {
			struct migrate_abort a = { .key = list.items[i].key,
						   .id = list.items[i].id };
			enum migrate_status status = store_abort(s, &a);

			if (status != MIGRATE_OK)
				scratch_left_add(left, list.items[i].key, status,
						 session_message(s));
		}
	upload_list_release(&list);
}

enum migrate_status scratch_clear(struct migrate_session *s, const char *prefix, size_t *removed,
				  struct scratch_left *left)
{
	struct migrate_bytes begin = bytes_of_text(prefix);

	*removed = 0;
	sweep_uploads(s, begin, left);
	return sweep_objects(s, begin, removed, left);
}

void scratch_left_release(struct scratch_left *left)
{
	free(left->items);
	arena_release(&left->arena);
	*left = (struct scratch_left){ .arena = ARENA_INIT };
}
