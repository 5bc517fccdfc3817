/* SPDX-License-Identifier: MIT */
#include "engine/run/begin.h"

#include "base/bytes.h"
#include "base/clock.h"
#include "base/log.h"
#include "engine/copy/copier.h"
#include "engine/plan/planner.h"
#include "engine/rows/older.h"
#include "engine/rows/rewriter.h"
#include "engine/run/retry.h"
#include "engine/task/scratch.h"
#include "engine/work/gate.h"
#include "engine/work/pace.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* ---- The journal ---- */

static int open_journal(struct engine *e, struct error *err)
{
	struct journal_options o = { .path = e->job->journal_path,
				     .mode = JOURNAL_RUN,
				     .create = true,
				     .allow_volatile = e->job->journal_allow_volatile,
				     .trusted = e->job->owner,
				     .patience = e->job->patience };

	e->journal = journal_open(&o, err);
	if (!e->journal)
		return -1;
	return journal_get_job(e->journal, &e->identity, err);
}

/* --new-journal: the old one is kept under another name, nothing is lost. */
static int set_aside(struct engine *e, struct error *err)
{
	struct journal *old = e->journal;
	char *name = NULL;

	e->journal = NULL;
	journal_job_release(&e->identity);
	if (journal_set_aside(old, &name, err))
		return -1;
	log_info("the old journal is now %s", name);
	free(name);
	return open_journal(e, err);
}

void engine_discard(struct engine *e)
{
	struct error err = ERROR_INIT;

	if (journal_discard(e->journal, &err))
		log_warn("%s", err.text);
	e->journal = NULL;
}

/* ---- The pass ---- */

/* What a run is for that lists nothing: 1, 0; -1: error. */
static int needs_no_listing(struct engine *e, struct error *err)
{
	int open;

	if (!e->pass.number)
		return 0;
	if (e->options->only == RUN_ROWS)
		return 1;
	if (e->job->journal_keep != KEEP_FAILURES)
		return 0;
	if (e->options->retry_failed)
		return 1;
	open = journal_has_open(e->journal, err);
	/* the rows of what --only=copy has copied */
	return open < 0 ? -1 : open && e->options->only != RUN_COPY;
}

/* Of a run that begins a pass: 1: it lists nothing, 0; -1: error, or it cannot begin one. */
static int check_next_pass(struct engine *e, struct error *err)
{
	int listed = needs_no_listing(e, err);

	if (listed || !e->pass.number || e->job->journal_keep != KEEP_FAILURES)
		return listed;
	return error_set(
	    err, EXIT_UNFIT,
	    e->fit.relist
		? "the selection of keys changed in the middle of a pass, and the journal "
		  "keeps failures only: finish the pass without the change first"
		: "the source was listed, and the journal keeps failures only: there is "
		  "nothing to compare a further pass with; --retry-failed tries these "
		  "again");
}

static int next_pass(struct engine *e, struct error *err)
{
	int listed = check_next_pass(e, err);

	if (listed < 0)
		return -1;
	e->pass = (struct journal_pass){ .number = e->pass.number + 1,
					 .state = listed ? PASS_LISTED : PASS_LISTING,
					 .orphaned = listed ? e->pass.orphaned : 0,
					 .started = clock_wall() };
	return journal_set_pass(e->journal, &e->pass, err);
}

static int last_pass(struct engine *e, struct error *err)
{
	struct arena a = ARENA_INIT;
	int rc = journal_last_pass(e->journal, &a, &e->pass, err);

	e->pass.cursor = bytes_of(NULL, 0);
	arena_release(&a);
	return rc;
}

/* What the keys are that a pass has left behind it, the selection said then. */
static bool begins_pass(const struct engine *e)
{
	return !e->pass.number || e->pass.state == PASS_DONE ||
	       (e->pass.state == PASS_LISTING && e->fit.relist);
}

static int find_pass(struct engine *e, struct error *err)
{
	if (last_pass(e, err))
		return -1;
	return begins_pass(e) ? next_pass(e, err) : 0;
}

static int check_not_over(struct engine *e, struct error *err)
{
	struct batch *b = journal_next_batch(e->journal, 0, err);
	bool over = b && b->state >= BATCH_PURGED;

	batch_free(b);
	if (error_is_set(err))
		return -1;
	return over ? error_set(err, EXIT_UNFIT, "the job was reverted or purged: it is over") : 0;
}

/* ---- The ends ---- */

