/* SPDX-License-Identifier: MIT */
#include "engine/work/running.h"

#include "base/clock.h"

#include <stdlib.h>

#define SMALL (1024 * 1024) /* larger objects are taken one at a time */

static void list_add(struct work_list *l, struct work *w)
{
	w->next = NULL;
	*l->last = w;
	l->last = &w->next;
	l->n++;
}

static void list_remove(struct work_list *l, struct work *w)
{
	struct work **p = &l->first;

	while (*p != w)
		p = &(*p)->next;
	*p = w->next;
	if (!w->next)
		l->last = p;
	l->n--;
}

static struct work *list_take_all(struct work_list *l)
{
	struct work *all = l->first;

	l->first = NULL;
	l->last = &l->first;
	l->n = 0;
	return all;
}

bool window_wait_room(struct run *run)
{
	pthread_mutex_lock(&run->lock);
	while (run->window >= WINDOW_MAX && !halt_leaving(&run->halt))
		window_wait(run, &run->changed, NS_PER_S);
	pthread_mutex_unlock(&run->lock);
	return !halt_leaving(&run->halt);
}

static struct work *work_new(struct run *run, struct batch *b, bool resumed)
{
	struct work *w = calloc(1, sizeof(*w));
	struct error err = ERROR_INIT;

	if (!w) {
		batch_free(b);
		error_set(&err, EXIT_INTERNAL, "out of memory");
		halt_fail(&run->halt, &err);
		return NULL;
	}
	w->batch = b;
	w->resumed = resumed;
	w->touched = clock_monotonic();
	return w;
}

static void work_free(struct work *w)
{
	free(w->forward);
	batch_free(w->batch);
	free(w);
}

struct work *window_admit(struct run *run, struct batch *b, bool resumed)
{
	struct work *w = work_new(run, b, resumed);

	if (!w)
		return NULL;
	for (uint32_t i = 0; i < b->n; i++) {
		w->left += b->objects[i].state == OBJECT_PLANNED;
		w->dirty |= b->objects[i].dirty;
	}
	pthread_mutex_lock(&run->lock);
	list_add(w->left ? &run->open : &run->syncing, w);
	run->window++;
	window_wake(run);
	pthread_mutex_unlock(&run->lock);
	return w;
}

bool window_admit_copied(struct run *run, struct batch *b)
{
	struct work *w = work_new(run, b, true);

	if (!w)
		return false;
	pthread_mutex_lock(&run->lock);
	run->window++;
	list_add(&run->rewriting, w);
	pthread_cond_broadcast(&run->changed);
	pthread_mutex_unlock(&run->lock);
	return true;
}

void window_fed(struct run *run)
{
	pthread_mutex_lock(&run->lock);
	run->fed = true;
	window_wake(run);
	pthread_mutex_unlock(&run->lock);
}

int window_drain(struct run *run)
{
	pthread_mutex_lock(&run->lock);
	run->draining = true;
	window_wake(run);
	while (run->window && !halt_leaving(&run->halt))
		window_wait(run, &run->changed, NS_PER_S);
	run->draining = false;
	pthread_mutex_unlock(&run->lock);
	return halt_leaving(&run->halt) ? -1 : 0;
}

static void give(struct work *w, uint32_t n, struct item *it)
{
	*it = (struct item){ .work = w,
			     .n = n,
			     .record = w->batch->objects[n],
			     .planned = { .etag = w->batch->objects[n].etag,
					  .size = w->batch->objects[n].size,
					  .mtime = w->batch->objects[n].mtime } };
	w->held++;
}

/* A run of objects that follow each other: they tend to lie in one folder. */
static size_t take_run(struct work *w, struct item *items, size_t max)
{
	struct batch *b = w->batch;
	size_t n = 0;

	while (w->taken < b->n && n < max) {
		const struct object_record *o = &b->objects[w->taken];

		if (o->state == OBJECT_PLANNED) {
			if (n && o->size > SMALL)
				break;
			give(w, w->taken, &items[n++]);
		}
		w->taken++;
		if (n && o->size > SMALL)
			break;
	}
	return n;
}

static size_t take_open(struct run *run, struct item *items, size_t max)
{
	for (struct work *w = run->open.first; w; w = w->next) {
		size_t n = take_run(w, items, max);

		if (n)
			return n;
	}
	return 0;
}

/* The first item that is due again. *next: when the earliest other one will be. */
static bool take_waiting(struct run *run, struct item *out, int64_t *next)
{
	int64_t now = clock_monotonic();

	for (struct item **p = &run->waiting; *p; p = &(*p)->next) {
		struct item *it = *p;

		if (it->due <= now) {
			*p = it->next;
			*out = *it;
			out->end = ITEM_SETTLED;
			free(it);
			return true;
		}
		if (it->due - now < *next)
			*next = it->due - now;
	}
	return false;
}

static bool nothing_left(const struct run *run)
{
	return run->fed && !run->open.first && !run->waiting;
}

static bool may_take(const struct run *run, uint32_t copier)
{
	return copier < atomic_load(&run->concurrency);
}

