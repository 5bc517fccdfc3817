/* SPDX-License-Identifier: MIT */
#include "plugin/conformance/conformance-impl.h"

#include <string.h>

#define PARTS 3

/* An upload in three parts, the last one shorter, as large as the store wants parts to be. */
struct sending {
	struct migrate_bytes key;
	uint64_t part_size, size;
	unsigned char id[MIGRATE_ETAG_MAX];
	size_t nid;
	unsigned char tokens[PARTS][MIGRATE_ETAG_MAX];
	struct migrate_done_part done[PARTS];
	const struct migrate_done_part *parts[PARTS];
};

static const char *lacks_uploads(const struct battery *b)
{
	if (!b->store->upload)
		return "it has no upload()";
	if (b->facts.d.part_min > 64 * 1024 * 1024)
		return "its parts are too large to be tried here";
	return lacks_put(b);
}

static const char *lacks_parts(const struct battery *b)
{
	const char *why = lacks_uploads(b);

	return why ? why : b->store->parts ? NULL : "it has no parts()";
}

static const char *lacks_left(const struct battery *b)
{
	const char *why = lacks_uploads(b);

	return why ? why : b->store->uploads ? NULL : "it has no uploads()";
}

static bool begin_sending(struct hand *h, struct sending *u, const char *name)
{
	struct migrate_upload r = { .attributes = h->sent };

	*u = (struct sending){ .key = key_of(h, name), .part_size = h->b->facts.d.part_min };
	if (u->part_size < 10000)
		u->part_size = 10000;
	u->size = u->part_size * 2 + 777;
	r.key = u->key;
	r.size = u->size;
	r.part_size = u->part_size;
	ANSWERS(h, MIGRATE_OK, store_upload(h->s, &r, u->id, &u->nid));
	return true;
}

static size_t part_bytes(const struct sending *u, uint32_t number)
{
	return number < PARTS ? (size_t)u->part_size : 777;
}

static enum migrate_status send_bytes(struct hand *h, struct sending *u, uint32_t number,
				      const void *bytes, size_t n)
{
	struct migrate_done_part *done = &u->done[number - 1];
	struct migrate_part r = {
		.key = u->key,
		.id = bytes_of(u->id, u->nid),
		.number = number,
		.offset = (number - 1) * u->part_size,
		.size = part_bytes(u, number),
		.body = h->body,
	};
	enum migrate_status status;
	size_t token;

	body_memory_begin(h->body, h->s, bytes, n);
	status = store_part(h->s, &r, u->tokens[number - 1], &token);
	*done = (struct migrate_done_part){ .number = number,
					    .size = r.size,
					    .token = bytes_of(u->tokens[number - 1], token) };
	u->parts[number - 1] = done;
	return status;
}

/* Part `number` is the pattern of that seed. */
static enum migrate_status send_trial_part(struct hand *h, struct sending *u, uint32_t number,
					   unsigned int seed)
{
	size_t n = part_bytes(u, number);
	unsigned char *bytes = malloc(n);
	enum migrate_status status = MIGRATE_FATAL;

	for (size_t i = 0; bytes && i < n; i++)
		bytes[i] = (unsigned char)(seed * 31 + i % 253);
	if (bytes)
		status = send_bytes(h, u, number, bytes, n);
	free(bytes);
	return status;
}

static enum migrate_status end_upload(struct hand *h, struct sending *u, uint32_t precondition)
{
	struct migrate_complete r = {
		.key = u->key,
		.id = bytes_of(u->id, u->nid),
		.size = u->size,
		.parts = u->parts,
		.count = PARTS,
		.precondition = precondition,
		.object = &h->slot.object,
	};

	object_slot_init(&h->slot, NULL);
	return store_complete(h->s, &r);
}

static enum migrate_status give_up_sending(struct hand *h, struct sending *u)
{
	struct migrate_abort r = { .key = u->key, .id = bytes_of(u->id, u->nid) };

	return store_abort(h->s, &r);
}

