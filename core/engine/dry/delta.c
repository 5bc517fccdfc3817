/* SPDX-License-Identifier: MIT */
#include "engine/dry/dry-impl.h"

#include "base/bytes.h"
#include "engine/task/attributes.h"

/*
 * A job that was run before: what its journal knows is no news. The journal is only
 * read; what a delta pass would do is counted, and nothing else.
 */

int dry_open_delta(struct dry *d, struct error *err)
{
	if (!d->task.journal)
		return 0;
	d->made = made_open(d->task.journal, d->task.pass.number, "", err);
	d->done = d->made ? dry_done_open(&d->task, d->scans, err) : NULL;
	if (!d->done)
		return -1;
	d->delta = delta_open(&d->task, bytes_of(NULL, 0), err);
	return d->delta ? 0 : -1;
}

int dry_close_delta(struct dry *d, struct error *err)
{
	return d->delta ? delta_finish(d->delta, err) : 0;
}

/* A copy does, what keeps its name in one place, and each of those that want one name. */
static bool takes_name(const struct object_record *o)
{
	return object_is_there(o) ||
	       (o->state == OBJECT_SKIPPED && bytes_equal(o->key, o->new_key)) ||
	       (o->state == OBJECT_FAILED && o->fail == FAIL_COLLISION);
}

/* The pass that goes on has listed it already. */
static bool is_listed_already(const struct dry *d, const struct key_item *item)
{
	return d->behind.n && bytes_compare(item->key, d->behind) <= 0;
}

/* What a run goes on with by itself: planned before, but not settled. */
static bool is_unfinished(const struct object_record *o)
{
	return o->state == OBJECT_PLANNED;
}

static bool look_at_attributes(struct migrate_session *s, struct migrate_bytes key,
			       struct migrate_bytes etag, struct migrate_attributes *attributes)
{
	struct object_slot slot;
	struct migrate_stat r = { .key = key, .object = &slot.object };

	attributes_reset(attributes);
	object_slot_init(&slot, attributes);
	return store_stat(s, &r) == MIGRATE_OK && bytes_equal(slot.object.etag, etag);
}

/* What a copier would find: both as they are now. What cannot be looked at is copied. */
static bool attributes_differ(struct dry *d, const struct key_item *item, const struct older *o)
{
	const struct ends *e = &d->task.ends;
	bool strict = d->task.job->copy.attributes == ATTRIBUTES_FAIL;

	if (!d->attributes)
		d->attributes = attributes_new();
	if (!d->borne)
		d->borne = attributes_new();
	return !d->attributes || !d->borne ||
	       !look_at_attributes(e->destination.session, o->record.new_key, o->record.stored,
				   d->borne) ||
	       !look_at_attributes(e->source.session, item->key, item->etag, d->attributes) ||
	       !attributes_agree(e, d->attributes, d->borne, strict);
}

int dry_look_up(struct dry *d, struct key_item *item, struct dry_known *known, struct error *err)
{
	struct older o;

	*known = (struct dry_known){ .kind = DRY_NEW };
	if (!d->delta)
		return 0;
	if (delta_match(d->delta, item, &o, err) ||
	    delta_look_again(d->delta, d->task.ends.source.session, &d->slot, item, &o, err))
		return -1;
	if (o.found && o.record.unchanged)
		o.settled = !attributes_differ(d, item, &o);
	if (o.own)
		known->kind = DRY_OWN;
	else if (o.found && is_unfinished(&o.record))
		known->kind = DRY_NEW;
	else if (o.found && o.settled)
		known->kind = o.record.state == OBJECT_FAILED ? DRY_FAILED : DRY_SETTLED;
	else if (is_listed_already(d, item))
		known->kind = DRY_LATER;
	if (!o.found)
		return 0;
	known->rows_follow = object_is_there(&o.record) && dry_rows_follow(d->done, o.batch);
	known->name_taken = takes_name(&o.record);
	return 0;
}
