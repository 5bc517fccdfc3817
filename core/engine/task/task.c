/* SPDX-License-Identifier: MIT */
#include "engine/task/task.h"

#include "base/bytes.h"
#include "base/log.h"

#include <stdio.h>
#include <stdlib.h>

void task_stoppable(const struct task *t, void (*stop)(void *what), void *what)
{
	if (t->hooks && t->hooks->stoppable)
		t->hooks->stoppable(stop, what);
}

/* ---- The journal ---- */

struct journal_place task_place(const struct task *t)
{
	return (struct journal_place){ .path = t->job->journal_path,
				       .allow_volatile = t->job->journal_allow_volatile,
				       .trusted = t->job->owner };
}

/* What was read of it is the job's id at most. */
static void leave_out(struct task *t)
{
	journal_close(t->journal);
	t->journal = NULL;
}

int task_open_journal(struct task *t, enum journal_mode mode, struct error *err)
{
	struct journal_options o = { .place = task_place(t),
				     .mode = mode,
				     .create = mode == JOURNAL_RUN,
				     .patience = t->job->patience };

	t->read_only = mode == JOURNAL_READ;
	if (t->read_only && !journal_exists(&o.place))
		return 0;
	t->journal = journal_open(&o, err);
	if (!t->journal || journal_get_job(t->journal, &t->known, err))
		return -1;
	if (t->read_only && !journal_job_is_bound(&t->known))
		leave_out(t);
	return 0;
}

int task_renew_journal(struct task *t, struct error *err)
{
	struct journal *old = t->journal;
	char *name = NULL;

	t->journal = NULL;
	journal_job_release(&t->known);
	if (journal_set_aside(old, &name, err))
		return -1;
	log_info("the old journal is now %s", name);
	free(name);
	return task_open_journal(t, JOURNAL_RUN, err);
}

void task_discard_journal(struct task *t)
{
	struct error err = ERROR_INIT;

	if (journal_discard(t->journal, &err))
		log_warn("%s", err.text);
	t->journal = NULL;
}

/* ---- The ends ---- */

static void learn_capabilities(struct task *t)
{
	const struct migrate_store_ops *to = t->ends.destination.job->descriptor->store;

	t->can_copy = store_can_copy(t->ends.destination.session, t->ends.source.session);
	t->has_sync = to->sync != NULL;
	t->has_rows = t->ends.database_count > 0 || t->ends.cache_count > 0;
	t->algorithm = t->ends.destination_facts.d.digests & (1u << MIGRATE_MD5) ? MIGRATE_MD5
										 : MIGRATE_SHA256;
}

/* One end inside the other: the keys' prefix that the inner one has in the outer one. */
static int learn_relation(struct task *t, struct error *err)
{
	const char *source = t->ends.source.identity, *destination = t->ends.destination.identity;
	const char *inner, *outer;
	char *prefix = NULL;

	t->relation = ends_relation(source, destination);
	if (t->relation == ENDS_APART || t->relation == ENDS_SAME)
		return 0;
	inner = t->relation == ENDS_DESTINATION_INSIDE ? destination : source;
	outer = t->relation == ENDS_DESTINATION_INSIDE ? source : destination;
	if (asprintf(&prefix, "%s/", ends_below(outer, inner)) < 0)
		return error_set(err, EXIT_INTERNAL, "out of memory");
	t->inside = bytes_of_text(prefix);
	return 0;
}

int task_open_ends(struct task *t, const char *job_id, int flags, struct error *err)
{
	stoppable_fn *stoppable = t->hooks ? t->hooks->stoppable : NULL;

	t->open = !ends_open(&t->ends, t->job, job_id, flags, stoppable, err);
	if (!t->open)
		return -1;
	learn_capabilities(t);
	return learn_relation(t, err);
}

void task_close(struct task *t)
{
	ends_close(&t->ends);
	journal_close(t->journal);
	journal_job_release(&t->known);
	free(t->fit.change);
	free((void *)(uintptr_t)t->inside.p);
	*t = (struct task){ .job = t->job, .hooks = t->hooks };
}
