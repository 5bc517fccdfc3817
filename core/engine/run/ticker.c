/* SPDX-License-Identifier: MIT */
#include "engine/run/ticker.h"

#include "base/clock.h"
#include "base/log.h"
#include "engine/work/gate.h"
#include "engine/work/pace.h"

#include <poll.h>
#include <stdio.h>

#define TICK_MS 200

static void obey_limits(struct engine *e, const struct control *c, const struct job_limits *limits)
{
	gate_set_paused(e->gate, c->paused);
	pace_set(e->pace, PACE_BYTES, limits->bandwidth);
	pace_set(e->pace, PACE_REQUESTS, (uint64_t)limits->requests);
	pace_set(e->pace, PACE_ROWS, (uint64_t)limits->rows);
}

int ticker_init(struct ticker *t, struct engine *e, struct crew *crew, struct error *err)
{
	struct control c = { .serial = 0 };
	struct job_limits limits;

	*t = (struct ticker){ .engine = e, .tuning.crew = crew };
	t->control = (struct control_file){ e->job->journal_path, e->job->owner };
	if (control_begin(&t->control, &t->watch, &c, err))
		return -1;
	control_apply(&c, e->job, &t->concurrency, &limits);
	obey_limits(e, &c, &limits);
	t->progress = progress_new(e->options->progress, e->job->name);
	return t->progress ? 0 : error_set(err, EXIT_INTERNAL, "out of memory");
}

void ticker_release(struct ticker *t)
{
	progress_free(t->progress);
}

static const char *state_name(const struct engine *e, bool fed)
{
	if (atomic_load(&e->failed))
		return "ending";
	if (atomic_load(&e->stopping))
		return "finishing";
	if (atomic_load(&e->scanning))
		return "scanning rows";
	if (atomic_load(&e->tally.objects_done) < atomic_load(&e->tally.objects))
		return "copying";
	if (atomic_load(&e->listing))
		return "listing";
	return fed ? "finishing" : "starting";
}

static void fill(struct engine *e, struct snapshot *s, char *note, size_t size)
{
	struct tally *t = &e->tally;
	bool fed;

	pthread_mutex_lock(&e->lock);
	fed = e->fed;
	pthread_mutex_unlock(&e->lock);
	*s = (struct snapshot){
		.at = clock_monotonic(),
		.state = state_name(e, fed),
		.pass = e->pass.number,
		.total_known = !atomic_load(&e->listing) && !e->options->first,
		.objects = atomic_load(&t->objects),
		.bytes = atomic_load(&t->bytes),
		.objects_done = atomic_load(&t->objects_done),
		.bytes_done = atomic_load(&t->bytes_done),
		.objects_before = atomic_load(&e->objects_before),
		.bytes_before = atomic_load(&e->bytes_before),
		.copied = atomic_load(&t->copied),
		.same = atomic_load(&t->same),
		.skipped = atomic_load(&t->skipped),
		.gone = atomic_load(&t->gone),
		.failed = atomic_load(&t->failed),
		.rows = atomic_load(&t->rows),
		.rows_conflict = atomic_load(&t->rows_conflict),
		.workers = (uint32_t)atomic_load(&e->concurrency),
		.workers_why = auto_reason_text((uint32_t)atomic_load(&e->why)),
		.passed_over = atomic_load(&t->passed_over),
	};
	if (gate_note(e->gate, note, size)) {
		s->state = "paused";
		s->note = note;
	}
}

static void show(struct ticker *t, bool last)
{
	char note[512];
	struct snapshot s;

	fill(t->engine, &s, note, sizeof(note));
	if (last)
		progress_end(t->progress, &s);
	else
		progress_show(t->progress, &s);
}

static void obey(struct ticker *t)
{
	struct engine *e = t->engine;
	struct control c;
	struct job_limits limits;
	struct error err = ERROR_INIT;
	uint32_t concurrency;
	char text[256];
	int rc = control_poll(&t->control, &t->watch, &c, &err);

	if (rc < 0)
		log_warn("%s", err.text);
	if (rc <= 0)
		return;
	control_apply(&c, e->job, &concurrency, &limits);
	obey_limits(e, &c, &limits);
	tune_set(&t->tuning, concurrency);
	control_text(&c, text, sizeof(text));
	log_info("control: %s", text);
	journal_event(e->journal, LOG_INFO, text);
	if (c.stop) {
		t->interrupted = true;
		engine_stop(e);
	}
}

static void sample(struct engine *e)
{
	struct journal_sample s = {
		.at = clock_wall(),
		.objects = atomic_load(&e->tally.objects_done) - atomic_load(&e->objects_before),
		.bytes = atomic_load(&e->tally.bytes_done) - atomic_load(&e->bytes_before),
		.rows = atomic_load(&e->tally.rows),
		.failed = atomic_load(&e->tally.failed),
		.workers = (uint32_t)atomic_load(&e->concurrency),
		.why = (uint32_t)atomic_load(&e->why),
		.errors = (uint32_t)atomic_load(&e->tally.new_failures),
	};

	journal_sample(e->journal, &s);
}

static void each_second(struct ticker *t)
{
	struct engine *e = t->engine;
	char note[512];

	obey(t);
	tune_step(&t->tuning, gate_note(e->gate, note, sizeof(note)));
	sample(e);
	engine_too_many_failed(e);
	watchdog_look(e);
}

static bool anybody_left(struct engine *e)
{
	bool left;

	pthread_mutex_lock(&e->lock);
	left = e->copiers || e->rewriters || !e->synced || !e->fed;
	pthread_mutex_unlock(&e->lock);
	return left;
}

void ticker_run(struct ticker *t)
{
	int64_t until = 10 * NS_PER_MS;

	t->next_second = clock_monotonic() + NS_PER_S;
	while (anybody_left(t->engine)) {
		show(t, false);
		if (clock_monotonic() >= t->next_second) {
			t->next_second += NS_PER_S;
			each_second(t);
		}
		/* short jobs should not wait for the tick */
		poll(NULL, 0, (int)(until / NS_PER_MS));
		until = until < TICK_MS * NS_PER_MS / 2 ? 2 * until : TICK_MS * NS_PER_MS;
	}
	engine_too_many_failed(t->engine);
	show(t, true);
}
