/* SPDX-License-Identifier: MIT */
#ifndef MIGRATE_ENGINE_PLAN_SIZES_H
#define MIGRATE_ENGINE_PLAN_SIZES_H

#include "engine/plan/keys.h"
#include "engine/work/running.h"

/*
 * What the source holds of keys that come from rows: their sizes must be known
 * before the first copy, or nobody can say how long the job will take. Where such
 * keys lie close together in an ordered source, its listing tells a thousand at a
 * time; else they are asked for one by one.
 */
struct sizes;

struct sizes *sizes_new(struct run *run, struct migrate_session *source);
void sizes_free(struct sizes *s);
/* Keys ascend from call to call. Fills in size, mtime and etag of one that is there. */
void sizes_look_up(struct sizes *s, struct key_item *item);

#endif
