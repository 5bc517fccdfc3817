/* SPDX-License-Identifier: MIT */
#include "engine/verify/verify.h"

#include "base/log.h"
#include "cmd/command.h"
#include "cmd/print.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define PPM 1000000

static bool json, readback, only_journal;
static const char *sample_text, *slice_text;
static int progress;

static const struct flag flags[] = {
	{ "readback", FLAG_BOOL, &readback, NULL,
	  "read the bytes of all copies; default: where size or etag tell" },
	{ "sample", FLAG_TEXT, &sample_text, "N%",
	  "only this share of the keys, the same ones each time" },
	{ "slice", FLAG_TEXT, &slice_text, "I/N", "only the I-th of N parts of the keys" },
	{ "journal", FLAG_BOOL, &only_journal, NULL, "check the journal itself, nothing else" },
	{ "progress", FLAG_CHOICE, &progress, "auto|bar|json|none", "how progress is shown" },
	{ "json", FLAG_BOOL, &json, NULL, "print JSON, with \"version\": 1" },
};

static const struct command command = {
	.name = "migrate-verify",
	.summary =
	    "Reads the journal, the destination and the rows again and says whether all of it\n"
	    "is true. Changes nothing.",
	.usage = "[OPTIONS] JOB",
	.flags = flags,
	.flag_count = sizeof(flags) / sizeof(flags[0]),
	.operands_min = 1,
	.operands_max = 1,
};

static struct verify *running; /* for the signal */

static void cancel_verify(void)
{
	if (running)
		verify_cancel(running);
}

/* ---- What is asked ---- */

/* "5%", "0.1%". */
static bool parse_sample(const char *text, uint32_t *ppm)
{
	char *end;
	double share;

	errno = 0;
	share = strtod(text, &end);
	if (end == text || errno || strcmp(end, "%") != 0 || !(share > 0 && share <= 100))
		return false;
	*ppm = (uint32_t)(share * (PPM / 100.0));
	return *ppm > 0;
}

static bool parse_part(const char *text, char until, uint32_t *n, const char **rest)
{
	char *end;
	unsigned long value;

	if (*text < '0' || *text > '9')
		return false;
	value = strtoul(text, &end, 10);
	if (*end != until || !value || value > 1000000)
		return false;
	*n = (uint32_t)value;
	*rest = end + 1;
	return true;
}

static bool parse_slice(const char *text, struct verify_options *o)
{
	return parse_part(text, '/', &o->slice, &text) &&
	       parse_part(text, '\0', &o->slices, &text) && o->slice <= o->slices;
}

static int parse_options(struct verify_options *o, struct error *err)
{
	*o = (struct verify_options){ .readback = readback,
				      .ppm = PPM,
				      .slice = 1,
				      .slices = 1,
				      .progress = (enum progress_mode)progress };
	if (json && o->progress == PROGRESS_JSON)
		return error_set(err, EXIT_USAGE, "--json and --progress=json exclude each other");
	if (sample_text && !parse_sample(sample_text, &o->ppm))
		return error_set(err, EXIT_USAGE, "--sample: '%s' is not a share like 5%%",
				 sample_text);
	if (slice_text && !parse_slice(slice_text, o))
		return error_set(err, EXIT_USAGE, "--slice: '%s' is not a part like 1/7",
				 slice_text);
	return 0;
}

/* ---- What is told ---- */

static void on_difference(void *arg, enum difference d, const struct object_record *o,
			  const char *text)
{
	struct json_stream *stream = arg;
	struct json *j = &stream->json;

	if (!json) {
		/* the progress line gives way, and is drawn again below */
		if (isatty(STDOUT_FILENO) && isatty(STDERR_FILENO))
			fputs("\r\033[K", stderr);
		print_key(o->key);
		printf("\t");
		print_key(o->new_key);
		printf("\t%s\t%s\n", difference_name(d), text);
		fflush(stdout);
		return;
	}
	json_object(j, NULL);
	json_key(j, "key", o->key);
	json_key(j, "new_key", o->new_key);
	json_text(j, "kind", difference_name(d));
	json_text(j, "message", text);
	json_end_object(j);
	json_stream_flush(stream);
}

static uint64_t all_differences(const struct verify_result *r)
{
	uint64_t n = 0;

	for (int i = 0; i < DIFFERENT_COUNT; i++)
		n += r->different[i];
	return n;
}

static void print_result_json(struct json_stream *stream, const struct verify_result *r, int status)
{
	struct json *j = &stream->json;

	json_end_array(j);
	json_int(j, "exit", status);
	json_uint(j, "objects", r->objects);
	json_uint(j, "bytes", r->bytes);
	json_uint(j, "read_back", r->read_back);
	json_uint(j, "touched", r->touched);
	json_uint(j, "unproven", r->unproven);
	json_uint(j, "rows", r->rows);
	json_uint(j, "changed_again", r->changed_again);
	json_uint(j, "changed_elsewhere", r->changed_elsewhere);
	json_uint(j, "removed", r->removed);
	json_uint(j, "texts", r->texts);
	json_uint(j, "left_out", r->left_out);
	json_uint(j, "not_done", r->not_done);
	json_uint(j, "rows_not_done", r->rows_not_done);
	json_uint(j, "texts_not_done", r->texts_not_done);
	json_uint(j, "dropped", r->dropped);
	json_bool(j, "finished", r->finished);
	json_uint(j, "failed", r->failed);
	json_object(j, "different");
	for (int i = 0; i < DIFFERENT_COUNT; i++)
		json_uint(j, difference_name((enum difference)i), r->different[i]);
	json_end_object(j);
	json_end_object(j);
	json_stream_end(stream);
}