static bool has_parts_to_take(const struct run *run)
{
	for (const struct offer *o = run->offers; o; o = o->next)
		if (o->left)
			return true;
	return false;
}

/* With lock held. False: wait, at most *wait ns. */
static bool try_take(struct run *run, uint32_t copier, struct item *items, size_t max, size_t *n,
		     enum window_taken *what, int64_t *wait)
{
	*n = 0;
	*what = TOOK_NOTHING;
	if (halt_leaving(&run->halt) || nothing_left(run))
		return true;
	if (!may_take(run, copier))
		return false;
	*what = TOOK_PARTS;
	if (has_parts_to_take(run))
		return true;
	*what = TOOK_ITEMS;
	*n = take_waiting(run, items, wait) ? 1 : take_open(run, items, max);
	return *n > 0;
}

/* Wait for something to take; willing: this copier would take it. */
static void starve(struct run *run, bool willing, int64_t wait)
{
	int64_t since = clock_monotonic();

	window_wait(run, &run->takeable, wait);
	if (willing)
		atomic_fetch_add_explicit(&run->pulse.starved,
					  (uint64_t)(clock_monotonic() - since),
					  memory_order_relaxed);
}

enum window_taken window_take(struct run *run, uint32_t copier, struct item *items, size_t max,
			      size_t *n)
{
	enum window_taken what;
	int64_t wait = NS_PER_S;

	pthread_mutex_lock(&run->lock);
	while (!try_take(run, copier, items, max, n, &what, &wait)) {
		/* the syncer waits for the moment when nothing can be taken */
		if (++run->idle == run->copiers)
			pthread_cond_broadcast(&run->changed);
		starve(run, may_take(run, copier), wait);
		run->idle--;
		wait = NS_PER_S;
	}
	pthread_mutex_unlock(&run->lock);
	return what;
}

struct work *window_resolve(struct work *w, uint32_t *n)
{
	while (w->forward && w->forward[*n].work) {
		struct forward f = w->forward[*n];

		w = f.work;
		*n = f.n;
	}
	return w;
}

static bool keep(struct arena *a, struct migrate_bytes *b, struct migrate_bytes before)
{
	return b->p == before.p || arena_bytes(a, *b, b);
}

/* Results live in the copier's memory: copy what changed into the batch's. */
static bool store_record(struct batch *b, uint32_t n, const struct object_record *r)
{
	struct object_record *o = &b->objects[n], new = *r;

	new.key = o->key;
	new.new_key = o->new_key;
	new.moved_batch = 0;
	if (!keep(&b->arena, &new.etag, o->etag) || !keep(&b->arena, &new.stored, o->stored) ||
	    !keep(&b->arena, &new.replaces, o->replaces))
		return false;
	if (new.message &&new.message != o->message) {
		new.message = arena_text(&b->arena, new.message);
		if (!new.message)
			return false;
	}
	new.dirty = true;
	*o = new;
	return true;
}

static void count(struct run *run, const struct object_record *o)
{
	atomic_uint_fast64_t *by_state[] = {
		[OBJECT_COPIED] = &run->tally.copied,   [OBJECT_SAME] = &run->tally.same,
		[OBJECT_SKIPPED] = &run->tally.skipped, [OBJECT_GONE] = &run->tally.gone,
		[OBJECT_FAILED] = &run->tally.failed,
	};

	if (o->state < OBJECT_COPIED || o->state > OBJECT_FAILED)
		BUG("settled in state %d", o->state);
	atomic_fetch_add_explicit(by_state[o->state], 1, memory_order_relaxed);
	atomic_fetch_add_explicit(&run->tally.objects_done, 1, memory_order_relaxed);
	atomic_fetch_add_explicit(&run->tally.bytes_done, o->size, memory_order_relaxed);
	if (o->state == OBJECT_COPIED)
		atomic_fetch_add_explicit(&run->tally.copied_bytes, o->size, memory_order_relaxed);
	if (o->state == OBJECT_FAILED)
		atomic_fetch_add(&run->tally.new_failures, 1);
}

static void drop_if_unused(struct work *w)
{
	if (w->finished && !w->held)
		work_free(w);
}

static void out_of_memory(struct run *run)
{
	struct error err = ERROR_INIT;

	error_set(&err, EXIT_INTERNAL, "out of memory");
	run_fail_locked(run, &err);
}

static void settle_locked(struct run *run, struct item *it)
{
	uint32_t n = it->n;
	struct work *w = window_resolve(it->work, &n);

	it->record.lost = it->lost != 0;
	if (!store_record(w->batch, n, &it->record))
		out_of_memory(run);
	count(run, &it->record);
	if (it->record.state == OBJECT_FAILED)
		run_too_many_failed_locked(run);
	w->dirty = true;
	w->touched = clock_monotonic();
	if (!--w->left) {
		list_remove(&run->open, w);
		list_add(&run->syncing, w);
		pthread_cond_broadcast(&run->changed);
		/* copiers that wait for the last one may leave */
		if (!run->open.first)
			pthread_cond_broadcast(&run->takeable);
	}
	it->work->held--;
	drop_if_unused(it->work);
}

