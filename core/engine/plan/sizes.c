/* SPDX-License-Identifier: MIT */
#include "engine/plan/sizes.h"

#include "base/bytes.h"

#include <stdlib.h>

#define PAGE 1000
#define WORTH_IT 8  /* keys of a page that must be ours for the next one to be listed */
#define PATIENCE 64 /* keys asked for one by one before the listing is tried again */

/*
 * Trouble is no concern here: a key that nothing is known of is planned without a
 * size, and the copiers find out what the matter is.
 */
struct sizes {
	struct run *run;
	struct migrate_session *source;
	struct object_slot slot;
	bool ordered;
	struct list_page page;
	bool listed;     /* there is a page */
	size_t at, hits; /* in it */
	uint32_t asked;  /* keys since the listing was left */
	struct buf last; /* the last key of the page */
};

struct sizes *sizes_new(struct run *run, struct migrate_session *source)
{
	struct sizes *s = calloc(1, sizeof(*s));

	if (!s)
		return NULL;
	s->run = run;
	s->source = source;
	s->ordered = run->task->ends.source_facts.d.flags & MIGRATE_ORDERED;
	s->asked = PATIENCE;
	s->last = (struct buf)BUF_INIT(MIGRATE_KEY_MAX);
	return s;
}

void sizes_free(struct sizes *s)
{
	if (!s)
		return;
	list_page_release(&s->page);
	buf_release(&s->last);
	free(s);
}

static void ask_size(struct sizes *s, struct key_item *item)
{
	struct migrate_stat r = { .key = item->key, .object = &s->slot.object };

	s->asked++;
	object_slot_init(&s->slot, NULL);
	if (store_stat(s->source, &r) != MIGRATE_OK)
		return;
	item->size = s->slot.object.size;
	item->mtime = s->slot.object.mtime;
	item->etag = s->slot.object.etag;
}

static bool list_behind(struct sizes *s, struct migrate_bytes key)
{
	struct migrate_list r = { .prefix = s->run->task->job->selection.prefix,
				  .after = key,
				  .limit = PAGE };

	s->listed = store_list(s->source, &r, &s->page) == MIGRATE_OK;
	s->at = s->hits = 0;
	buf_reset(&s->last);
	if (s->listed && s->page.n)
		s->listed = buf_add(&s->last, s->page.items[s->page.n - 1]->key.p,
				    s->page.items[s->page.n - 1]->key.n);
	return s->listed;
}

/* Does the page reach as far as this key? */
static bool covers(const struct sizes *s, struct migrate_bytes key)
{
	return s->listed &&
	       (s->page.done || bytes_compare(key, bytes_of(s->last.p, s->last.len)) <= 0);
}

static void take_listed(struct sizes *s, struct key_item *item)
{
	const struct listed *l;

	while (s->at < s->page.n && bytes_compare(s->page.items[s->at]->key, item->key) < 0)
		s->at++;
	l = s->at < s->page.n ? s->page.items[s->at] : NULL;
	if (!l || l->kind != LISTED_OBJECT || !bytes_equal(l->key, item->key))
		return;
	s->hits++;
	item->size = l->object.size;
	item->mtime = l->object.mtime;
	item->etag = l->object.etag;
}

void sizes_look_up(struct sizes *s, struct key_item *item)
{
	bool dense = s->listed && s->hits >= WORTH_IT;

	if (covers(s, item->key)) {
		take_listed(s, item);
		return;
	}
	/* the next page, if it reaches that far; else this key itself, and what is behind it */
	if (dense && s->last.len && list_behind(s, bytes_of(s->last.p, s->last.len)) &&
	    covers(s, item->key)) {
		take_listed(s, item);
		return;
	}
	s->listed = false;
	ask_size(s, item);
	if (s->ordered && (dense || s->asked >= PATIENCE)) {
		list_behind(s, item->key);
		s->asked = 0;
	}
}
