/* SPDX-License-Identifier: MIT */
#include "engine/copy/copier.h"

/* Looking at what is stored: is it equal, and is there evidence enough? */

static enum migrate_status digest_of_stored(struct copier *c, struct migrate_session *s,
					    struct migrate_bytes key, struct migrate_bytes if_match,
					    uint32_t flags, enum migrate_digest_algorithm algorithm,
					    struct migrate_digest *out, uint64_t *size)
{
	struct object_slot slot;
	struct migrate_get r = { .key = key,
				 .if_match = if_match,
				 .length = UINT64_MAX,
				 .flags = flags,
				 .sink = c->sink,
				 .object = &slot.object };
	enum migrate_status status;

	object_slot_init(&slot, NULL);
	digest_begin(c->digest, algorithm);
	sink_digest_begin(c->sink, s, c->digest);
	status = blame(c, s, store_get(s, &r));
	digest_end(c->digest, out);
	*size = sink_digest_count(c->sink);
	return status;
}

/* The source's digest: known, or taken now. */
static enum migrate_status source_digest(struct copier *c, struct item *it,
					 struct migrate_digest *out)
{
	uint64_t size = 0;
	enum migrate_status status;

	*out = it->record.digest;
	if (out->n)
		return MIGRATE_OK;
	status = digest_of_stored(c, c->source, it->record.key, it->record.etag, 0,
				  c->run->task->algorithm, out, &size);
	if (status == MIGRATE_OK && size != it->record.size)
		return blame(c, c->source, MIGRATE_CHANGED);
	return status;
}

/* A sync would pass over what others wrote, unless it was read from the disk. */
static bool needs_reading(const struct copier *c)
{
	return c->run->task->has_sync &&
	       !(c->run->task->ends.destination_facts.d.flags & MIGRATE_SYNC_ALL);
}

/* What a crash may have left in the page cache only is read from the disk. */
static uint32_t reading_flags(const struct copier *c, const struct item *it)
{
	return needs_reading(c) || (c->run->task->has_sync && it->work->resumed) ? MIGRATE_FROM_DISK
										 : 0;
}

static bool known_digests(const struct migrate_object *a, const struct migrate_object *b,
			  bool *equal)
{
	for (int i = 0; i < MIGRATE_DIGEST_COUNT; i++)
		if (a->digests[i].n && b->digests[i].n) {
			*equal = digest_equal(&a->digests[i], &b->digests[i]);
			return true;
		}
	return false;
}

/* c->there holds the destination's stat. */
enum migrate_status compare_existing(struct copier *c, struct item *it, bool *equal)
{
	struct migrate_digest ours, theirs;
	struct migrate_bytes etag;
	enum migrate_status status = look_at_source(c, it, false);
	uint64_t size;

	if (status != MIGRATE_OK)
		return status;
	*equal = false;
	if (c->there.object.size != it->record.size)
		return MIGRATE_OK;
	it->record.level = VERIFY_SIZE;
	if (!needs_reading(c) && known_digests(&c->here.object, &c->there.object, equal)) {
		it->record.level = VERIFY_HASH;
		return MIGRATE_OK;
	}
	if (!copier_keep(c, c->there.object.etag, &etag))
		return blame(c, NULL, MIGRATE_TRANSIENT);
	if (c->run->options->only == RUN_ROWS && c->run->task->job->copy.verify <= VERIFY_SIZE &&
	    !needs_reading(c)) {
		*equal = true;
		return MIGRATE_OK;
	}
	status = source_digest(c, it, &ours);
	if (status == MIGRATE_OK)
		status = digest_of_stored(
		    c, c->destination, it->record.new_key, etag, reading_flags(c, it),
		    (enum migrate_digest_algorithm)ours.algorithm, &theirs, &size);
	if (status != MIGRATE_OK)
		return status;
	*equal = size == it->record.size && digest_equal(&ours, &theirs);
	it->record.digest = ours;
	it->record.level = VERIFY_READBACK;
	return MIGRATE_OK;
}

void remove_copy(struct copier *c, struct item *it)
{
	struct migrate_removal one = { .key = it->record.new_key, .if_match = it->record.stored };
	struct migrate_removal *const list[] = { &one };
	struct migrate_remove r = { .objects = list, .count = 1 };

	store_remove(c->destination, &r);
}

enum migrate_status ensure_level(struct copier *c, struct item *it)
{
	struct migrate_digest ours, theirs;
	enum migrate_status status;
	uint64_t size = 0;
	bool rotten;

	if (it->record.level >= c->run->task->job->copy.verify)
		return MIGRATE_OK;
	status = source_digest(c, it, &ours);
	if (status == MIGRATE_OK)
		status = digest_of_stored(
		    c, c->destination, it->record.new_key, it->record.stored, MIGRATE_FROM_DISK,
		    (enum migrate_digest_algorithm)ours.algorithm, &theirs, &size);
	/* the store itself finds that its bytes are not those it was given */
	rotten = status == MIGRATE_MISMATCH && c->culprit == c->destination;
	if (status != MIGRATE_OK && !rotten)
		return status;
	if (rotten || size != it->record.size || !digest_equal(&ours, &theirs)) {
		remove_copy(c, it);
		return blame(c, c->destination, MIGRATE_MISMATCH);
	}
	it->record.digest = ours;
	it->record.level = VERIFY_READBACK;
	return MIGRATE_OK;
}
