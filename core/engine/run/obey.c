/* SPDX-License-Identifier: MIT */
#include "engine/run/ticker.h"

#include "base/log.h"
#include "engine/work/gate.h"
#include "engine/work/pace.h"

/* What migrate-control asks of this run: when it begins, and once a second. */

static void obey_limits(struct run *run, const struct control *c, const struct job_limits *limits)
{
	gate_set_paused(run->gate, c->paused);
	pace_set(run->pace, PACE_BYTES, limits->bandwidth);
	pace_set(run->pace, PACE_REQUESTS, (uint64_t)limits->requests);
	pace_set(run->pace, PACE_ROWS, (uint64_t)limits->rows);
}

int obey_first(struct ticker *t, struct error *err)
{
	struct run *run = t->run;
	struct control c = { .serial = 0 };
	struct job_limits limits;

	t->place = task_place(run->task);
	if (control_begin(&t->place, &t->watch, &c, err))
		return -1;
	control_apply(&c, run->task->job, &t->concurrency, &limits);
	obey_limits(run, &c, &limits);
	return 0;
}

void obey(struct ticker *t)
{
	struct run *run = t->run;
	struct control c;
	struct job_limits limits;
	struct error err = ERROR_INIT;
	uint32_t concurrency;
	char text[256];
	int rc = control_poll(&t->place, &t->watch, &c, &err);

	if (rc < 0)
		log_warn("%s", err.text);
	if (rc <= 0)
		return;
	control_apply(&c, run->task->job, &concurrency, &limits);
	obey_limits(run, &c, &limits);
	tune_set(&t->tuning, concurrency);
	control_text(&c, text, sizeof(text));
	log_info("control: %s", text);
	journal_event(run->task->journal, LOG_INFO, text);
	if (c.stop)
		halt_stop(&run->halt);
}
