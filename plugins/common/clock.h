/* SPDX-License-Identifier: MIT */
#ifndef MIGRATE_PLUGINS_CLOCK_H
#define MIGRATE_PLUGINS_CLOCK_H

#include <stdint.h>
#include <time.h>

/* By the monotonic clock. */
static inline int64_t now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

#endif
