/* SPDX-License-Identifier: MIT */
#include "engine/copy/copier.h"

#include "engine/copy/parts.h"
#include "engine/work/pace.h"

/* The ways to write an object: by the store itself, through us whole, in parts. */

static void settle_copied(struct item *it)
{
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
enum migrate_status write_copy(struct copier *c, struct item *it, struct target t)
{
	enum migrate_status status = MIGRATE_UNSUPPORTED;

	if (native_possible(c->run, it))
		status = copy_native(c, it, t);
	else if (c->run->task->can_copy && parts_possible(c->run, it->record.size, true))
		status = copy_in_parts(c, it, t, true);
	if (status == MIGRATE_UNSUPPORTED || status == MIGRATE_DENIED)
		status = copy_streaming(c, it, t);
	if (status == MIGRATE_OK && it->record.state == OBJECT_PLANNED)
		settle_copied(it);
	return status;
}
