/* SPDX-License-Identifier: MIT */
#include "engine/status/status.h"

#include "base/bytes.h"
#include "base/clock.h"
#include "cmd/command.h"
#include "cmd/print.h"
#include "cmd/status-find.h"
#include "cmd/subject.h"
#include "report/progress.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define EVENTS 5

static bool json, failed;
static const char *find_text, *explain_key;

static const struct flag flags[] = {
	{ "json", FLAG_BOOL, &json, NULL, "print JSON, with \"version\": 1" },
	{ "failed", FLAG_BOOL, &failed, NULL,
	  "list failed objects (key, class, message, attempts) and rows" },
	{ "find", FLAG_TEXT, &find_text, "TEXT", "list objects whose key or new key holds TEXT" },
	{ "explain", FLAG_TEXT, &explain_key, "KEY",
	  "say which rule, which new key, which rows, and what happened" },
};

static const struct command command = {
	.name = "migrate-status",
	.summary = "Says how a job stands, while it runs and after it ended. Reads only.",
	.usage = "[--json] [--failed | --find TEXT | --explain KEY] JOB",
	.flags = flags,
	.flag_count = sizeof(flags) / sizeof(flags[0]),
	.operands_min = 1,
	.operands_max = 1,
};

/* ---- Lines of the summary ---- */

static void print_count(const char *name, uint64_t n)
{
	char text[32];

	format_count(text, sizeof(text), n);
	printf("  %s %s", name, text);
}

static void print_state(const struct job_status *s)
{
	char text[32];

	print_text(s->name);
	switch (s->state) {
	case JOB_NOT_STARTED:
		printf(": not started");
		break;
	case JOB_RUNNING:
		printf(": running by pid %d on ", s->run.pid);
		print_text(s->run.host);
		break;
	case JOB_FINISHED:
		printf(": finished%s", s->run.exit == EXIT_SOME_FAILED ? ", with failures" : "");
		break;
	case JOB_FIRST:
		printf(": ended by --first, with more to list");
		break;
	case JOB_ROWS_LEFT:
		printf(": copied, rows left");
		break;
	case JOB_INTERRUPTED:
		printf(": interrupted");
		break;
	case JOB_UNCLEAN:
		printf(": did not end cleanly (killed, or power was lost)");
		break;
	case JOB_STOPPED:
		printf(": stopped with exit status %d: ", s->run.exit);
		print_text(s->run.reason);
		break;
	}
	if (s->control.paused)
		printf(", paused");
	if (s->run.id) {
		clock_format(s->run.started, text, sizeof(text));
		printf("\n  run          %" PRId64 ", began %s", s->run.id, text);
	}
	if (s->run.ended) {
		format_duration(text, sizeof(text), s->run.ended - s->run.started);
		printf(", took %s", text);
	}
	putchar('\n');
}

static void print_pass(const struct job_status *s)
{
	static const char *const names[] = { "listing the source", "all is planned",
					     "looking for rows written since", "complete" };

	if (!s->pass.number)
		return;
	printf("  pass         %d, %s", s->pass.number, names[s->pass.state & 3]);
	if (s->open_batches)
		print_count("open batches", s->open_batches);
	if (s->pass.orphaned)
		print_count("orphaned copies", s->pass.orphaned);
	putchar('\n');
}

static void print_objects(const struct batch_counts *c, uint64_t planned)
{
	char text[32], all[32];

	format_count(text, sizeof(text), c->objects);
	printf("  objects      %s =", text);
	print_count("copied", c->copied);
	print_count("+ same", c->same);
	print_count("+ skipped", c->skipped);
	print_count("+ gone", c->gone);
	print_count("+ failed", c->failed);
	print_count("+ to do", planned);
	format_bytes(text, sizeof(text), c->copied_bytes);
	format_bytes(all, sizeof(all), c->bytes);
	printf("\n  bytes        %s of %s copied\n", text, all);
	printf("  rows       ");
	print_count("changed", c->rows_changed);
	print_count("already", c->rows_already);
	print_count("conflict", c->rows_conflict);
	print_count("gone", c->rows_gone);
	print_count("failed", c->rows_failed);
	print_count("missing", c->rows_missing);
	putchar('\n');
}

static void print_skips(const struct batch_counts *c)
{
	bool any = false;

	for (int i = 0; i < SKIP_COUNT; i++) {
		if (!c->skips[i])
			continue;
		printf("%s", any ? "" : "  passed over");
		print_count(skip_reason_name((enum skip_reason)i), c->skips[i]);
		any = true;
	}
	if (any)
		putchar('\n');
	if (c->lost_attributes) {
		printf("  attributes ");
		print_count("objects that lost some", c->lost_attributes);
		putchar('\n');
	}
}

static void print_failures(const struct job_status *s)
{
	if (!s->counts.failed)
		return;
	printf("  failures   ");
	for (int i = 0; i < FAIL_CLASS_COUNT; i++)
		if (s->failures[i])
			print_count(fail_class_name((enum fail_class)i), s->failures[i]);
	putchar('\n');
}

