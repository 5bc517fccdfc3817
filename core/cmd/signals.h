/* SPDX-License-Identifier: MIT */
#ifndef MIGRATE_CMD_SIGNALS_H
#define MIGRATE_CMD_SIGNALS_H

#include "base/error.h"

/*
 * SIGINT, SIGTERM and SIGHUP, heard from the first instant of a run to its last by a thread
 * of its own, whatever the others wait for: a disk, a server, each other. What the first of
 * them does depends on how far the run is; where nobody said, nothing is in flight, and it
 * leaves at once. A second one always does. One watch in a process.
 */
/* Before any other thread is made, as all of them have these signals blocked from now on. */
int signals_watch(struct error *err);
/*
 * What the first signal does from now on, in the watching thread; if there was one already,
 * at once. NULL: leave. When this returns, what was set before is not running any more.
 */
void signals_on_first(void (*first)(void *arg), void *arg);
void signals_unwatch(void);

#endif
