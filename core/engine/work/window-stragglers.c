/* SPDX-License-Identifier: MIT */
#include "engine/work/running.h"

#include "base/log.h"

#include <stdlib.h>

/* What slow objects hold up goes on without them: they move to a batch of their own. */

/* The unfinished objects of w, as a batch of their own: they began when they did. */
static struct batch *split_off(struct run *run, struct work *w, uint32_t *which)
{
	struct batch *from = w->batch, *to = batch_new();

	if (!to)
		return NULL;
	to->objects = arena_alloc(&to->arena, w->left * sizeof(*to->objects));
	if (!to->objects) {
		batch_free(to);
		return NULL;
	}
	to->pass = run->task->pass.number;
	to->kind = BATCH_MOVED;
	to->state = BATCH_COPYING;
	to->began = w->batch->began;
	to->durable = true;
	for (uint32_t i = 0; i < from->n; i++)
		if (from->objects[i].state == OBJECT_PLANNED) {
			which[to->n] = i;
			if (!object_record_copy(&to->arena, &from->objects[i],
						&to->objects[to->n++])) {
				batch_free(to);
				return NULL;
			}
		}
	return to;
}

static int move_one(struct run *run, struct work *w, struct error *err)
{
	uint32_t *which = malloc(w->left * sizeof(*which));
	struct forward *forward = calloc(w->batch->n, sizeof(*forward));
	struct batch *to = which && forward ? split_off(run, w, which) : NULL;
	struct work *new = NULL;
	int rc = -1;

	if (!to) {
		error_set(err, EXIT_INTERNAL, "out of memory");
		goto out;
	}
	/* what it has copied waits for a sync */
	w->batch->durable = false;
	rc = journal_move(run->task->journal, w->batch, which, to, err);
	if (!rc)
		new = window_adopt(run, w, to, which, forward);
	if (!new) {
		batch_free(to);
		rc = rc ? rc : error_set(err, EXIT_INTERNAL, "out of memory");
		goto out;
	}
	log_info("%u slow objects of batch %lld moved to batch %lld", to->n,
		 (long long)w->batch->id, (long long)to->id);
	forward = NULL;
out:
	free(which);
	free(forward);
	return rc;
}

int window_move_stragglers(struct run *run, int64_t older_than, struct error *err)
{
	struct work *w;
	int rc = 0;

	pthread_mutex_lock(&run->window.lock);
	/* a picture of it must not reach the journal behind its move */
	for (w = run->window.saving ? NULL : run->window.open.first; w; w = w->next)
		if (w->touched < older_than && w->left < w->batch->n && w->taken == w->batch->n &&
		    w->batch->kind == BATCH_SORTED && w->batch->n > 1)
			break;
	if (w)
		rc = move_one(run, w, err);
	pthread_mutex_unlock(&run->window.lock);
	return rc;
}
