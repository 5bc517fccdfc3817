/* SPDX-License-Identifier: MIT */
#include "engine/copy/copier.h"

#include "base/bytes.h"
#include "base/clock.h"
#include "base/escape.h"

#include <stdio.h>
#include <string.h>

/*
 * Something stands where an object is to be written: it is replaced, kept, or a conflict for the
 * job's policy. The destination is never overwritten by accident.
 */

/* As far as the store's clock can tell: one of whole seconds says 5 when it is 5.9. */
static bool written_since(const struct copier *c, int64_t began)
{
	int64_t written = c->there.object.written;

	return written && written + c->run->task->ends.destination_facts.d.mtime_resolution > began;
}

/*
 * May what is at the destination be ours without our knowing: of a run that was cut
 * off, of a call whose answer was lost?
 */
static bool may_be_ours(const struct copier *c, const struct item *it)
{
	return (it->work->resumed || it->record.in_doubt) &&
	       written_since(c, it->work->batch->began);
}

/* What stands there is equal: was it us? */
void settle_equal(struct copier *c, struct item *it)
{
	bool ours = may_be_ours(c, it);

	it->record.fail = FAIL_NONE;
	it->record.message = NULL;
	it->record.in_doubt = it->record.remade = false;
	it->record.state = ours ? OBJECT_COPIED : OBJECT_SAME;
	it->record.created = ours                      ? CREATED_OURS
			     : c->there.object.written ? CREATED_BEFORE
						       : CREATED_UNKNOWN;
}

static enum migrate_status conflict(struct copier *c, struct item *it)
{
	struct target t = { .precondition = MIGRATE_MATCH, .looked = true };
	char *text;

	switch (c->run->task->job->copy.on_conflict) {
	case CONFLICT_SKIP:
		it->record.state = OBJECT_SKIPPED;
		it->record.fail = FAIL_CONFLICT;
		it->record.message = "other content is at the destination";
		return MIGRATE_OK;
	case CONFLICT_OVERWRITE:
		if (!copier_keep(c, c->there.object.etag, &t.if_match))
			return MIGRATE_TRANSIENT;
		return write_copy(c, it, t);
	default:
		text = arena_printf(
		    &c->arena, "'%s' exists with other content (on_conflict: skip or overwrite)",
		    shown_key(&c->arena, it->record.new_key));
		fail_item(it, FAIL_CONFLICT, text ? text : "exists with other content");
		return MIGRATE_OK;
	}
}

/* Is what stands there still the copy that an earlier pass of this journal made? */
static bool is_our_old_copy(const struct copier *c, const struct item *it)
{
	return it->record.replaces.n && bytes_equal(c->there.object.etag, it->record.replaces);
}

/* The source's time as it travels with an object: seconds, a point, nanoseconds. */
static int64_t read_source_time(struct migrate_bytes v)
{
	char text[48];
	long long seconds, ns = 0;
	int used = 0, digits = 0;

	if (v.n >= sizeof(text))
		return INT64_MIN;
	memcpy(text, v.p, v.n);
	text[v.n] = '\0';
	if (sscanf(text, "%11lld%n.%n%9lld%n", &seconds, &used, &digits, &ns, &used) < 1 ||
	    (size_t)used != v.n || (digits && used - digits != 9) || seconds < 0 || ns < 0)
		return INT64_MIN;
	return seconds > INT64_MAX / NS_PER_S - 1 ? INT64_MIN : seconds * NS_PER_S + ns;
}

/* Where a store's own times are those of uploads. INT64_MIN: it tells none. */
static int64_t told_time(struct copier *c, struct migrate_session *s, struct migrate_bytes key)
{
	struct object_slot slot;
	struct migrate_stat r = { .key = key, .object = &slot.object };
	struct migrate_bytes told;

	attributes_reset(c->attributes);
	object_slot_init(&slot, c->attributes);
	if (store_stat(s, &r) != MIGRATE_OK || !migrate_attribute(c->attributes, "mtime", &told))
		return INT64_MIN;
	return read_source_time(told);
}

