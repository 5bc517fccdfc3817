/* SPDX-License-Identifier: MIT */
#ifndef MIGRATE_ENGINE_EARLY_H
#define MIGRATE_ENGINE_EARLY_H

#include "plugin/end.h"

#include <pthread.h>

/*
 * Somebody presses ^C while ends are opened, which takes as long as a server that does
 * not answer: calls are cancelled then. The signal itself stays for the run to read;
 * where signals are not blocked it does what it always does.
 */
struct early {
	struct host *host;
	pthread_t thread;
	int signals, end; /* -1: nobody watches */
};

void early_begin(struct early *w, struct host *h);
/* True: calls were cancelled; they are no more. */
bool early_end(struct early *w);

#endif
