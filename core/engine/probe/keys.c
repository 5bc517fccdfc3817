/* SPDX-License-Identifier: MIT */
#include "engine/probe/probe-impl.h"

#include "base/bytes.h"
#include "base/escape.h"

#include <stdlib.h>
#include <string.h>

/* Keys that servers, proxies and signatures take for something else, and how keys are listed. */

#define AWKWARD(text_)                                                                             \
	{                                                                                          \
		text_, sizeof(text_) - 1                                                           \
	}
static const struct {
	const char *text;
	size_t n;
} awkward[] = {
	AWKWARD("plus+space blank "),
	AWKWARD("percent%41%00%zz"),
	AWKWARD("query?a=b&c#d;e"),
	AWKWARD("quote'\"<&>"),
	AWKWARD("back\\slash:|^`{}"),
	AWKWARD("tilde~!*()$@,"),
	AWKWARD("composed \303\251"),
	AWKWARD("composed e\314\201"),
	AWKWARD("emoji \360\237\230\200"),
	AWKWARD("control\001\037\177"),
	AWKWARD("line\r\nend"),
	AWKWARD("dot/./segment"),
	AWKWARD("up/../segment"),
	AWKWARD("double//slash"),
	AWKWARD("trailing/"),
	AWKWARD("not utf-8 \377\200"),
};
#define AWKWARDS (sizeof(awkward) / sizeof(awkward[0]))
#define ITS_SIZE(i_) (20 + (i_)) /* each has its own content and size */

struct tried {
	struct migrate_bytes key;
	bool there; /* it was written */
	bool seen;  /* it was listed */
	bool bad;
};

static const char *shown_probe_key(struct prober *p, struct migrate_bytes key)
{
	BUF_AUTO struct buf b = BUF_INIT(8192);
	size_t head = strlen(p->out->prefix) + 1;
	const char *text;

	buf_add_text(&b, "key '");
	escape_add(&b, (const char *)key.p + head, key.n - head);
	buf_add_text(&b, "'");
	text = arena_copy(&p->arena, b.p, b.len);
	return text ? text : "key";
}

static void is_bad(struct prober *p, struct tried *t, const char *follows, const char *why)
{
	t->bad = true;
	finds(p, shown_probe_key(p, t->key), MIGRATE_FINDS_NO, follows, "%s", why);
}

static bool write_one(struct prober *p, struct tried *t, size_t i)
{
	enum migrate_status status;

	t->key = scratch_key(p, awkward[i].text, awkward[i].n);
	status = store_accepts(p->s, t->key);
	if (status == MIGRATE_OK)
		status = try_put(p, t->key, (unsigned int)i + 10, ITS_SIZE(i), MIGRATE_ANY,
				 bytes_of(NULL, 0));
	t->there = status == MIGRATE_OK;
	if (t->there || is_hopeless(p, status))
		return t->there;
	is_bad(p, t, "objects that would get such a key fail",
	       arena_printf(&p->arena, "%s: %s", status_name(status), session_message(p->s)));
	return true;
}

/* What was listed: each key once, and none that nobody wrote. */
static enum migrate_status look_at_list(struct prober *p, struct tried *t, size_t *strange)
{
	struct list_page page = LIST_PAGE_INIT;
	struct migrate_list r = { .prefix = bytes_of_text(p->out->prefix), .limit = 1000 };
	enum migrate_status status = store_list(p->s, &r, &page);

	for (size_t i = 0; i < AWKWARDS; i++)
		t[i].seen = false;
	*strange = 0;
	for (size_t k = 0; status == MIGRATE_OK && k < page.n; k++) {
		bool known = false;

		for (size_t i = 0; i < p->key_count; i++)
			known |= bytes_equal(page.items[k]->key, p->keys[i]);
		for (size_t i = 0; i < AWKWARDS; i++)
			t[i].seen |= bytes_equal(page.items[k]->key, t[i].key);
		*strange += !known && page.items[k]->kind == LISTED_OBJECT;
	}
	list_page_release(&page);
	return status;
}

static bool list_tried(struct prober *p, struct tried *t)
{
	for (size_t i = 0; i < AWKWARDS; i++) {
		enum migrate_status status;

		if (!t[i].there || t[i].bad)
			continue;
		status = try_holds(p, t[i].key, (unsigned int)i + 10, ITS_SIZE(i));
		if (is_hopeless(p, status))
			return false;
		if (status == MIGRATE_CHANGED)
			is_bad(p, &t[i], "such keys take each other's place: rename them",
			       "what comes back is another object");
		else if (status != MIGRATE_OK && status != MIGRATE_UNSUPPORTED)
			is_bad(p, &t[i], "copies with such keys cannot be read",
			       arena_printf(&p->arena, "written, but not found: %s",
					    status_name(status)));
	}
	return true;
}

