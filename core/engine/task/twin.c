/* SPDX-License-Identifier: MIT */
#include "engine/task/task.h"

#include "base/log.h"

#include <glob.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/*
 * A job that got another name begins anew, with a journal of its own: nothing is wrong with that,
 * but whoever only meant to rename it shall hear of it.
 */
#define LOOKED_AT_MAX 100

static bool is_of_same_ends(const struct task *task, const char *path)
{
	struct journal_options o = { .path = path,
				     .mode = JOURNAL_READ,
				     .trusted = task->job->owner,
				     .allow_volatile = true };
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

void twin_tell(const struct task *task)
{
	const char *own = task->job->journal_path, *slash = strrchr(own, '/');
	char *pattern = NULL;
	glob_t found;

	if (!slash || strpbrk(own, "*?[\\") ||
	    asprintf(&pattern, "%.*s/*.journal", (int)(slash - own), own) < 0)
		return;
	if (!glob(pattern, 0, NULL, &found)) {
		for (size_t i = 0; i < found.gl_pathc && i < LOOKED_AT_MAX; i++)
			if (strcmp(found.gl_pathv[i], own) != 0 &&
			    is_of_same_ends(task, found.gl_pathv[i]))
				log_warn("%s is the journal of a job with the same source and "
					 "destination: if it is this one under another name, give "
					 "it that name again (job:), or journal.path",
					 found.gl_pathv[i]);
		globfree(&found);
	}
	free(pattern);
}
