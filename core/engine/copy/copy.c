/* SPDX-License-Identifier: MIT */
#include "engine/copy/copier.h"

#include "engine/copy/parts.h"

/*
 * One object: write it where nothing is, and look closer when something is. The
 * destination is never overwritten by accident: what stands there is ours (this
 * journal made it), equal, or a conflict for the job's policy.
 */

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

	return it->record.replaces.n ? MIGRATE_EXISTS : write_copy(c, it, t);
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
