/* SPDX-License-Identifier: MIT */
#include "engine/work/running.h"

#include "base/clock.h"
#include "engine/work/offers.h"

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

void window_wait(struct run *run, pthread_cond_t *cond, int64_t ns)
{
	clock_cond_wait(cond, &run->window.lock, ns);
}

void window_wake(struct run *run)
{
	pthread_cond_broadcast(&run->window.changed);
	pthread_cond_broadcast(&run->window.takeable);
}

bool window_wait_room(struct run *run, size_t most)
{
	pthread_mutex_lock(&run->window.lock);
	while (run->window.works >= most && !halt_leaving(&run->halt))
		window_wait(run, &run->window.changed, NS_PER_S);
	pthread_mutex_unlock(&run->window.lock);
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
	pthread_mutex_lock(&run->window.lock);
	list_add(w->left ? &run->window.open : &run->window.syncing, w);
	run->window.works++;
	window_wake(run);
	pthread_mutex_unlock(&run->window.lock);
	return w;
}

bool window_admit_copied(struct run *run, struct batch *b)
{
	struct work *w = work_new(run, b, true);

	if (!w)
		return false;
	pthread_mutex_lock(&run->window.lock);
	run->window.works++;
	list_add(&run->window.rewriting, w);
	pthread_cond_broadcast(&run->window.changed);
	pthread_mutex_unlock(&run->window.lock);
	return true;
}

void window_fed(struct run *run)
{
	pthread_mutex_lock(&run->window.lock);
	run->window.fed = true;
	window_wake(run);
	pthread_mutex_unlock(&run->window.lock);
}

void window_synced(struct run *run)
{
	pthread_mutex_lock(&run->window.lock);
	run->window.synced = true;
	window_wake(run);
	pthread_mutex_unlock(&run->window.lock);
}

bool window_is_fed(struct run *run)
{
	bool fed;

	pthread_mutex_lock(&run->window.lock);
	fed = run->window.fed;
	pthread_mutex_unlock(&run->window.lock);
	return fed;
}

int window_drain(struct run *run)
{
	pthread_mutex_lock(&run->window.lock);
	run->window.draining = true;
	window_wake(run);
	while (run->window.works && !halt_leaving(&run->halt))
		window_wait(run, &run->window.changed, NS_PER_S);
	run->window.draining = false;
	pthread_mutex_unlock(&run->window.lock);
	return halt_leaving(&run->halt) ? -1 : 0;
}

static void give_object(struct work *w, uint32_t n, struct item *it)
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
			give_object(w, w->taken, &items[n++]);
		}
		w->taken++;
		if (n && o->size > SMALL)
			break;
	}
	return n;
}

