/* SPDX-License-Identifier: MIT */
#include "base/clock.h"

#include <time.h>

static int64_t now(clockid_t id)
{
	struct timespec t;

	clock_gettime(id, &t);
	return (int64_t)t.tv_sec * NS_PER_S + t.tv_nsec;
}

int64_t clock_monotonic(void)
{
	return now(CLOCK_MONOTONIC);
}

int64_t clock_wall(void)
{
	return now(CLOCK_REALTIME);
}

int64_t clock_file(void)
{
	return now(CLOCK_REALTIME_COARSE);
}

void clock_format(int64_t wall, char *text, size_t size)
{
	time_t seconds = (time_t)(wall / NS_PER_S);
	struct tm tm;

	if (!gmtime_r(&seconds, &tm) || !strftime(text, size, "%Y-%m-%dT%H:%M:%SZ", &tm))
		text[0] = '\0';
}

void clock_cond_init(pthread_cond_t *c)
{
	pthread_condattr_t attr;

	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(c, &attr);
	pthread_condattr_destroy(&attr);
}

void clock_cond_wait(pthread_cond_t *c, pthread_mutex_t *lock, int64_t ns)
{
	int64_t until = clock_monotonic() + ns;
	struct timespec t = { .tv_sec = until / NS_PER_S, .tv_nsec = until % NS_PER_S };

	pthread_cond_timedwait(c, lock, &t);
}
