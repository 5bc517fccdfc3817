/* SPDX-License-Identifier: MIT */
#include "engine/run/begin.h"

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
static int note_change(struct engine *e, const struct buf *diff, struct error *err)
{
	e->fit.change = strndup((const char *)diff->p, diff->len);
	e->fit.relist = job_keys_differ(e->identity.canonical, e->job->canonical);
	return e->fit.change ? 0 : error_set(err, EXIT_INTERNAL, "out of memory");
}

/* As many lines of the difference as an error's text holds. */
static int refuse(struct error *err, const char *advice, const struct buf *diff)
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

static int fit_settings(struct engine *e, struct error *err)
{
	BUF_AUTO struct buf diff = BUF_INIT(DIFF_MAX);
	int class = job_compare(e->identity.canonical, e->job->canonical, &diff);

	if (class == -2)
		return error_set(err, EXIT_INTERNAL, "out of memory");
	if (class >= MIGRATE_MAPPING)
		return refuse(err,
			      "what keys become, and where, cannot change within a job; undo the "
			      "change, or begin another job with --new-journal",
			      &diff);
	if (class == MIGRATE_SELECTION && !e->options->accept_change)
		return refuse(err,
			      "what is selected changed; --accept-change goes on with what is not "
			      "planned yet",
			      &diff);
	return class == MIGRATE_SELECTION ? note_change(e, &diff, err) : 0;
}

/*
 * A database may be added behind the others with --accept-change; those that were there stay
 * what they are. Rows of what is done are found by the next pass, from what the journal keeps.
 */
static int fit_databases(struct engine *e, const char *now, struct error *err)
{
	const char *then = e->identity.databases ? e->identity.databases : "";
	ARENA_AUTO struct arena a = ARENA_INIT;
	size_t n = strlen(then);
	struct journal_pass pass;

	if (!strcmp(then, now))
		return 0;
	if (!e->options->accept_change || strncmp(then, now, n) != 0)
		return same_place("list of databases", then, now, err);
	if (e->job->journal_keep == KEEP_FAILURES)
		return error_set(
		    err, EXIT_UNFIT,
		    "a database was added, and the journal keeps failures only: rows of "
		    "what is done cannot be found; --new-journal begins another job");
	if (journal_last_pass(e->journal, &a, &pass, err))
		return -1;
	if (pass.number && pass.state != PASS_DONE)
		return error_set(err, EXIT_UNFIT,
				 "a database was added, and pass %d is not finished: finish it "
				 "without this database first, then add it",
				 pass.number);
	return 0;
}

static int fits(struct engine *e, const char *databases, struct error *err)
{
	if (!journal_job_is_bound(&e->identity))
		return 0;
	if (fit_settings(e, err) ||
	    same_place("source", e->identity.source, e->ends.source.identity, err) ||
	    same_place("destination", e->identity.destination, e->ends.destination.identity, err))
		return -1;
	return fit_databases(e, databases, err);
}

int fit_job(struct engine *e, struct error *err)
{
	char *databases = ends_identities(e->ends.databases, e->ends.database_count);
	int rc =
	    databases ? fits(e, databases, err) : error_set(err, EXIT_INTERNAL, "out of memory");

	free(databases);
	return rc;
}

/* ---- What is remembered ---- */

static struct journal_job job_as_it_is(const struct engine *e)
{
	struct journal_job j = e->identity;

	snprintf(j.fingerprint, sizeof(j.fingerprint), "%s", e->job->fingerprint);
	j.canonical = (char *)(uintptr_t)e->job->canonical;
	if (!j.exists)
		j.created = clock_wall();
	return j;
}

int fit_remember_id(struct engine *e, struct error *err)
{
	struct journal_job j = job_as_it_is(e);
	char none[] = "";

	j.source = j.destination = j.databases = j.caches = none;
	j.created = clock_wall();
	return journal_set_job(e->journal, &j, NULL, err);
}

int fit_remember(struct engine *e, struct error *err)
{
	struct journal_job j = job_as_it_is(e);
	int rc;

	if (journal_job_is_bound(&e->identity) && !e->fit.change)
		return 0;
	j.source = e->ends.source.identity;
	j.destination = e->ends.destination.identity;
	j.databases = ends_identities(e->ends.databases, e->ends.database_count);
	j.caches = ends_identities(e->ends.caches, e->ends.cache_count);
	rc = j.databases && j.caches ? journal_set_job(e->journal, &j, e->fit.change, err)
				     : error_set(err, EXIT_INTERNAL, "out of memory");
	free(j.databases);
	free(j.caches);
	return rc;
}