/* Read the object in pieces that fit into the buffer and compare. */
static bool is_whole(struct hand *h, const struct sending *u, const unsigned int seeds[PARTS])
{
	struct migrate_sink *sink = h->sink;
	unsigned char *all = malloc((size_t)u->size);
	struct migrate_get r = { .key = u->key, .length = UINT64_MAX, .sink = sink };
	enum migrate_status status = MIGRATE_FATAL;
	bool same = all != NULL;

	if (all) {
		sink_memory_begin(sink, h->s, all, (size_t)u->size, NULL, NULL);
		status = store_get(h->s, &r);
		same = status == MIGRATE_OK && sink_memory_count(sink) == u->size;
	}
	for (uint32_t p = 1; same && p <= PARTS; p++)
		for (size_t i = 0; same && i < part_bytes(u, p); i++)
			same = all[(p - 1) * u->part_size + i] ==
			       (unsigned char)(seeds[p - 1] * 31 + i % 253);
	free(all);
	MUST(h->b, same, "the parts did not become one object: get answered %s",
	     status_name(status));
	return true;
}

static bool parts_in_any_order(struct battery *b)
{
	static const unsigned int seeds[PARTS] = { 1, 2, 3 };
	struct hand *h = &b->hands[0], *other = &b->hands[1];
	struct sending u;

	if (!begin_sending(h, &u, "any-order"))
		return false;
	ANSWERS(h, MIGRATE_OK, send_trial_part(h, &u, 3, 3));
	ANSWERS(other, MIGRATE_OK, send_trial_part(other, &u, 1, 1));
	ANSWERS(h, MIGRATE_OK, send_trial_part(h, &u, 2, 2));
	ANSWERS(h, MIGRATE_NOT_FOUND, stat_key(h, u.key));
	ANSWERS(other, MIGRATE_OK, end_upload(other, &u, MIGRATE_ANY));
	MUST(b, other->slot.object.size == u.size, "complete says %llu bytes instead of %llu",
	     (unsigned long long)other->slot.object.size, (unsigned long long)u.size);
	return is_whole(h, &u, seeds);
}

static bool part_sent_again(struct battery *b)
{
	static const unsigned int seeds[PARTS] = { 1, 9, 3 };
	struct hand *h = &b->hands[0];
	struct sending u;

	if (!begin_sending(h, &u, "again"))
		return false;
	for (uint32_t p = 1; p <= PARTS; p++)
		ANSWERS(h, MIGRATE_OK, send_trial_part(h, &u, p, p));
	ANSWERS(h, MIGRATE_OK, send_trial_part(h, &u, 2, 9));
	ANSWERS(h, MIGRATE_OK, end_upload(h, &u, MIGRATE_ANY));
	return is_whole(h, &u, seeds);
}

static bool short_part(struct battery *b)
{
	static const unsigned int seeds[PARTS] = { 1, 2, 3 };
	struct hand *h = &b->hands[0];
	struct sending u;

	if (!begin_sending(h, &u, "short"))
		return false;
	ANSWERS(h, MIGRATE_OK, send_trial_part(h, &u, 1, 1));
	ANSWERS(h, MIGRATE_OK, send_trial_part(h, &u, 3, 3));
	ANSWERS(h, MIGRATE_MISMATCH, send_bytes(h, &u, 2, "only this", 9));
	ANSWERS(h, MIGRATE_OK, send_trial_part(h, &u, 2, 2));
	ANSWERS(h, MIGRATE_OK, end_upload(h, &u, MIGRATE_ANY));
	return is_whole(h, &u, seeds);
}

static bool aborted(struct battery *b)
{
	struct hand *h = &b->hands[0];
	struct sending u;

	if (!begin_sending(h, &u, "aborted"))
		return false;
	ANSWERS(h, MIGRATE_OK, send_trial_part(h, &u, 1, 1));
	ANSWERS(h, MIGRATE_OK, give_up_sending(h, &u));
	ANSWERS(h, MIGRATE_OK, give_up_sending(h, &u));
	ANSWERS(h, MIGRATE_NOT_FOUND, stat_key(h, u.key));
	MUST(b, send_trial_part(h, &u, 2, 2) != MIGRATE_OK, "a part of an aborted upload is taken");
	return true;
}