static void learn_capabilities(struct engine *e)
{
	const struct migrate_store_ops *to = e->ends.destination.job->descriptor->store;

	e->can_copy = store_can_copy(e->ends.destination.session, e->ends.source.session);
	e->has_sync = to->sync != NULL;
	e->has_rows = e->ends.database_count > 0 || e->ends.cache_count > 0;
	e->algorithm = e->ends.destination_facts.d.digests & (1u << MIGRATE_MD5) ? MIGRATE_MD5
										 : MIGRATE_SHA256;
}

/* One end inside the other: the keys' prefix that the inner one has in the outer one. */
static int learn_relation(struct engine *e, struct error *err)
{
	const char *source = e->ends.source.identity, *destination = e->ends.destination.identity;
	const char *inner, *outer;
	char *prefix = NULL;

	e->relation = ends_relation(source, destination);
	if (e->relation == ENDS_APART || e->relation == ENDS_SAME)
		return 0;
	inner = e->relation == ENDS_DESTINATION_INSIDE ? destination : source;
	outer = e->relation == ENDS_DESTINATION_INSIDE ? source : destination;
	if (asprintf(&prefix, "%s/", ends_below(outer, inner)) < 0)
		return error_set(err, EXIT_INTERNAL, "out of memory");
	e->inside = bytes_of_text(prefix);
	return 0;
}

static int open_ends(struct engine *e, const char *job_id, int flags, struct error *err)
{
	if (ends_open(&e->ends, e->job, job_id, flags, err))
		return -1;
	learn_capabilities(e);
	return learn_relation(e, err);
}

static int make_parts(struct engine *e, struct error *err)
{
	pthread_condattr_t attr;

	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(&e->changed, &attr);
	pthread_cond_init(&e->takeable, &attr);
	pthread_condattr_destroy(&attr);
	pthread_mutex_init(&e->lock, NULL);
	window_init(e);
	e->gate = gate_new(e);
	e->pace = pace_new(e);
	e->losses = losses_new();
	e->first_left = e->options->first ? (uint64_t)e->options->first : UINT64_MAX;
	atomic_store(&e->concurrency, (uint32_t)e->job->copy.concurrency);
	return e->gate && e->pace && e->losses ? 0 : error_set(err, EXIT_INTERNAL, "out of memory");
}

/*
 * What a run left that was ended while it opened the ends: plugins try on scratch objects what
 * a place does. Folders have nothing to be tried so, and would be listed whole for it.
 */
static void sweep_scratch(struct engine *e)
{
	struct scratch_left left = { .arena = ARENA_INIT };
	char prefix[SCRATCH_NAME];
	size_t n = 0;

	if (e->ends.destination_facts.d.flags & MIGRATE_REAL_FOLDERS)
		return;
	scratch_prefix(prefix, e->identity.id);
	scratch_clear(e->ends.destination.session, prefix, &n, &left);
	if (n)
		log_info("%zu scratch objects of an earlier run were removed", n);
	scratch_left_release(&left);
}

/* What a run drops from the journal is what the next one would hold its part of the plan against. */
static int check_first(struct engine *e, struct error *err)
{
	if (!e->options->first || e->job->journal_keep != KEEP_FAILURES || !plan_needs_check(e))
		return 0;
	return error_set(err, EXIT_USAGE,
			 "--first needs journal.keep: all here: new names of this job may meet "
			 "others, and a journal of failures does not know them in the next run");
}

static int check_remake(struct engine *e, struct error *err)
{
	if (!e->options->remake || e->job->journal_keep != KEEP_FAILURES)
		return 0;
	return error_set(err, EXIT_USAGE,
			 "--remake needs journal.keep: all here: a journal of failures does not "
			 "know the copies that were made");
}

static int begin_with_journal(struct engine *e, struct error *err)
{
	bool fresh;

	if (e->identity.exists && e->options->new_journal && set_aside(e, err))
		return -1;
	fresh = !e->identity.exists;
	if (fresh && fit_remember_id(e, err))
		return -1;
	if (open_ends(e, e->identity.id, ENDS_WRITE | ENDS_PROBE, err) || fit_job(e, err) ||
	    check_first(e, err) || check_remake(e, err) || check_not_over(e, err) ||
	    journal_begin_run(e->journal, "", err))
		return -1;
	e->begun = true;
	if (fresh)
		twin_tell(e);
	else
		sweep_scratch(e);
	/* in this order: a change of the keys that a kill keeps from the journal is seen again */
	if (find_pass(e, err) || fit_remember(e, err))
		return -1;
	e->orphaned = e->pass.orphaned;
	e->rowindex = rowindex_new(e);
	if (!e->rowindex)
		return error_set(err, EXIT_INTERNAL, "out of memory");
	/* a class is one of objects: rows have none */
	if (e->options->retry_failed &&
	    (retry_failed(e, err) || (e->options->retry_class == FAIL_NONE && retry_rows(e, err))))
		return -1;
	e->older_rows = older_rows_new(e->journal, e->job->journal_path, err);
	return e->older_rows ? 0 : -1;
}