static void print_speed(const struct job_status *s)
{
	char text[32];

	if (s->state != JOB_RUNNING)
		return;
	format_count(text, sizeof(text), (uint64_t)(s->object_rate + 0.5));
	printf("  speed        %s objects/s", text);
	format_bytes(text, sizeof(text), (uint64_t)s->byte_rate);
	printf(", %s/s", text);
	format_count(text, sizeof(text), (uint64_t)(s->row_rate + 0.5));
	printf(", %s rows/s", text);
	if (s->left >= 0) {
		format_duration(text, sizeof(text), s->left);
		printf(", about %s left", text);
	}
	printf("\n  workers      %" PRIu32 ", %s\n", s->workers, auto_reason_text(s->workers_why));
}

static void print_control(const struct job_status *s)
{
	char text[256];

	if (s->control_error[0]) {
		printf("  control      %s\n", s->control_error);
	} else if (s->control.serial) {
		control_text(&s->control, text, sizeof(text));
		printf("  control      %s\n", text);
	}
}

#define EVENT_INDENT 37 /* below the text of the first line */

static int print_event(void *arg, int64_t at, int level, const char *text)
{
	bool *any = arg;
	char when[32];
	size_t n;

	(void)level;
	clock_format(at, when, sizeof(when));
	printf("%s  %s  ", *any ? "             " : "  events     ", when);
	for (const char *line = text; *line; line += n + (line[n] == '\n')) {
		n = strcspn(line, "\n");
		printf("%*s", line == text ? 0 : EVENT_INDENT, "");
		print_key(bytes_of(line, n));
		putchar('\n');
	}
	*any = true;
	return 0;
}

static const char *what_next(const struct job_status *s)
{
	switch (s->state) {
	case JOB_NOT_STARTED:
		return "start it with migrate-run";
	case JOB_RUNNING:
		if (s->control.paused)
			return "go on with migrate-control JOB resume";
		return "wait; migrate-control JOB pause or stop holds it";
	case JOB_ROWS_LEFT:
		return "migrate-run copies what is new since, and changes the rows";
	case JOB_FIRST:
		return "look at what was done, then run migrate-run again: it goes on behind it";
	case JOB_INTERRUPTED:
	case JOB_UNCLEAN:
		return "run migrate-run again: it goes on where it was";
	case JOB_STOPPED:
		return "mend what the message says, then run migrate-run again";
	case JOB_FINISHED:
		break;
	}
	if (s->counts.failed)
		return "see migrate-status --failed, then migrate-run --retry-failed";
	if (s->counts.rows_conflict || s->counts.rows_failed)
		return "see migrate-status --failed for the rows that were left alone";
	return "prove it with migrate-verify";
}

static void print_next(const struct job_status *s)
{
	printf("  next         %s\n", what_next(s));
}

static void print_status(const struct job_status *s)
{
	print_state(s);
	print_pass(s);
	print_objects(&s->counts, s->planned);
	print_skips(&s->counts);
	print_failures(s);
	print_speed(s);
	print_control(s);
}

static void print_status_json(const struct job_status *s)
{
	struct json_stream stream;

	job_status_json(s, json_stream_begin(&stream));
	json_stream_end(&stream);
}

/* A job without a journal is a job as well. */
static int not_started(const struct subject *subject)
{
	struct job_status s = { .name = subject->name,
				.journal = subject->journal.path,
				.left = -1 };

	if (json) {
		print_status_json(&s);
	} else {
		print_status(&s);
		print_next(&s);
	}
	return EXIT_DONE;
}

static int summary(struct journal *j, const struct subject *subject, struct error *err)
{
	struct job_status s;
	bool any = false;

	if (job_status_read(j, subject->name, &subject->journal, &s, err))
		return -1;
	if (json) {
		print_status_json(&s);
		return 0;
	}
	print_status(&s);
	if (journal_each_event(j, EVENTS, print_event, &any, err))
		return -1;
	print_next(&s);
	return 0;
}

static int look_as_asked(struct journal *j, const struct subject *s, struct error *err)
{
	if (failed)
		return status_failed(j, json, err);
	if (find_text)
		return status_find(j, find_text, json, err);
	if (explain_key)
		return status_explain(j, s, explain_key, json, err);
	return summary(j, s, err);
}

static int look_at_journal(const struct subject *s, struct error *err)
{
	struct journal_options o = { .place = s->journal, .mode = JOURNAL_READ };
	bool single = failed || find_text || explain_key;
	struct journal *j;
	int result = -1;

	if (s->has_job && !single && !journal_exists(&s->journal))
		return not_started(s);
	j = journal_open(&o, err);
	if (j)
		result = look_as_asked(j, s, err);
	if (j)
		journal_close(j);
	return result ? command_fail(&command, err) : EXIT_DONE;
}

int main(int argc, char **argv)
{
	struct error err = ERROR_INIT;
	struct subject s;
	char **operands;
	int status = command_parse(&command, argc, argv, &operands);

	if (status >= 0)
		return status;
	if (failed + !!find_text + !!explain_key > 1) {
		error_set(&err, EXIT_USAGE, "--failed, --find and --explain exclude each other");
		return command_fail(&command, &err);
	}
	if (subject_open(&s, operands[0], &err))
		return command_fail(&command, &err);
	status = look_at_journal(&s, &err);
	subject_release(&s);
	return command_end(status);
}
