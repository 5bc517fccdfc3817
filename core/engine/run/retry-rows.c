/* SPDX-License-Identifier: MIT */
#include "engine/run/retry.h"

#include "base/log.h"
#include "engine/rows/rewriter.h"

#include <inttypes.h>
#include <stdlib.h>

/*
 * --retry-failed for rows: objects whose rows conflicted or failed get a batch of
 * rows alone, and the old outcomes step back. The new batch is durable first: a
 * crash in between repeats a look at the rows and forgets none.
 */
/* The object of a bad row, once, pointing to its real record. */
static bool add_retried(struct batch *to, const struct batch *from, uint32_t n, bool *seen)
{
	const struct object_record *o = &from->objects[n];
	struct object_record *copy = &to->objects[to->n];

	if (seen[n])
		return true;
	seen[n] = true;
	if (!object_record_copy(&to->arena, o, copy))
		return false;
	if (o->state != OBJECT_MOVED) {
		copy->moved_batch = from->id;
		copy->moved_n = n;
	}
	copy->state = OBJECT_MOVED;
	to->n++;
	return true;
}

static struct batch *rows_anew(struct run *run, const struct batch *from,
			       const struct chunk *chunks, size_t n)
{
	struct batch *to = batch_new();
	bool *seen = calloc(from->n + 1, sizeof(*seen));
	bool good = to && seen;

	if (good) {
		to->pass = run->task->pass.number;
		to->kind = BATCH_ROWS;
		to->state = BATCH_COPIED;
		to->durable = true;
		to->objects = arena_alloc(&to->arena, from->n * sizeof(*to->objects) + 1);
		good = to->objects != NULL;
	}
	for (size_t i = 0; good && i < n; i++)
		for (uint32_t k = 0; good && k < chunks[i].n; k++)
			if (row_is_bad(&chunks[i].rows[k]))
				good = add_retried(to, from, chunks[i].rows[k].object, seen);
	free(seen);
	if (good)
		return to;
	batch_free(to);
	return NULL;
}

/* rows: counts those that stepped back. */
static int step_back_all(struct run *run, struct batch *b, struct chunk *chunks, size_t n,
			 uint64_t *rows, struct error *err)
{
	int rc = 0;

	for (size_t i = 0; !rc && i < n; i++) {
		uint64_t back = rows_step_back(b, &chunks[i], MIGRATE_ROW_CONFLICT) +
				rows_step_back(b, &chunks[i], MIGRATE_ROW_FAILED);

		*rows += back;
		if (back)
			rc = journal_outcome(run->task->journal, b, &chunks[i], err);
	}
	return rc;
}

static int retry_batch(struct run *run, int64_t id, uint64_t *rows, struct error *err)
{
	ARENA_AUTO struct arena a = ARENA_INIT;
	struct batch *b = journal_load(run->task->journal, id, err), *anew = NULL;
	struct chunk *chunks = NULL;
	size_t n = 0;
	int rc = -1;

	if (!b || journal_chunks(run->task->journal, id, &a, &chunks, &n, err))
		goto out;
	if (b->kind == BATCH_TEXTS) { /* every pass reads all texts anew */
		rc = step_back_all(run, b, chunks, n, rows, err);
		goto out;
	}
	anew = rows_anew(run, b, chunks, n);
	if (!anew) {
		error_set(err, EXIT_INTERNAL, "out of memory");
		goto out;
	}
	rc = journal_plan(run->task->journal, &anew, 1, err);
	if (!rc)
		rc = step_back_all(run, b, chunks, n, rows, err);
out:
	batch_free(anew);
	batch_free(b);
	return rc;
}

int retry_rows(struct run *run, struct error *err)
{
	struct bad_batches bad;
	uint64_t rows = 0;
	int rc = bad_batches_find(run, BAD_ALL, &bad, err);

	for (size_t i = 0; !rc && i < bad.n; i++)
		rc = retry_batch(run, bad.ids[i], &rows, err);
	if (!rc && rows)
		log_info("%" PRIu64 " rows that conflicted or failed are looked at again", rows);
	free(bad.ids);
	return rc;
}
