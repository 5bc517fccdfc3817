/* SPDX-License-Identifier: MIT */
#include "engine/check/check.h"

#include "journal/journal.h"
#include "report/progress.h"

#include <stdlib.h>
#include <string.h>

/* Where the journal stands, what it will need, and whether this job fits it. */

static void check_space(struct check *c, const struct journal_place *place)
{
	struct error err = ERROR_INIT;
	uint64_t rows = 0, objects;
	char needs[32], has[32];
	char *folder = NULL;

	for (size_t i = 0; i < c->task.job->database_count; i++)
		rows += c->databases[i].counted ? c->databases[i].rows : 0;
	objects = c->whole || c->taken > rows ? c->taken : rows;
	c->journal_bytes = journal_estimate(objects, rows);
	if (journal_space(place, &c->journal_free, &folder, &err))
		check_problem(c, "journal: %s", err.text);
	format_bytes(needs, sizeof(needs), c->journal_bytes);
	format_bytes(has, sizeof(has), c->journal_free);
	if (folder && c->journal_bytes > c->journal_free)
		check_problem(c, "journal: it will need about %s, '%s' has %s free", needs, folder,
			      has);
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

void check_journal(struct check *c)
{
	const struct journal_place place = task_place(&c->task);
	struct error err = ERROR_INIT;

	c->journal_exists = journal_exists(&place);
	if (error_is_set(&c->journal_error))
		check_problem(c, "journal: %s", c->journal_error.text);
	else if (c->task.journal)
		compare_job(c, &c->task.known);
	else if (!c->journal_exists &&
		 journal_trust(&place, true, &err)) /* a run would refuse it */
		check_problem(c, "journal: %s", err.text);
	check_space(c, &place);
}
