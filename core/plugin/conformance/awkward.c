/* SPDX-License-Identifier: MIT */
#include "plugin/conformance/conformance-impl.h"

#include "base/escape.h"

#include <stdio.h>
#include <string.h>

/* Parts of keys that somebody once took for something else. */
#define AWKWARD(text_)                                                                             \
	{                                                                                          \
		text_, sizeof(text_) - 1                                                           \
	}
static const struct {
	const char *text;
	size_t n;
} awkward[] = {
	AWKWARD("a b"),
	AWKWARD(" leading"),
	AWKWARD("trailing "),
	AWKWARD("new\nline"),
	AWKWARD("re\rturn"),
	AWKWARD("tab\t"),
	AWKWARD("esc\033[2J"),
	AWKWARD("quote'\"`"),
	AWKWARD("back\\slash"),
	AWKWARD("a?b*c[d]"),
	AWKWARD("%41%00%zz"),
	AWKWARD("a+b&c=d#e;f"),
	AWKWARD("$HOME${x}"),
	AWKWARD("-rf"),
	AWKWARD("~"),
	AWKWARD("a:b|c<d>e"),
	AWKWARD("...three"),
	AWKWARD(".hidden"),
	AWKWARD("\303\244\314\210"),
	AWKWARD("a\314\210"),
	AWKWARD("bad\377utf\200"),
	AWKWARD("\300\257over"),
	AWKWARD("\357\273\277bom"),
	AWKWARD("\342\200\256rtl"),
	AWKWARD("..a/..b"),
	AWKWARD("a\0b"),
	AWKWARD("/lead"),
	AWKWARD("double//slash"),
	AWKWARD("../up"),
	AWKWARD("./dot"),
	AWKWARD("end/."),
	AWKWARD("slash/"),
};

static struct migrate_bytes awkward_key(struct hand *h, size_t i)
{
	size_t n = strlen(h->b->prefix);

	memcpy(h->key, h->b->prefix, n);
	memcpy(h->key + n, awkward[i].text, awkward[i].n);
	return bytes_of(h->key, n + awkward[i].n);
}

static bool broken_key(struct battery *b, struct migrate_bytes key, const char *what)
{
	BUF_AUTO struct buf shown = BUF_INIT(512);

	escape_add(&shown, key.p, key.n);
	return broken(b, "key '%.*s' %s", (int)shown.len, shown.p ? (char *)shown.p : "", what);
}

/* Either it stands there like any other, or both accepts() and put() refuse it as invalid. */
static bool one_awkward(struct hand *h, struct migrate_bytes key, bool *accepted)
{
	enum migrate_status may = store_accepts(h->s, key);
	enum migrate_status status = put(h, key, pattern(h, (unsigned int)key.n, 99));
	size_t n;

	*accepted = may == MIGRATE_OK;
	if (may != MIGRATE_OK && may != MIGRATE_INVALID)
		return broken_key(h->b, key, "is neither accepted nor invalid");
	if (may == MIGRATE_INVALID && status != MIGRATE_INVALID)
		return broken_key(h->b, key, "is not accepted, yet put does not say invalid");
	if (may == MIGRATE_INVALID)
		return true;
	if (status != MIGRATE_OK)
		return broken_key(h->b, key, "is accepted, but put refuses it");
	if (get(h, key, &n) != MIGRATE_OK || n != 99 ||
	    !is_pattern(h->buffer, (unsigned int)key.n, n))
		return broken_key(h->b, key, "does not come back");
	return stat_key(h, key) == MIGRATE_OK || broken_key(h->b, key, "cannot be looked at");
}

static bool is_listed(struct hand *h, struct migrate_bytes key)
{
	struct list_page page = LIST_PAGE_INIT;
	struct migrate_list r = { .prefix = key, .limit = 1 };
	bool ok = store_list(h->s, &r, &page) == MIGRATE_OK && page.n >= 1 &&
		  bytes_equal(page.items[page.n - 1]->key, key);

	list_page_release(&page);
	return ok || broken_key(h->b, key, "is not listed as it was put");
}

static bool awkward_keys(struct battery *b)
{
	struct hand *h = &b->hands[0];

	for (size_t i = 0; i < sizeof(awkward) / sizeof(awkward[0]); i++) {
		struct migrate_bytes key = awkward_key(h, i);
		bool accepted;

		if (!one_awkward(h, key, &accepted))
			return false;
		if (accepted && b->store->list && !is_listed(h, key))
			return false;
		if (accepted && b->store->remove &&
		    remove_key(h, key, bytes_of(NULL, 0)) != MIGRATE_OK)
			return broken_key(b, key, "cannot be removed");
	}
	return true;
}

