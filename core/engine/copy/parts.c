/* SPDX-License-Identifier: MIT */
#include "engine/copy/parts.h"

#include "base/bytes.h"
#include "engine/copy/uploads.h"
#include "engine/work/again.h"
#include "engine/work/offers.h"
#include "engine/work/pace.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct part {
	unsigned char token[MIGRATE_ETAG_MAX];
	size_t n;
	bool done;
};

/*
 * An object whose parts are on their way. A part is its copier's; status, blame_source and said
 * are those of the first that failed, and of who offered them once they are withdrawn.
 */
struct large {
	struct offer offer; /* the first: the list's items are these */
	const struct object_record *record;
	unsigned char id[MIGRATE_ETAG_MAX];
	size_t id_n;
	bool native;
	uint64_t part_size;
	uint32_t count;
	struct part *parts;
	uint32_t *wanted; /* numbers of those that are not done */
	enum migrate_status status;
	bool blame_source;
	char said[256]; /* by the session of the copier whose part failed */
};

static uint64_t part_length(const struct large *l, uint32_t i)
{
	uint64_t begin = (uint64_t)i * l->part_size;

	return l->record->size - begin < l->part_size ? l->record->size - begin : l->part_size;
}

static bool throttle_part(void *arg, size_t n)
{
	struct copier *c = arg;

	return pace_take(c->run->pace, PACE_BYTES, n);
}

static enum migrate_status fetch_part(struct copier *c, const struct large *l, uint32_t i,
				      uint64_t size)
{
	struct object_slot slot;
	struct migrate_get g = { .key = l->record->key,
				 .if_match = l->record->etag,
				 .offset = (uint64_t)i * l->part_size,
				 .length = size,
				 .sink = c->sink,
				 .object = &slot.object };
	enum migrate_status status;

	object_slot_init(&slot, NULL);
	sink_memory_begin(c->sink, c->source, c->buffer, (size_t)size, throttle_part, c);
	status = blame(c, c->source, store_get(c->source, &g));
	if (status == MIGRATE_OK && sink_memory_count(c->sink) != size)
		status = MIGRATE_CHANGED;
	return status;
}

static enum migrate_status send_part(struct copier *c, struct large *l, uint32_t i)
{
	uint64_t size = part_length(l, i);
	struct migrate_part r = { .key = l->record->new_key,
				  .id = bytes_of(l->id, l->id_n),
				  .number = i + 1,
				  .offset = (uint64_t)i * l->part_size,
				  .size = size };
	enum migrate_status status;

	if (l->native) {
		if (!throttle_part(c, (size_t)size))
			return blame(c, NULL, MIGRATE_CANCELLED);
		r.source_key = l->record->key;
		r.source_if_match = l->record->etag;
		return blame(c, c->destination,
			     store_copy_part(c->destination, c->source, &r, l->parts[i].token,
					     &l->parts[i].n));
	}
	if (!copier_reserve(c, (size_t)size))
		return blame(c, NULL, MIGRATE_TRANSIENT);
	status = fetch_part(c, l, i, size);
	if (status != MIGRATE_OK)
		return status;
	digest_of(c->digest, c->run->task->algorithm, c->buffer, (size_t)size, &r.expected);
	body_memory_begin(c->body, c->destination, c->buffer, (size_t)size);
	r.body = c->body;
	return blame(c, c->destination,
		     store_part(c->destination, &r, l->parts[i].token, &l->parts[i].n));
}

/* Parts are tried again on the spot: the others go on meanwhile. */
static enum migrate_status send_part_stubbornly(struct copier *c, struct large *l, uint32_t i)
{
	struct again a = again_new(c->run->gate, false);
	enum migrate_status status;

	do {
		status = send_part(c, l, i);
		a.write = c->culprit == c->destination;
		/* nobody's: we are leaving, or have no memory */
	} while ((status == MIGRATE_OK || c->culprit) && again(&a, c->culprit, status));
	return status != MIGRATE_OK && a.verdict == GATE_LEAVE ? MIGRATE_CANCELLED : status;
}

/* One that was taken. */
static void do_part(struct copier *c, struct large *l, uint32_t i)
{
	enum migrate_status status = send_part_stubbornly(c, l, i);

	l->parts[i].done = status == MIGRATE_OK;
	if (status != MIGRATE_OK && offer_fail(c->run, &l->offer)) {
		l->status = status;
		l->blame_source = c->culprit == c->source;
		snprintf(l->said, sizeof(l->said), "%s",
			 c->culprit ? session_message(c->culprit) : "");
	}
	offer_end(c->run, &l->offer);
}

void parts_help(struct copier *c)
{
	struct offer *o;
	uint32_t i;

	if (offer_take_any(c->run, &o, &i))
		do_part(c, (struct large *)o, i);
}

/* ---- The copier that holds the object ---- */

