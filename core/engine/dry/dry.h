/* SPDX-License-Identifier: MIT */
#ifndef MIGRATE_ENGINE_DRY_DRY_H
#define MIGRATE_ENGINE_DRY_DRY_H

#include "engine/task/options.h"
#include "job/job.h"

/* What would happen; writes nothing but unlinked temporary files, prints to standard output. */
int run_dry(const struct job *job, const struct run_options *o, struct error *err);

#endif
