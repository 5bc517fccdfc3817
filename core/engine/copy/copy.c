/* SPDX-License-Identifier: MIT */
#include "engine/copy/copier.h"

#include "base/bytes.h"
#include "base/clock.h"
#include "base/escape.h"
#include "engine/copy/parts.h"
#include "engine/work/gate.h"
#include "engine/work/pace.h"

#include <stdio.h>
#include <string.h>

/*
 * One object: write it where nothing is, and look closer when something is. The
 * destination is never overwritten by accident: what stands there is ours (this
 * journal made it), equal, or a conflict for the job's policy.
 */

enum migrate_status look_at_source(struct copier *c, struct item *it, bool attributes)
{
	struct migrate_stat r = { .key = it->record.key, .object = &c->here.object };
	enum migrate_status status;

	if (attributes)
		attributes_reset(c->attributes);
	object_slot_init(&c->here, attributes ? c->attributes : NULL);
	status = blame(c, c->source, store_stat(c->source, &r));
	if (status != MIGRATE_OK)
		return status;
	it->record.size = c->here.object.size;
	it->record.mtime = c->here.object.mtime;
	if (!copier_keep(c, c->here.object.etag, &it->record.etag))
		return MIGRATE_TRANSIENT;
	return MIGRATE_OK;
}

enum migrate_status look_at_destination(struct copier *c, struct item *it)
{
	struct migrate_stat r = { .key = it->record.new_key, .object = &c->there.object };

	object_slot_init(&c->there, NULL);
	return blame(c, c->destination, store_stat(c->destination, &r));
}

static bool honours(const struct copier *c, enum way way, enum migrate_precondition precondition)
{
	static const uint64_t absent[] = { MIGRATE_PUT_ABSENT, MIGRATE_COPY_ABSENT,
					   MIGRATE_COMPLETE_ABSENT };
	static const uint64_t match[] = { MIGRATE_PUT_MATCH, MIGRATE_COPY_MATCH,
					  MIGRATE_COMPLETE_MATCH };
	uint64_t flags = c->run->task->ends.destination_facts.d.flags;

	return precondition == MIGRATE_ANY ||
	       flags & (precondition == MIGRATE_ABSENT ? absent[way] : match[way]);
}

enum migrate_status hold_to(struct copier *c, struct item *it, enum way way, struct target *t)
{
	bool absent = t->precondition == MIGRATE_ABSENT;
	enum migrate_status status = MIGRATE_OK;

	if (honours(c, way, t->precondition))
		return MIGRATE_OK;
	if (!t->looked) {
		status = look_at_destination(c, it);
		if (status == MIGRATE_NOT_FOUND)
			status = absent ? MIGRATE_OK : MIGRATE_CHANGED;
		else if (status == MIGRATE_OK && absent)
			status = MIGRATE_EXISTS;
		else if (status == MIGRATE_OK && !bytes_equal(c->there.object.etag, t->if_match))
			status = MIGRATE_CHANGED;
		c->looked = status == MIGRATE_EXISTS;
	}
	t->precondition = MIGRATE_ANY;
	return status;
}

static void settle_copied(struct copier *c, struct item *it)
{
	(void)c;
	it->record.state = OBJECT_COPIED;
	it->record.created = CREATED_OURS;
	it->record.in_doubt = it->record.remade = false;
	it->record.fail = FAIL_NONE;
	it->record.message = NULL;
}

static enum migrate_status copy_native(struct copier *c, struct item *it, struct target t)
{
	struct migrate_copy r = { .source_key = it->record.key,
				  .source_if_match = it->record.etag,
				  .key = it->record.new_key,
				  .if_match = t.if_match,
				  .flags = attribute_flags(c->run),
				  .stored = &c->there.object,
				  .original = &c->here.object,
				  .known = it->record.etag.n > 0,
				  .known_size = it->record.size,
				  .known_mtime = it->record.mtime };
	enum migrate_status status = hold_to(c, it, WAY_COPY, &t);

	if (status != MIGRATE_OK)
		return status;
	r.precondition = t.precondition;
	object_slot_init(&c->here, NULL);
	object_slot_init(&c->there, NULL);
	status = blame(c, c->destination, store_copy(c->destination, c->source, &r));
	if (status != MIGRATE_OK)
		return status;
	/* copied already: a limit holds back what comes next */
	pace_take(c->run->pace, PACE_BYTES, c->here.object.size);
	it->record.native = true;
	it->record.size = c->here.object.size;
	it->record.mtime = c->here.object.mtime;
	if (c->here.object.etag.n && !copier_keep(c, c->here.object.etag, &it->record.etag))
		return MIGRATE_TRANSIENT;
	attributes_lost(c, it);
	it->record.level = VERIFY_NATIVE;
	return accept_stored(c, it, NULL);
}

static enum migrate_status copy_streaming(struct copier *c, struct item *it, struct target t)
{
	const struct run *run = c->run;
	uint64_t put_max = run->task->ends.destination_facts.d.put_max;
	enum migrate_status status = MIGRATE_OK;

