/* SPDX-License-Identifier: MIT */
/*
 * Any bytes as a job file: loading ends, with a job or with an error that says
 * where, and a job that was accepted can be used: its rules run on keys, its
 * canonical text equals itself.
 */
#include "ensure.h"
#include "job/job.h"
#include "job/keys/rename.h"

#include <fcntl.h>
#include <unistd.h>

/* An end with one option of each type, so that all of them are read. */
struct config {
	const char *text, *path, *url;
	const struct migrate_secret *secret;
	int64_t integer, duration;
	uint64_t size;
	bool boolean;
	int choice;
	struct migrate_strings list;
	struct migrate_map map;
};

static const struct migrate_option options[] = {
	{ .name = "text",
	  MIGRATE_STRING(struct config, text),
	  .klass = MIGRATE_IDENTITY,
	  .help = "t" },
	{ .name = "root",
	  MIGRATE_PATH(struct config, path),
	  .klass = MIGRATE_IDENTITY,
	  .help = "t" },
	{ .name = "url", MIGRATE_URL(struct config, url), .help = "t" },
	{ .name = "secret", MIGRATE_SECRET(struct config, secret), .help = "t" },
	{ .name = "integer",
	  MIGRATE_INTEGER(struct config, integer),
	  .min = 1,
	  .max = 9,
	  .help = "t" },
	{ .name = "timeout",
	  MIGRATE_DURATION(struct config, duration),
	  .value = "5s",
	  .help = "t" },
	{ .name = "size", MIGRATE_SIZE(struct config, size), .help = "t" },
	{ .name = "boolean", MIGRATE_BOOLEAN(struct config, boolean), .help = "t" },
	{ .name = "choice", MIGRATE_CHOICE(struct config, choice, "one|two"), .help = "t" },
	{ .name = "list", MIGRATE_LIST(struct config, list), .help = "t" },
	{ .name = "map", MIGRATE_MAP(struct config, map), .help = "t" },
};

static const struct migrate_plugin *find(void *arg, enum migrate_kind kind, const char *name,
					 struct error *err)
{
	static const struct migrate_plugin ends[] = {
		{ .kind = MIGRATE_STORE, .name = "posix" },
		{ .kind = MIGRATE_DATABASE, .name = "sqlite" },
		{ .kind = MIGRATE_CACHE, .name = "cache" },
	};
	static struct migrate_plugin found[3];
	struct migrate_plugin *p = &found[kind - MIGRATE_STORE];

	(void)arg;
	if (strcmp(name, ends[kind - MIGRATE_STORE].name) != 0) {
		error_set(err, EXIT_USAGE, "no plugin '%s'", name);
		return NULL;
	}
	*p = ends[kind - MIGRATE_STORE];
	p->abi = MIGRATE_ABI;
	p->size = sizeof(*p);
	p->option_size = sizeof(struct migrate_option);
	p->version = "1";
	p->summary = "for fuzzing";
	p->options = options;
	p->option_count = sizeof(options) / sizeof(options[0]);
	p->config_size = sizeof(struct config);
	return p;
}

static const char *write_job(const uint8_t *bytes, size_t n)
{
	static char path[64];
	static int fd = -1;

	if (fd < 0) {
		snprintf(path, sizeof(path), "fuzz-job-%ld.yml", (long)getpid());
		fd = open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
		ENSURE(fd >= 0);
	}
	ENSURE(ftruncate(fd, 0) == 0);
	ENSURE(pwrite(fd, bytes, n, 0) == (ssize_t)n);
	return path;
}

static void use_rules(const struct job *job)
{
	static const char *const keys[] = { "", "a", "image/avatar-1.png", "a\nb\\x",
					    "\xff\xfe/1/2" };
	struct rename_scratch *scratch = rename_scratch_new(job->rules);

	ENSURE(scratch);
	for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
		struct error err = ERROR_INIT;
		struct migrate_bytes key = { keys[i], strlen(keys[i]) }, to;
		size_t rule;

		if (rename_apply(job->rules, scratch, key, &to, &rule, &err) == RENAME_OK)
			ENSURE(to.n > 0 && to.n <= MIGRATE_KEY_MAX &&
			       rule < rename_rules_count(job->rules));
	}
	rename_scratch_free(scratch);
}

static void use(const struct job *job)
{
	BUF_AUTO struct buf out = BUF_INIT((size_t)1 << 24);

	ENSURE(job->name && job->name[0]);
	ENSURE(job->source.plugin && job->destination.plugin);
	ENSURE(job->canonical && strlen(job->fingerprint) == 64);
	ENSURE(job_compare(job->canonical, job->canonical, &out) == -1 && out.len == 0);
	use_rules(job);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
	const struct job_load_options how = { .find = find };
	struct error err = ERROR_INIT;
	struct job *job = job_load(write_job(bytes, n), &how, &err);

	if (job)
		use(job);
	else
		ENSURE(err.text[0]);
	job_free(job);
	return 0;
}
