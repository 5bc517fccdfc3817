/* SPDX-License-Identifier: MIT */
#include "plugin/conformance/conformance-impl.h"

#include <string.h>

/* ---- Calls in short ---- */

enum migrate_status put_if(struct hand *h, struct migrate_bytes key, struct migrate_bytes bytes,
			   uint32_t precondition, struct migrate_bytes if_match)
{
	struct migrate_put r = {
		.key = key,
		.size = bytes.n,
		.body = h->body,
		.attributes = h->sent,
		.precondition = precondition,
		.if_match = if_match,
		.object = &h->slot.object,
	};

	object_slot_init(&h->slot, NULL);
	body_memory_begin(h->body, h->s, bytes.p, bytes.n);
	return store_put(h->s, &r);
}

enum migrate_status put(struct hand *h, struct migrate_bytes key, struct migrate_bytes bytes)
{
	return put_if(h, key, bytes, MIGRATE_ANY, bytes_of(NULL, 0));
}

enum migrate_status put_body(struct hand *h, struct migrate_bytes key, uint64_t size,
			     struct migrate_body *body)
{
	struct migrate_put r = {
		.key = key, .size = size, .body = body, .object = &h->slot.object
	};

	object_slot_init(&h->slot, NULL);
	return store_put(h->s, &r);
}

enum migrate_status get_range(struct hand *h, struct migrate_bytes key, uint64_t offset,
			      uint64_t length, struct migrate_bytes if_match, size_t *n)
{
	struct migrate_get r = {
		.key = key,
		.if_match = if_match,
		.offset = offset,
		.length = length,
		.sink = h->sink,
		.object = &h->slot.object,
	};
	enum migrate_status status;

	memset(h->buffer, 0xee, BUFFER_SIZE);
	object_slot_init(&h->slot, h->got);
	sink_memory_begin(h->sink, h->s, h->buffer, BUFFER_SIZE, NULL, NULL);
	status = store_get(h->s, &r);
	*n = sink_memory_count(h->sink);
	return status;
}

enum migrate_status get(struct hand *h, struct migrate_bytes key, size_t *n)
{
	return get_range(h, key, 0, UINT64_MAX, bytes_of(NULL, 0), n);
}

enum migrate_status stat_key(struct hand *h, struct migrate_bytes key)
{
	struct migrate_stat r = { .key = key, .object = &h->slot.object };

	object_slot_init(&h->slot, h->got);
	return store_stat(h->s, &r);
}

enum migrate_status remove_key(struct hand *h, struct migrate_bytes key,
			       struct migrate_bytes if_match)
{
	struct migrate_removal removal = { .key = key, .if_match = if_match };
	struct migrate_removal *one = &removal;
	struct migrate_remove r = { .objects = &one, .count = 1 };
	enum migrate_status status = store_remove(h->s, &r);

	return status == MIGRATE_OK ? (enum migrate_status)removal.status : status;
}

const char *lacks_put(const struct battery *b)
{
	return b->store->put && b->store->get ? NULL : "it has no put() and get()";
}

static const char *lacks_ranges(const struct battery *b)
{
	const char *why = lacks_put(b);

	return why ? why : has_flag(b, MIGRATE_RANGES) ? NULL : "it does not say RANGES";
}

static const char *lacks_get_match(const struct battery *b)
{
	const char *why = lacks_put(b);

	return why ? why : has_flag(b, MIGRATE_GET_MATCH) ? NULL : "it does not say GET_MATCH";
}

static const char *lacks_attributes(const struct battery *b)
{
	const char *why = lacks_put(b);

	return why ? why : b->facts.kept_count ? NULL : "it keeps no attributes";
}

static const char *lacks_digests(const struct battery *b)
{
	const char *why = lacks_put(b);

	return why ? why : b->facts.d.digests ? NULL : "it gives no digests";
}

/* ---- Promises about one object ---- */

