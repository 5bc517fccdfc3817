/* SPDX-License-Identifier: MIT */
#include "engine/copy/copier.h"

#include "base/clock.h"
#include "base/log.h"
#include "engine/copy/parts.h"
#include "engine/copy/uploads.h"
#include "engine/work/gate.h"
#include "engine/work/pace.h"

#include <stdlib.h>

#define HUNG_MAX 2
#define RETURN_EVERY (50 * NS_PER_MS)

void copier_free(struct copier *c)
{
	if (!c)
		return;
	session_close(c->source);
	session_close(c->destination);
	digest_free(c->digest);
	sink_free(c->sink);
	body_free(c->body);
	ring_free(c->ring);
	attributes_free(c->attributes);
	attributes_free(c->borne);
	arena_release(&c->arena);
	free(c->buffer);
	free(c);
}

struct copier *copier_new(struct run *run, uint32_t number, struct error *err)
{
	struct copier *c = calloc(1, sizeof(*c));

	if (!c)
		goto nomem;
	c->run = run;
	c->number = number;
	c->digest = digest_new();
	c->sink = sink_memory();
	c->body = body_memory();
	c->attributes = attributes_new();
	c->borne = attributes_new();
	if (c->digest && c->sink && c->body && c->attributes && c->borne)
		return c;
nomem:
	copier_free(c);
	error_set(err, EXIT_INTERNAL, "out of memory");
	return NULL;
}

/*
 * With the first work: sessions cost memory and, at some ends, a connection. Once some
 * copiers have theirs, an end that gives no more of them limits how many there can be.
 */
static bool open_copier_sessions(struct copier *c, struct error *err)
{
	struct run *run = c->run;

	if (c->destination)
		return true;
	if (!c->source)
		c->source = session_open(run->task->ends.source.end, err);
	if (c->source)
		c->destination = session_open(run->task->ends.destination.end, err);
	if (c->destination)
		atomic_fetch_add(&run->equipped, 1);
	return c->destination;
}

static void handle(struct copier *c, struct item *it)
{
	struct run *run = c->run;

	if (halt_leaving(&run->halt) || !pace_take(run->pace, PACE_REQUESTS, 1)) {
		it->end = ITEM_LEFT;
		return;
	}
	window_note_inflight(run, c->number, it);
	if (!it->record.new_key.n)
		fail_item(it, FAIL_OTHER, "no new key was planned");
	else if (it->record.hung >= HUNG_MAX)
		fail_item(it, FAIL_POISON, "in flight when a call hung, twice");
	else if (!conclude(c, it, copy_object(c, it)))
		it->end = ITEM_LEFT;
	if (it->end == ITEM_SETTLED)
		uploads_leave(c, it);
	window_note_inflight(run, c->number, NULL);
	if (it->end == ITEM_SETTLED && it->record.state == OBJECT_FAILED)
		tell_failure(run, &it->record);
}

/* The time since then was work; returns the end of it. */
static int64_t was_busy(struct copier *c, int64_t since)
{
	int64_t now = clock_monotonic();

	atomic_fetch_add_explicit(&c->run->pulse.busy, (uint64_t)(now - since),
				  memory_order_relaxed);
	return now;
}

/* Results are handed back together, but slow objects do not keep quick ones waiting. */
static void handle_all(struct copier *c, size_t n)
{
	size_t returned = 0;
	int64_t since = clock_monotonic();

	for (size_t i = 0; i < n; i++) {
		handle(c, &c->items[i]);
		if (i + 1 < n && clock_monotonic() - since < RETURN_EVERY)
			continue;
		since = was_busy(c, since);
		window_return(c->run, c->items + returned, i + 1 - returned);
		returned = i + 1;
	}
}

static void help_with_parts(struct copier *c)
{
	int64_t since = clock_monotonic();

	parts_help(c);
	was_busy(c, since);
}

/* No session for this one: the others go on if there are any, as many as there are. */
static void go_without(struct copier *c, size_t n, struct error *err)
{
	struct run *run = c->run;
	uint32_t others = (uint32_t)atomic_load(&run->equipped);

	for (size_t i = 0; i < n; i++)
		c->items[i].end = others ? ITEM_AGAIN : ITEM_LEFT;
	window_return(run, c->items, n);
	if (!others) {
		run_broke_off(run, err);
		return;
	}
	if (!halt_leaving(&run->halt))
		log_warn("no more than %u objects at a time: %s", others, err->text);
	atomic_store(&run->most_copiers, others);
}

void *copier_main(void *arg)
{
	struct copier *c = arg;
	struct run *run = c->run;
	enum window_taken took = TOOK_ITEMS;
	struct error err = ERROR_INIT;
	size_t n;

	while (took != TOOK_NOTHING && gate_pass(run->gate)) {
		took = window_take(run, c->number, c->items, RUN_LENGTH, &n);
		if (took != TOOK_NOTHING && !open_copier_sessions(c, &err)) {
			go_without(c, n, &err);
			break;
		}
		if (took == TOOK_PARTS)
			help_with_parts(c);
		handle_all(c, n);
		copier_unreserve(c);
		arena_reset(&c->arena);
	}
	window_dismiss(run, COPIERS, 1);
	return NULL;
}
