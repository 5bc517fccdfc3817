/* SPDX-License-Identifier: MIT */
#include "engine/task/halt.h"

#include "base/clock.h"

#include <stdlib.h>

#define BACKOFF_FIRST (100 * NS_PER_MS)
#define BACKOFF_MAX (10 * NS_PER_S)
#define NAP (200 * NS_PER_MS) /* calls are cancelled by signal handlers too, which wake nobody */

void halt_init(struct halt *h, struct host *host)
{
	h->host = host;
	h->wake = NULL;
	atomic_init(&h->stopping, false);
	atomic_init(&h->failed, false);
	h->error = (struct error)ERROR_INIT;
	clock_cond_init(&h->changed);
	pthread_mutex_init(&h->lock, NULL);
}

void halt_release(struct halt *h)
{
	pthread_cond_destroy(&h->changed);
	pthread_mutex_destroy(&h->lock);
}

void halt_fail_here(struct halt *h, const struct error *err)
{
	pthread_mutex_lock(&h->lock);
	if (!atomic_load(&h->failed)) {
		h->error = *err;
		atomic_store(&h->failed, true);
	}
	pthread_cond_broadcast(&h->changed);
	pthread_mutex_unlock(&h->lock);
	host_cancel(h->host);
}

void halt_fail(struct halt *h, const struct error *err)
{
	halt_fail_here(h, err);
	if (h->wake)
		h->wake(h->arg);
}

void halt_stop(struct halt *h)
{
	pthread_mutex_lock(&h->lock);
	atomic_store(&h->stopping, true);
	pthread_cond_broadcast(&h->changed);
	pthread_mutex_unlock(&h->lock);
	if (h->wake)
		h->wake(h->arg);
}

bool halt_leaving(const struct halt *h)
{
	return atomic_load_explicit(&h->stopping, memory_order_relaxed) ||
	       atomic_load_explicit(&h->failed, memory_order_relaxed) ||
	       atomic_load_explicit(&h->host->cancelled, memory_order_relaxed);
}

bool halt_sleep(struct halt *h, int64_t ns)
{
	int64_t end = clock_monotonic() + ns, left;

	pthread_mutex_lock(&h->lock);
	while (!halt_leaving(h) && (left = end - clock_monotonic()) > 0)
		clock_cond_wait(&h->changed, &h->lock, left < NAP ? left : NAP);
	pthread_mutex_unlock(&h->lock);
	return !halt_leaving(h);
}

int64_t backoff(unsigned n)
{
	int64_t ns = BACKOFF_FIRST;

	while (n-- > 1 && ns < BACKOFF_MAX)
		ns *= 2;
	if (ns > BACKOFF_MAX)
		ns = BACKOFF_MAX;
	return ns / 2 + (int64_t)(random() % (ns / 2 + 1));
}