static void print_line(const char *text, uint64_t n)
{
	char count[32];

	format_count(count, sizeof(count), n);
	if (n)
		printf("  %s %s\n", count, text);
}

static bool is_finished(const struct verify_result *r)
{
	return r->finished && !r->not_done && !r->rows_not_done;
}

static void print_result(const struct verify_result *r, int status)
{
	char objects[32], rows[32], differences[32];

	format_count(objects, sizeof(objects), r->objects);
	format_count(rows, sizeof(rows), r->rows);
	format_count(differences, sizeof(differences), all_differences(r));
	printf("%s objects and %s rows looked at: ", objects, rows);
	if (all_differences(r))
		printf("%s differences\n", differences);
	else if (status != EXIT_DONE)
		printf("no difference so far\n");
	else if (r->dropped)
		printf("what the journal knows is true\n");
	else
		printf("%s\n", is_finished(r) ? "all of it is true" : "what is done is true");
	print_line("rows changed again, to another new value of this job", r->changed_again);
	print_line("rows changed again, to another object at the destination",
		   r->changed_elsewhere);
	print_line("rows removed or emptied by the application", r->removed);
	print_line("texts that name no old key", r->texts);
	print_line("read back", r->read_back);
	print_line("touched since, the bytes are right", r->touched);
	print_line("without a digest, and the source is no longer what it was: not proven",
		   r->unproven);
	print_line("left out by --sample or --slice", r->left_out);
	print_line("not copied yet, or undone", r->not_done);
	print_line("copied, and their rows are not done", r->rows_not_done);
	print_line("texts hold old values, and are not done", r->texts_not_done);
	print_line("copied, and not known to this journal any more (keep: failures)", r->dropped);
	print_line("failed, skipped or gone: see migrate-status", r->failed);
	if (r->different[DIFFERENT_ABSENT] && !r->dropped)
		printf("migrate-run --remake makes copies again that are gone\n");
	if (!is_finished(r) && (status == EXIT_DONE || status == EXIT_DIFFERENT))
		printf("the job is not finished: migrate-run goes on\n");
}

/* ---- Doing it ---- */

/* True is not complete: a script that goes on to delete things must be able to tell. */
static int status_of_rest(const struct verify_result *r, int status)
{
	const struct batch_counts *c = &r->all;

	if (status != EXIT_DONE)
		return status;
	if (!is_finished(r))
		return EXIT_INTERRUPTED;
	if (r->dropped)
		return EXIT_UNKNOWN;
	return c->failed || c->rows_conflict || c->rows_failed ? EXIT_SOME_FAILED : EXIT_DONE;
}

static int verify(const struct job *job, const struct verify_options *o, struct error *err)
{
	struct verify *v = verify_new(job, o, err);
	struct json_stream stream;
	struct verify_result r;
	int status, end;

	if (!v)
		return command_fail(&command, err);
	if (json) {
		struct json *j = json_stream_begin(&stream);

		json_object(j, NULL);
		json_int(j, "version", 1);
		json_text(j, "job", job->name);
		json_array(j, "differences");
	}
	running = v;
	command_on_signal(cancel_verify);
	status = verify_run(v, on_difference, &stream, &r, err);
	command_on_signal(NULL);
	running = NULL;
	end = status_of_rest(&r, status);
	if (json)
		print_result_json(&stream, &r, end);
	else
		print_result(&r, status);
	if (error_is_set(err))
		end = command_fail(&command, err);
	verify_free(v);
	return end;
}

/* --journal: all of it is read and counted again. */
static int verify_journal(const struct job *job, struct error *err)
{
	const struct task t = { .job = job };
	struct journal_options options = { .place = task_place(&t),
					   .mode = JOURNAL_READ,
					   .full_check = true };
	struct journal *j = journal_open(&options, err);

	if (!j)
		return command_fail(&command, err);
	if (json)
		printf("{\"version\":1,\"journal\":\"well\"}\n");
	else
		printf("the journal is well\n");
	journal_close(j);
	return EXIT_DONE;
}

int main(int argc, char **argv)
{
	struct job_load_options load = { .find = command_find_plugin };
	struct error err = ERROR_INIT;
	struct verify_options o;
	struct job *job = NULL;
	char **operands;
	int status = command_parse(&command, argc, argv, &operands);

	if (status >= 0)
		return status;
	log_configure(command.name, LOG_WARN, false);
	if (!parse_options(&o, &err))
		job = job_load(operands[0], &load, &err);
	if (!job)
		status = command_fail(&command, &err);
	else if (only_journal)
		status = verify_journal(job, &err);
	else
		status = verify(job, &o, &err);
	if (job)
		job_free(job);
	return command_end(status);
}
