/* SPDX-License-Identifier: MIT */
#include "engine/probe/probe-impl.h"

#include "base/bytes.h"

#include <string.h>

/* Objects that the store makes of others, and those that are made of parts. */

static enum migrate_status try_copy(struct prober *p, struct migrate_bytes key,
				    enum migrate_precondition precondition,
				    struct migrate_bytes if_match,
				    struct migrate_bytes source_if_match)
{
	struct migrate_copy r = { .source_key = scratch_key(p, "1", 1),
				  .source_if_match = source_if_match,
				  .key = key,
				  .precondition = precondition,
				  .if_match = if_match,
				  .stored = &p->slot.object,
				  .original = &p->other.object };
	enum migrate_status status;

	object_slot_init(&p->slot, NULL);
	object_slot_init(&p->other, NULL);
	status = store_copy(p->s, p->s, &r);
	p->out->written += status == MIGRATE_OK;
	return status;
}

/* One that had to be refused so, and leaves what was there. */
static bool refused(struct prober *p, const char *name, enum migrate_status wanted,
		    enum migrate_status status, const char *yes)
{
	if (is_hopeless(p, status))
		return false;
	if (status == MIGRATE_OK)
		finds(p, name, MIGRATE_FINDS_NO, "do not use this place before that is understood",
		      "it says that it does, and does not");
	else if (status == wanted)
		finds(p, name, MIGRATE_FINDS_YES, yes, NULL);
	else
		finds_trouble(p, name, status);
	return true;
}

static bool copy_conditions(struct prober *p, struct migrate_bytes key)
{
	static const char absent[] = "copy: only where nothing is",
			  match[] = "copy: only over what is known",
			  source[] = "copy: only of what is known";
	uint64_t flags = p->facts->d.flags;
	struct migrate_bytes none = bytes_of(NULL, 0), other;
	enum migrate_status status = try_stat(p, scratch_key(p, "1", 1));

	if (status != MIGRATE_OK)
		return !is_hopeless(p, status);
	other = other_etag(p, p->slot.object.etag);
	if (!(flags & MIGRATE_COPY_ABSENT))
		finds(p, absent, MIGRATE_FINDS_NO, "copies look first", NULL);
	else if (!refused(p, absent, MIGRATE_EXISTS, try_copy(p, key, MIGRATE_ABSENT, none, none),
			  "one request a copy"))
		return false;
	if (!(flags & MIGRATE_COPY_MATCH))
		finds(p, match, MIGRATE_FINDS_NO, "copies over our older ones look first", NULL);
	else if (!refused(p, match, MIGRATE_CHANGED, try_copy(p, key, MIGRATE_MATCH, other, none),
			  NULL))
		return false;
	return refused(p, source, MIGRATE_CHANGED,
		       try_copy(p, scratch_key(p, "3", 1), MIGRATE_ANY, none, other),
		       "a source that changes meanwhile is noticed");
}

bool probe_copies(struct prober *p)
{
	static const char name[] = "copy: made by the store itself";
	struct migrate_bytes key = scratch_key(p, "2", 1), none = bytes_of(NULL, 0);
	enum migrate_status status;

	if (!store_can_copy(p->s, p->s)) {
		finds(p, name, MIGRATE_FINDS_NO, "all bytes pass through this machine", NULL);
		return true;
	}
	status = try_copy(p, key, MIGRATE_ANY, none, none);
	if (status == MIGRATE_OK)
		status = try_holds(p, key, 1, PROBE_SMALL);
	if (is_hopeless(p, status))
		return false;
	if (status == MIGRATE_CHANGED)
		finds(p, name, MIGRATE_FINDS_NO, "do not use it",
		      "the copy is not what was to be copied");
	else if (status != MIGRATE_OK)
		finds_trouble(p, name, status);
	if (status != MIGRATE_OK)
		return true;
	finds(p, name, MIGRATE_FINDS_YES,
	      store_can_copy(p->s, p->ends->source.session)
		  ? "no byte passes through this machine"
		  : "but the source is elsewhere: all bytes pass through this machine",
	      NULL);
	return copy_conditions(p, key);
}

/* ---- Parts ---- */

struct sending {
	struct migrate_bytes key;
	unsigned char id[MIGRATE_ETAG_MAX], token[MIGRATE_ETAG_MAX];
	size_t id_n, token_n;
};

static enum migrate_status begin_probe_upload(struct prober *p, struct sending *u, const char *name)
{
	struct migrate_upload r = { .size = PROBE_SMALL, .part_size = PROBE_SMALL };

	u->key = r.key = scratch_key(p, name, strlen(name));
	return store_upload(p->s, &r, u->id, &u->id_n);
}

static enum migrate_status send(struct prober *p, struct sending *u, unsigned int seed)
{
	struct migrate_part r = { .key = u->key,
				  .id = bytes_of(u->id, u->id_n),
				  .number = 1,
				  .size = PROBE_SMALL,
				  .body = p->body };

	fill_pattern(p->bytes, seed, PROBE_SMALL);
	body_memory_begin(p->body, p->s, p->bytes, PROBE_SMALL);
	return store_part(p->s, &r, u->token, &u->token_n);
}

static enum migrate_status send_copied(struct prober *p, struct sending *u)
{
	struct migrate_part r = { .key = u->key,
				  .id = bytes_of(u->id, u->id_n),
				  .number = 1,
				  .size = PROBE_SMALL,
				  .source_key = scratch_key(p, "1", 1) };
	enum migrate_status status = try_stat(p, r.source_key);