static enum migrate_status begin_upload(struct copier *c, struct item *it, struct large *l)
{
	struct migrate_upload r = { .key = it->record.new_key,
				    .size = it->record.size,
				    .part_size = l->part_size,
				    .attributes = c->attributes,
				    .flags = attribute_flags(c->run) };
	struct upload_record record = { .new_key = it->record.new_key,
					.part_size = l->part_size,
					.etag = it->record.etag,
					.size = it->record.size,
					.mtime = it->record.mtime };
	struct error err = ERROR_INIT;
	enum migrate_status status;

	status = blame(c, c->destination, store_upload(c->destination, &r, l->id, &l->id_n));
	if (status != MIGRATE_OK)
		return status;
	attributes_lost(c, it);
	record.id = bytes_of(l->id, l->id_n);
	if (journal_upload(c->run->task->journal, &record, &err)) {
		halt_fail(&c->run->halt, &err);
		return MIGRATE_CANCELLED;
	}
	return MIGRATE_OK;
}

static void adopt_parts(struct large *l, const struct part_list *parts)
{
	for (size_t i = 0; i < parts->n; i++) {
		const struct migrate_done_part *p = parts->items[i];

		if (!p->number || p->number > l->count || p->token.n > MIGRATE_ETAG_MAX ||
		    p->size != part_length(l, p->number - 1))
			continue;
		memcpy(l->parts[p->number - 1].token, p->token.p, p->token.n);
		l->parts[p->number - 1].n = p->token.n;
		l->parts[p->number - 1].done = true;
	}
}

/* Are its parts of the version that the source holds now, and as long as ours? */
static bool parts_fit(const struct item *it, const struct large *l, const struct upload_record *u)
{
	return u->part_size == l->part_size && u->id.n <= sizeof(l->id) &&
	       bytes_equal(u->etag, it->record.etag) && u->size == it->record.size &&
	       (u->etag.n || u->mtime == it->record.mtime);
}

/* Go on with the upload of an earlier run or attempt. False: begin a new one. */
static bool continue_upload(struct copier *c, struct item *it, struct large *l)
{
	struct part_list parts = { .arena = ARENA_INIT };
	struct upload_record u;
	struct migrate_parts r;
	bool good;

	if (!upload_find(c, it, &u))
		return false;
	r = (struct migrate_parts){ .key = it->record.new_key, .id = u.id };
	good = parts_fit(it, l, &u) && store_parts(c->destination, &r, &parts) == MIGRATE_OK;
	if (good) {
		memcpy(l->id, u.id.p, u.id.n);
		l->id_n = u.id.n;
		adopt_parts(l, &parts);
	} else {
		upload_abort(c, it, u.id);
	}
	part_list_release(&parts);
	return good;
}

static enum migrate_status complete(struct copier *c, struct item *it, struct large *l,
				    struct target t)
{
	struct migrate_done_part *parts = calloc(l->count, sizeof(*parts));
	const struct migrate_done_part **list = calloc(l->count, sizeof(*list));
	struct migrate_complete r = { .key = it->record.new_key,
				      .id = bytes_of(l->id, l->id_n),
				      .size = it->record.size,
				      .parts = list,
				      .count = l->count,
				      .flags = attribute_flags(c->run),
				      .if_match = t.if_match,
				      .object = &c->there.object };
	enum migrate_status status = blame(c, NULL, MIGRATE_TRANSIENT);

	for (uint32_t i = 0; parts && list && i < l->count; i++) {
		parts[i] = (struct migrate_done_part){ .number = i + 1,
						       .size = part_length(l, i),
						       .token = bytes_of(l->parts[i].token,
									 l->parts[i].n) };
		list[i] = &parts[i];
	}
	if (parts && list)
		status = hold_to(c, it, WAY_COMPLETE, &t);
	r.precondition = t.precondition;
	object_slot_init(&c->there, NULL);
	if (status == MIGRATE_OK)
		status = blame(c, c->destination, store_complete(c->destination, &r));
	free(parts);
	free(list);
	return status;
}

/* False: out of memory. */
static bool want_rest(struct large *l)
{
	uint32_t n = 0;

	l->wanted = calloc(l->count + (size_t)1, sizeof(*l->wanted));
	if (!l->wanted)
		return false;
	for (uint32_t i = 0; i < l->count; i++)
		if (!l->parts[i].done)
			l->wanted[n++] = i;
	l->offer = (struct offer){ .parts = l->wanted, .n = n };
	return true;
}

/* Another copier's session may have been told why. */
static enum migrate_status blame_as_said(struct copier *c, const struct large *l)
{
	struct migrate_session *s = l->blame_source ? c->source : c->destination;

	if (l->said[0])
		migrate_fail(s, l->status, "%s", l->said);
	return blame(c, s, l->status);
}

static enum migrate_status send_all(struct copier *c, struct large *l)
{
	uint32_t part;