	if (!it->record.etag.n)
		status = look_at_source(c, it, false);
	if (status != MIGRATE_OK)
		return status;
	if (it->record.size > parts_size(run, it->record.size) ||
	    (put_max && it->record.size > put_max)) {
		if (parts_possible(run, it->record.size, false))
			return copy_in_parts(c, it, t, false);
		status = hold_to(c, it, WAY_PUT, &t);
		return status == MIGRATE_OK ? transfer_ring(c, it, &t) : status;
	}
	status = hold_to(c, it, WAY_PUT, &t);
	return status == MIGRATE_OK ? transfer_small(c, it, &t) : status;
}

static bool native_possible(const struct run *run, const struct item *it)
{
	uint64_t max = run->task->ends.destination_facts.d.copy_max;

	return run->task->can_copy && (!max || it->record.size <= max);
}

/*
 * Write it, by the best way there is. A native copy that is denied may be so by either end, or be
 * a right of its own: reading and writing tell whose trouble it is, if it is one.
 */
static enum migrate_status write_object(struct copier *c, struct item *it, struct target t)
{
	enum migrate_status status = MIGRATE_UNSUPPORTED;

	if (native_possible(c->run, it))
		status = copy_native(c, it, t);
	else if (c->run->task->can_copy && parts_possible(c->run, it->record.size, true))
		status = copy_in_parts(c, it, t, true);
	if (status == MIGRATE_UNSUPPORTED || status == MIGRATE_DENIED)
		status = copy_streaming(c, it, t);
	if (status == MIGRATE_OK && it->record.state == OBJECT_PLANNED)
		settle_copied(c, it);
	return status;
}

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
static void settle_equal(struct copier *c, struct item *it)
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
		return write_object(c, it, t);
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
static int64_t read_time(struct migrate_bytes v)
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
	return read_time(told);
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
	return write_object(c, it, t);
}

static enum migrate_status replace_older(struct copier *c, struct item *it)
{
	struct target t = { .precondition = MIGRATE_MATCH,
			    .looked = true,
			    .if_match = it->record.replaces };

	return write_object(c, it, t);
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
	return write_object(c, it, t);
}

/* Something is at the destination, or an answer was lost: what is there now decides. */
static enum migrate_status resolve_existing(struct copier *c, struct item *it, const char *refusal)
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

/* A key that no listing of the source brought may be of nothing that is there at all. */
static enum migrate_status expect_nothing(struct copier *c, struct item *it)
{
	if (!it->record.etag.n && look_at_source(c, it, false) == MIGRATE_NOT_FOUND)
		return MIGRATE_NOT_FOUND;
	fail_item(it, FAIL_OTHER, "there is no copy at the destination (--only rows)");
	return MIGRATE_OK;
}

/* --only rows: nothing is written, the copy must be there and equal. */
static enum migrate_status expect_copy(struct copier *c, struct item *it)
{
	enum migrate_status status = look_at_destination(c, it);
	bool equal = false;

	if (status == MIGRATE_NOT_FOUND)
		return expect_nothing(c, it);
	if (status == MIGRATE_OK)
		status = compare_existing(c, it, &equal);
	if (status != MIGRATE_OK)
		return status;
	if (equal && copier_keep(c, c->there.object.etag, &it->record.stored))
		settle_equal(c, it);
	else
		fail_item(it, FAIL_CONFLICT, "the copy at the destination differs (--only rows)");
	return MIGRATE_OK;
}

static enum migrate_status create(struct copier *c, struct item *it)
{
	struct target t = { .precondition = MIGRATE_ABSENT };

	return it->record.replaces.n ? MIGRATE_EXISTS : write_object(c, it, t);
}

/* It may have been written although the answer was another one. */
static void note_doubt(const struct copier *c, struct item *it, enum migrate_status status)
{
	if (status == MIGRATE_OK || status == MIGRATE_EXISTS || c->culprit == c->source)
		return;
	it->record.in_doubt = true;
}

enum migrate_status copy_object(struct copier *c, struct item *it)
{
	enum migrate_status status;

	if (it->record.unchanged) {
		status = keep_unchanged(c, it);
		if (status != MIGRATE_UNSUPPORTED)
			return status;
	}
	if (c->run->options->only == RUN_ROWS)
		return expect_copy(c, it);
	c->looked = it->record.native = false;
	status = create(c, it);
	note_doubt(c, it, status);
	if (status == MIGRATE_EXISTS) {
		status = resolve_existing(c, it,
					  it->record.replaces.n ? NULL : copier_message(c, status));
		/* an answer that was lost, or a crash, may have left what made it */
		if (it->record.attempts || it->work->resumed)
			parts_settle(c, it, status);
	} else if (status == MIGRATE_UNKNOWN_OUTCOME) {
		status = resolve_existing(c, it, NULL);
		parts_settle(c, it, status);
	}
	note_doubt(c, it, status);
	if (status == MIGRATE_OK && it->record.state == OBJECT_COPIED) {
		status = ensure_level(c, it);
		it->record.in_doubt = status != MIGRATE_OK; /* our copy is there all the same */
	}
	if (status != MIGRATE_OK)
		it->record.state = OBJECT_PLANNED;
	return status;
}
