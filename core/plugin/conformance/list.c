/* SPDX-License-Identifier: MIT */
#include "plugin/conformance/conformance-impl.h"

#include <stdio.h>
#include <string.h>

/* What was listed, page by page: keys in the order in which they came. */
struct listing {
	struct arena arena;
	struct migrate_bytes keys[256];
	size_t n;
};

const char *lacks_list(const struct battery *b)
{
	return b->store->list ? NULL : "it has no list()";
}

static const char *lacks_list_and_put(const struct battery *b)
{
	const char *why = lacks_put(b);

	return why ? why : lacks_list(b);
}

static const char *lacks_order(const struct battery *b)
{
	const char *why = lacks_list_and_put(b);

	return why ? why : has_flag(b, MIGRATE_ORDERED) ? NULL : "it does not say ORDERED";
}

static bool add_page(struct battery *b, struct listing *l, const struct list_page *page)
{
	for (size_t i = 0; i < page->n; i++) {
		if (page->items[i]->kind != LISTED_OBJECT)
			continue;
		MUST(b, l->n < sizeof(l->keys) / sizeof(l->keys[0]), "it lists without end");
		MUST(b, arena_bytes(&l->arena, page->items[i]->key, &l->keys[l->n++]),
		     "out of memory");
	}
	return true;
}

/*
 * All keys below the trial's prefix. by_key: each page begins after the last key of
 * the one before, as after a crash; else at the cursor, or after the key if none is set.
 */
static bool list_all(struct hand *h, uint32_t limit, bool by_key, struct listing *l)
{
	struct list_page page = LIST_PAGE_INIT;
	struct migrate_list r = { .prefix = bytes_of_text(h->b->prefix), .limit = limit };
	unsigned char cursor[MIGRATE_CURSOR_MAX];
	enum migrate_status status;
	bool ok = true;

	do {
		status = store_list(h->s, &r, &page);
		ok = status == MIGRATE_OK && add_page(h->b, l, &page);
		r.after = l->n ? l->keys[l->n - 1] : bytes_of(NULL, 0);
		r.cursor = bytes_of(NULL, 0);
		if (!by_key && page.cursor.n) {
			memcpy(cursor, page.cursor.p, page.cursor.n);
			r.cursor = bytes_of(cursor, page.cursor.n);
		}
	} while (ok && !page.done);
	list_page_release(&page);
	if (status != MIGRATE_OK)
		return answered(h, "list", MIGRATE_OK, status);
	return ok;
}

/* In byte order of what follows the prefix: '-' and '.' sort before '/'. */
static const char *const tree[] = {
	"a",         "a-b",  "a.b",   "a0",  "b/-",  "b/a/x",  "b/a0",
	"b/b/c/d/e", "c-/z", "c.d/z", "c/z", "c0/z", "d,d/,d", "z",
};

#define TREE (sizeof(tree) / sizeof(tree[0]))

static bool make_tree(struct hand *h)
{
	for (size_t i = 0; i < TREE; i++) /* not in the order in which they sort */
		ANSWERS(h, MIGRATE_OK,
			put(h, key_of(h, tree[i * 5 % TREE]), pattern(h, (unsigned int)i, i)));
	return true;
}

static bool is_tree(struct battery *b, const struct listing *l, bool ordered)
{
	size_t prefix = strlen(b->prefix);

	MUST(b, l->n == TREE, "%zu keys were listed instead of %zu", l->n, TREE);
	for (size_t i = 0; i < TREE; i++) {
		size_t at = ordered ? i : 0;

		while (at < l->n &&
		       !(l->keys[at].n == prefix + strlen(tree[i]) &&
			 !memcmp((const char *)l->keys[at].p + prefix, tree[i], strlen(tree[i]))))
			at = ordered ? l->n : at + 1;
		MUST(b, at < l->n, "key '%s' was not listed%s", tree[i],
		     ordered ? " in its place" : "");
	}
	return true;
}

static bool list_tree(struct battery *b, uint32_t limit, bool by_key)
{
	struct listing l = { .arena = ARENA_INIT };
	bool ok = list_all(&b->hands[0], limit, by_key, &l) &&
		  is_tree(b, &l, has_flag(b, MIGRATE_ORDERED));

	arena_release(&l.arena);
	return ok;
}

static bool lists_all(struct battery *b)
{
	return make_tree(&b->hands[0]) && list_tree(b, 1000, false);
}

static bool pages_of_every_size(struct battery *b)
{
	if (!make_tree(&b->hands[0]))
		return false;
	for (uint32_t limit = 1; limit <= TREE + 1; limit++)
		if (!list_tree(b, limit, false))
			return false;
	return true;
}

static bool after_every_key(struct battery *b)
{
	if (!make_tree(&b->hands[0]))
		return false;
	for (uint32_t limit = 1; limit <= TREE + 1; limit++)
		if (!list_tree(b, limit, true))
			return false;
	return true;
}

