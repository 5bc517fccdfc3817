/* SPDX-License-Identifier: MIT */
#include "engine/work/offers.h"

#include "base/clock.h"

void offer_make(struct run *run, struct offer *o)
{
	pthread_mutex_lock(&run->window.lock);
	o->next = run->window.offers;
	run->window.offers = o;
	window_wake(run);
	pthread_mutex_unlock(&run->window.lock);
}

static bool has_parts(const struct offer *o)
{
	return !o->failed && !o->withdrawn && o->given < o->n;
}

static bool take_part(struct offer *o, uint32_t *part)
{
	if (!has_parts(o))
		return false;
	*part = o->parts[o->given++];
	o->busy++;
	return true;
}

bool offer_take(struct run *run, struct offer *o, uint32_t *part)
{
	bool taken;

	pthread_mutex_lock(&run->window.lock);
	taken = take_part(o, part);
	pthread_mutex_unlock(&run->window.lock);
	return taken;
}

bool offer_take_any(struct run *run, struct offer **o, uint32_t *part)
{
	pthread_mutex_lock(&run->window.lock);
	for (*o = run->window.offers; *o; *o = (*o)->next)
		if (take_part(*o, part))
			break;
	pthread_mutex_unlock(&run->window.lock);
	return *o != NULL;
}

bool offer_fail(struct run *run, struct offer *o)
{
	bool first;

	pthread_mutex_lock(&run->window.lock);
	first = !o->failed;
	o->failed = true;
	pthread_mutex_unlock(&run->window.lock);
	return first;
}

void offer_end(struct run *run, struct offer *o)
{
	pthread_mutex_lock(&run->window.lock);
	o->busy--;
	window_wake(run);
	pthread_mutex_unlock(&run->window.lock);
}

void offer_withdraw(struct run *run, struct offer *o)
{
	struct offer **p;

	pthread_mutex_lock(&run->window.lock);
	o->withdrawn = true;
	while (o->busy)
		window_wait(run, &run->window.changed, NS_PER_S);
	for (p = &run->window.offers; *p != o; p = &(*p)->next)
		;
	*p = o->next;
	pthread_mutex_unlock(&run->window.lock);
}

bool offers_wait(const struct run *run)
{
	for (const struct offer *o = run->window.offers; o; o = o->next)
		if (has_parts(o))
			return true;
	return false;
}
