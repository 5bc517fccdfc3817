/* SPDX-License-Identifier: MIT */
#include "engine/copy/copier.h"

#include "base/bytes.h"
#include "base/clock.h"
#include "base/log.h"
#include "engine/copy/parts.h"
#include "engine/copy/uploads.h"
#include "engine/work/gate.h"
#include "engine/work/pace.h"

#include <stdlib.h>

#define CHANGED_MAX 3 /* copies of a source that keeps changing */
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
static bool open_sessions(struct copier *c, struct error *err)
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

enum migrate_status blame(struct copier *c, struct migrate_session *s, enum migrate_status status)
{
	c->culprit = s;
	return status;
}

const char *copier_message(struct copier *c, enum migrate_status status)
{
	const char *said = c->culprit ? session_message(c->culprit) : "";
	const char *label = c->culprit ? end_label(session_end(c->culprit)) : "";
	char *text = *said ? arena_printf(&c->arena, "%s: %s", label, said)
			   : arena_printf(&c->arena, "%s: %s", label, status_name(status));

	return text ? text : status_name(status);
}

bool copier_keep(struct copier *c, struct migrate_bytes from, struct migrate_bytes *to)
{
	return arena_bytes(&c->arena, from, to);
}

void fail_item(struct item *it, enum fail_class why, const char *message)
{
	it->record.state = OBJECT_FAILED;
	it->record.fail = (uint8_t)why;
	it->record.message = message;
}

static enum fail_class class_of(enum migrate_status status)
{
	switch (status) {
	case MIGRATE_CHANGED:
		return FAIL_CHANGED;
	case MIGRATE_INVALID:
	case MIGRATE_UNSUPPORTED:
		return FAIL_INVALID;
	case MIGRATE_DENIED:
		return FAIL_DENIED;
	case MIGRATE_MISMATCH:
		return FAIL_MISMATCH;
	case MIGRATE_EXISTS:
		return FAIL_CONFLICT;
	case MIGRATE_TRANSIENT:
	case MIGRATE_THROTTLED:
	case MIGRATE_UNKNOWN_OUTCOME:
	case MIGRATE_UNAVAILABLE:
	case MIGRATE_NO_SPACE:
		return FAIL_TRANSIENT;
	default:
		return FAIL_OTHER;
	}
}

/* Asked to keep all attributes, a destination refuses what it cannot keep as unsupported. */
static enum fail_class class_for(const struct copier *c, enum migrate_status status)
{
	if (status == MIGRATE_UNSUPPORTED && c->culprit == c->destination &&
	    c->run->task->job->copy.attributes == ATTRIBUTES_FAIL)
		return FAIL_ATTRIBUTES;
	return class_of(status);
}

static bool is_final(const struct run *run, const struct item *it, enum migrate_status status)
{
	if (status == MIGRATE_CHANGED)
		return it->record.attempts >= CHANGED_MAX;
	return it->record.attempts >= run->task->job->attempts ||
	       !(status_may_retry(status) || status_is_systemic(status));
}

static void try_again(struct item *it, int64_t after)
{
	it->end = ITEM_AGAIN;
	it->due = clock_monotonic() + after;
}

/* The object's own trouble: again later, or failed, for the reason that was said. */
static void conclude_object(struct copier *c, struct item *it, enum migrate_status status,
			    const char *said)
{
	if (it->record.attempts < UINT8_MAX)
		it->record.attempts++;
	if (is_final(c->run, it, status) && status != MIGRATE_UNKNOWN_OUTCOME) {
		fail_item(it, class_for(c, status), said);
		return;
	}
	if (it->record.attempts >= c->run->task->job->attempts) {
		fail_item(it, FAIL_TRANSIENT, said);
		return;
	}
	/* a changed source is looked at anew by the next attempt */
	if (status == MIGRATE_CHANGED)
		it->record.etag = bytes_of(NULL, 0);
	try_again(it, status == MIGRATE_CHANGED ? 0 : backoff(it->record.attempts));
}

/*
 * Gone, or is it the whole source that went away? Or was something else not found,
 * an upload or a folder at the destination, and the object is where it was?
 */
static enum gate_verdict look_for_source(struct copier *c, struct item *it)
{
	struct object_slot slot;
	struct migrate_stat r = { .key = it->record.key, .object = &slot.object };
	enum migrate_status status;

	if (end_probe(c->source, false) != MIGRATE_OK)
		return gate_trouble(c->run->gate, c->source, false, MIGRATE_UNAVAILABLE);
	object_slot_init(&slot, NULL);
	status = store_stat(c->source, &r);
	if (status == MIGRATE_NOT_FOUND && it->record.remade)
		fail_item(it, FAIL_MISSING,
			  "the copy is gone from the destination, and the object from the source");
	else if (status == MIGRATE_NOT_FOUND)
		it->record.state = OBJECT_GONE;
	else
		conclude_object(c, it, MIGRATE_TRANSIENT, copier_message(c, MIGRATE_TRANSIENT));
	return GATE_OBJECT;
}

/* False: the run ends, the item is left as it was. */
static bool conclude(struct copier *c, struct item *it, enum migrate_status status)
{
	enum gate_verdict verdict;
	const char *said;

	if (status == MIGRATE_OK) {
		gate_well(c->run->gate);
		return true;
	}
	said = copier_message(c, status); /* before a probe() of that session says something else */
	if (status == MIGRATE_NOT_FOUND) {
		verdict = look_for_source(c, it);
	} else {
		verdict =
		    gate_trouble(c->run->gate, c->culprit, c->culprit == c->destination, status);
		if (verdict == GATE_OBJECT)
			conclude_object(c, it, status, said);
	}
	if (verdict == GATE_AGAIN)
		try_again(it, 0);
	return verdict != GATE_LEAVE;
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
		if (took != TOOK_NOTHING && !open_sessions(c, &err)) {
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
