/* SPDX-License-Identifier: MIT */
#include "engine/copy/copier.h"

#include "base/bytes.h"
#include "base/clock.h"
#include "engine/work/gate.h"

/* After an object was tried: whose trouble is it, and is it tried again? */

#define CHANGED_MAX 3 /* copies of a source that keeps changing */

static enum fail_class fail_class_of_status(enum migrate_status status)
{
	switch (status) {
	case MIGRATE_CHANGED:
		return FAIL_CHANGED;
	case MIGRATE_INVALID:
	case MIGRATE_UNSUPPORTED:
		return FAIL_INVALID;
	case MIGRATE_DENIED:
		return FAIL_DENIED;
	case MIGRATE_MISMATCH:
		return FAIL_MISMATCH;
	case MIGRATE_EXISTS:
		return FAIL_CONFLICT;
	case MIGRATE_TRANSIENT:
	case MIGRATE_THROTTLED:
	case MIGRATE_UNKNOWN_OUTCOME:
	case MIGRATE_UNAVAILABLE:
	case MIGRATE_NO_SPACE:
		return FAIL_TRANSIENT;
	default:
		return FAIL_OTHER;
	}
}

/* Asked to keep all attributes, a destination refuses what it cannot keep as unsupported. */
static enum fail_class class_for(const struct copier *c, enum migrate_status status)
{
	if (status == MIGRATE_UNSUPPORTED && c->culprit == c->destination &&
	    c->run->task->job->copy.attributes == ATTRIBUTES_FAIL)
		return FAIL_ATTRIBUTES;
	return fail_class_of_status(status);
}

static bool is_final(const struct run *run, const struct item *it, enum migrate_status status)
{
	if (it->record.attempts >= run->task->job->attempts)
		return true;
	if (status == MIGRATE_CHANGED)
		return it->record.attempts >= CHANGED_MAX;
	return !(status_may_retry(status) || status_is_systemic(status));
}

static void try_again(struct item *it, int64_t after)
{
	it->end = ITEM_AGAIN;
	it->due = clock_monotonic() + after;
}

/* The object's own trouble: again later, or failed, for the reason that was said. */
static void conclude_object(struct copier *c, struct item *it, enum migrate_status status,
			    const char *said)
{
	if (it->record.attempts < UINT8_MAX)
		it->record.attempts++;
	if (is_final(c->run, it, status)) {
		fail_item(it, class_for(c, status), said);
		return;
	}
	/* a changed source is looked at anew by the next attempt */
	if (status == MIGRATE_CHANGED)
		it->record.etag = bytes_of(NULL, 0);
	try_again(it, status == MIGRATE_CHANGED ? 0 : backoff(it->record.attempts));
}

/*
 * Gone, or is it the whole source that went away? Or was something else not found,
 * an upload or a folder at the destination, and the object is where it was?
 */
static enum gate_verdict look_for_source(struct copier *c, struct item *it)
{
	struct object_slot slot;
	struct migrate_stat r = { .key = it->record.key, .object = &slot.object };
	enum migrate_status status;

	if (end_probe(c->source, false) != MIGRATE_OK)
		return gate_trouble(c->run->gate, c->source, false, MIGRATE_UNAVAILABLE);
	object_slot_init(&slot, NULL);
	status = store_stat(c->source, &r);
	if (status == MIGRATE_NOT_FOUND && it->record.remade)
		fail_item(it, FAIL_MISSING,
			  "the copy is gone from the destination, and the object from the source");
	else if (status == MIGRATE_NOT_FOUND)
		it->record.state = OBJECT_GONE;
	else
		conclude_object(c, it, MIGRATE_TRANSIENT, copier_message(c, MIGRATE_TRANSIENT));
	return GATE_OBJECT;
}

/* False: the run ends, the item is left as it was. */
bool conclude(struct copier *c, struct item *it, enum migrate_status status)
{
	enum gate_verdict verdict;
	const char *said;

	if (status == MIGRATE_OK) {
		gate_well(c->run->gate);
		return true;
	}
	said = copier_message(c, status); /* before a probe() of that session says something else */
	if (status == MIGRATE_NOT_FOUND) {
		verdict = look_for_source(c, it);
	} else {
		verdict =
		    gate_trouble(c->run->gate, c->culprit, c->culprit == c->destination, status);
		if (verdict == GATE_OBJECT)
			conclude_object(c, it, status, said);
	}
	if (verdict == GATE_AGAIN)
		try_again(it, 0);
	return verdict != GATE_LEAVE;
}