static void again_locked(struct run *run, struct item *it)
{
	struct item *copy = malloc(sizeof(*copy));
	uint32_t n = it->n;
	struct work *w = window_resolve(it->work, &n);

	/* what was learnt so far (attempts, the source's new etag) is kept with the batch */
	if (!copy || !store_record(w->batch, n, &it->record)) {
		free(copy);
		out_of_memory(run);
		return;
	}
	w->dirty = true;
	*copy = *it;
	copy->record = w->batch->objects[n];
	copy->next = run->waiting;
	run->waiting = copy;
	/* not to one alone: it might be a copier that must not take anything now */
	pthread_cond_broadcast(&run->takeable);
}

void window_return(struct run *run, struct item *items, size_t n)
{
	pthread_mutex_lock(&run->lock);
	for (size_t i = 0; i < n; i++)
		switch (items[i].end) {
		case ITEM_SETTLED:
			settle_locked(run, &items[i]);
			break;
		case ITEM_AGAIN:
			again_locked(run, &items[i]);
			break;
		default:
			items[i].work->held--;
			drop_if_unused(items[i].work);
		}
	pthread_mutex_unlock(&run->lock);
}

void window_unhold(struct run *run, struct work *w)
{
	pthread_mutex_lock(&run->lock);
	w->held--;
	drop_if_unused(w);
	pthread_mutex_unlock(&run->lock);
}

struct work *window_adopt(struct run *run, struct work *w, struct batch *to, const uint32_t *which,
			  struct forward *forward)
{
	struct work *new = calloc(1, sizeof(*new));

	if (!new)
		return NULL;
	new->batch = to;
	new->taken = new->left = to->n;
	new->resumed = w->resumed;
	new->touched = clock_monotonic();
	for (uint32_t i = 0; i < to->n; i++)
		forward[which[i]] = (struct forward){ .work = new, .n = i };
	w->forward = forward;
	w->left = 0;
	list_remove(&run->open, w);
	list_add(&run->syncing, w);
	list_add(&run->open, new);
	run->window++;
	pthread_cond_broadcast(&run->changed);
	return new;
}

/* Nothing moves on without a sync: waiting for the second to pass helps nobody. */
static bool all_wait_for_sync(const struct run *run)
{
	bool feeding = !run->fed && !run->draining && run->window < WINDOW_MAX;

	return nothing_left(run) || (run->idle >= run->copiers && !feeding);
}

static bool copying_ended(const struct run *run)
{
	return run->copiers == 0 || (nothing_left(run) && !run->open.first);
}

struct work *window_take_settled(struct run *run, int64_t earliest)
{
	struct work *all = NULL;
	int64_t left;

	pthread_mutex_lock(&run->lock);
	while (!atomic_load(&run->halt.failed)) {
		left = earliest - clock_monotonic();
		/* an older picture of a batch must not be journalled after its end */
		if (run->saving) {
			window_wait(run, &run->changed, NS_PER_S);
			continue;
		}
		if (run->syncing.first &&
		    (left <= 0 || all_wait_for_sync(run) || halt_leaving(&run->halt)))
			break;
		if (!run->syncing.first &&
		    (copying_ended(run) || (halt_leaving(&run->halt) && !run->copiers)))
			break;
		window_wait(run, &run->changed,
			    run->syncing.first && left < NS_PER_S ? left : NS_PER_S);
	}
	if (!atomic_load(&run->halt.failed))
		all = list_take_all(&run->syncing);
	pthread_mutex_unlock(&run->lock);
	return all;
}

void window_to_rewriters(struct run *run, struct work *w)
{
	pthread_mutex_lock(&run->lock);
	list_add(&run->rewriting, w);
	pthread_cond_broadcast(&run->changed);
	pthread_mutex_unlock(&run->lock);
}

struct work *window_take_rewriting(struct run *run)
{
	struct work *w = NULL;

	pthread_mutex_lock(&run->lock);
	while (!run->rewriting.first && !run->synced && !halt_leaving(&run->halt))
		window_wait(run, &run->changed, NS_PER_S);
	if (!halt_leaving(&run->halt) && run->rewriting.first) {
		w = run->rewriting.first;
		list_remove(&run->rewriting, w);
	}
	pthread_mutex_unlock(&run->lock);
	return w;
}

void window_close(struct run *run, struct work *w)
{
	pthread_mutex_lock(&run->lock);
	w->finished = true;
	run->window--;
	drop_if_unused(w);
	pthread_cond_broadcast(&run->changed);
	pthread_mutex_unlock(&run->lock);
}

static void free_list(struct work_list *l)
{
	struct work *next;

	for (struct work *w = list_take_all(l); w; w = next) {
		next = w->next;
		work_free(w);
	}
}

void window_init(struct run *run)
{
	list_take_all(&run->open);
	list_take_all(&run->syncing);
	list_take_all(&run->rewriting);
}

void window_release(struct run *run)
{
	struct item *next;

	for (struct item *it = run->waiting; it; it = next) {
		next = it->next;
		it->work->held--;
		drop_if_unused(it->work);
		free(it);
	}
	run->waiting = NULL;
	free_list(&run->open);
	free_list(&run->syncing);
	free_list(&run->rewriting);
}
