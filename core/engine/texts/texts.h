/* SPDX-License-Identifier: MIT */
#ifndef MIGRATE_ENGINE_TEXTS_TEXTS_H
#define MIGRATE_ENGINE_TEXTS_TEXTS_H

#include "engine/work/running.h"

/* Values inside texts, once all that this pass copies is settled. */
int texts(struct run *run, struct error *err);

#endif