	if (!want_rest(l))
		return blame(c, NULL, MIGRATE_TRANSIENT);
	offer_make(c->run, &l->offer);
	while (!halt_leaving(&c->run->halt) && offer_take(c->run, &l->offer, &part))
		do_part(c, l, part);
	/* those we wait for may be waiting for memory */
	copier_unreserve(c);
	offer_withdraw(c->run, &l->offer);
	for (uint32_t i = 0; l->status == MIGRATE_OK && i < l->count; i++)
		if (!l->parts[i].done)
			l->status = MIGRATE_CANCELLED;
	if (l->status != MIGRATE_OK)
		return blame_as_said(c, l);
	return MIGRATE_OK;
}

/* An upload that will not be continued leaves nothing behind. */
static bool is_hopeless(const struct run *run, const struct item *it, enum migrate_status status)
{
	return status == MIGRATE_CHANGED || status == MIGRATE_EXISTS ||
	       (status != MIGRATE_CANCELLED && !status_may_retry(status) &&
		!status_is_systemic(status)) ||
	       it->record.attempts + 1 >= run->task->job->attempts;
}

static enum migrate_status run_upload(struct copier *c, struct item *it, struct large *l,
				      struct target t)
{
	enum migrate_status status = MIGRATE_OK;
	struct error err = ERROR_INIT;

	if (!continue_upload(c, it, l))
		status = begin_upload(c, it, l);
	if (status == MIGRATE_OK) {
		/* also when one is continued: the crash before may have come before this */
		uploads_abort_lost(c, it, bytes_of(l->id, l->id_n));
		status = send_all(c, l);
	}
	if (status == MIGRATE_OK)
		status = complete(c, it, l, t);
	if (status == MIGRATE_UNKNOWN_OUTCOME)
		return status; /* kept until it was looked up: see parts_settle() */
	if (status == MIGRATE_OK) {
		if (journal_upload_gone(c->run->task->journal, it->record.new_key, &err))
			halt_fail(&c->run->halt, &err);
	} else if (l->id_n && is_hopeless(c->run, it, status)) {
		upload_abort(c, it, bytes_of(l->id, l->id_n));
	}
	return status;
}

void parts_settle(struct copier *c, struct item *it, enum migrate_status status)
{
	struct upload_record u;

	if (status != MIGRATE_OK && !is_hopeless(c->run, it, status))
		return;
	if (upload_find(c, it, &u))
		upload_abort(c, it, u.id);
}

/* Before many bytes are sent: would the end of it be refused? */
static enum migrate_status look_before_parts(struct copier *c, struct item *it,
					     const struct target *t)
{
	enum migrate_status status;

	if (t->precondition != MIGRATE_ABSENT || t->looked)
		return MIGRATE_OK;
	status = look_at_destination(c, it);
	c->looked = status == MIGRATE_OK;
	return c->looked ? MIGRATE_EXISTS : status == MIGRATE_NOT_FOUND ? MIGRATE_OK : status;
}

/*
 * A digest of the whole that the source tells proves what digests of parts cannot: worth
 * that an object of moderate size goes over one connection.
 */
static bool goes_whole(const struct copier *c, const struct item *it)
{
	uint64_t put_max = c->run->task->ends.destination_facts.d.put_max;

	return it->record.size <= WHOLE_MAX && (!put_max || it->record.size <= put_max) &&
	       transfer_is_proved(c);
}

static enum migrate_status copy_whole(struct copier *c, struct item *it, struct target t)
{
	enum migrate_status status;

	parts_settle(c, it, MIGRATE_OK); /* an upload of other times will not be continued */
	uploads_abort_lost(c, it, bytes_of(NULL, 0));
	status = hold_to(c, it, WAY_PUT, &t);
	return status == MIGRATE_OK ? transfer_looked(c, it, &t) : status;
}

enum migrate_status copy_in_parts(struct copier *c, struct item *it, struct target t, bool native)
{
	struct large l = { .record = &it->record, .native = native };
	enum migrate_status status = look_before_parts(c, it, &t);

	if (status == MIGRATE_OK)
		status = look_at_source(c, it, true);
	if (status != MIGRATE_OK || !attributes_fit(c, it))
		return status;
	if (!native && goes_whole(c, it))
		return copy_whole(c, it, t);
	t.looked = false; /* the parts take their time */
	l.part_size = parts_size(c->run, it->record.size);
	l.count = (uint32_t)((it->record.size + l.part_size - 1) / l.part_size);
	l.parts = calloc(l.count ? l.count : 1, sizeof(*l.parts));
	if (!l.parts)
		return blame(c, NULL, MIGRATE_TRANSIENT);
	status = run_upload(c, it, &l, t);
	free(l.parts);
	free(l.wanted);
	if (status != MIGRATE_OK)
		return status;
	it->record.native = native;
	it->record.level = native ? VERIFY_NATIVE : VERIFY_NONE;
	status = accept_stored(c, it, NULL);
	/* each part's digest was confirmed, or the store keeps what it is given */
	if (status == MIGRATE_OK && !native &&
	    c->run->task->ends.destination_facts.d.flags & MIGRATE_VERBATIM)
		it->record.level = VERIFY_HASH;
	return status;
}