static bool well_and_known(struct battery *b)
{
	struct hand *h = &b->hands[0], *other = &b->hands[1];
	char *one = NULL, *two = NULL;
	bool same;

	ANSWERS(h, MIGRATE_OK, end_probe(h->s, true));
	ANSWERS(h, MIGRATE_OK, end_identity(h->s, &one));
	same = end_identity(other->s, &two) == MIGRATE_OK && !strcmp(one, two);
	free(one);
	free(two);
	MUST(b, same, "two sessions do not say the same identity");
	return true;
}

static bool absent_is_not_found(struct battery *b)
{
	struct hand *h = &b->hands[0];
	size_t n;

	ANSWERS(h, MIGRATE_NOT_FOUND, stat_key(h, key_of(h, "nobody")));
	if (b->store->get)
		ANSWERS(h, MIGRATE_NOT_FOUND, get(h, key_of(h, "no/such/thing"), &n));
	return true;
}

static bool round_trip(struct hand *h, size_t size)
{
	struct migrate_bytes key = key_of(h, "object");
	size_t n;

	ANSWERS(h, MIGRATE_OK, put(h, key, pattern(h, (unsigned int)size, size)));
	ANSWERS(h, MIGRATE_OK, stat_key(h, key));
	MUST(h->b, h->slot.object.size == size, "stat says %llu bytes instead of %zu",
	     (unsigned long long)h->slot.object.size, size);
	ANSWERS(h, MIGRATE_OK, get(h, key, &n));
	MUST(h->b, n == size && is_pattern(h->buffer, (unsigned int)size, n),
	     "%zu bytes came back of %zu, or others", n, size);
	MUST(h->b, h->slot.object.size == size, "get says %llu bytes instead of %zu",
	     (unsigned long long)h->slot.object.size, size);
	return true;
}

static bool bytes_come_back(struct battery *b)
{
	static const size_t sizes[] = { 1, 4095, 4096, 65537, BUFFER_SIZE };

	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++)
		if (!round_trip(&b->hands[0], sizes[i]))
			return false;
	return true;
}

static bool empty_object(struct battery *b)
{
	return round_trip(&b->hands[0], 0);
}

static bool other_session_sees(struct battery *b)
{
	struct hand *h = &b->hands[0], *other = &b->hands[1];
	size_t n;

	ANSWERS(h, MIGRATE_OK, put(h, key_of(h, "seen"), pattern(h, 7, 1000)));
	ANSWERS(other, MIGRATE_OK, get(other, key_of(other, "seen"), &n));
	MUST(b, n == 1000 && is_pattern(other->buffer, 7, n), "the other session read other bytes");
	return true;
}

/* What put answers, stat answers, and an etag that says that nothing changed. */
static bool put_tells_what_stat_tells(struct battery *b)
{
	struct hand *h = &b->hands[0];
	unsigned char first[MIGRATE_ETAG_MAX], second[MIGRATE_ETAG_MAX];
	struct migrate_bytes one, two, key = key_of(h, "same");
	size_t n;

	ANSWERS(h, MIGRATE_OK, put(h, key, pattern(h, 1, 100)));
	one = keep_etag(&h->slot, first);
	MUST(b, one.n, "put sets no etag");
	ANSWERS(h, MIGRATE_OK, stat_key(h, key));
	two = keep_etag(&h->slot, second);
	MUST(b, bytes_equal(one, two), "stat says another etag than put");
	ANSWERS(h, MIGRATE_OK, get(h, key, &n));
	MUST(b, bytes_equal(one, h->slot.object.etag), "get says another etag than put");
	ANSWERS(h, MIGRATE_OK, put(h, key, pattern(h, 2, 100)));
	MUST(b, !bytes_equal(one, h->slot.object.etag), "other bytes have the same etag");
	return true;
}

static const struct {
	uint64_t offset, length;
	size_t got;
} ranges[] = {
	{ 0, 1, 1 },
	{ 0, 1000, 1000 },
	{ 999, 1, 1 },
	{ 500, 250, 250 },
	{ 500, 500, 500 },
	{ 999, UINT64_MAX, 1 },
	{ 0, UINT64_MAX, 1000 },
	{ 1000, UINT64_MAX, 0 },
	{ 900, 5000, 100 },
};