static bool list_all(struct prober *p, struct tried *t)
{
	size_t strange;
	enum migrate_status status = look_at_list(p, t, &strange);

	if (status != MIGRATE_OK) {
		finds_trouble(p, "list", status);
		return !is_hopeless(p, status);
	}
	for (size_t i = 0; i < AWKWARDS; i++)
		if (t[i].there && !t[i].bad && !t[i].seen)
			is_bad(p, &t[i], "as a source, this place hides or renames such keys",
			       "it is not listed as it was written");
	if (strange)
		finds(p, "list: only what is there", MIGRATE_FINDS_NO,
		      "as a source, this place tells of keys that do not exist",
		      "%zu keys that nobody wrote", strange);
	return true;
}

/* In one call, as a purge does it. */
static bool remove_all(struct prober *p, struct tried *t)
{
	struct migrate_removal items[AWKWARDS], *list[AWKWARDS];
	struct migrate_remove r = { .objects = list };
	enum migrate_status status;
	size_t strange, failed = 0;

	for (size_t i = 0; i < AWKWARDS; i++)
		if (t[i].there) {
			items[r.count] = (struct migrate_removal){ .key = t[i].key };
			list[r.count] = &items[r.count];
			r.count++;
		}
	status = store_remove(p->s, &r);
	for (size_t i = 0; status == MIGRATE_OK && i < r.count; i++)
		failed += items[i].status != MIGRATE_OK;
	if (status == MIGRATE_OK)
		status = look_at_list(p, t, &strange);
	if (status != MIGRATE_OK && status != MIGRATE_UNSUPPORTED) {
		finds_trouble(p, "remove: many at once", status);
		return !is_hopeless(p, status);
	}
	for (size_t i = 0; i < AWKWARDS; i++)
		if (t[i].there && t[i].seen) {
			is_bad(p, &t[i], "purge and revert cannot remove such keys",
			       "it is still listed after it was removed");
			failed++;
		}
	if (!failed)
		finds(p, "remove: many at once", MIGRATE_FINDS_YES, NULL, "%zu", r.count);
	else
		finds(p, "remove: many at once", MIGRATE_FINDS_NO, "look at what is left",
		      "%zu of %zu were not removed", failed, r.count);
	return true;
}

static bool find_case(struct prober *p)
{
	struct migrate_bytes upper = scratch_key(p, "CASE", 4), lower = scratch_key(p, "case", 4);
	enum migrate_status status =
	    try_put(p, upper, 3, PROBE_SMALL, MIGRATE_ANY, bytes_of(NULL, 0));

	if (status == MIGRATE_OK)
		status = try_put(p, lower, 4, PROBE_SMALL, MIGRATE_ANY, bytes_of(NULL, 0));
	if (status == MIGRATE_OK)
		status = try_holds(p, upper, 3, PROBE_SMALL);
	if (status == MIGRATE_OK)
		finds(p, "keys that differ in case", MIGRATE_FINDS_YES, NULL, "two objects");
	else if (status == MIGRATE_CHANGED)
		finds(p, "keys that differ in case", MIGRATE_FINDS_NO,
		      "keys that differ in case only collide", "one object");
	else
		finds_trouble(p, "keys that differ in case", status);
	return !is_hopeless(p, status);
}

/* A key of n bytes; with slashes only where they leave no folders behind. */
static struct migrate_bytes long_key(struct prober *p, size_t n)
{
	size_t head = strlen(p->out->prefix) + 1;
	bool flat = p->facts->d.flags & MIGRATE_REAL_FOLDERS;
	char *text = arena_alloc(&p->arena, n);

	for (size_t i = 0; text && i < n; i++)
		text[i] = i % 101 == 100 && !flat ? '/' : 'k';
	if (text)
		text[n - head - 1] = 'e';
	return text ? scratch_key(p, text, n - head) : bytes_of(NULL, 0);
}

static bool find_longest(struct prober *p)
{
	const size_t said = p->facts->d.key_max,
		     lengths[] = { 4096, said < 4096 ? said : 0, 1024, 255 };
	enum migrate_status status = MIGRATE_OK;
	size_t longest = 0;

	for (size_t i = 0; !longest && i < sizeof(lengths) / sizeof(lengths[0]); i++) {
		struct migrate_bytes key;

		if (lengths[i] < 255)
			continue;
		key = long_key(p, lengths[i]);
		status = store_accepts(p->s, key);
		if (status == MIGRATE_OK)
			status = try_put(p, key, 2, 1, MIGRATE_ANY, bytes_of(NULL, 0));
		if (is_hopeless(p, status))
			return false;
		longest = status == MIGRATE_OK ? key.n : 0;
	}
	if (longest)
		finds(p, "longest key tried", MIGRATE_FINDS_VALUE, NULL, "%zu bytes", longest);
	else
		finds_trouble(p, "longest key tried", status);
	return true;
}

