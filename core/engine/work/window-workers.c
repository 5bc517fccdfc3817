/* SPDX-License-Identifier: MIT */
#include "engine/work/running.h"

void window_enlist(struct run *run, enum hands who, uint32_t n)
{
	pthread_mutex_lock(&run->window.lock);
	run->window.hands[who] += n;
	pthread_mutex_unlock(&run->window.lock);
}

void window_dismiss(struct run *run, enum hands who, uint32_t n)
{
	pthread_mutex_lock(&run->window.lock);
	run->window.hands[who] -= n;
	window_wake(run);
	pthread_mutex_unlock(&run->window.lock);
}

bool window_has_copiers(struct run *run)
{
	bool some;

	pthread_mutex_lock(&run->window.lock);
	some = run->window.hands[COPIERS] > 0;
	pthread_mutex_unlock(&run->window.lock);
	return some;
}

bool window_is_over(struct run *run)
{
	const struct window *w = &run->window;
	bool over;

	pthread_mutex_lock(&run->window.lock);
	over = !w->hands[COPIERS] && !w->hands[REWRITERS] && w->synced && w->fed;
	pthread_mutex_unlock(&run->window.lock);
	return over;
}

void window_set_concurrency(struct run *run, uint32_t n)
{
	pthread_mutex_lock(&run->window.lock);
	atomic_store(&run->concurrency, n);
	window_wake(run);
	pthread_mutex_unlock(&run->window.lock);
}

void window_note_inflight(struct run *run, uint32_t c, struct item *it)
{
	atomic_store_explicit(&run->window.inflight[c], it, memory_order_relaxed);
}

/* The lock keeps what the copiers hold from changing while we look. */
uint32_t window_inflight(struct run *run, int64_t *batches, uint32_t *objects)
{
	uint32_t used = 0;

	pthread_mutex_lock(&run->window.lock);
	for (uint32_t i = 0; i < run->window.inflight_size; i++) {
		struct item *it = atomic_load(&run->window.inflight[i]);

		if (!it)
			continue;
		/* what hangs is a straggler as well: it lies in another batch by now */
		objects[used] = it->n;
		batches[used] = window_resolve(it->work, &objects[used])->batch->id;
		used++;
	}
	pthread_mutex_unlock(&run->window.lock);
	return used;
}

/* Not under the lock, which may be held as long as a disk takes: who misses it waits a second. */
void window_wake_all(struct run *run)
{
	window_wake(run);
}
