/* SPDX-License-Identifier: MIT */
#include "engine/run/crew.h"

#include "base/log.h"
#include "engine/run/feeder.h"

#include <stdlib.h>

#define REWRITERS_MAX 4

static uint32_t count_rewriters(const struct run *run)
{
	if (run->options->only == RUN_COPY)
		return 0;
	/* batches that an earlier run left open may still pass through */
	return run->task->has_rows ? REWRITERS_MAX : 1;
}

/* As many copiers as both ends bear beside the sessions that others hold. */
static uint32_t most_copiers(const struct run *run)
{
	enum { OTHERS_SOURCE = 2, OTHERS_DESTINATION = 3 }; /* who opened it, feeder, syncer */
	uint32_t source = run->task->ends.source_facts.d.sessions_max;
	uint32_t destination = run->task->ends.destination_facts.d.sessions_max;
	uint32_t n = CREW_MOST;

	if (source && source < n + OTHERS_SOURCE)
		n = source > OTHERS_SOURCE ? source - OTHERS_SOURCE : 1;
	if (destination && destination < n + OTHERS_DESTINATION)
		n = destination > OTHERS_DESTINATION ? destination - OTHERS_DESTINATION : 1;
	return n;
}

int crew_hire(struct crew *c, struct run *run, struct error *err)
{
	uint32_t rewriters = count_rewriters(run);

	*c = (struct crew){ .run = run };
	c->copiers = calloc(CREW_MOST, sizeof(struct copier *));
	c->rewriters = calloc(rewriters + 1, sizeof(struct rewriter *));
	run->window.inflight = calloc(CREW_MOST, sizeof(*run->window.inflight));
	run->turns = turns_new(run);
	if (!c->copiers || !c->rewriters || !run->window.inflight || !run->turns)
		return error_set(err, EXIT_INTERNAL, "out of memory");
	run->window.inflight_size = CREW_MOST;
	atomic_store(&run->most_copiers, most_copiers(run));
	for (; c->rewriter_count < rewriters; c->rewriter_count++) {
		c->rewriters[c->rewriter_count] = rewriter_new(run, err);
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
	turns_free(c->run->turns);
	c->run->turns = NULL;
	free(c->run->window.inflight);
	c->run->window.inflight = NULL;
	c->run->window.inflight_size = 0;
}

static bool start(pthread_t *t, void *(*main)(void *), void *arg, struct run *run)
{
	struct error err = ERROR_INIT;

	if (!pthread_create(t, NULL, main, arg))
		return true;
	error_set(&err, EXIT_INTERNAL, "cannot start a thread");
	halt_fail(&run->halt, &err);
	return false;
}

/* It is counted before it starts: nobody must think that the last one left. */
static bool hire_copier(struct crew *c)
{
	struct run *run = c->run;
	struct error err = ERROR_INIT;
	struct copier *copier = copier_new(run, c->copier_count, &err);

	if (!copier) {
		halt_fail(&run->halt, &err);
		return false;
	}
	window_enlist(run, COPIERS, 1);
	if (!start(&copier->thread, copier_main, copier, run)) {
		window_dismiss(run, COPIERS, 1);
		copier_free(copier);
		return false;
	}
	c->copiers[c->copier_count++] = copier;
	return true;
}

static bool copying_goes_on(struct run *run)
{
	return window_has_copiers(run) && !halt_leaving(&run->halt);
}

static uint32_t bounded(const struct run *run, uint32_t n)
{
	uint32_t most = (uint32_t)atomic_load(&run->most_copiers);

	return n < most ? n : most;
}

void crew_set(struct crew *c, uint32_t copiers)
{
	struct run *run = c->run;

	if (bounded(run, copiers) < copiers) {
		copiers = bounded(run, copiers);
		log_info("%u objects at a time: the ends serve no more sessions", copiers);
	}
	while (c->copier_count < copiers && copying_goes_on(run) && hire_copier(c))
		;
	window_set_concurrency(run, copiers);
}

/* Threads that could not be started are counted out again: nobody waits for them. */
static void start_rewriters(struct crew *c)
{
	struct run *run = c->run;
	uint32_t n;

	window_enlist(run, REWRITERS, c->rewriter_count);
	for (n = 0; n < c->rewriter_count; n++)
		if (!start(&c->rewriters[n]->thread, rewriter_main, c->rewriters[n], run))
			break;
	window_dismiss(run, REWRITERS, c->rewriter_count - n);
	c->started_rewriters = n;
}

void crew_start(struct crew *c)
{
	struct run *run = c->run;

	while (c->copier_count < atomic_load(&run->concurrency) && hire_copier(c))
		;
	start_rewriters(c);
	c->has_syncer = start(&c->syncer, syncer_main, run, run);
	c->has_feeder = start(&c->feeder, feeder_main, run, run);
	c->has_saver = start(&c->saver, saver_main, run, run);
	if (!c->has_syncer)
		window_synced(run);
	if (!c->has_feeder)
		window_fed(run);
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
