/* SPDX-License-Identifier: MIT */
#include "engine/seed/seed.h"

#include "cmd/command.h"
#include "engine/seed/png.h"
#include "job/schema/schema.h"
#include "report/progress.h"

#include <stdio.h>

#define COUNT_MAX 1000000000

static struct flag_texts set;
static const char *pattern;
static const char *size;

static const struct flag flags[] = {
	{ "pattern", FLAG_TEXT, &pattern, "NAME",
	  "name of the images, with %d or %06d for their number" },
	{ "set", FLAG_TEXTS, &set, "PATH=VALUE", "as if the job file said so; may be repeated" },
	{ "size", FLAG_TEXT, &size, "SIZE", "make each image so large (1KiB to 1GiB)" },
};

static const struct command command = {
	.name = "migrate-seed",
	.summary = "Fills a job's source with N small images and its tables with rows that name\n"
		   "them, for trials. Refuses unless all of them are empty.",
	.usage = "[OPTIONS] JOB N",
	.flags = flags,
	.flag_count = sizeof(flags) / sizeof(flags[0]),
	.operands_min = 2,
	.operands_max = 2,
};

static int parse_seed(const char *count, struct seed_options *options, struct error *err)
{
	int64_t n;

	if (!schema_parse_integer(count, &n) || n < 1 || n > COUNT_MAX)
		return error_set(err, EXIT_USAGE, "N is a number from 1 to %d, not '%s'", COUNT_MAX,
				 count);
	*options = (struct seed_options){ .count = (uint64_t)n, .pattern = pattern };
	if (!size)
		return 0;
	if (!schema_parse_size(size, &options->size) || options->size < PNG_SIZE_MIN ||
	    options->size > SEED_SIZE_MAX)
		return error_set(err, EXIT_USAGE, "--size is from 1KiB to 1GiB, not '%s'", size);
	return 0;
}

static void report_seed(const struct job *job, const struct seed_result *result)
{
	char objects[32], bytes[32], rows[32];

	format_count(objects, sizeof(objects), result->objects);
	format_bytes(bytes, sizeof(bytes), result->bytes);
	printf("seeded: %s objects, %s", objects, bytes);
	if (job->database_count) {
		format_count(rows, sizeof(rows), result->rows);
		printf("; %s rows in %zu %s", rows, job->database_count,
		       job->database_count == 1 ? "table" : "tables");
	}
	putchar('\n');
}

static int seed(const char *path, const struct seed_options *options, struct error *err)
{
	struct job_load_options how = { .set = set.items, .find = command_find_plugin };
	struct job *job = job_load(path, &how, err);
	struct seed_result result;
	int status = EXIT_DONE;

	if (!job)
		return command_fail(&command, err);
	if (seed_job(job, options, &result, err))
		status = command_fail(&command, err);
	else
		report_seed(job, &result);
	job_free(job);
	return status;
}

int main(int argc, char **argv)
{
	struct error err = ERROR_INIT;
	struct seed_options options;
	char **operands;
	int status = command_parse(&command, argc, argv, &operands);

	if (status < 0)
		status = parse_seed(operands[1], &options, &err)
			     ? command_fail(&command, &err)
			     : seed(operands[0], &options, &err);
	return command_end(status);
}
