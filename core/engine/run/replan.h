/* SPDX-License-Identifier: MIT */
#ifndef MIGRATE_ENGINE_RUN_REPLAN_H
#define MIGRATE_ENGINE_RUN_REPLAN_H

#include "engine/work/running.h"

/*
 * Objects that are settled, and shall be copied again: they get a new batch, before any batch is
 * taken up.
 */
struct replan {
	struct run *run;
	/* what of the record is forgotten beside its state; NULL: nothing */
	void (*reset)(struct object_record *o);
	int64_t batch; /* of those that were told of so far */
	uint32_t *which;
	size_t n, cap;
	uint64_t moved; /* objects */
	struct error *err;
};

/* Object n of a batch. Batches ascend from call to call, and so do objects in them. */
int replan_add(struct replan *a, int64_t batch, uint32_t n);
/* After the last one. */
int replan_finish(struct replan *a);
void replan_release(struct replan *a);

#endif
