/* SPDX-License-Identifier: MIT */
#include "engine/plan/planner.h"

#include "base/bytes.h"
#include "base/clock.h"

#include <stdlib.h>
#include <string.h>

#define KEYS_MAX (1024 * 1024)         /* bytes of keys in a batch */
#define LARGE (64 * UINT64_C(1048576)) /* objects above are batches of their own */

/*
 * Batches in the making: stretches of the sorted plan. position is the last key
 * that was looked at, so that keys passed over are counted once whatever happens.
 */
struct builder {
	struct run *run;
	bool admit; /* straight into the window: no check of the whole plan is needed */
	struct batch *batch;
	struct object_record *objects; /* room for the job's batch size */
	size_t keys;                   /* bytes */
	struct buf position;
	uint64_t skips[SKIP_COUNT];
};

struct builder *builder_new(struct run *run, bool admit, struct error *err)
{
	struct builder *b = calloc(1, sizeof(*b));

	if (b)
		b->objects = calloc((size_t)run->task->job->batch, sizeof(*b->objects));
	if (!b || !b->objects) {
		free(b);
		error_set(err, EXIT_INTERNAL, "out of memory");
		return NULL;
	}
	b->run = run;
	b->admit = admit;
	b->position = (struct buf)BUF_INIT(MIGRATE_KEY_MAX);
	return b;
}

void builder_free(struct builder *b)
{
	if (!b)
		return;
	batch_free(b->batch);
	buf_release(&b->position);
	free(b->objects);
	free(b);
}

static int seal(struct builder *b, struct error *err)
{
	struct batch *batch = b->batch;

	batch->pass = b->run->task->pass.number;
	batch->kind = BATCH_SORTED;
	batch->state = b->admit ? BATCH_COPYING : BATCH_PLANNED;
	batch->began = b->admit ? clock_file() : 0;
	batch->durable = true;
	batch->objects = arena_alloc(&batch->arena, batch->n * sizeof(*batch->objects) + 1);
	if (!batch->objects ||
	    !arena_bytes(&batch->arena, bytes_of(b->position.p, b->position.len), &batch->position))
		return error_set(err, EXIT_INTERNAL, "out of memory");
	memcpy(batch->objects, b->objects, batch->n * sizeof(*batch->objects));
	memcpy(batch->counts.skips, b->skips, sizeof(b->skips));
	memset(b->skips, 0, sizeof(b->skips));
	if (!batch->n)
		batch->state = BATCH_DONE;
	batch_recount(batch);
	return 0;
}

static void tally(struct run *run, const struct batch *b)
{
	atomic_fetch_add(&run->tally.objects, b->counts.objects);
	atomic_fetch_add(&run->tally.bytes, b->counts.bytes);
	/* what failed at planning is settled already */
	atomic_fetch_add(&run->tally.failed, b->counts.failed);
	atomic_fetch_add(&run->tally.skipped, b->counts.skipped);
	atomic_fetch_add(&run->tally.new_failures, b->counts.failed);
	atomic_fetch_add(&run->tally.objects_done, b->counts.failed + b->counts.skipped);
}

static bool has_anything(const struct builder *b)
{
	for (int i = 0; i < SKIP_COUNT; i++)
		if (b->skips[i])
			return true;
	return b->batch && b->batch->n;
}

int builder_flush(struct builder *b, struct error *err)
{
	struct batch *batch;

	if (!has_anything(b))
		return 0;
	if (!b->batch && !(b->batch = batch_new()))
		return error_set(err, EXIT_INTERNAL, "out of memory");
	if (seal(b, err))
		return -1;
	if (b->admit && !window_wait_room(b->run, WINDOW_MAX))
		return -1;
	if (journal_plan(b->run->task->journal, &b->batch, 1, err))
		return -1;
	batch = b->batch;
	b->batch = NULL;
	b->keys = 0;
	tally(b->run, batch);
	if (b->admit && batch->n)
		return window_admit(b->run, batch, false) ? 0 : -1;
	batch_free(batch);
	return 0;
}

static bool fill_object(struct builder *b, const struct key_item *item, const struct verdict *v,
			struct object_record *o)
{
	struct arena *a = &b->batch->arena;

	*o = (struct object_record){ .size = item->size,
				     .mtime = item->mtime,
				     .state = v->state,
				     .fail = (uint8_t)v->fail };
	if (v->message && !(o->message = arena_text(a, v->message)))
		return false;
	return arena_bytes(a, item->key, &o->key) && arena_bytes(a, v->new_key, &o->new_key) &&
	       arena_bytes(a, item->etag, &o->etag);
}

/* An older copy of ours may be replaced; the older record points here from now on. */
static bool supersede_older(struct builder *b, struct object_record *o,
			    const struct object_record *older, int64_t batch, uint32_t n)
{
	o->moved_batch = batch;
	o->moved_n = n;
	/* until this one is done: rows may name what stands there, and it is no input */
	o->created =
	    object_is_ours(older) || older->state != OBJECT_SAME ? older->created : CREATED_BEFORE;
	o->unchanged = older->unchanged && o->state == OBJECT_PLANNED;
	if (o->unchanged) {
		o->digest = older->digest;
		o->level = older->level;
	}
	if (object_is_ours(older))
		return arena_bytes(&b->batch->arena, older->stored, &o->replaces);
	/* one that failed was perhaps to replace our copy, which is still there then */
	return arena_bytes(&b->batch->arena, older->replaces, &o->replaces);
}

/* One that cannot be noted leaves the position as it was: without any, all is listed again. */
static int note_position(struct builder *b, struct migrate_bytes key, struct error *err)
{
	size_t before = b->position.len;

	buf_reset(&b->position);
	if (buf_add(&b->position, key.p, key.n))
		return 0;
	b->position.len = before;
	return error_set(err, EXIT_INTERNAL, "a key of %zu bytes is too long", key.n);
}

int builder_add(struct builder *b, const struct key_item *item, const struct verdict *v,
		const struct object_record *older, int64_t older_batch, uint32_t older_n,
		struct error *err)
{
	bool large = item->size > LARGE;
	struct object_record *o;

	if (large && b->batch && b->batch->n && builder_flush(b, err))
		return -1;
	if (!b->batch && !(b->batch = batch_new()))
		return error_set(err, EXIT_INTERNAL, "out of memory");
	o = &b->objects[b->batch->n];
	if (!fill_object(b, item, v, o) ||
	    (older && !supersede_older(b, o, older, older_batch, older_n)))
		return error_set(err, EXIT_INTERNAL, "out of memory");
	if (o->state == OBJECT_FAILED)
		tell_failure(b->run, o);
	b->batch->n++;
	b->keys += item->key.n + v->new_key.n;
	if (note_position(b, item->key, err))
		return -1;
	if (large || b->batch->n >= (uint64_t)b->run->task->job->batch || b->keys >= KEYS_MAX)
		return builder_flush(b, err);
	return 0;
}

void builder_pass_over(struct builder *b, const struct key_item *item, enum skip_reason why)
{
	struct error ignored = ERROR_INIT;

	b->skips[why]++;
	if (why != SKIP_EMPTY_FOLDER)
		atomic_fetch_add_explicit(&b->run->tally.passed_over, 1, memory_order_relaxed);
	/* a key too long to be noted is only counted twice after a crash */
	note_position(b, item->key, &ignored);
}
