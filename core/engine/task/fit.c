/* SPDX-License-Identifier: MIT */
#include "engine/task/task.h"

#include "base/bytes.h"
#include "base/clock.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Does the job fit its journal? What may change is remembered, once the run's pass is known. */

static int same_place(const char *what, const char *then, const char *now, struct error *err)
{
	if (!strcmp(then ? then : "", now ? now : ""))
		return 0;
	return error_set(err, EXIT_UNFIT,
			 "the %s is not the place it was: the journal says '%s', it is '%s'; "
			 "--new-journal begins another job",
			 what, then ? then : "", now ? now : "");
}

#define DIFF_MAX ((size_t)32 << 20)

/* What an event of the journal says of a change: lines as job_compare() makes them. */
static int note_change(struct task *task, const struct buf *diff, struct error *err)
{
	task->fit.change = strndup((const char *)diff->p, diff->len);
	task->fit.relist = job_keys_differ(task->known.canonical, task->job->canonical);
	return task->fit.change ? 0 : error_set(err, EXIT_INTERNAL, "out of memory");
}

/* As many lines of the difference as an error's text holds. */
static int refuse_changes(struct error *err, const char *advice, const struct buf *diff)
{
	size_t n = diff->len < ERROR_TEXT_MAX - 512 ? diff->len : ERROR_TEXT_MAX - 512;
	const char *more = n < diff->len ? "..." : "";

	while (n && (*more ? diff->p[n - 1] != '\n' : diff->p[n - 1] == '\n'))
		n--;
	err->exit = EXIT_UNFIT;
	snprintf(err->text, sizeof(err->text), "the job does not fit its journal: %s\n%.*s%s",
		 advice, (int)n, n ? (const char *)diff->p : "", more);
	return -1;
}

static int fit_settings(struct task *task, const struct run_options *o, struct error *err)
{
	BUF_AUTO struct buf diff = BUF_INIT(DIFF_MAX);
	int class = job_compare(task->known.canonical, task->job->canonical, &diff);

	if (class == -2)
		return error_set(err, EXIT_INTERNAL, "out of memory");
	if (class >= MIGRATE_MAPPING)
		return refuse_changes(
		    err,
		    "what keys become, and where, cannot change within a job; undo the "
		    "change, or begin another job with --new-journal",
		    &diff);
	if (class == MIGRATE_SELECTION && !o->accept_change)
		return refuse_changes(
		    err,
		    "what is selected changed; --accept-change goes on with what is not "
		    "planned yet",
		    &diff);
	return class == MIGRATE_SELECTION ? note_change(task, &diff, err) : 0;
}

/*
 * A database may be added behind the others with --accept-change; those that were there stay
 * what they are. Rows of what is done are found by the next pass, from what the journal keeps.
 */
static int fit_databases(struct task *task, const struct run_options *o, const char *now,
			 struct error *err)
{
	const char *then = task->known.databases ? task->known.databases : "";
	size_t n = strlen(then);

	if (!strcmp(then, now))
		return 0;
	if (!o->accept_change || strncmp(then, now, n) != 0)
		return same_place("list of databases", then, now, err);
	if (task->job->journal_keep == KEEP_FAILURES)
		return error_set(
		    err, EXIT_UNFIT,
		    "a database was added, and the journal keeps failures only: rows of "
		    "what is done cannot be found; --new-journal begins another job");
	if (pass_read(task, err))
		return -1;
	if (task->pass.number && task->pass.state != PASS_DONE)
		return error_set(err, EXIT_UNFIT,
				 "a database was added, and pass %d is not finished: finish it "
				 "without this database first, then add it",
				 task->pass.number);
	return 0;
}

static int check_not_over(const struct task *task, struct error *err)
{
	struct batch *b = journal_next_batch(task->journal, 0, err);
	bool over = b && b->state >= BATCH_PURGED;

	batch_free(b);
	if (error_is_set(err))
		return -1;
	return over ? error_set(err, EXIT_UNFIT, "the job was reverted or purged: it is over") : 0;
}

int fit_job(struct task *task, const struct run_options *o, struct error *err)
{
	const struct journal_job *known = &task->known;
	char *databases;
	int rc;

	if (!journal_job_is_bound(known))
		return 0;
	if (fit_settings(task, o, err) ||
	    same_place("source", known->source, task->ends.source.identity, err) ||
	    same_place("destination", known->destination, task->ends.destination.identity, err))
		return -1;
	databases = ends_identities(task->ends.databases, task->ends.database_count);
	rc = databases ? fit_databases(task, o, databases, err)
		       : error_set(err, EXIT_INTERNAL, "out of memory");
	free(databases);
	return rc ? rc : check_not_over(task, err);
}

/* ---- What is remembered ---- */

static struct journal_job job_as_it_is(const struct task *task)
{
	struct journal_job j = task->known;

	snprintf(j.fingerprint, sizeof(j.fingerprint), "%s", task->job->fingerprint);
	j.canonical = (char *)(uintptr_t)task->job->canonical;
	if (!j.exists)
		j.created = clock_wall();
	return j;
}

int fit_remember_id(struct task *task, struct error *err)
{
	struct journal_job j = job_as_it_is(task);
	char none[] = "";

	j.source = j.destination = j.databases = j.caches = none;
	j.created = clock_wall();
	return journal_set_job(task->journal, &j, NULL, err);
}

int fit_remember(struct task *task, struct error *err)
{
	struct journal_job j = job_as_it_is(task);
	int rc;

	if (journal_job_is_bound(&task->known) && !task->fit.change)
		return 0;
	j.source = task->ends.source.identity;
	j.destination = task->ends.destination.identity;
	j.databases = ends_identities(task->ends.databases, task->ends.database_count);
	j.caches = ends_identities(task->ends.caches, task->ends.cache_count);
	rc = j.databases && j.caches ? journal_set_job(task->journal, &j, task->fit.change, err)
				     : error_set(err, EXIT_INTERNAL, "out of memory");
	free(j.databases);
	free(j.caches);
	return rc;
}
