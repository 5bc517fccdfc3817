/* SPDX-License-Identifier: MIT */
#ifndef JOB_FIXTURE_H
#define JOB_FIXTURE_H

#include "base/bytes.h"
#include "job/job.h"
#include "job/schema/schema.h"
#include "job/schema/secret.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/*
 * Job files for tests: written into a folder of the test's own, loaded with
 * plugins that have an option of each type and do nothing.
 */
struct fixture_config {
	const char *root, *text, *endpoint, *table, *column;
	const struct migrate_secret *secret_key;
	int64_t count, wait;
	uint64_t size;
	bool flag;
	int mode;
	struct migrate_strings names;
	struct migrate_map set;
};

static const struct migrate_option fixture_store_options[] = {
	{ .name = "root",
	  MIGRATE_PATH(struct fixture_config, root),
	  .flags = MIGRATE_REQUIRED,
	  .klass = MIGRATE_IDENTITY,
	  .help = "the folder" },
	{ .name = "bucket",
	  MIGRATE_STRING(struct fixture_config, text),
	  .klass = MIGRATE_IDENTITY,
	  .help = "some text" },
	{ .name = "endpoint",
	  MIGRATE_URL(struct fixture_config, endpoint),
	  .flags = MIGRATE_SERVER,
	  .help = "a URL" },
	{ .name = "secret_key",
	  MIGRATE_SECRET(struct fixture_config, secret_key),
	  .environment = "FIXTURE_KEY|FIXTURE_OTHER",
	  .help = "a secret" },
	{ .name = "count",
	  MIGRATE_INTEGER(struct fixture_config, count),
	  .value = "3",
	  .min = 1,
	  .max = 9,
	  .help = "a number" },
	{ .name = "any", MIGRATE_INTEGER(struct fixture_config, count), .help = "another number" },
	{ .name = "wait", MIGRATE_DURATION(struct fixture_config, wait), .help = "a time" },
	{ .name = "size", MIGRATE_SIZE(struct fixture_config, size), .help = "a size" },
	{ .name = "flag",
	  MIGRATE_BOOLEAN(struct fixture_config, flag),
	  .environment = "FIXTURE_KEY",
	  .help = "a switch" },
	{ .name = "mode",
	  MIGRATE_CHOICE(struct fixture_config, mode, "one|two|three"),
	  .help = "a choice" },
	{ .name = "names", MIGRATE_LIST(struct fixture_config, names), .help = "a list" },
};

static const struct migrate_option fixture_database_options[] = {
	{ .name = "path",
	  MIGRATE_PATH(struct fixture_config, root),
	  .flags = MIGRATE_REQUIRED,
	  .klass = MIGRATE_IDENTITY,
	  .help = "the file" },
	{ .name = "table",
	  MIGRATE_STRING(struct fixture_config, table),
	  .flags = MIGRATE_REQUIRED,
	  .klass = MIGRATE_IDENTITY,
	  .help = "the table" },
	{ .name = "column",
	  MIGRATE_STRING(struct fixture_config, column),
	  .klass = MIGRATE_IDENTITY,
	  .help = "the column" },
	{ .name = "set",
	  MIGRATE_MAP(struct fixture_config, set),
	  .klass = MIGRATE_MAPPING,
	  .help = "columns to set" },
	{ .name = "where",
	  MIGRATE_STRING(struct fixture_config, text),
	  .klass = MIGRATE_SELECTION,
	  .help = "a condition" },
};

static const struct migrate_option fixture_cache_options[] = {
	{ .name = "url",
	  MIGRATE_URL(struct fixture_config, endpoint),
	  .flags = MIGRATE_REQUIRED,
	  .klass = MIGRATE_IDENTITY,
	  .help = "the cache" },
};

#define FIXTURE_PLUGIN(kind_, name_, options_)                                                     \
	{                                                                                          \
		MIGRATE_PLUGIN_HEAD, .kind = kind_, .name = name_, .version = "1",                 \
				     .summary = "for tests", .options = options_,                  \
				     .option_count = sizeof(options_) / sizeof((options_)[0]),     \
				     .config_size = sizeof(struct fixture_config)                  \
	}

static const struct migrate_plugin fixture_plugins[] = {
	FIXTURE_PLUGIN(MIGRATE_STORE, "files", fixture_store_options),
	FIXTURE_PLUGIN(MIGRATE_DATABASE, "rows", fixture_database_options),
	FIXTURE_PLUGIN(MIGRATE_CACHE, "cache", fixture_cache_options),
};

static const struct migrate_plugin *fixture_find(void *arg __attribute__((unused)),
						 enum migrate_kind kind, const char *name,
						 struct error *err)
{
	for (size_t i = 0; i < sizeof(fixture_plugins) / sizeof(fixture_plugins[0]); i++) {
		if (strcmp(fixture_plugins[i].name, name) != 0)
			continue;
		if (fixture_plugins[i].kind == (uint32_t)kind)
			return &fixture_plugins[i];
		error_set(err, EXIT_USAGE, "plugin '%s' is of another kind", name);
		return NULL;
	}
	error_set(err, EXIT_USAGE, "no plugin '%s'", name);
	return NULL;
}

static inline void fixture_write(const char *name, const void *bytes, size_t n, mode_t mode)
{
	FILE *f = fopen(name, "wb");

	ck_assert_ptr_nonnull(f);
	ck_assert_uint_eq(fwrite(bytes, 1, n, f), n);
	ck_assert_int_eq(fclose(f), 0);
	ck_assert_int_eq(chmod(name, mode), 0);
}

/* The job in text (which is put into job.yml), or NULL and err. */
static inline struct job *fixture_load_set(const char *text, const char *const *set,
					   struct error *err)
{
	const struct job_load_options how = { .set = set, .find = fixture_find };

	error_clear(err);
	fixture_write("job.yml", text, strlen(text), 0644);
	return job_load("job.yml", &how, err);
}

static inline struct job *fixture_load(const char *text, struct error *err)
{
	return fixture_load_set(text, NULL, err);
}

/* A job that must be good. */
static inline struct job *fixture_good(const char *text)
{
	struct error err = ERROR_INIT;
	struct job *j = fixture_load(text, &err);

	ck_assert_msg(j != NULL, "refused: %s", err.text);
	return j;
}

static char fixture_folder[] = "/tmp/migrate-unit-XXXXXX";

static inline void fixture_enter(void)
{
	ck_assert_ptr_nonnull(mkdtemp(fixture_folder));
	ck_assert_int_eq(chdir(fixture_folder), 0);
}

static inline void fixture_leave(void)
{
	char command[128];

	ck_assert_int_eq(chdir("/"), 0);
	snprintf(command, sizeof(command), "rm -rf '%s'", fixture_folder);
	ck_assert_int_eq(system(command), 0);
	memcpy(fixture_folder + strlen(fixture_folder) - 6, "XXXXXX", 6);
}

#define ENDS                                                                                       \
	"source: {plugin: files, root: old}\n"                                                     \
	"destination: {plugin: files, root: new}\n"

#endif
