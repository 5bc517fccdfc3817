/* SPDX-License-Identifier: MIT */
#ifndef MIGRATE_ENGINE_WORK_BUDGET_H
#define MIGRATE_ENGINE_WORK_BUDGET_H

#include "engine/task/halt.h"

#include <stdint.h>

/* Bytes of buffers that copiers hold together: see copy.memory. */
struct budget {
	struct halt *halt;
	pthread_mutex_t lock;
	pthread_cond_t changed;
	uint64_t used, most;
};

void budget_init(struct budget *b, struct halt *h, uint64_t most);
void budget_release(struct budget *b);
/* Blocks until there is room; more than all of it may go alone. False: the run has failed. */
bool budget_take(struct budget *b, uint64_t n);
void budget_give(struct budget *b, uint64_t n);
/* Who waits shall look whether the run has failed. */
void budget_wake(struct budget *b);

#endif