/* A key as long as it may be, in parts of `part` bytes. */
static struct migrate_bytes long_key(struct hand *h, size_t length, size_t part)
{
	size_t n = strlen(h->b->prefix);

	memcpy(h->key, h->b->prefix, n);
	for (size_t i = n; i < length; i++)
		h->key[i] = (i - n) % (part + 1) == part ? '/' : 'k';
	h->key[length - 1] = 'e';
	return bytes_of(h->key, length);
}

static bool long_keys(struct battery *b)
{
	static const size_t lengths[] = { 200, 255, 256, 512, 1000, 1024, 2000, 4000 };
	struct hand *h = &b->hands[0];
	bool accepted, any = false;

	for (size_t i = 0; i < sizeof(lengths) / sizeof(lengths[0]); i++) {
		struct migrate_bytes key = long_key(h, lengths[i], 255);

		if (!one_awkward(h, key, &accepted))
			return false;
		any |= accepted;
		if (accepted && b->facts.d.key_max && key.n > b->facts.d.key_max)
			return broken_key(b, key, "is longer than key_max, yet accepted");
	}
	MUST(b, any, "no key of 200 bytes is accepted");
	return true;
}

static bool no_key_at_all(struct battery *b)
{
	struct hand *h = &b->hands[0];

	ANSWERS(h, MIGRATE_INVALID, put(h, BYTES(""), pattern(h, 1, 1)));
	return true;
}

/* a and a/b: both, or the second is refused and the first unharmed. */
static bool key_below_key(struct battery *b)
{
	struct hand *h = &b->hands[0];
	struct migrate_bytes above = key_of(h, "a"), below = key2_of(h, "a/b");
	enum migrate_status status;
	size_t n;

	ANSWERS(h, MIGRATE_OK, put(h, above, pattern(h, 1, 10)));
	status = put(h, below, pattern(h, 2, 20));
	if (!has_flag(b, MIGRATE_REAL_FOLDERS))
		MUST(b, status == MIGRATE_OK, "a/b beside a: %s", status_name(status));
	else
		MUST(b, status == MIGRATE_INVALID || status == MIGRATE_EXISTS,
		     "a/b beside a answered %s, although folders are real", status_name(status));
	ANSWERS(h, MIGRATE_OK, get(h, above, &n));
	MUST(b, n == 10 && is_pattern(h->buffer, 1, n), "a is another one now");
	ANSWERS(h, MIGRATE_OK, put(h, key_of(h, "c/d"), pattern(h, 3, 30)));
	status = put(h, key2_of(h, "c"), pattern(h, 4, 40));
	if (!has_flag(b, MIGRATE_REAL_FOLDERS))
		MUST(b, status == MIGRATE_OK, "c beside c/d: %s", status_name(status));
	else
		MUST(b, status == MIGRATE_INVALID || status == MIGRATE_EXISTS,
		     "c beside c/d answered %s, although folders are real", status_name(status));
	ANSWERS(h, MIGRATE_OK, get(h, key_of(h, "c/d"), &n));
	MUST(b, n == 30 && is_pattern(h->buffer, 3, n), "c/d is another one now");
	return true;
}

static bool case_twins(struct battery *b)
{
	struct hand *h = &b->hands[0];
	size_t n;

	ANSWERS(h, MIGRATE_OK, put(h, key_of(h, "Twin"), pattern(h, 1, 10)));
	ANSWERS(h, MIGRATE_OK, put(h, key_of(h, "twin"), pattern(h, 2, 20)));
	ANSWERS(h, MIGRATE_OK, get(h, key_of(h, "Twin"), &n));
	MUST(b, n == 10 && is_pattern(h->buffer, 1, n),
	     "Twin became twin, yet it does not say CASE_FOLDING");
	return true;
}

static const char *lacks_case(const struct battery *b)
{
	const char *why = lacks_put(b);

	return why                                 ? why
	       : has_flag(b, MIGRATE_CASE_FOLDING) ? "keys that differ in case only are one here"
						   : NULL;
}

static const struct trial trials[] = {
	{ "awkward keys come back to the byte, or are invalid for accepts and put", awkward_keys,
	  lacks_put },
	{ "so are long ones", long_keys, lacks_put },
	{ "a key without bytes is invalid", no_key_at_all, lacks_put },
	{ "a and a/b stand side by side, or the second is refused", key_below_key, lacks_put },
	{ "keys that differ in case only are two", case_twins, lacks_case },
};
const struct trials trials_awkward = TRIALS(trials);
