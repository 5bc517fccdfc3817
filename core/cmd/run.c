/* SPDX-License-Identifier: MIT */
#include "engine/run/run.h"

#include "base/log.h"
#include "cmd/command.h"
#include "cmd/signals.h"
#include "engine/dry/dry.h"
#include "job/schema/secret.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static struct run_options options;
static const char *retry_failed;
static struct flag_texts settings;
static int progress = PROGRESS_AUTO, level = LOG_INFO, format;

static const struct flag flags[] = {
	{ "dry-run", FLAG_BOOL, &options.dry_run, NULL,
	  "say what would happen, write nothing anywhere" },
	{ "first", FLAG_COUNT, &options.first, "N", "plan only the next N objects, then end" },
	{ "retry-failed", FLAG_OPTIONAL, &retry_failed, "CLASS",
	  "try failed objects again, all or those of one class" },
	{ "remake", FLAG_BOOL, &options.remake, NULL,
	  "make copies again that are gone from the destination" },
	{ "only", FLAG_CHOICE, &options.only, "all|copy|rows", "do only this part of the job" },
	{ "set", FLAG_TEXTS, &settings, "PATH=VALUE",
	  "another value for a setting of the job file" },
	{ "accept-change", FLAG_BOOL, &options.accept_change, NULL,
	  "go on although the selection in the job file changed" },
	{ "new-journal", FLAG_BOOL, &options.new_journal, NULL,
	  "set the old journal aside and begin another job" },
	{ "progress", FLAG_CHOICE, &progress, "auto|bar|json|none", "how to show the progress" },
	{ "log-level", FLAG_CHOICE, &level, "error|warn|info|debug", "what to log" },
	{ "log-format", FLAG_CHOICE, &format, "text|json", "how to log" },
};

static const struct command command = {
	.name = "migrate-run",
	.summary = "Run a job, go on with it, or copy what is new since it finished.",
	.usage = "[OPTIONS] JOB",
	.flags = flags,
	.flag_count = sizeof(flags) / sizeof(flags[0]),
	.operands_min = 1,
	.operands_max = 1,
};

static int read_class(struct error *err)
{
	options.retry_failed = retry_failed != NULL;
	options.retry_class = FAIL_NONE;
	if (!retry_failed || !*retry_failed)
		return 0;
	options.retry_class = fail_class_of(retry_failed);
	if (options.retry_class == FAIL_NONE)
		return error_set(err, EXIT_USAGE,
				 "--retry-failed: there is no class '%s'; migrate-status --failed "
				 "shows them",
				 retry_failed);
	return 0;
}

/* What the listing named and the job did not take: nobody shall have to look for it. */
static void print_passed_over(const struct run_result *r)
{
	const char *before = "passed over: ";

	for (int i = 0; i < SKIP_COUNT; i++) {
		if (!r->passed_over[i])
			continue;
		printf("%s%" PRIu64 " %s", before, r->passed_over[i],
		       skip_reason_name((enum skip_reason)i));
		before = ", ";
	}
	if (*before == ',')
		putchar('\n');
}

static void print_run_objects(const struct run_result *r)
{
	const struct batch_counts *a = &r->all;
	char n[32], bytes[32], took[32];

	format_count(n, sizeof(n), r->copied);
	format_bytes(bytes, sizeof(bytes), r->copied_bytes);
	format_duration(took, sizeof(took), r->elapsed);
	printf("pass %d: copied %s objects, %s in %s\n", r->pass, n, bytes, took);
	printf("all together: %" PRIu64 " objects: %" PRIu64 " done, %" PRIu64 " same, %" PRIu64
	       " skipped, %" PRIu64 " gone, %" PRIu64 " failed\n",
	       a->objects, a->copied, a->same, a->skipped, a->gone, a->failed);
	if (r->orphaned)
		printf("orphaned: %" PRIu64 " copies whose source has gone\n", r->orphaned);
	print_passed_over(r);
}

static void print_run_rows(const struct batch_counts *a)
{
	if (!(a->rows_changed + a->rows_already + a->rows_conflict + a->rows_gone + a->rows_failed +
	      a->rows_missing))
		return;
	printf("rows: %" PRIu64 " changed, %" PRIu64 " already, %" PRIu64 " conflicts, %" PRIu64
	       " gone, %" PRIu64 " failed, %" PRIu64 " named a missing object\n",
	       a->rows_changed, a->rows_already, a->rows_conflict, a->rows_gone, a->rows_failed,
	       a->rows_missing);
}

/* What is left, and the command for it. */
static void print_after_run(int status, const struct run_result *r, const char *job)
{
	if (r->all.rows_conflict)
		printf("%" PRIu64 " rows were changed by the application: "
		       "migrate-run --retry-failed %s looks at them again\n",
		       r->all.rows_conflict, job);
	if (status == EXIT_SOME_FAILED)
		printf("some failed: migrate-status --failed %s\n", job);
	if (status == EXIT_INTERRUPTED)
		printf("interrupted: migrate-run %s goes on\n", job);
	else if (r->more)
		printf("more is left in the source: migrate-run %s goes on\n", job);
	else if (r->rows_left)
		printf("rows are left: migrate-run %s changes them\n", job);
}

static int check_remake_flag(struct error *err)
{
	const char *other = options.dry_run ? "--dry-run: migrate-verify tells what is gone"
			    : options.only == RUN_ROWS ? "--only=rows, which copies nothing"
						       : NULL;

	return options.remake && other
		   ? error_set(err, EXIT_USAGE, "--remake cannot be combined with %s", other)
		   : 0;
}

/* Its threads can be neither joined nor ended. */
static void on_hung(void)
{
	log_error("ending the process; run again to go on");
	_exit(EXIT_OUTAGE);
}

static int run_watched(const struct job *job, struct run_result *result, struct error *err)
{
	static const struct task_hooks hooks = { .stoppable = signals_on_first, .hung = on_hung };
	int status;

	if (signals_watch(err))
		return err->exit;
	status = run_job(job, &options, &hooks, result, err);
	signals_unwatch();
	return status;
}

static int run_or_dry(const char *path, struct error *err)
{
	struct job_load_options load = { .set = settings.items, .find = command_find_plugin };
	struct run_result result;
	struct job *job;
	int status;

	if (read_class(err) || check_remake_flag(err))
		return err->exit;
	options.progress = (enum progress_mode)progress;
	job = job_load(path, &load, err);
	if (!job)
		return err->exit;
	if (options.dry_run) {
		status = run_dry(job, &options, err);
	} else {
		status = run_watched(job, &result, err);
		if (!error_is_set(err) && options.progress != PROGRESS_JSON) {
			print_run_objects(&result);
			print_run_rows(&result.all);
			print_after_run(status, &result, path);
		}
	}
	job_free(job);
	return status;
}

int main(int argc, char **argv)
{
	struct error err = ERROR_INIT;
	char **operands;
	int status = command_parse(&command, argc, argv, &operands);

	if (status >= 0)
		return status;
	log_configure(command.name, (enum log_level)level, format == 1);
	status = run_or_dry(operands[0], &err);
	if (error_is_set(&err))
		command_fail(&command, &err);
	return command_end(status);
}
