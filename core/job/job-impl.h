/* SPDX-License-Identifier: MIT */
#ifndef MIGRATE_JOB_JOB_IMPL_H
#define MIGRATE_JOB_JOB_IMPL_H

#include "job/job.h"
#include "job/schema/schema.h"

/* Inside the job file: what our own option tables fill (options.c), and loading. */

#define CONCURRENCY_AUTO 8 /* what `auto` means */

struct section_top {
	const char *job;
	int unmatched;
	int64_t batch, attempts, patience, timeout, max_failures;
};

struct section_keys {
	int from, format;
	const char *file, *prefix;
	struct migrate_strings include, exclude;
};

struct section_journal {
	const char *path;
	int keep;
	bool allow_volatile;
};

struct section_end {
	const char *plugin;
	/* of databases */
	const char *value, *new_value, *layout, *new_layout;
	int match, codec;
	uint64_t text_max;
};

extern const struct schema schema_top, schema_keys, schema_rename, schema_copy, schema_limits,
    schema_rows, schema_journal, schema_end, schema_database;

struct loading {
	struct job *job;
	struct yaml_node *root;
	struct problems problems;
	const struct job_load_options *options;
	/* for the canonical text */
	struct section_top *top;
	struct section_keys *keys;
	struct job_copy *copy;
	struct job_limits *limits;
	struct job_rows *rows;
	struct section_journal *journal;
};

/* job-file.c: the bytes of a regular file (malloc), its folder and name into the job. */
char *job_read_file(struct loading *l, size_t *n);
bool job_name_from_path(struct loading *l);
bool job_name_is_good(const char *name);

/* job-ends.c: source, destination, databases, caches. */
void job_load_ends(struct loading *l);
void job_release_ends(struct job *j);
/* environment.c: ends that would share keys that are meant for one of them. */
void job_check_environment(struct loading *l);

/* canonical.c */
int job_make_canonical(struct loading *l);

#endif
