/* SPDX-License-Identifier: MIT */
#ifndef MIGRATE_ENGINE_RUN_RETRY_H
#define MIGRATE_ENGINE_RUN_RETRY_H

#include "engine/work/running.h"

/* --retry-failed: what failed gets new batches. */
int retry_failed(struct run *run, struct error *err);
int retry_rows(struct run *run, struct error *err);

#endif
