/* SPDX-License-Identifier: MIT */
#include "engine/copy/copier.h"

#include "base/bytes.h"

/* What stands at both ends, and what is looked at where a store honours no condition. */

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