static bool ranges_at_the_edges(struct battery *b)
{
	struct hand *h = &b->hands[0];
	struct migrate_bytes key = key_of(h, "range");
	unsigned char whole[1000];
	size_t n;

	memcpy(whole, pattern(h, 3, sizeof(whole)).p, sizeof(whole));
	ANSWERS(h, MIGRATE_OK, put(h, key, bytes_of(whole, sizeof(whole))));
	for (size_t i = 0; i < sizeof(ranges) / sizeof(ranges[0]); i++) {
		ANSWERS(
		    h, MIGRATE_OK,
		    get_range(h, key, ranges[i].offset, ranges[i].length, bytes_of(NULL, 0), &n));
		MUST(b, n == ranges[i].got && !memcmp(h->buffer, whole + ranges[i].offset, n),
		     "bytes from %llu, %llu long: %zu came, or others",
		     (unsigned long long)ranges[i].offset, (unsigned long long)ranges[i].length, n);
		MUST(b, h->slot.object.size == sizeof(whole),
		     "the object is said to have %llu bytes when a range is read",
		     (unsigned long long)h->slot.object.size);
	}
	return true;
}

static bool get_if_match(struct battery *b)
{
	struct hand *h = &b->hands[0];
	unsigned char etag[MIGRATE_ETAG_MAX];
	struct migrate_bytes old, key = key_of(h, "matched");
	size_t n;

	ANSWERS(h, MIGRATE_OK, put(h, key, pattern(h, 4, 100)));
	ANSWERS(h, MIGRATE_OK, stat_key(h, key));
	old = keep_etag(&h->slot, etag);
	ANSWERS(h, MIGRATE_OK, get_range(h, key, 0, UINT64_MAX, old, &n));
	ANSWERS(h, MIGRATE_OK, put(h, key, pattern(h, 5, 100)));
	ANSWERS(h, MIGRATE_CHANGED, get_range(h, key, 0, UINT64_MAX, old, &n));
	return true;
}

/* A name and a value for everything that describe() promises to keep. */
static const struct {
	const char *name, *value;
} attributes[] = {
	{ "content-type", "image/png" },
	{ "content-encoding", "gzip" },
	{ "content-language", "de" },
	{ "content-disposition", "attachment; filename=\"a b.png\"" },
	{ "cache-control", "max-age=60" },
	{ "mtime", "1600000000.123456789" },
	{ "mode", "640" },
	{ "meta:color", "blue" },
	{ "tag:team", "pictures" },
	{ "xattr:user.note", "two words" },
};

/* A mode is a number in octal, with or without a nought in front. */
static bool is_mode(const char *value, struct migrate_bytes got)
{
	char text[16];

	if (got.n >= sizeof(text))
		return false;
	memcpy(text, got.p, got.n);
	text[got.n] = '\0';
	return strtoul(text, NULL, 8) == strtoul(value, NULL, 8);
}

/* Coarse clocks cut mtime; everything else comes back to the byte. */
static bool is_kept(const struct battery *b, const char *name, const char *value,
		    struct migrate_bytes got)
{
	bool coarse = !strcmp(name, "mtime") && b->facts.d.mtime_resolution != 1;
	size_t n = coarse ? strcspn(value, ".") : strlen(value);

	if (!strcmp(name, "mode"))
		return is_mode(value, got);
	return got.n >= n && !memcmp(got.p, value, n) && (coarse || got.n == n);
}

static bool attributes_come_back(struct battery *b)
{
	struct hand *h = &b->hands[0];
	struct migrate_bytes got, key = key_of(h, "attributes");
	enum migrate_status status;

	for (size_t i = 0; i < sizeof(attributes) / sizeof(attributes[0]); i++)
		if (store_keeps(&b->facts, attributes[i].name, strlen(attributes[i].value)))
			migrate_set_attribute(h->sent, attributes[i].name, attributes[i].value,
					      strlen(attributes[i].value));
	status = put(h, key, pattern(h, 6, 10));
	attributes_reset(h->sent);
	MUST(b, status == MIGRATE_OK, "put with attributes: %s", status_name(status));
	MUST(b, !*session_lost(h->s), "put says that it lost %s, describe() that it is kept",
	     session_lost(h->s));
	ANSWERS(h, MIGRATE_OK, stat_key(h, key));
	for (size_t i = 0; i < sizeof(attributes) / sizeof(attributes[0]); i++) {
		const char *name = attributes[i].name, *value = attributes[i].value;

		if (!store_keeps(&b->facts, name, strlen(value)))
			continue;
		MUST(b, migrate_attribute(h->got, name, &got), "%s did not come back", name);
		MUST(b, is_kept(b, name, value, got), "%s came back as %.*s", name, (int)got.n,
		     (const char *)got.p);
	}
	return true;
}

