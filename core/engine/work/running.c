/* SPDX-License-Identifier: MIT */
#include "engine/work/running.h"

static void wake_run(void *run)
{
	window_wake_all(run);
	budget_wake(&((struct run *)run)->budget);
}

void run_init(struct run *run)
{
	halt_init(&run->halt, &run->task->ends.host);
	run->halt.wake = wake_run;
	run->halt.arg = run;
	window_init(run);
	budget_init(&run->budget, &run->halt, run->task->job->copy.memory);
}

void run_release(struct run *run)
{
	window_release(run);
	budget_release(&run->budget);
	halt_release(&run->halt);
}
