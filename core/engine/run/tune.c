/* SPDX-License-Identifier: MIT */
#include "engine/run/tune.h"

#include "base/clock.h"
#include "base/log.h"
#include "engine/work/pace.h"

#include <stdio.h>

static struct auto_sample sums(struct run *run)
{
	return (struct auto_sample){
		.ns = clock_monotonic(),
		.objects = atomic_load(&run->tally.objects_done),
		.bytes = pace_taken(run->pace, PACE_BYTES),
		.busy = atomic_load(&run->pulse.busy),
		.starved = atomic_load(&run->pulse.starved),
		.source = atomic_load(&run->pulse.source),
		.destination = atomic_load(&run->pulse.destination),
	};
}

static struct auto_sample sample_since(const struct auto_sample *now,
				       const struct auto_sample *then)
{
	return (struct auto_sample){
		.ns = now->ns - then->ns,
		.objects = now->objects - then->objects,
		.bytes = now->bytes - then->bytes,
		.busy = now->busy - then->busy,
		.starved = now->starved - then->starved,
		.source = now->source - then->source,
		.destination = now->destination - then->destination,
	};
}

/* The journal keeps each change of mind, not each number: the samples have these. */
static void tell_concurrency(struct run *run, uint32_t n, enum auto_reason why)
{
	char text[128];

	if (atomic_exchange(&run->why, why) == why)
		return;
	snprintf(text, sizeof(text), "copy.concurrency is %u: %s", n, auto_reason_text(why));
	log_debug("%s", text);
	journal_event(run->task->journal, LOG_DEBUG, text);
}

/* From where it stands. */
static void begin_auto(struct tuning *t)
{
	struct run *run = t->crew->run;
	uint32_t most = (uint32_t)atomic_load(&run->most_copiers);
	uint32_t n = (uint32_t)atomic_load(&run->concurrency);

	auto_init(&t->tuner, n, most < AUTO_MOST ? most : AUTO_MOST);
	t->last = sums(run);
	t->automatic = true;
	crew_set(t->crew, t->tuner.now);
	tell_concurrency(run, t->tuner.now, t->tuner.reason);
}

void tune_set(struct tuning *t, uint32_t n)
{
	if (n) {
		t->automatic = false;
		crew_set(t->crew, n);
		tell_concurrency(t->crew->run, n, AUTO_SET);
	} else if (!t->automatic) {
		begin_auto(t);
	}
}

void tune_step(struct tuning *t, bool paused)
{
	struct run *run = t->crew->run;
	struct auto_sample now = sums(run), s = sample_since(&now, &t->last);
	uint32_t most = (uint32_t)atomic_load(&run->most_copiers), before = t->tuner.now;

	t->last = now;
	if (!t->automatic)
		return;
	if (paused || t->paused) {
		t->paused = paused;
		auto_forget(&t->tuner);
		return;
	}
	auto_limit(&t->tuner, most);
	if (auto_step(&t->tuner, &s) != before)
		crew_set(t->crew, t->tuner.now);
	tell_concurrency(run, t->tuner.now, t->tuner.reason);
}
