/* SPDX-License-Identifier: MIT */
#ifndef MIGRATE_T_UNIT_MEMORY_H
#define MIGRATE_T_UNIT_MEMORY_H

#include "journal/backend.h"

/*
 * A journal that is kept in memory, under the name of its path, for as long as the process
 * lives: what stands above backend.h is tried over it as over a file. Records are never
 * changed, only replaced, so that taking a transaction back is forgetting its lists.
 */
extern const struct backend memory_backend;

/* What happens to the next commits, and what has happened. */
struct memory_faults {
	_Atomic unsigned full;    /* so many say that there is no space */
	_Atomic bool broken;      /* they fail */
	_Atomic unsigned commits; /* asked for */
	_Atomic unsigned done;
};
extern struct memory_faults memory_faults;

/* Several runs at a time may open one, and divide its work. */
extern bool memory_is_shared;
/* The run that was not heard of for too long; 0: none. */
extern _Atomic int64_t memory_silent_run;

#endif