bool probe_keys(struct prober *p)
{
	struct tried t[AWKWARDS] = { { .there = false } };
	size_t good = 0;

	for (size_t i = 0; i < AWKWARDS; i++)
		if (!write_one(p, &t[i], i))
			return false;
	if (!list_tried(p, t) || (p->ops->list && !list_all(p, t)) || !remove_all(p, t))
		return false;
	for (size_t i = 0; i < AWKWARDS; i++)
		good += !t[i].bad;
	finds(p, "awkward keys come back",
	      good == AWKWARDS ? MIGRATE_FINDS_YES : MIGRATE_FINDS_VALUE, NULL, "%zu of %zu", good,
	      AWKWARDS);
	return find_case(p) && find_longest(p);
}

/* ---- How they are listed ---- */

#define LISTED 5

static bool write_listed(struct prober *p, struct migrate_bytes keys[LISTED])
{
	/* in byte order; as text, or by a locale, it is another one */
	static const char *const names[LISTED] = { "l-B", "l-a", "l-a.", "l-aa", "l-b" };

	for (size_t i = 0; i < LISTED; i++) {
		enum migrate_status status;

		keys[i] = scratch_key(p, names[LISTED - 1 - i], strlen(names[LISTED - 1 - i]));
		status = try_put(p, keys[i], 5, 5, MIGRATE_ANY, bytes_of(NULL, 0));
		if (status != MIGRATE_OK) {
			finds_trouble(p, "list", status);
			return false;
		}
	}
	for (size_t i = 0; i < LISTED / 2; i++) {
		struct migrate_bytes swap = keys[i];

		keys[i] = keys[LISTED - 1 - i];
		keys[LISTED - 1 - i] = swap;
	}
	return true;
}

/* Page by page; how many of the keys came, and whether in order. */
static enum migrate_status list_pages(struct prober *p, struct migrate_bytes prefix,
				      struct migrate_bytes after, size_t *n, bool *ordered)
{
	ARENA_AUTO struct arena a = ARENA_INIT;
	struct list_page page = LIST_PAGE_INIT;
	struct migrate_list r = { .prefix = prefix, .after = after, .limit = 2 };
	struct migrate_bytes last = bytes_of(NULL, 0);
	enum migrate_status status;

	*n = 0;
	*ordered = true;
	do {
		status = store_list(p->s, &r, &page);
		for (size_t i = 0; status == MIGRATE_OK && i < page.n; i++) {
			if (page.items[i]->kind != LISTED_OBJECT)
				continue;
			*ordered &= bytes_compare(last, page.items[i]->key) < 0;
			if (!arena_bytes(&a, page.items[i]->key, &last))
				status = MIGRATE_TRANSIENT;
			++*n;
		}
		if (status == MIGRATE_OK && !arena_bytes(&a, page.cursor, &r.cursor))
			status = MIGRATE_TRANSIENT;
		if (!page.cursor.n) /* an ordered store needs none */
			r.after = last;
	} while (status == MIGRATE_OK && !page.done && *n <= LISTED);
	list_page_release(&page);
	return status;
}

bool probe_listing(struct prober *p)
{
	struct migrate_bytes keys[LISTED], prefix, none = bytes_of(NULL, 0);
	enum migrate_status status;
	bool ordered;
	size_t n;

	if (!p->ops->list || !write_listed(p, keys))
		return !p->out->broken && !p->out->cancelled;
	prefix = bytes_of(keys[0].p, keys[0].n - 1);
	status = list_pages(p, prefix, none, &n, &ordered);
	if (status != MIGRATE_OK) {
		finds_trouble(p, "list: page by page", status);
		return !is_hopeless(p, status);
	}
	finds(p, "list: page by page", n == LISTED ? MIGRATE_FINDS_YES : MIGRATE_FINDS_NO,
	      n == LISTED ? NULL : "as a source, this place loses or repeats keys",
	      "%zu of %d keys", n, LISTED);
	finds(p, "list: in byte order", ordered ? MIGRATE_FINDS_YES : MIGRATE_FINDS_NO,
	      ordered ? NULL : "as a source, it is listed to the end before anything is copied",
	      NULL);
	if (!(p->facts->d.flags & MIGRATE_ORDERED))
		return true;
	status = list_pages(p, prefix, keys[1], &n, &ordered);
	if (status == MIGRATE_OK)
		finds(
		    p, "list: after a key", n == LISTED - 2 ? MIGRATE_FINDS_YES : MIGRATE_FINDS_NO,
		    n == LISTED - 2 ? NULL : "as a source, a job cannot go on where it was killed",
		    NULL);
	else
		finds_trouble(p, "list: after a key", status);
	return !is_hopeless(p, status);
}
