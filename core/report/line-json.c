/* SPDX-License-Identifier: MIT */
#include "report/progress-impl.h"

#include "base/clock.h"
#include "report/json.h"

static void add_objects(struct json *j, const struct snapshot *s)
{
	json_object(j, "objects");
	json_uint(j, "total", s->objects);
	json_uint(j, "done", s->objects_done);
	json_uint(j, "copied", s->copied);
	json_uint(j, "same", s->same);
	json_uint(j, "skipped", s->skipped);
	json_uint(j, "gone", s->gone);
	json_uint(j, "failed", s->failed);
	json_end_object(j);
}

static void add_rates(struct json *j, const struct snapshot *s, const struct rates *r)
{
	int64_t left = rates_left(r, s);

	json_object(j, "rate");
	json_uint(j, "objects", (uint64_t)(r->object_rate + 0.5));
	json_uint(j, "bytes", (uint64_t)r->byte_rate);
	json_end_object(j);
	if (left >= 0)
		json_int(j, "seconds_left", left / NS_PER_S);
	else
		json_text(j, "seconds_left", NULL);
}

void line_json(struct buf *out, const char *job, const struct snapshot *s, const struct rates *r,
	       bool final)
{
	struct json j = JSON_INIT(out);

	json_object(&j, NULL);
	json_int(&j, "version", 1);
	json_text(&j, "type", "progress");
	json_text(&j, "job", job);
	json_time(&j, "at", clock_wall());
	json_text(&j, "state", s->state);
	json_text(&j, "note", s->note);
	json_bool(&j, "final", final);
	json_int(&j, "pass", s->pass);
	json_bool(&j, "total_known", s->total_known);
	add_objects(&j, s);
	json_object(&j, "bytes");
	json_uint(&j, "total", s->bytes);
	json_uint(&j, "done", s->bytes_done);
	json_end_object(&j);
	json_object(&j, "rows");
	json_uint(&j, "done", s->rows);
	json_uint(&j, "conflict", s->rows_conflict);
	json_end_object(&j);
	json_uint(&j, "passed_over", s->passed_over);
	json_uint(&j, "workers", s->workers);
	json_text(&j, "workers_why", s->workers_why);
	add_rates(&j, s, r);
	json_end_object(&j);
	buf_add_text(out, "\n");
}
