/* SPDX-License-Identifier: MIT */
#include "engine/run/begin.h"

#include "base/log.h"
#include "engine/copy/copier.h"
#include "engine/plan/planner.h"
#include "engine/rows/older.h"
#include "engine/rows/rewriter.h"
#include "engine/run/retry.h"
#include "engine/task/scratch.h"
#include "engine/work/gate.h"
#include "engine/work/pace.h"

#include <string.h>

static int make_run(struct run *run, struct error *err)
{
	run_init(run);
	run->gate = gate_new(run->task, &run->halt, &run->pulse);
	run->pace = pace_new(&run->halt, &run->task->job->limits);
	run->losses = losses_new();
	run->first_left = run->options->first ? (uint64_t)run->options->first : UINT64_MAX;
	atomic_store(&run->concurrency, (uint32_t)run->task->job->copy.concurrency);
	return run->gate && run->pace && run->losses
		   ? 0
		   : error_set(err, EXIT_INTERNAL, "out of memory");
}

/*
 * What a run left that was ended while it opened the ends: plugins try on scratch objects what
 * a place does. Folders have nothing to be tried so, and would be listed whole for it.
 */
static void sweep_scratch(struct task *t)
{
	struct scratch_left left = { .arena = ARENA_INIT };
	char prefix[SCRATCH_NAME];
	size_t n = 0;

	if (t->ends.destination_facts.d.flags & MIGRATE_REAL_FOLDERS)
		return;
	scratch_prefix(prefix, t->known.id);
	scratch_clear(t->ends.destination.session, prefix, &n, &left);
	if (n)
		log_info("%zu scratch objects of an earlier run were removed", n);
	scratch_left_release(&left);
}

/* What a run drops from the journal is what the next one would hold its part of the plan against. */
static int check_first(const struct task *t, const struct run_options *o, struct error *err)
{
	if (!o->first || t->job->journal_keep != KEEP_FAILURES || !plan_needs_check(t))
		return 0;
	return error_set(err, EXIT_USAGE,
			 "--first needs journal.keep: all here: new names of this job may meet "
			 "others, and a journal of failures does not know them in the next run");
}

static int check_remake(const struct task *t, const struct run_options *o, struct error *err)
{
	if (!o->remake || t->job->journal_keep != KEEP_FAILURES)
		return 0;
	return error_set(err, EXIT_USAGE,
			 "--remake needs journal.keep: all here: a journal of failures does not "
			 "know the copies that were made");
}

/* The ends are open, the job fits, and this run stands in the journal. */
static int begin_task(struct run *run, struct error *err)
{
	struct task *t = run->task;
	const struct run_options *o = run->options;
	bool fresh = !t->known.exists;

	if ((fresh && fit_remember_id(t, err)) ||
	    task_open_ends(t, t->known.id, ENDS_WRITE | ENDS_PROBE, err) || fit_job(t, o, err) ||
	    check_first(t, o, err) || check_remake(t, o, err) ||
	    journal_begin_run(t->journal, "", err))
		return -1;
	run->begun = true;
	if (fresh)
		twin_tell(t);
	else
		sweep_scratch(t);
	/* in this order: a change of the keys that a kill keeps from the journal is seen again */
	return pass_find(t, o, err) || fit_remember(t, err) ? -1 : 0;
}

static int begin_work(struct run *run, struct error *err)
{
	const struct run_options *o = run->options;

	run->rowindex = rowindex_new(run);
	if (!run->rowindex)
		return error_set(err, EXIT_INTERNAL, "out of memory");
	/* a class is one of objects: rows have none */
	if (o->retry_failed &&
	    (retry_failed(run, err) || (o->retry_class == FAIL_NONE && retry_rows(run, err))))
		return -1;
	run->older_rows = older_rows_new(run->task, err);
	return run->older_rows ? 0 : -1;
}

/* A file that an option of this end names, where it is the journal itself. */
static const char *names_journal(const struct job_end *end, const struct journal_place *place)
{
	const struct migrate_plugin *p = end->descriptor;

	for (size_t i = 0; i < p->option_count; i++) {
		const struct migrate_option *o =
		    (const void *)((const char *)p->options + i * p->option_size);
		const char *path;

		if (o->type != MIGRATE_TYPE_PATH)
			continue;
		memcpy(&path, (const char *)end->config + o->offset, sizeof(path));
		if (path && journal_is_file(place, path))
			return path;
	}
	return NULL;
}

/* A job must not rewrite rows of its own journal, nor open that file a second time. */
static int check_not_journal(const struct task *t, struct error *err)
{
	const struct journal_place place = task_place(t);
	const char *path;

	for (size_t i = 0; i < t->job->database_count; i++) {
		path = names_journal(&t->job->databases[i].end, &place);
		if (path)
			return error_set(err, EXIT_USAGE, "%s: '%s' is the job's own journal",
					 t->job->databases[i].end.label, path);
	}
	return 0;
}

static int open_journal(struct run *run, struct error *err)
{
	struct task *t = run->task;

	if (check_not_journal(t, err) || task_open_journal(t, JOURNAL_RUN, err))
		return -1;
	run->fresh = !t->known.exists;
	return t->known.exists && run->options->new_journal ? task_renew_journal(t, err) : 0;
}

int run_begin(struct run *run, struct task *t, const struct run_options *o, struct error *err)
{
	*run = (struct run){ .task = t, .options = o };
	if (make_run(run, err) || open_journal(run, err))
		return -1;
	if (!begin_task(run, err) && !begin_work(run, err))
		return 0;
	/* its id alone finds scratch objects that are left: then the next run removes them */
	if (run->fresh && t->journal && t->pass.number == 0 && !t->ends.may_be_left)
		task_discard_journal(t);
	return -1;
}

void run_end(struct run *run)
{
	rowindex_free(run->rowindex);
	older_rows_free(run->older_rows);
	gate_free(run->gate);
	pace_free(run->pace);
	losses_free(run->losses);
	run_release(run);
}
