/* SPDX-License-Identifier: MIT */
#include "engine/run/crew.h"

#include "base/log.h"
#include "engine/run/feeder.h"

#include <stdlib.h>

#define REWRITERS_MAX 4

static uint32_t count_rewriters(const struct engine *e)
{
	if (e->options->only == RUN_COPY)
		return 0;
	/* batches that an earlier run left open may still pass through */
	return e->has_rows ? REWRITERS_MAX : 1;
}

/* As many copiers as both ends bear beside the sessions that others hold. */
static uint32_t most_copiers(const struct engine *e)
{
	enum { OTHERS_SOURCE = 2, OTHERS_DESTINATION = 3 }; /* who opened it, feeder, syncer */
	uint32_t source = e->ends.source_facts.d.sessions_max;
	uint32_t destination = e->ends.destination_facts.d.sessions_max;
	uint32_t n = CREW_MOST;

	if (source && source < n + OTHERS_SOURCE)
		n = source > OTHERS_SOURCE ? source - OTHERS_SOURCE : 1;
	if (destination && destination < n + OTHERS_DESTINATION)
		n = destination > OTHERS_DESTINATION ? destination - OTHERS_DESTINATION : 1;
	return n;
}

int crew_hire(struct crew *c, struct engine *e, struct error *err)
{
	uint32_t rewriters = count_rewriters(e);

	*c = (struct crew){ .engine = e };
	c->copiers = calloc(CREW_MOST, sizeof(struct copier *));
	c->rewriters = calloc(rewriters + 1, sizeof(struct rewriter *));
	e->inflight = calloc(CREW_MOST, sizeof(*e->inflight));
	e->turns = calloc(e->ends.database_count + 1, sizeof(*e->turns));
	if (!c->copiers || !c->rewriters || !e->inflight || !e->turns)
		return error_set(err, EXIT_INTERNAL, "out of memory");
	e->inflight_size = CREW_MOST;
	atomic_store(&e->most_copiers, most_copiers(e));
	for (; c->rewriter_count < rewriters; c->rewriter_count++) {
		c->rewriters[c->rewriter_count] = rewriter_new(e, err);
		if (!c->rewriters[c->rewriter_count])
			return -1;
	}
	return 0;
}

void crew_dismiss(struct crew *c)
{
	for (uint32_t i = 0; i < c->copier_count; i++)
		copier_free(c->copiers[i]);
	for (uint32_t i = 0; i < c->rewriter_count; i++)
		rewriter_free(c->rewriters[i]);
	free(c->copiers);
	free(c->rewriters);
	free(c->engine->turns);
	c->engine->turns = NULL;
	free(c->engine->inflight);
	c->engine->inflight = NULL;
	c->engine->inflight_size = 0;
}

static bool start(pthread_t *t, void *(*main)(void *), void *arg, struct engine *e)
{
	struct error err = ERROR_INIT;

	if (!pthread_create(t, NULL, main, arg))
		return true;
	error_set(&err, EXIT_INTERNAL, "cannot start a thread");
	engine_fail(e, &err);
	return false;
}

static void count_copiers(struct engine *e, int change)
{
	pthread_mutex_lock(&e->lock);
	e->copiers += (uint32_t)change;
	pthread_mutex_unlock(&e->lock);
}

/* It is counted before it starts: nobody must think that the last one left. */
static bool hire_copier(struct crew *c)
{
	struct engine *e = c->engine;
	struct error err = ERROR_INIT;
	struct copier *copier = copier_new(e, c->copier_count, &err);

	if (!copier) {
		engine_fail(e, &err);
		return false;
	}
	count_copiers(e, 1);
	if (!start(&copier->thread, copier_main, copier, e)) {
		count_copiers(e, -1);
		copier_free(copier);
		return false;
	}
	c->copiers[c->copier_count++] = copier;
	return true;
}

static bool copying_goes_on(struct engine *e)
{
	bool some;

	pthread_mutex_lock(&e->lock);
	some = e->copiers > 0;
	pthread_mutex_unlock(&e->lock);
	return some && !engine_leaving(e);
}

static uint32_t bounded(const struct engine *e, uint32_t n)
{
	uint32_t most = (uint32_t)atomic_load(&e->most_copiers);

	return n < most ? n : most;
}

void crew_set(struct crew *c, uint32_t copiers)
{
	struct engine *e = c->engine;

	if (bounded(e, copiers) < copiers) {
		copiers = bounded(e, copiers);
		log_info("%u objects at a time: the ends serve no more sessions", copiers);
	}
	while (c->copier_count < copiers && copying_goes_on(e) && hire_copier(c))
		;
	pthread_mutex_lock(&e->lock);
	atomic_store(&e->concurrency, copiers);
	engine_wake(e);
	pthread_mutex_unlock(&e->lock);
}

/* Threads that could not be started are counted out again: nobody waits for them. */
static void start_rewriters(struct crew *c)
{
	struct engine *e = c->engine;
	uint32_t n;

	pthread_mutex_lock(&e->lock);
	e->rewriters = c->rewriter_count;
	pthread_mutex_unlock(&e->lock);
	for (n = 0; n < c->rewriter_count; n++)
		if (!start(&c->rewriters[n]->thread, rewriter_main, c->rewriters[n], e))
			break;
	pthread_mutex_lock(&e->lock);
	e->rewriters -= c->rewriter_count - n;
	pthread_mutex_unlock(&e->lock);
	c->started_rewriters = n;
}

void crew_start(struct crew *c)
{
	struct engine *e = c->engine;

	while (c->copier_count < atomic_load(&e->concurrency) && hire_copier(c))
		;
	start_rewriters(c);
	c->has_syncer = start(&c->syncer, syncer_main, e, e);
	c->has_feeder = start(&c->feeder, feeder_main, e, e);
	c->has_saver = start(&c->saver, saver_main, e, e);
	pthread_mutex_lock(&e->lock);
	/* either may have come to its end already: only ever set, never taken back */
	e->synced |= !c->has_syncer;
	e->fed |= !c->has_feeder;
	pthread_mutex_unlock(&e->lock);
}

void crew_join(struct crew *c)
{
	if (c->has_feeder)
		pthread_join(c->feeder, NULL);
	for (uint32_t i = 0; i < c->copier_count; i++)
		pthread_join(c->copiers[i]->thread, NULL);
	if (c->has_syncer)
		pthread_join(c->syncer, NULL);
	if (c->has_saver)
		pthread_join(c->saver, NULL);
	for (uint32_t i = 0; i < c->started_rewriters; i++)
		pthread_join(c->rewriters[i]->thread, NULL);
}
