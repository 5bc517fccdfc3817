/* SPDX-License-Identifier: MIT */
#include "engine/work/running.h"

#include "base/clock.h"

#define SAVE_EVERY NS_PER_S
#define STRAGGLE (30 * NS_PER_S)

void *saver_main(void *arg)
{
	struct run *run = arg;
	struct error err = ERROR_INIT;
	int64_t next = clock_monotonic() + SAVE_EVERY;

	for (; window_sleep_until(run, next); next = clock_monotonic() + SAVE_EVERY)
		if (window_save(run, false, &err) ||
		    window_move_stragglers(run, clock_monotonic() - STRAGGLE, &err)) {
			run_broke_off(run, &err);
			break;
		}
	return NULL;
}
