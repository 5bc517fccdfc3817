/* SPDX-License-Identifier: MIT */
#include "engine/task/task.h"

#include "base/log.h"

#include <string.h>

/*
 * A job that got another name begins anew, with a journal of its own: nothing is wrong with that,
 * but whoever only meant to rename it shall hear of it.
 */
static bool is_of_same_ends(const struct task *task, const struct journal_place *place)
{
	struct journal_options o = { .place = *place, .mode = JOURNAL_READ };
	struct error ignored = ERROR_INIT;
	struct journal *j = journal_open(&o, &ignored);
	struct journal_job other;
	bool same = false;

	if (j && !journal_get_job(j, &other, &ignored)) {
		same = journal_job_is_bound(&other) &&
		       !strcmp(other.source, task->ends.source.identity) &&
		       !strcmp(other.destination, task->ends.destination.identity);
		journal_job_release(&other);
	}
	journal_close(j);
	return same;
}

static void look_at_twin(void *arg, const struct journal_place *place)
{
	const struct task *const *task = arg;

	if (is_of_same_ends(*task, place))
		log_warn("%s is the journal of a job with the same source and destination: if it "
			 "is this one under another name, give it that name again (job:), or "
			 "journal.path",
			 place->path);
}

void twin_tell(const struct task *task)
{
	const struct journal_place place = task_place(task);

	journal_each_near(&place, look_at_twin, &task);
}
