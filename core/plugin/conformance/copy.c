/* SPDX-License-Identifier: MIT */
#include "plugin/conformance/conformance-impl.h"

#include <string.h>

static const char *lacks_copy(const struct battery *b)
{
	return b->store->copy ? lacks_put(b) : "it has no copy()";
}

static enum migrate_status copy_if(struct hand *h, struct hand *from, struct migrate_bytes source,
				   struct migrate_bytes source_if_match, struct migrate_bytes key,
				   uint32_t precondition)
{
	struct migrate_copy r = {
		.source_key = source,
		.source_if_match = source_if_match,
		.key = key,
		.precondition = precondition,
		.stored = &h->slot.object,
		.original = &h->other.object,
	};

	object_slot_init(&h->slot, NULL);
	object_slot_init(&h->other, NULL);
	return store_copy(h->s, from->s, &r);
}

static bool copies(struct battery *b)
{
	struct hand *h = &b->hands[0], *from = &b->hands[1];
	struct migrate_bytes none = bytes_of(NULL, 0), source = key_of(h, "from");
	size_t n;

	MUST(b, store_can_copy(h->s, from->s),
	     "can_copy() says no between two sessions of one end");
	ANSWERS(h, MIGRATE_OK, put(h, source, pattern(h, 1, 70000)));
	ANSWERS(h, MIGRATE_OK, copy_if(h, from, source, none, key2_of(h, "to"), MIGRATE_ANY));
	MUST(b, h->slot.object.size == 70000 && h->other.object.size == 70000,
	     "copy says %llu of %llu bytes", (unsigned long long)h->slot.object.size,
	     (unsigned long long)h->other.object.size);
	MUST(b, h->slot.object.etag.n && h->other.object.etag.n, "copy sets no etags");
	ANSWERS(h, MIGRATE_OK, get(h, key2_of(h, "to"), &n));
	MUST(b, n == 70000 && is_pattern(h->buffer, 1, n), "the copy holds other bytes");
	ANSWERS(h, MIGRATE_OK, put(h, source, pattern(h, 2, 10)));
	ANSWERS(h, MIGRATE_OK, get(h, key2_of(h, "to"), &n));
	MUST(b, n == 70000, "the copy changes with its source");
	return true;
}

static bool copies_nothing(struct battery *b)
{
	struct hand *h = &b->hands[0], *from = &b->hands[1];
	struct migrate_bytes none = bytes_of(NULL, 0);
	size_t n;

	ANSWERS(h, MIGRATE_NOT_FOUND,
		copy_if(h, from, key_of(h, "nobody"), none, key2_of(h, "to"), MIGRATE_ANY));
	ANSWERS(h, MIGRATE_NOT_FOUND, stat_key(h, key2_of(h, "to")));
	ANSWERS(h, MIGRATE_OK, put(h, key_of(h, "empty"), bytes_of(NULL, 0)));
	ANSWERS(h, MIGRATE_OK,
		copy_if(h, from, key_of(h, "empty"), none, key2_of(h, "to"), MIGRATE_ANY));
	ANSWERS(h, MIGRATE_OK, get(h, key2_of(h, "to"), &n));
	MUST(b, n == 0, "the copy of an empty object has %zu bytes", n);
	return true;
}

static bool copies_only_if_absent(struct battery *b)
{
	struct hand *h = &b->hands[0], *from = &b->hands[1];
	struct migrate_bytes none = bytes_of(NULL, 0);
	size_t n;

	ANSWERS(h, MIGRATE_OK, put(h, key_of(h, "from"), pattern(h, 1, 100)));
	ANSWERS(h, MIGRATE_OK, put(h, key2_of(h, "to"), pattern(h, 2, 50)));
	ANSWERS(h, MIGRATE_EXISTS,
		copy_if(h, from, key_of(h, "from"), none, key2_of(h, "to"), MIGRATE_ABSENT));
	ANSWERS(h, MIGRATE_OK, get(h, key2_of(h, "to"), &n));
	MUST(b, n == 50 && is_pattern(h->buffer, 2, n), "what was there is another one now");
	return true;
}

static bool source_changed(struct battery *b)
{
	struct hand *h = &b->hands[0], *from = &b->hands[1];
	unsigned char etag[MIGRATE_ETAG_MAX];
	struct migrate_bytes old, source = key_of(h, "from");

	ANSWERS(h, MIGRATE_OK, put(h, source, pattern(h, 1, 100)));
	old = keep_etag(&h->slot, etag);
	ANSWERS(h, MIGRATE_OK, put(h, source, pattern(h, 2, 100)));
	ANSWERS(h, MIGRATE_CHANGED, copy_if(h, from, source, old, key2_of(h, "to"), MIGRATE_ANY));
	ANSWERS(h, MIGRATE_NOT_FOUND, stat_key(h, key2_of(h, "to")));
	return true;
}

static const char *lacks_create_only(const struct battery *b)
{
	const char *why = lacks_copy(b);

	return why ? why : has_flag(b, MIGRATE_COPY_ABSENT) ? NULL : "it does not say COPY_ABSENT";
}

static const struct trial trials[] = {
	{ "copy makes an object of its own, and tells of both", copies, lacks_copy },
	{ "copy of nothing is not_found, of an empty object an empty one", copies_nothing,
	  lacks_copy },
	{ "copy with precondition absent: exists, and what is there stays", copies_only_if_absent,
	  lacks_create_only },
	{ "copy with source_if_match says changed once it has changed", source_changed,
	  lacks_copy },
};
const struct trials trials_copies = TRIALS(trials);
