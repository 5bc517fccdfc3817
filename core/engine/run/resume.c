/* SPDX-License-Identifier: MIT */
#include "engine/run/feeder.h"

#include "base/clock.h"

/* What earlier runs left open goes into the window first. */

/*
 * As count_before() counted it; it is counted again once it is settled, as this run's. What
 * was before goes first: nobody may see more of it than there is.
 */
static void take_off_tally(struct run *run, const struct object_record *o)
{
	struct tally *t = &run->tally;
	bool copied = o->state == OBJECT_COPIED;
	uint64_t bytes = copied ? o->size : 0;

	atomic_fetch_sub(&run->objects_before, 1);
	atomic_fetch_sub(&run->bytes_before, bytes);
	atomic_fetch_sub(&run->copied_before, copied);
	atomic_fetch_sub(copied ? &t->copied : &t->same, 1);
	atomic_fetch_sub(&t->objects_done, 1);
	atomic_fetch_sub(&t->bytes_done, bytes);
}

/*
 * Copies that no run has journalled as synced are looked at again, however many runs lie
 * between; so are equal ones that were there before, for nobody else has synced them either.
 */
static void distrust(struct run *run, struct batch *b)
{
	if (b->durable || !run->task->has_sync || b->state != BATCH_COPYING)
		return;
	for (uint32_t i = 0; i < b->n; i++) {
		struct object_record *o = &b->objects[i];

		if (!object_is_there(o))
			continue;
		take_off_tally(run, o);
		o->state = OBJECT_PLANNED;
		o->dirty = true;
	}
}

/*
 * Before copies of a batch that a run left are compared from the disk: one sync of all is a
 * fraction of what a sync of each file would cost.
 */
static int settle_disk(struct run *run, struct error *err)
{
	struct migrate_session *s = run->task->ends.destination.session;
	enum migrate_status status = run->task->has_sync ? store_sync(s) : MIGRATE_OK;

	return status == MIGRATE_OK ? 0 : session_error(err, EXIT_OUTAGE, s, status);
}

static int begin_copying(struct run *run, struct batch *b, struct error *err)
{
	if (b->state != BATCH_PLANNED)
		return 0;
	b->state = BATCH_COPYING;
	if (!b->began)
		b->began = clock_file();
	return journal_began(run->task->journal, &b, 1, err);
}

static int admit_open(struct run *run, int64_t id, struct error *err)
{
	struct batch *b = journal_load(run->task->journal, id, err);
	bool resumed;

	if (!b)
		return -1;
	if (b->state >= BATCH_COPIED) {
		if (run->options->only == RUN_COPY) {
			batch_free(b);
			return 0;
		}
		return window_admit_copied(run, b) ? 0 : -1;
	}
	resumed = b->state == BATCH_COPYING;
	distrust(run, b);
	if (begin_copying(run, b, err)) {
		batch_free(b);
		return -1;
	}
	return window_admit(run, b, resumed) ? 0 : -1;
}

#define IDS 256

/* Open batches above this id are made while we admit: they are in the window already. */
static int last_open(struct run *run, int64_t *last, struct error *err)
{
	int64_t ids[IDS];
	size_t n;

	*last = 0;
	do {
		if (journal_open_batches(run->task->journal, *last, ids, IDS, &n, err))
			return -1;
		if (n)
			*last = ids[n - 1];
	} while (n);
	return 0;
}

int resume_open(struct run *run, struct error *err)
{
	int64_t ids[IDS], after = 0, last;
	size_t n;

	if (last_open(run, &last, err))
		return -1;
	if (last && settle_disk(run, err))
		return -1;
	do {
		if (journal_open_batches(run->task->journal, after, ids, IDS, &n, err))
			return -1;
		for (size_t i = 0; i < n && ids[i] <= last; i++) {
			after = ids[i];
			if (!window_wait_room(run, WINDOW_MAX) || admit_open(run, ids[i], err))
				return -1;
		}
	} while (n && after < last);
	return 0;
}
