/* SPDX-License-Identifier: MIT */
#include "engine/work/running.h"

#include "base/clock.h"

#include <stdlib.h>
#include <string.h>

/*
 * Saving and moving what slow batches hold, beside the copiers. Only one picture of
 * a batch is on its way to the journal, and no batch leaves the window meanwhile
 * (window_take_settled waits): a picture that came after the batch's end would take
 * its state back, and an end that came before the picture would lack its objects.
 */

/* A picture of one batch that the journal may read while copiers go on. */
static struct batch *picture(struct batch *b)
{
	struct batch *p = malloc(sizeof(*p));

	if (!p)
		return NULL;
	*p = *b;
	p->objects = malloc(b->n * sizeof(*p->objects));
	if (!p->objects) {
		free(p);
		return NULL;
	}
	memcpy(p->objects, b->objects, b->n * sizeof(*p->objects));
	for (uint32_t i = 0; i < b->n; i++)
		b->objects[i].dirty = false;
	batch_recount(p);
	return p;
}

static void picture_free(struct batch *p)
{
	free(p->objects);
	free(p);
}

static size_t take_of_list(struct work *list, bool durable, struct work **works,
			   struct batch **pictures, size_t n)
{
	for (struct work *w = list; w && n < WINDOW_MAX; w = w->next) {
		if (!w->dirty && (!durable || w->batch->durable))
			continue;
		w->batch->durable = durable;
		pictures[n] = picture(w->batch);
		if (!pictures[n])
			break;
		w->dirty = false;
		w->held++;
		works[n++] = w;
	}
	return n;
}

/* A run that fails will not sync those that wait for it: what is known of them is told all the same. */
static size_t take_pictures(struct run *run, bool durable, struct work **works,
			    struct batch **pictures)
{
	size_t n;

	pthread_mutex_lock(&run->window.lock);
	while (run->window.saving)
		window_wait(run, &run->window.changed, NS_PER_S);
	run->window.saving = true;
	n = take_of_list(run->window.open.first, durable, works, pictures, 0);
	if (atomic_load(&run->halt.failed))
		n = take_of_list(run->window.syncing.first, durable, works, pictures, n);
	pthread_mutex_unlock(&run->window.lock);
	return n;
}

/* *n: how many were saved, at most WINDOW_MAX. */
static int save_some(struct run *run, bool durable, size_t *n, struct error *err)
{
	struct work *works[WINDOW_MAX];
	struct batch *pictures[WINDOW_MAX];
	int rc;

	*n = take_pictures(run, durable, works, pictures);
	rc = *n ? journal_save(run->task->journal, pictures, *n, err) : 0;

	for (size_t i = 0; i < *n; i++) {
		picture_free(pictures[i]);
		window_unhold(run, works[i]);
	}
	pthread_mutex_lock(&run->window.lock);
	run->window.saving = false;
	pthread_cond_broadcast(&run->window.changed);
	pthread_mutex_unlock(&run->window.lock);
	return rc;
}

int window_save(struct run *run, bool durable, struct error *err)
{
	size_t n;
	int rc;

	do
		rc = save_some(run, durable, &n, err);
	while (!rc && n == WINDOW_MAX);
	return rc;
}

bool window_sleep_until(struct run *run, int64_t then)
{
	int64_t left;
	bool over;

	pthread_mutex_lock(&run->window.lock);
	while (!(over = run->window.synced || atomic_load(&run->halt.failed)) &&
	       (left = then - clock_monotonic()) > 0)
		window_wait(run, &run->window.changed, left);
	pthread_mutex_unlock(&run->window.lock);
	return !over;
}
