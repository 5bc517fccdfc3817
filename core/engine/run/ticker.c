/* SPDX-License-Identifier: MIT */
#include "engine/run/ticker.h"

#include "base/clock.h"
#include "engine/work/gate.h"

#include <poll.h>

#define TICK_MS 200

int ticker_init(struct ticker *t, struct run *run, struct crew *crew, struct error *err)
{
	*t = (struct ticker){ .run = run, .tuning.crew = crew };
	if (obey_first(t, err))
		return -1;
	t->progress = progress_new(run->options->progress, run->task->job->name);
	return t->progress ? 0 : error_set(err, EXIT_INTERNAL, "out of memory");
}

void ticker_release(struct ticker *t)
{
	progress_free(t->progress);
}

static const char *state_name(const struct run *run, bool fed)
{
	if (atomic_load(&run->halt.failed))
		return "ending";
	if (atomic_load(&run->halt.stopping))
		return "finishing";
	if (atomic_load(&run->scanning))
		return "scanning rows";
	if (atomic_load(&run->tally.objects_done) < atomic_load(&run->tally.objects))
		return "copying";
	if (atomic_load(&run->listing))
		return "listing";
	return fed ? "finishing" : "starting";
}

static void fill_snapshot(struct run *run, struct snapshot *s, char *note, size_t size)
{
	struct tally *t = &run->tally;
	bool fed = window_is_fed(run);

	*s = (struct snapshot){
		.at = clock_monotonic(),
		.state = state_name(run, fed),
		.pass = run->task->pass.number,
		.total_known = !atomic_load(&run->listing) && !run->options->first,
		.objects = atomic_load(&t->objects),
		.bytes = atomic_load(&t->bytes),
		.objects_done = atomic_load(&t->objects_done),
		.bytes_done = atomic_load(&t->bytes_done),
		.objects_before = atomic_load(&run->objects_before),
		.bytes_before = atomic_load(&run->bytes_before),
		.copied = atomic_load(&t->copied),
		.same = atomic_load(&t->same),
		.skipped = atomic_load(&t->skipped),
		.gone = atomic_load(&t->gone),
		.failed = atomic_load(&t->failed),
		.rows = atomic_load(&t->rows),
		.rows_conflict = atomic_load(&t->rows_conflict),
		.workers = (uint32_t)atomic_load(&run->concurrency),
		.workers_why = auto_reason_text((uint32_t)atomic_load(&run->why)),
		.passed_over = atomic_load(&t->passed_over),
	};
	if (gate_note(run->gate, note, size)) {
		s->state = "paused";
		s->note = note;
	}
}

static void show_progress(struct ticker *t, bool last)
{
	char note[512];
	struct snapshot s;

	fill_snapshot(t->run, &s, note, sizeof(note));
	if (last)
		progress_end(t->progress, &s);
	else
		progress_show(t->progress, &s);
}

static void sample(struct run *run)
{
	struct journal_sample s = {
		.at = clock_wall(),
		.objects =
		    atomic_load(&run->tally.objects_done) - atomic_load(&run->objects_before),
		.bytes = atomic_load(&run->tally.bytes_done) - atomic_load(&run->bytes_before),
		.rows = atomic_load(&run->tally.rows),
		.failed = atomic_load(&run->tally.failed),
		.workers = (uint32_t)atomic_load(&run->concurrency),
		.why = (uint32_t)atomic_load(&run->why),
		.errors = (uint32_t)atomic_load(&run->tally.new_failures),
	};

	journal_sample(run->task->journal, &s);
}

static void each_second(struct ticker *t)
{
	struct run *run = t->run;
	char note[512];

	obey(t);
	tune_step(&t->tuning, gate_note(run->gate, note, sizeof(note)));
	sample(run);
	run_too_many_failed(run);
	watchdog_look(run);
}

void ticker_run(struct ticker *t)
{
	int64_t until = 10 * NS_PER_MS;

	t->next_second = clock_monotonic() + NS_PER_S;
	while (!window_is_over(t->run)) {
		show_progress(t, false);
		if (clock_monotonic() >= t->next_second) {
			t->next_second += NS_PER_S;
			each_second(t);
		}
		/* short jobs should not wait for the tick */
		poll(NULL, 0, (int)(until / NS_PER_MS));
		until = until < TICK_MS * NS_PER_MS / 2 ? 2 * until : TICK_MS * NS_PER_MS;
	}
	run_too_many_failed(t->run);
	show_progress(t, true);
}