/* Where listing goes on need not be a key that exists. */
static bool after_a_key_that_is_gone(struct battery *b)
{
	static const struct {
		const char *after, *next;
	} cases[] = {
		{ "0", "a" },
		{ "a-a", "a-b" },
		{ "a/zzz", "a0" },
		{ "b/a/x!", "b/a0" },
		{ "b/b/c/d", "b/b/c/d/e" },
		{ "b/b0", "c-/z" },
		{ "c", "c-/z" },
		{ "c/", "c/z" },
		{ "c/zz", "c0/z" },
	};
	struct hand *h = &b->hands[0];
	struct list_page page = LIST_PAGE_INIT;
	bool ok = make_tree(h);

	for (size_t i = 0; ok && i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct migrate_list r = { .prefix = bytes_of_text(b->prefix),
					  .after = key_of(h, cases[i].after),
					  .limit = 1 };
		struct migrate_bytes want = key2_of(h, cases[i].next);

		ok = store_list(h->s, &r, &page) == MIGRATE_OK && page.n >= 1 &&
		     bytes_equal(page.items[page.n - 1]->key, want);
		if (!ok)
			broken(b, "after '%s', '%s' does not come first", cases[i].after,
			       cases[i].next);
	}
	list_page_release(&page);
	return ok;
}

static bool tells_what_stat_tells(struct battery *b)
{
	struct hand *h = &b->hands[0];
	struct list_page page = LIST_PAGE_INIT;
	struct migrate_list r = { .prefix = key2_of(h, ""), .limit = 10 };
	bool ok;

	ANSWERS(h, MIGRATE_OK, put(h, key_of(h, "one"), pattern(h, 1, 1234)));
	ANSWERS(h, MIGRATE_OK, stat_key(h, key_of(h, "one")));
	ok = store_list(h->s, &r, &page) == MIGRATE_OK && page.n == 1;
	if (!ok)
		broken(b, "one object is there, %zu are listed", page.n);
	else if (page.items[0]->object.size != 1234)
		ok = broken(b, "list says %llu bytes instead of 1234",
			    (unsigned long long)page.items[0]->object.size);
	else if (!bytes_equal(page.items[0]->object.etag, h->slot.object.etag))
		ok = broken(b, "list says another etag than stat");
	list_page_release(&page);
	return ok;
}

/* A prefix is bytes, not a folder. */
static bool prefixes_are_bytes(struct battery *b)
{
	static const struct {
		const char *prefix;
		size_t n;
	} cases[] = { { "a", 4 },    { "a-", 1 }, { "b/", 4 }, { "b/a", 2 },
		      { "b/a/", 1 }, { "c", 4 },  { "no", 0 }, { "", TREE } };
	struct hand *h = &b->hands[0];
	struct list_page page = LIST_PAGE_INIT;
	bool ok = make_tree(h);

	for (size_t i = 0; ok && i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct migrate_list r = { .prefix = key_of(h, cases[i].prefix), .limit = 100 };
		enum migrate_status status = store_list(h->s, &r, &page);

		ok = status == MIGRATE_OK && page.n == cases[i].n && page.done;
		if (!ok)
			broken(b, "prefix '%s': %zu keys instead of %zu, %s", cases[i].prefix,
			       page.n, cases[i].n, status_name(status));
	}
	list_page_release(&page);
	return ok;
}

/* Keys that are removed while they are listed are no trouble for those that are not. */
static bool shrinks_meanwhile(struct battery *b)
{
	struct hand *h = &b->hands[0];
	struct listing l = { .arena = ARENA_INIT };
	struct list_page page = LIST_PAGE_INIT;
	struct migrate_list r = { .prefix = bytes_of_text(b->prefix), .limit = 3 };
	bool ok = make_tree(h);

	ok = ok && store_list(h->s, &r, &page) == MIGRATE_OK && add_page(b, &l, &page);
	for (size_t i = 0; ok && i < l.n; i++)
		ok = remove_key(h, l.keys[i], bytes_of(NULL, 0)) == MIGRATE_OK;
	list_page_release(&page);
	ok = ok && list_all(h, 100, false, &l);
	/* The first three, then the rest without them. */
	if (ok && l.n != TREE)
		ok = broken(b, "%zu keys are left instead of %zu", l.n - 3, TREE - 3);
	arena_release(&l.arena);
	return ok;
}

static const char *lacks_remove(const struct battery *b)
{
	const char *why = lacks_list_and_put(b);

	return why ? why : b->store->remove ? NULL : "it has no remove()";
}

static const struct trial listing[] = {
	{ "list gives every object once, in byte order if it says so", lists_all,
	  lacks_list_and_put },
	{ "also in pages of every size", pages_of_every_size, lacks_list_and_put },
	{ "also when each page begins after a key", after_every_key, lacks_order },
	{ "also after a key that is not there", after_a_key_that_is_gone, lacks_order },
	{ "list says the size and etag that stat says", tells_what_stat_tells, lacks_list_and_put },
	{ "a prefix is bytes, not a folder", prefixes_are_bytes, lacks_list_and_put },
	{ "what was removed is listed no more", shrinks_meanwhile, lacks_remove },
};
const struct trials trials_listing = TRIALS(listing);
