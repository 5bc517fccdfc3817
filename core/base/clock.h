/* SPDX-License-Identifier: MIT */
#ifndef MIGRATE_BASE_CLOCK_H
#define MIGRATE_BASE_CLOCK_H

#include <pthread.h>
#include <stddef.h>
#include <stdint.h>

/* Nanoseconds. Deadlines and rates use the monotonic clock, the journal's times the wall clock. */
#define NS_PER_MS INT64_C(1000000)
#define NS_PER_S INT64_C(1000000000)

int64_t clock_monotonic(void);
int64_t clock_wall(void);
/* The wall clock as the kernel stamps files with: up to a tick behind. */
int64_t clock_file(void);

/* "2026-11-21T10:11:12Z" for a wall time; size >= 21. */
void clock_format(int64_t wall, char *text, size_t size);

/* A condition whose waits go by the monotonic clock, and one that lasts ns at most. */
void clock_cond_init(pthread_cond_t *c);
void clock_cond_wait(pthread_cond_t *c, pthread_mutex_t *lock, int64_t ns);

#endif
