/* SPDX-License-Identifier: MIT */
#include "engine/work/budget.h"

#include "base/clock.h"

void budget_init(struct budget *b, struct halt *h, uint64_t most)
{
	*b = (struct budget){ .halt = h, .most = most };
	pthread_mutex_init(&b->lock, NULL);
	clock_cond_init(&b->changed);
}

void budget_release(struct budget *b)
{
	pthread_cond_destroy(&b->changed);
	pthread_mutex_destroy(&b->lock);
}

bool budget_take(struct budget *b, uint64_t n)
{
	pthread_mutex_lock(&b->lock);
	while (b->used && b->used + n > b->most && !atomic_load(&b->halt->failed))
		clock_cond_wait(&b->changed, &b->lock, NS_PER_S);
	b->used += n;
	pthread_mutex_unlock(&b->lock);
	return !atomic_load(&b->halt->failed);
}

void budget_give(struct budget *b, uint64_t n)
{
	pthread_mutex_lock(&b->lock);
	b->used -= n;
	pthread_cond_broadcast(&b->changed);
	pthread_mutex_unlock(&b->lock);
}

void budget_wake(struct budget *b)
{
	pthread_mutex_lock(&b->lock);
	pthread_cond_broadcast(&b->changed);
	pthread_mutex_unlock(&b->lock);
}