	if (status != MIGRATE_OK)
		return status;
	r.source_if_match = etag_kept(p, &p->slot);
	return store_copy_part(p->s, p->s, &r, u->token, &u->token_n);
}

static enum migrate_status end(struct prober *p, struct sending *u,
			       enum migrate_precondition precondition)
{
	const struct migrate_done_part part = { .number = 1,
						.size = PROBE_SMALL,
						.token = bytes_of(u->token, u->token_n) };
	const struct migrate_done_part *const list[] = { &part };
	struct migrate_complete r = { .key = u->key,
				      .id = bytes_of(u->id, u->id_n),
				      .size = PROBE_SMALL,
				      .parts = list,
				      .count = 1,
				      .precondition = precondition,
				      .object = &p->slot.object };
	enum migrate_status status;

	object_slot_init(&p->slot, NULL);
	status = store_complete(p->s, &r);
	p->out->written += status == MIGRATE_OK;
	return status;
}

static void give_up_probe(struct prober *p, struct sending *u)
{
	struct migrate_abort r = { .key = u->key, .id = bytes_of(u->id, u->id_n) };

	if (u->id_n)
		store_abort(p->s, &r);
	u->id_n = 0;
}

static bool parts_listed(struct prober *p, struct sending *u)
{
	struct part_list list = { .arena = ARENA_INIT };
	struct migrate_parts r = { .key = u->key, .id = bytes_of(u->id, u->id_n) };
	bool ok = store_parts(p->s, &r, &list) == MIGRATE_OK && list.n == 1 &&
		  list.items[0]->size == PROBE_SMALL;

	part_list_release(&list);
	return ok;
}

static bool one_upload(struct prober *p)
{
	static const char name[] = "parts: large objects in pieces";
	struct sending u = { .id_n = 0 };
	enum migrate_status status = begin_probe_upload(p, &u, "4");
	bool listed = false;

	if (status == MIGRATE_OK)
		status = send(p, &u, 4);
	if (status == MIGRATE_OK) {
		listed = parts_listed(p, &u);
		status = end(p, &u, MIGRATE_ANY);
	}
	if (status == MIGRATE_OK)
		status = try_holds(p, u.key, 4, PROBE_SMALL);
	else
		give_up_probe(p, &u);
	if (is_hopeless(p, status))
		return false;
	if (status == MIGRATE_CHANGED)
		finds(p, name, MIGRATE_FINDS_NO, "do not use it for large objects",
		      "it made other bytes of them");
	else if (status != MIGRATE_OK)
		finds_trouble(p, name, status);
	else
		finds(p, name, MIGRATE_FINDS_YES,
		      listed ? "an upload that was cut off goes on where it was"
			     : "an upload that was cut off begins anew",
		      NULL);
	return true;
}

/* The object of one_upload() is there: another upload of its key must not replace it. */
static bool upload_absent(struct prober *p)
{
	static const char name[] = "parts: only where nothing is";
	struct sending u = { .id_n = 0 };
	enum migrate_status status;
	bool go_on;

	if (!(p->facts->d.flags & MIGRATE_COMPLETE_ABSENT)) {
		finds(p, name, MIGRATE_FINDS_NO,
		      "looked at again before the parts are put together", NULL);
		return true;
	}
	status = begin_probe_upload(p, &u, "4");
	if (status == MIGRATE_OK)
		status = send(p, &u, 5);
	if (status == MIGRATE_OK)
		status = end(p, &u, MIGRATE_ABSENT);
	go_on = refused(p, name, MIGRATE_EXISTS, status, NULL);
	if (status != MIGRATE_OK)
		give_up_probe(p, &u);
	return go_on;
}

static bool copied_part(struct prober *p)
{
	static const char name[] = "parts: made by the store itself";
	struct sending u = { .id_n = 0 };
	enum migrate_status status;

	if (!p->ops->copy_part || !store_can_copy(p->s, p->s))
		return true;
	status = begin_probe_upload(p, &u, "5");
	if (status == MIGRATE_OK)
		status = send_copied(p, &u);
	if (status == MIGRATE_OK)
		status = end(p, &u, MIGRATE_ANY);
	if (status == MIGRATE_OK)
		status = try_holds(p, u.key, 1, PROBE_SMALL);
	else
		give_up_probe(p, &u);
	if (is_hopeless(p, status))
		return false;
	if (status == MIGRATE_OK)
		finds(p, name, MIGRATE_FINDS_YES,
		      "large objects are copied without their bytes passing", NULL);
	else if (status == MIGRATE_CHANGED)
		finds(p, name, MIGRATE_FINDS_NO, "do not use it for large objects",
		      "it made other bytes of them");
	else
		finds(p, name, MIGRATE_FINDS_NO, "bytes of large objects pass through this machine",
		      "%s: %s", status_name(status), session_message(p->s));
	return true;
}

bool probe_parts(struct prober *p)
{
	if (!p->ops->upload || !p->ops->part) {
		finds(p, "parts: large objects in pieces", MIGRATE_FINDS_NO,
		      "large objects go in one piece, one by one", NULL);
		return true;
	}
	return one_upload(p) && upload_absent(p) && copied_part(p);
}
