/* SPDX-License-Identifier: MIT */
#include "engine/dry.h"

#include "base/bytes.h"

/*
 * A job that was run before: what its journal knows is no news. The journal is only
 * read; what a delta pass would do is counted, and nothing else.
 */

int dry_open_delta(struct dry *d, struct error *err)
{
	if (!d->engine.journal)
		return 0;
	d->delta = delta_open(&d->engine, bytes_of(NULL, 0), err);
	return d->delta ? 0 : -1;
}

int dry_close_delta(struct dry *d, struct error *err)
{
	return d->delta ? delta_finish(d->delta, err) : 0;
}

/* What a run goes on with by itself: planned before, but not settled. */
static bool is_unfinished(const struct object_record *o)
{
	return o->state == OBJECT_PLANNED;
}

int dry_look_up(struct dry *d, const struct key_item *item, enum dry_known *known,
		struct error *err)
{
	struct older o;

	*known = DRY_NEW;
	if (!d->delta)
		return 0;
	if (delta_match(d->delta, item, &o, err))
		return -1;
	if (o.own)
		*known = DRY_OWN;
	else if (o.found && o.settled && !is_unfinished(&o.record))
		*known = o.record.state == OBJECT_FAILED ? DRY_FAILED : DRY_SETTLED;
	return 0;
}
