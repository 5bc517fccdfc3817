/* SPDX-License-Identifier: MIT */
#include "engine/copy/copier.h"

#include "base/bytes.h"
#include "engine/task/attributes.h"

/*
 * An object whose content our copy has, by its etag, and which was written anew since: are its
 * attributes others? Asking both ends costs no bytes; a copy of all of it is the way to change
 * them, as stores know no other.
 */

/* What the record says of the copy is not true of another one. */
static void forget_unchanged(struct item *it)
{
	it->record.unchanged = false;
	it->record.digest.n = 0;
	it->record.level = VERIFY_NONE;
}

static enum migrate_status look_at_copy(struct copier *c, const struct item *it)
{
	struct migrate_stat r = { .key = it->record.new_key, .object = &c->there.object };

	attributes_reset(c->borne);
	object_slot_init(&c->there, c->borne);
	return blame(c, c->destination, store_stat(c->destination, &r));
}

/* Both as they are now. */
static enum migrate_status compare_attributes(struct copier *c, struct item *it, bool *same)
{
	bool strict = c->run->task->job->copy.attributes == ATTRIBUTES_FAIL;
	enum migrate_status status = look_at_copy(c, it);

	*same = false;
	if (status == MIGRATE_NOT_FOUND)
		return MIGRATE_OK;
	if (status != MIGRATE_OK || !it->record.replaces.n ||
	    !bytes_equal(c->there.object.etag, it->record.replaces))
		return status;
	status = look_at_source(c, it, true);
	if (status == MIGRATE_OK)
		*same = it->record.etag.n && bytes_equal(it->record.etag, it->planned.etag) &&
			attributes_agree(&c->run->task->ends, c->attributes, c->borne, strict);
	return status;
}

enum migrate_status keep_unchanged(struct copier *c, struct item *it)
{
	enum migrate_status status = MIGRATE_OK;
	bool same = false;

	if (c->run->options->only != RUN_ROWS)
		status = compare_attributes(c, it, &same);
	if (status != MIGRATE_OK)
		return status == MIGRATE_UNSUPPORTED ? blame(c, c->culprit, MIGRATE_TRANSIENT)
						     : status;
	if (!same) {
		forget_unchanged(it);
		return MIGRATE_UNSUPPORTED;
	}
	it->record.state = OBJECT_SAME;
	it->record.created = CREATED_OURS;
	it->record.stored = it->record.replaces;
	it->record.fail = FAIL_NONE;
	it->record.message = NULL;
	it->record.in_doubt = false;
	status = ensure_level(c, it);
	if (status != MIGRATE_OK)
		it->record.state = OBJECT_PLANNED;
	return status;
}
