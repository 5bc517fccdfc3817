/* SPDX-License-Identifier: MIT */
#include "engine/status/status.h"

#include "base/clock.h"
#include "base/edits.h"

void counts_json(const struct batch_counts *c, struct json *j)
{
	uint64_t settled = c->copied + c->same + c->skipped + c->gone + c->failed;

	json_object(j, "objects");
	json_uint(j, "total", c->objects);
	json_uint(j, "done", c->copied);
	json_uint(j, "same", c->same);
	json_uint(j, "skipped", c->skipped);
	json_uint(j, "gone", c->gone);
	json_uint(j, "failed", c->failed);
	json_uint(j, "planned", c->objects > settled ? c->objects - settled : 0);
	json_end_object(j);
	json_object(j, "bytes");
	json_uint(j, "total", c->bytes);
	json_uint(j, "copied", c->copied_bytes);
	json_end_object(j);
	json_object(j, "rows");
	json_uint(j, "changed", c->rows_changed);
	json_uint(j, "already", c->rows_already);
	json_uint(j, "conflict", c->rows_conflict);
	json_uint(j, "gone", c->rows_gone);
	json_uint(j, "missing", c->rows_missing);
	json_uint(j, "failed", c->rows_failed);
	json_end_object(j);
	json_object(j, "passed_over");
	for (int i = 0; i < SKIP_COUNT; i++)
		json_uint(j, skip_reason_name((enum skip_reason)i), c->skips[i]);
	json_end_object(j);
	json_uint(j, "native_copies", c->native);
	json_uint(j, "lost_attributes", c->lost_attributes);
}

static void add_run(const struct job_status *s, struct json *j)
{
	json_object(j, "run");
	json_int(j, "number", s->run.id);
	json_time(j, "started", s->run.started);
	json_time(j, "ended", s->run.ended);
	json_int(j, "pid", s->run.pid);
	json_text(j, "host", s->run.host);
	if (s->run.ended)
		json_int(j, "exit", s->run.exit);
	else
		json_text(j, "exit", NULL);
	json_text(j, "reason", s->run.reason);
	json_end_object(j);
}

static void add_pass(const struct job_status *s, struct json *j)
{
	static const char *const states[] = { "listing", "listed", "scanning", "done" };

	json_int(j, "pass", s->pass.number);
	json_text(j, "pass_state",
		  s->pass.number && (size_t)s->pass.state < 4 ? states[s->pass.state] : NULL);
	json_uint(j, "orphaned", s->pass.orphaned);
	json_uint(j, "open_batches", s->open_batches);
}

static void add_rate(const struct job_status *s, struct json *j)
{
	json_object(j, "rate");
	json_uint(j, "objects", (uint64_t)(s->object_rate + 0.5));
	json_uint(j, "bytes", (uint64_t)s->byte_rate);
	json_uint(j, "rows", (uint64_t)(s->row_rate + 0.5));
	json_uint(j, "workers", s->workers);
	json_text(j, "workers_why", auto_reason_text(s->workers_why));
	if (s->left >= 0)
		json_int(j, "seconds_left", s->left / NS_PER_S);
	else
		json_text(j, "seconds_left", NULL);
	json_end_object(j);
}

static void add_control(const struct job_status *s, struct json *j)
{
	const struct control *c = &s->control;

	json_object(j, "control");
	json_uint(j, "serial", c->serial);
	json_bool(j, "paused", c->paused);
	json_bool(j, "stop", c->stop);
	if (c->concurrency_set)
		json_int(j, "copy.concurrency", c->concurrency);
	if (c->bandwidth_set)
		json_uint(j, "limits.bandwidth", c->limits.bandwidth);
	if (c->requests_set)
		json_int(j, "limits.requests", c->limits.requests);
	if (c->rows_set)
		json_int(j, "limits.rows", c->limits.rows);
	if (s->control_error[0])
		json_text(j, "error", s->control_error);
	json_end_object(j);
}

void job_status_json(const struct job_status *s, struct json *j)
{
	json_object(j, NULL);
	json_int(j, "version", 1);
	json_text(j, "job", s->name);
	json_text(j, "id", s->id);
	json_text(j, "journal", s->journal);
	json_text(j, "state", job_state_name(s->state));
	add_pass(s, j);
	counts_json(&s->counts, j);
	json_object(j, "failures_by_class");
	for (int i = FAIL_NONE + 1; i < FAIL_CLASS_COUNT; i++)
		if (s->failures[i])
			json_uint(j, fail_class_name((enum fail_class)i), s->failures[i]);
	json_end_object(j);
	add_rate(s, j);
	add_run(s, j);
	add_control(s, j);
	json_end_object(j);
}

void object_json(struct json *j, const struct batch *b, const struct object_record *o)
{
	json_object(j, NULL);
	json_key(j, "key", o->key);
	if (o->new_key.n)
		json_key(j, "new_key", o->new_key);
	else
		json_text(j, "new_key", NULL);
	json_text(j, "state", object_state_name(o->state));
	if (o->state == OBJECT_FAILED) {
		json_text(j, "class", fail_class_name((enum fail_class)o->fail));
		json_text(j, "message", o->message);
	} else if (o->message) {
		json_text(j, "message", o->message);
	}
	json_uint(j, "attempts", o->attempts);
	json_uint(j, "size", o->size);
	json_text(j, "verified", level_name(o->level));
	if (b) {
		json_int(j, "batch", b->id);
		json_text(j, "batch_state", batch_state_name(b->state));
		json_int(j, "pass", b->pass);
	}
	json_end_object(j);
}

void row_shown(const struct row_record *r, struct row_shown *out)
{
	struct edits_reader reader;
	struct edit one;

	*out = (struct row_shown){ .old = r->before, .new = r->after };
	edits_read(&reader, r->edits);
	while (edits_next(&reader, &one) == 1) {
		if (one.object == EDIT_OF_NONE || out->places++)
			continue;
		out->old =
		    (struct migrate_bytes){ .p = (const char *)r->before.p + one.at, .n = one.n };
		out->new = one.with;
	}
}

void row_json(struct json *j, const struct chunk *c, const struct row_record *r)
{
	struct row_shown shown;

	json_object(j, NULL);
	json_uint(j, "database", c->database);
	json_text(j, "row", r->text);
	row_shown(r, &shown);
	if (c->texts)
		json_uint(j, "places", shown.places);
	if (!c->texts || shown.places) {
		json_key(j, "old", shown.old);
		json_key(j, "new", shown.new);
	}
	json_text(j, "outcome", c->settled ? outcome_name(r->outcome) : "unknown");
	json_text(j, "message", r->message);
	json_end_object(j);
}
