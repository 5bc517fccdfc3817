/* SPDX-License-Identifier: MIT */
#ifndef MIGRATE_ENGINE_RUN_BEGIN_H
#define MIGRATE_ENGINE_RUN_BEGIN_H

#include "engine/work/running.h"

/*
 * What happens before the first thread starts: journal and ends are opened, the
 * job is compared with the journal's, the pass is found, and what the last run
 * left in doubt is noted. run_end() also after it failed; the task stays open.
 */
int run_begin(struct run *run, struct task *t, const struct run_options *o, struct error *err);
void run_end(struct run *run);

#endif