/* A file that an option of this end names, where it is the journal itself. */
static const char *names_journal(const struct job_end *end, const struct stat *journal)
{
	const struct migrate_plugin *p = end->descriptor;

	for (size_t i = 0; i < p->option_count; i++) {
		const struct migrate_option *o =
		    (const void *)((const char *)p->options + i * p->option_size);
		const char *path;
		struct stat st;

		if (o->type != MIGRATE_TYPE_PATH)
			continue;
		memcpy(&path, (const char *)end->config + o->offset, sizeof(path));
		if (path && !stat(path, &st) && st.st_dev == journal->st_dev &&
		    st.st_ino == journal->st_ino)
			return path;
	}
	return NULL;
}

/* A job must not rewrite rows of its own journal, nor open that file a second time. */
static int check_not_journal(const struct job *job, struct error *err)
{
	struct stat journal;
	const char *path;

	if (stat(job->journal_path, &journal))
		return 0;
	for (size_t i = 0; i < job->database_count; i++) {
		path = names_journal(&job->databases[i].end, &journal);
		if (path)
			return error_set(err, EXIT_USAGE, "%s: '%s' is the job's own journal",
					 job->databases[i].end.label, path);
	}
	return 0;
}

int engine_begin(struct engine *e, const struct job *job, const struct run_options *o,
		 struct error *err)
{
	bool existed;

	*e = (struct engine){ .job = job, .options = o };
	if (make_parts(e, err) || check_not_journal(job, err) || open_journal(e, err))
		return -1;
	existed = e->identity.exists;
	e->fresh = !existed;
	if (!begin_with_journal(e, err))
		return 0;
	/* its id alone finds scratch objects that are left: then the next run removes them */
	if (!existed && e->journal && e->pass.number == 0 && !e->ends.may_be_left)
		engine_discard(e);
	return -1;
}

/* What earlier runs did, if there were any; the journal is neither made nor locked. */
static int read_journal(struct engine *e, struct error *err)
{
	struct journal_options o = { .path = e->job->journal_path,
				     .mode = JOURNAL_READ,
				     .trusted = e->job->owner,
				     .allow_volatile = e->job->journal_allow_volatile };

	if (e->options->new_journal || access(o.path, F_OK))
		return 0;
	e->journal = journal_open(&o, err);
	if (!e->journal || journal_get_job(e->journal, &e->identity, err))
		return -1;
	if (journal_job_is_bound(&e->identity))
		return 0;
	journal_close(e->journal);
	e->journal = NULL;
	return 0;
}

/* Would a run go on with it? Then all that it did lies before the pass that is tried. */
static int fit_dry(struct engine *e, struct arena *a, struct outlook *outlook, struct error *err)
{
	struct migrate_bytes last;
	bool begins;

	if (fit_job(e, err) || check_not_over(e, err) || last_pass(e, err))
		return -1;
	begins = begins_pass(e);
	if (begins && check_next_pass(e, err) < 0)
		return -1;
	if (!begins && e->pass.state == PASS_LISTING &&
	    journal_position(e->journal, e->pass.number, a, &last, &outlook->behind, err))
		return -1;
	outlook->scans = e->pass.number > 1 || (e->pass.number && begins);
	e->pass.number++;
	return 0;
}

int engine_begin_dry(struct engine *e, const struct job *job, const struct run_options *o,
		     struct arena *a, struct outlook *outlook, struct error *err)
{
	const char *no_id = "0000000000000000";

	*e = (struct engine){ .job = job, .options = o, .dry = true };
	if (make_parts(e, err) || read_journal(e, err) ||
	    open_ends(e, e->journal ? e->identity.id : no_id, ENDS_WRITE | ENDS_DRY, err))
		return -1;
	return e->journal ? fit_dry(e, a, outlook, err) : 0;
}

void engine_end(struct engine *e)
{
	window_release(e);
	rowindex_free(e->rowindex);
	older_rows_free(e->older_rows);
	ends_close(&e->ends);
	journal_close(e->journal);
	journal_job_release(&e->identity);
	free(e->fit.change);
	gate_free(e->gate);
	pace_free(e->pace);
	losses_free(e->losses);
	free((void *)(uintptr_t)e->inside.p);
	pthread_cond_destroy(&e->changed);
	pthread_cond_destroy(&e->takeable);
	pthread_mutex_destroy(&e->lock);
}
