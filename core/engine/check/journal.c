/* SPDX-License-Identifier: MIT */
#include "engine/check/check.h"

#include "journal/journal.h"
#include "report/progress.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/statvfs.h>
#include <unistd.h>

/* Where the journal stands, what it will need, and whether this job fits it. */

static void check_space(struct check *c)
{
	char *folder = strdup(c->task.job->journal_path),
	     *slash = folder ? strrchr(folder, '/') : NULL;
	uint64_t rows = 0, objects;
	char needs[32], has[32];
	struct statvfs fs;

	if (slash)
		slash[slash == folder] = '\0';
	for (size_t i = 0; i < c->task.job->database_count; i++)
		rows += c->databases[i].counted ? c->databases[i].rows : 0;
	objects = c->whole || c->taken > rows ? c->taken : rows;
	c->journal_bytes = journal_estimate(objects, rows);
	if (!slash || statvfs(folder, &fs)) {
		check_problem(c, "journal: cannot look at the folder of '%s': %s",
			      c->task.job->journal_path, strerrordesc_np(errno));
	} else {
		c->journal_free = (uint64_t)fs.f_bavail * fs.f_frsize;
		format_bytes(needs, sizeof(needs), c->journal_bytes);
		format_bytes(has, sizeof(has), c->journal_free);
		if (c->journal_bytes > c->journal_free)
			check_problem(c, "journal: it will need about %s, '%s' has %s free", needs,
				      folder, has);
		if (!c->journal_exists && access(folder, W_OK))
			check_problem(c, "journal: cannot write in '%s'", folder);
	}
	free(folder);
}

static void check_same(struct check *c, const char *what, const char *then, const char *now)
{
	if (then && now && strcmp(then, now) != 0)
		check_problem(c, "journal: it belongs to another %s: '%s', not '%s'", what, then,
			      now);
}

static void compare_identities(struct check *c, const struct journal_job *job)
{
	char *databases;

	if (!c->task.open)
		return;
	check_same(c, "source", job->source, c->task.ends.source.identity);
	check_same(c, "destination", job->destination, c->task.ends.destination.identity);
	databases = ends_identities(c->task.ends.databases, c->task.ends.database_count);
	if (databases && job->databases && strcmp(databases, job->databases) != 0)
		check_warning(c, "journal: the databases are not those it knows");
	free(databases);
}

/* What changed, a line each: "- old", "+ new". */
static void add_changes(struct check *c, const struct buf *changes)
{
	const char *p = (const char *)changes->p, *end = p + changes->len;

	while (p < end) {
		const char *newline = memchr(p, '\n', (size_t)(end - p));
		int n = (int)((newline ? newline : end) - p);

		check_problem(c, "journal: %.*s", n, p);
		p += n + 1;
	}
}

static void compare_job(struct check *c, const struct journal_job *job)
{
	BUF_AUTO struct buf changes = BUF_INIT(65536);
	int changed;

	compare_identities(c, job);
	if (!job->canonical)
		return;
	changed = job_compare(job->canonical, c->task.job->canonical, &changes);
	if (changed >= MIGRATE_MAPPING) {
		check_problem(c, "journal: the job file no longer fits it: undo the change, or "
				 "begin another job with migrate-run --new-journal");
		add_changes(c, &changes);
	} else if (changed == MIGRATE_SELECTION) {
		check_warning(c, "journal: the selection changed since: migrate-run needs "
				 "--accept-change");
	}
}

/* What a run would refuse. */
static void check_place(struct check *c)
{
	struct journal_options o = { .path = c->task.job->journal_path,
				     .mode = JOURNAL_RUN,
				     .trusted = c->task.job->owner,
				     .create = true };
	struct error err = ERROR_INIT;

	if (journal_trust(&o, &err))
		check_problem(c, "journal: %s", err.text);
}

void check_journal(struct check *c)
{
	c->journal_exists = !access(c->task.job->journal_path, F_OK);
	if (error_is_set(&c->journal_error))
		check_problem(c, "journal: %s", c->journal_error.text);
	else if (c->task.journal)
		compare_job(c, &c->task.known);
	else if (!c->journal_exists)
		check_place(c);
	check_space(c);
}