static size_t take_open(struct run *run, struct item *items, size_t max)
{
	for (struct work *w = run->window.open.first; w; w = w->next) {
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

	for (struct item **p = &run->window.waiting; *p; p = &(*p)->next) {
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
	return run->window.fed && !run->window.open.first && !run->window.waiting;
}

static bool may_take(const struct run *run, uint32_t copier)
{
	return copier < atomic_load(&run->concurrency);
}

/* What a copier asks for, and gets. */
struct taking {
	uint32_t copier;
	struct item *items;
	size_t max, n;
	enum window_taken took;
	int64_t wait; /* ns until it is worth another try */
};

/* With lock held. False: wait. */
static bool try_take(struct run *run, struct taking *t)
{
	t->n = 0;
	t->took = TOOK_NOTHING;
	t->wait = NS_PER_S;
	if (halt_leaving(&run->halt) || nothing_left(run))
		return true;
	if (!may_take(run, t->copier))
		return false;
	t->took = TOOK_PARTS;
	if (offers_wait(run))
		return true;
	t->took = TOOK_ITEMS;
	t->n = take_waiting(run, t->items, &t->wait) ? 1 : take_open(run, t->items, t->max);
	return t->n > 0;
}

/* Until there may be something to take; willing: this copier would take it. */
static void starve(struct run *run, bool willing, int64_t wait)
{
	int64_t since = clock_monotonic();

	/* the syncer waits for the moment when nothing can be taken */
	if (++run->window.idle == run->window.hands[COPIERS])
		pthread_cond_broadcast(&run->window.changed);
	window_wait(run, &run->window.takeable, wait);
	run->window.idle--;
	if (willing)
		atomic_fetch_add_explicit(&run->pulse.starved,
					  (uint64_t)(clock_monotonic() - since),
					  memory_order_relaxed);
}

enum window_taken window_take(struct run *run, uint32_t copier, struct item *items, size_t max,
			      size_t *n)
{
	struct taking t = { .copier = copier, .items = items, .max = max };

	pthread_mutex_lock(&run->window.lock);
	while (!try_take(run, &t))
		starve(run, may_take(run, copier), t.wait);
	pthread_mutex_unlock(&run->window.lock);
	*n = t.n;
	return t.took;
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

static bool keep_bytes(struct arena *a, struct migrate_bytes *b, struct migrate_bytes before)
{
	return b->p == before.p || arena_bytes(a, *b, b);
}

/* Results live in the copier's memory: copy what changed into the batch's. */
static bool store_record(struct batch *b, uint32_t n, const struct object_record *r)
{
	struct object_record *o = &b->objects[n], now = *r;

	now.key = o->key;
	now.new_key = o->new_key;
	now.moved_batch = 0;
	if (!keep_bytes(&b->arena, &now.etag, o->etag) ||
	    !keep_bytes(&b->arena, &now.stored, o->stored) ||
	    !keep_bytes(&b->arena, &now.replaces, o->replaces))
		return false;
	if (now.message && now.message != o->message) {
		now.message = arena_text(&b->arena, now.message);
		if (!now.message)
			return false;
	}
	now.dirty = true;
	*o = now;
	return true;
}

static void count_settled(struct run *run, const struct object_record *o)
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

static void fail_locked(struct run *run, const struct error *err)
{
	halt_fail_here(&run->halt, err);
	window_wake(run);
	budget_wake(&run->budget);
}

static void fail_for_memory(struct run *run)
{
	struct error err = ERROR_INIT;

	error_set(&err, EXIT_INTERNAL, "out of memory");
	fail_locked(run, &err);
}

static void settle_locked(struct run *run, struct item *it)
{
	uint32_t n = it->n;
	struct work *w = window_resolve(it->work, &n);
	struct error err = ERROR_INIT;

	it->record.lost = it->lost != 0;
	if (!store_record(w->batch, n, &it->record))
		fail_for_memory(run);
	count_settled(run, &it->record);
	if (it->record.state == OBJECT_FAILED && run_has_too_many_failed(run, &err))
		fail_locked(run, &err);
	w->dirty = true;
	w->touched = clock_monotonic();
	if (!--w->left) {
		list_remove(&run->window.open, w);
		list_add(&run->window.syncing, w);
		pthread_cond_broadcast(&run->window.changed);
		/* copiers that wait for the last one may leave */
		if (!run->window.open.first)
			pthread_cond_broadcast(&run->window.takeable);
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
		fail_for_memory(run);
		return;
	}
	w->dirty = true;
	*copy = *it;
	copy->record = w->batch->objects[n];
	copy->next = run->window.waiting;
	run->window.waiting = copy;
	/* not to one alone: it might be a copier that must not take anything now */
	pthread_cond_broadcast(&run->window.takeable);
}

void window_return(struct run *run, struct item *items, size_t n)
{
	pthread_mutex_lock(&run->window.lock);
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
	pthread_mutex_unlock(&run->window.lock);
}

void window_unhold(struct run *run, struct work *w)
{
	pthread_mutex_lock(&run->window.lock);
	w->held--;
	drop_if_unused(w);
	pthread_mutex_unlock(&run->window.lock);
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
	list_remove(&run->window.open, w);
	list_add(&run->window.syncing, w);
	list_add(&run->window.open, new);
	run->window.works++;
	pthread_cond_broadcast(&run->window.changed);
	return new;
}

/* Nothing moves on without a sync: waiting for the second to pass helps nobody. */
static bool all_wait_for_sync(const struct run *run)
{
	bool feeding = !run->window.fed && !run->window.draining && run->window.works < WINDOW_MAX;

	return nothing_left(run) || (run->window.idle >= run->window.hands[COPIERS] && !feeding);
}

static bool copying_ended(const struct run *run)
{
	return run->window.hands[COPIERS] == 0 || (nothing_left(run) && !run->window.open.first);
}

struct work *window_take_settled(struct run *run, int64_t earliest)
{
	struct work *all = NULL;
	int64_t left;

	pthread_mutex_lock(&run->window.lock);
	while (!atomic_load(&run->halt.failed)) {
		left = earliest - clock_monotonic();
		/* an older picture of a batch must not be journalled after its end */
		if (run->window.saving) {
			window_wait(run, &run->window.changed, NS_PER_S);
			continue;
		}
		if (run->window.syncing.first &&
		    (left <= 0 || all_wait_for_sync(run) || halt_leaving(&run->halt)))
			break;
		if (!run->window.syncing.first &&
		    (copying_ended(run) ||
		     (halt_leaving(&run->halt) && !run->window.hands[COPIERS])))
			break;
		window_wait(run, &run->window.changed,
			    run->window.syncing.first && left < NS_PER_S ? left : NS_PER_S);
	}
	if (!atomic_load(&run->halt.failed))
		all = list_take_all(&run->window.syncing);
	pthread_mutex_unlock(&run->window.lock);
	return all;
}

void window_to_rewriters(struct run *run, struct work *w)
{
	pthread_mutex_lock(&run->window.lock);
	list_add(&run->window.rewriting, w);
	pthread_cond_broadcast(&run->window.changed);
	pthread_mutex_unlock(&run->window.lock);
}

struct work *window_take_rewriting(struct run *run)
{
	struct work *w = NULL;

	pthread_mutex_lock(&run->window.lock);
	while (!run->window.rewriting.first && !run->window.synced && !halt_leaving(&run->halt))
		window_wait(run, &run->window.changed, NS_PER_S);
	if (!halt_leaving(&run->halt) && run->window.rewriting.first) {
		w = run->window.rewriting.first;
		list_remove(&run->window.rewriting, w);
	}
	pthread_mutex_unlock(&run->window.lock);
	return w;
}

void window_close(struct run *run, struct work *w)
{
	pthread_mutex_lock(&run->window.lock);
	w->finished = true;
	run->window.works--;
	drop_if_unused(w);
	pthread_cond_broadcast(&run->window.changed);
	pthread_mutex_unlock(&run->window.lock);
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
	pthread_mutex_init(&run->window.lock, NULL);
	clock_cond_init(&run->window.changed);
	clock_cond_init(&run->window.takeable);
	list_take_all(&run->window.open);
	list_take_all(&run->window.syncing);
	list_take_all(&run->window.rewriting);
}

void window_release(struct run *run)
{
	struct item *next;

	for (struct item *it = run->window.waiting; it; it = next) {
		next = it->next;
		it->work->held--;
		drop_if_unused(it->work);
		free(it);
	}
	run->window.waiting = NULL;
	free_list(&run->window.open);
	free_list(&run->window.syncing);
	free_list(&run->window.rewriting);
	pthread_cond_destroy(&run->window.changed);
	pthread_cond_destroy(&run->window.takeable);
	pthread_mutex_destroy(&run->window.lock);
}