static bool digests_are_right(struct battery *b)
{
	struct hand *h = &b->hands[0];
	struct migrate_bytes key = key_of(h, "digest");
	struct migrate_digest d;
	unsigned int known = 0;

	for (int round = 0; round < 2; round++) {
		if (round == 0)
			ANSWERS(h, MIGRATE_OK, put(h, key, pattern(h, 8, 5000)));
		else
			ANSWERS(h, MIGRATE_OK, stat_key(h, key));
		pattern(h, 8, 5000);
		for (unsigned int a = 0; a < MIGRATE_DIGEST_COUNT; a++) {
			if (!(b->facts.d.digests & 1u << a) ||
			    !digest_of(b->digest, (enum migrate_digest_algorithm)a, h->buffer, 5000,
				       &d))
				continue;
			known++;
			MUST(b, digest_equal(&d, &h->slot.object.digests[a]),
			     "the %s that %s gives is not that of the bytes",
			     digest_name((enum migrate_digest_algorithm)a), round ? "stat" : "put");
		}
	}
	MUST(b, known, "none of the digests it gives can be computed here");
	return true;
}

/* A sink that asks for the call back as soon as the first bytes came. */
static bool cancelling_filled(struct migrate_sink *s, size_t n)
{
	s->count += n;
	host_cancel(s->arg);
	return true;
}

static void *small_space(struct migrate_sink *s, size_t *n)
{
	*n = s->size;
	return s->bytes;
}

static bool no_restart(struct migrate_sink *s)
{
	return !s->count;
}

static bool cancel_ends_get(struct battery *b)
{
	struct hand *h = &b->hands[0];
	struct migrate_sink sink = {
		.space = small_space,
		.filled = cancelling_filled,
		.restart = no_restart,
		.session = h->s,
		.arg = b->host,
		.bytes = h->buffer,
		.size = 4096,
	};
	struct migrate_get r = { .key = key_of(h, "cancelled"),
				 .length = UINT64_MAX,
				 .sink = &sink };
	enum migrate_status status;
	size_t n;

	ANSWERS(h, MIGRATE_OK, put(h, r.key, pattern(h, 9, BUFFER_SIZE)));
	status = store_get(h->s, &r);
	host_resume(b->host);
	MUST(b, status == MIGRATE_CANCELLED, "get answered %s although it was cancelled",
	     status_name(status));
	MUST(b, sink.count < BUFFER_SIZE, "get went on to the end");
	ANSWERS(h, MIGRATE_OK, get(h, r.key, &n));
	return true;
}

static const struct trial objects[] = {
	{ "it is well, and every session says the same identity", well_and_known, NULL },
	{ "what is not there is not_found", absent_is_not_found, NULL },
	{ "bytes come back as they went in", bytes_come_back, lacks_put },
	{ "so does an object without bytes", empty_object, lacks_put },
	{ "another session sees what was put", other_session_sees, lacks_put },
	{ "put, stat and get agree on an etag that changes with the bytes",
	  put_tells_what_stat_tells, lacks_put },
	{ "ranges are exact, at the edges too", ranges_at_the_edges, lacks_ranges },
	{ "get with if_match says changed once it has changed", get_if_match, lacks_get_match },
	{ "attributes that are kept come back", attributes_come_back, lacks_attributes },
	{ "digests are those of the bytes", digests_are_right, lacks_digests },
	{ "cancel ends a get, and the session goes on to serve", cancel_ends_get, lacks_put },
};
const struct trials trials_objects = TRIALS(objects);
