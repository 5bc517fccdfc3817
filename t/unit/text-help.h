/* SPDX-License-Identifier: MIT */
#ifndef TEXT_HELP_H
#define TEXT_HELP_H

#include "base/bytes.h"
#include "job/job.h"
#include "job/texts/replace.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>

/* A replacer with a handful of known keys; what it makes of a text. */
struct pair {
	const char *key, *new_key; /* new_key NULL: its object was not copied */
};

struct helped {
	struct known_keys known;
	const struct pair *pairs;
	size_t n;
	const char *const *guards;
	struct value_pattern *value, *new_value;
	struct replacer *replacer;
	struct arena arena;
	struct replace_counts counts;
};

static int help_look_up(void *arg, struct migrate_bytes key, struct migrate_bytes *new_key,
			uint32_t *object)
{
	struct helped *h = arg;

	for (size_t i = 0; i < h->n; i++) {
		if (!bytes_equal(bytes_of_text(h->pairs[i].key), key))
			continue;
		*object = (uint32_t)i;
		*new_key = bytes_of_text(h->pairs[i].new_key);
		return h->pairs[i].new_key ? KNOWN_COPIED : KNOWN_LEFT;
	}
	return KNOWN_NOT;
}

static int help_is_guard(void *arg, struct migrate_bytes value)
{
	struct helped *h = arg;

	for (size_t i = 0; h->guards && h->guards[i]; i++)
		if (bytes_equal(bytes_of_text(h->guards[i]), value))
			return 1;
	return 0;
}

static void help_begin(struct helped *h, const struct pair *pairs, size_t n, const char *value,
		       const char *new_value, int codec, const char *const *guards)
{
	struct error err = ERROR_INIT;

	*h = (struct helped){ .pairs = pairs, .n = n, .guards = guards };
	h->known =
	    (struct known_keys){ .look_up = help_look_up, .is_guard = help_is_guard, .arg = h };
	ck_assert(filter_init(&h->known.keys, n) && filter_init(&h->known.guards, 16));
	for (size_t i = 0; i < n; i++)
		filter_add(&h->known.keys, bytes_of_text(pairs[i].key));
	for (size_t i = 0; guards && guards[i]; i++)
		filter_add(&h->known.guards, bytes_of_text(guards[i]));
	h->value = value_pattern_new(value, &err);
	h->new_value = value_pattern_new(new_value ? new_value : value, &err);
	ck_assert(h->value && h->new_value);
	h->replacer = replacer_new(h->value, h->new_value, codec, &h->known);
	ck_assert_ptr_nonnull(h->replacer);
}

static void help_end(struct helped *h)
{
	replacer_free(h->replacer);
	value_pattern_free(h->value);
	value_pattern_free(h->new_value);
	filter_release(&h->known.keys);
	filter_release(&h->known.guards);
	arena_release(&h->arena);
}

/* Append what becomes of text, by its edits and by their packed form, which must agree. */
static void help_replace(struct helped *h, struct migrate_bytes text, struct buf *out)
{
	BUF_AUTO struct buf packed = BUF_INIT(1u << 24), again = BUF_INIT(1u << 24);
	struct edits edits = { .items = NULL };

	h->counts = (struct replace_counts){ .places = 0 };
	ck_assert_int_eq(replacer_run(h->replacer, text, &h->arena, &edits, &h->counts), 0);
	ck_assert(edits_apply(&edits, text, out));
	ck_assert(edits_pack(&edits, &packed));
	ck_assert(edits_unpack(bytes_of(packed.p, packed.len), text, &again));
	ck_assert(bytes_equal(bytes_of(again.p, again.len), bytes_of(out->p, out->len)));
	edits_release(&edits);
}

static void help_expect(struct helped *h, struct migrate_bytes text, struct migrate_bytes wanted)
{
	BUF_AUTO struct buf out = BUF_INIT(1u << 24);

	help_replace(h, text, &out);
	ck_assert_msg(bytes_equal(bytes_of(out.p, out.len), wanted),
		      "'%.*s' became '%.*s' instead of '%.*s'", (int)text.n, (const char *)text.p,
		      (int)out.len, out.p ? (const char *)out.p : "", (int)wanted.n,
		      (const char *)wanted.p);
}

#endif
