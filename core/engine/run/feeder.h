/* SPDX-License-Identifier: MIT */
#ifndef MIGRATE_ENGINE_RUN_FEEDER_H
#define MIGRATE_ENGINE_RUN_FEEDER_H

#include "engine/work/running.h"

void *feeder_main(void *engine); /* of its thread */

/* resume.c: batches that are open in the journal go into the window; returns when all are. */
int resume_open(struct run *run, struct error *err);

/* remake.c: what the journal knows as copied and the destination lost is planned again. */
int remake(struct run *run, struct error *err);

/* rowscan.c: rows that still name old keys, as batches of rows alone. */
int rowscan(struct run *run, struct error *err);

#endif