/* Does what is there bear a time of the source: as planned, as it is now, as it tells? */
static bool bears_time(struct copier *c, const struct item *it)
{
	int64_t source[] = { it->planned.mtime, it->record.mtime,
			     told_time(c, c->source, it->record.key) };
	int64_t there[] = { c->there.object.mtime,
			    told_time(c, c->destination, it->record.new_key) };

	for (size_t i = 0; i < 6; i++)
		if (source[i / 2] != INT64_MIN && source[i / 2] == there[i % 2])
			return true;
	return false;
}

/*
 * A power loss may leave our copy in name only: published, its bytes never on disk; or the
 * source changed since we made it. What was put there after this batch began, and bears
 * the source's time to the nanosecond or the etag of the version that was planned, is that
 * and nobody else's.
 */
static bool is_our_other_copy(struct copier *c, const struct item *it)
{
	const struct migrate_object *there = &c->there.object;

	return may_be_ours(c, it) &&
	       ((there->etag.n && bytes_equal(there->etag, it->planned.etag)) || bears_time(c, it));
}

/* What may stand at the destination, in the order in which it is asked for. */
enum existing {
	EXISTING_NOTHING, /* it went away again, or an answer was lost before anything was done */
	EXISTING_OLDER,   /* our copy of an earlier pass, untouched since */
	EXISTING_EQUAL,   /* whoever made it */
	EXISTING_TORN,    /* our copy all the same */
	EXISTING_ANOTHER  /* another content */
};

static enum migrate_status look_at_existing(struct copier *c, struct item *it,
					    enum existing *existing)
{
	enum migrate_status status = c->looked ? MIGRATE_OK : look_at_destination(c, it);
	bool equal = false;

	c->looked = false;
	if (status == MIGRATE_NOT_FOUND) {
		*existing = EXISTING_NOTHING;
		return MIGRATE_OK;
	}
	if (status == MIGRATE_OK && is_our_old_copy(c, it)) {
		*existing = EXISTING_OLDER;
		return MIGRATE_OK;
	}
	if (status == MIGRATE_OK)
		status = compare_existing(c, it, &equal);
	if (status == MIGRATE_OK)
		*existing = equal                      ? EXISTING_EQUAL
			    : is_our_other_copy(c, it) ? EXISTING_TORN
						       : EXISTING_ANOTHER;
	return status;
}

/* refusal: what the store said when it refused, NULL: it did not. */
static enum migrate_status settle_absent(struct copier *c, struct item *it, const char *refusal)
{
	struct target t = { .precondition = MIGRATE_ABSENT, .looked = true };

	if (refusal && it->record.attempts) {
		/* a folder where a file should be, or the reverse */
		fail_item(it, FAIL_CONFLICT, refusal);
		return MIGRATE_OK;
	}
	if (!it->record.replaces.n)
		return MIGRATE_TRANSIENT;
	/* somebody removed the older copy that this one was to replace */
	it->record.replaces = bytes_of(NULL, 0);
	return write_copy(c, it, t);
}

static enum migrate_status replace_older(struct copier *c, struct item *it)
{
	struct target t = { .precondition = MIGRATE_MATCH,
			    .looked = true,
			    .if_match = it->record.replaces };

	return write_copy(c, it, t);
}

static enum migrate_status accept_equal(struct copier *c, struct item *it)
{
	if (!copier_keep(c, c->there.object.etag, &it->record.stored))
		return MIGRATE_TRANSIENT;
	settle_equal(c, it);
	return MIGRATE_OK;
}

static enum migrate_status replace_torn(struct copier *c, struct item *it)
{
	struct target t = { .precondition = MIGRATE_MATCH, .looked = true };

	it->record.level = VERIFY_NONE; /* what the comparison learnt is not true of the new one */
	if (!copier_keep(c, c->there.object.etag, &t.if_match))
		return MIGRATE_TRANSIENT;
	return write_copy(c, it, t);
}

/* Something is at the destination, or an answer was lost: what is there now decides. */
enum migrate_status resolve_existing(struct copier *c, struct item *it, const char *refusal)
{
	enum existing existing;
	enum migrate_status status = look_at_existing(c, it, &existing);

	if (status != MIGRATE_OK)
		return status;
	switch (existing) {
	case EXISTING_NOTHING:
		return settle_absent(c, it, refusal);
	case EXISTING_OLDER:
		return replace_older(c, it);
	case EXISTING_EQUAL:
		return accept_equal(c, it);
	case EXISTING_TORN:
		return replace_torn(c, it);
	default:
		return conflict(c, it);
	}
}
