/* SPDX-License-Identifier: MIT */
#ifndef MIGRATE_ENGINE_WORK_PACE_H
#define MIGRATE_ENGINE_WORK_PACE_H

#include "engine/task/halt.h"
#include "job/job.h"

/* The job's limits: token buckets that hold one second's worth, shared by all threads. */
struct pace;

enum pace_kind { PACE_BYTES, PACE_REQUESTS, PACE_ROWS, PACE_KINDS };

/* h outlives it. */
struct pace *pace_new(struct halt *h, const struct job_limits *limits);
void pace_free(struct pace *p);
/* per_second 0: no limit. May be changed while others wait. */
void pace_set(struct pace *p, enum pace_kind kind, uint64_t per_second);
/* Blocks until n may pass. False: the run ends. */
bool pace_take(struct pace *p, enum pace_kind kind, uint64_t n);
/* All that was taken, with or without a limit. */
uint64_t pace_taken(struct pace *p, enum pace_kind kind);

#endif