static bool parts_are_told(struct battery *b)
{
	struct hand *h = &b->hands[0];
	struct part_list list = { .arena = ARENA_INIT };
	struct migrate_parts r = { .key = BYTES("") };
	struct sending u;
	enum migrate_status status;
	bool right;

	if (!begin_sending(h, &u, "told"))
		return false;
	ANSWERS(h, MIGRATE_OK, send_trial_part(h, &u, 3, 3));
	ANSWERS(h, MIGRATE_OK, send_trial_part(h, &u, 1, 1));
	r.key = u.key;
	r.id = bytes_of(u.id, u.nid);
	status = store_parts(h->s, &r, &list);
	right = status == MIGRATE_OK && list.n == 2 && list.items[0]->number == 1 &&
		list.items[0]->size == u.part_size && list.items[1]->number == 3 &&
		list.items[1]->size == 777 && bytes_equal(list.items[0]->token, u.done[0].token) &&
		bytes_equal(list.items[1]->token, u.done[2].token);
	part_list_release(&list);
	ANSWERS(h, MIGRATE_OK, give_up_sending(h, &u));
	MUST(b, right, "parts 1 and 3 were sent, parts() says otherwise (%s)", status_name(status));
	return true;
}

static bool is_left(struct hand *h, const struct sending *u, bool *left)
{
	struct upload_list list = { .arena = ARENA_INIT };
	struct migrate_uploads r = { .prefix = bytes_of_text(h->b->prefix) };
	enum migrate_status status = store_uploads(h->s, &r, &list);

	*left = false;
	for (size_t i = 0; status == MIGRATE_OK && i < list.n; i++)
		*left |= bytes_equal(list.items[i].key, u->key) &&
			 bytes_equal(list.items[i].id, bytes_of(u->id, u->nid));
	upload_list_release(&list);
	return status == MIGRATE_OK || answered(h, "uploads", MIGRATE_OK, status);
}

static bool uploads_are_told(struct battery *b)
{
	struct hand *h = &b->hands[0];
	struct sending u;
	bool left;

	if (!begin_sending(h, &u, "unfinished") || !is_left(&b->hands[1], &u, &left))
		return false;
	MUST(b, left, "an upload under way is not told of");
	ANSWERS(h, MIGRATE_OK, give_up_sending(h, &u));
	if (!is_left(h, &u, &left))
		return false;
	MUST(b, !left, "an aborted upload is still told of");
	return true;
}

static bool completes_only_if_absent(struct battery *b)
{
	struct hand *h = &b->hands[0];
	struct sending u;
	size_t n;

	if (!begin_sending(h, &u, "taken"))
		return false;
	for (uint32_t p = 1; p <= PARTS; p++)
		ANSWERS(h, MIGRATE_OK, send_trial_part(h, &u, p, p));
	ANSWERS(h, MIGRATE_OK, put(h, u.key, pattern(h, 5, 50)));
	ANSWERS(h, MIGRATE_EXISTS, end_upload(h, &u, MIGRATE_ABSENT));
	ANSWERS(h, MIGRATE_OK, get(h, u.key, &n));
	MUST(b, n == 50 && is_pattern(h->buffer, 5, n), "what was there is another one now");
	ANSWERS(h, MIGRATE_OK, give_up_sending(h, &u));
	return true;
}

static const char *lacks_create_only(const struct battery *b)
{
	const char *why = lacks_uploads(b);

	return why                                    ? why
	       : has_flag(b, MIGRATE_COMPLETE_ABSENT) ? NULL
						      : "it does not say COMPLETE_ABSENT";
}

static const struct trial uploads[] = {
	{ "parts come in any order and from several sessions, and become one object",
	  parts_in_any_order, lacks_uploads },
	{ "a part that is sent again replaces the first", part_sent_again, lacks_uploads },
	{ "a part that ends early is a mismatch, and may be sent again", short_part,
	  lacks_uploads },
	{ "abort leaves nothing, and may be repeated", aborted, lacks_uploads },
	{ "parts() says which are there, with size and token", parts_are_told, lacks_parts },
	{ "uploads() says which are unfinished", uploads_are_told, lacks_left },
	{ "complete with precondition absent: exists, and what is there stays",
	  completes_only_if_absent, lacks_create_only },
};
const struct trials trials_uploads = TRIALS(uploads);
