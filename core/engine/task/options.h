/* SPDX-License-Identifier: MIT */
#ifndef MIGRATE_ENGINE_TASK_OPTIONS_H
#define MIGRATE_ENGINE_TASK_OPTIONS_H

#include "journal/journal.h"
#include "report/progress.h"

/* What the command line of migrate-run says beside the job. */
enum run_only { RUN_ALL, RUN_COPY, RUN_ROWS };

struct run_options {
	bool dry_run;
	int64_t first; /* objects to plan in this run; 0: all */
	bool retry_failed;
	enum fail_class retry_class; /* FAIL_NONE: any */
	bool remake;                 /* copies that are gone from the destination */
	int only;                    /* enum run_only */
	bool accept_change;
	bool new_journal;
	enum progress_mode progress;
};

#endif
