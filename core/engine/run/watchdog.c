/* SPDX-License-Identifier: MIT */
#include "engine/run/ticker.h"

#include "base/clock.h"
#include "base/log.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#define GRACE_MAX (30 * NS_PER_S)

/* Deadlines measure lack of progress, not total time. */
struct hang {
	struct run *run;
	bool found;
	char text[256];
};

static void look_at_call(void *arg, struct migrate_session *s, const char *operation,
			 int64_t stalled)
{
	struct hang *h = arg;

	int64_t deadline = h->run->task->ends.host.deadline * NS_PER_MS;

	/* the plugin may notice its deadline by itself first */
	if (h->found || stalled < deadline + (deadline < GRACE_MAX ? deadline : GRACE_MAX))
		return;
	h->found = true;
	snprintf(h->text, sizeof(h->text),
		 "%s (plugin %s): %s() made no progress for %" PRId64 " s",
		 end_label(session_end(s)), end_plugin(session_end(s))->name, operation,
		 stalled / NS_PER_S);
}

static void look_at_calls(struct hang *h)
{
	struct ends *e = &h->run->task->ends;

	end_each_busy(e->source.end, look_at_call, h);
	end_each_busy(e->destination.end, look_at_call, h);
	for (size_t i = 0; i < e->database_count; i++)
		end_each_busy(e->databases[i].end, look_at_call, h);
	for (size_t i = 0; i < e->cache_count; i++)
		end_each_busy(e->caches[i].end, look_at_call, h);
}

/* Keys in flight are journalled: what hangs twice is quarantined. */
static void note_inflight(struct run *run)
{
	uint32_t n = run->window.inflight_size, used = 0;
	int64_t *batches = calloc(n, sizeof(*batches));
	uint32_t *objects = calloc(n, sizeof(*objects));
	struct error err = ERROR_INIT;

	if (batches && objects)
		used = window_inflight(run, batches, objects);
	if (used && journal_hung(run->task->journal, batches, objects, used, &err))
		log_error("%s", err.text);
	free(batches);
	free(objects);
}

void watchdog_look(struct run *run)
{
	const struct task *t = run->task;
	struct hang h = { .run = run };
	struct error err = ERROR_INIT;

	if (!run->hangs)
		look_at_calls(&h);
	if (!h.found)
		return;
	run->hangs = true;
	log_error("%s", h.text);
	journal_event(t->journal, LOG_ERROR, h.text);
	note_inflight(run);
	if (t->hooks && t->hooks->hung)
		t->hooks->hung();
	error_set(&err, EXIT_OUTAGE, "%s; run again to go on", h.text);
	halt_fail(&run->halt, &err);
}
