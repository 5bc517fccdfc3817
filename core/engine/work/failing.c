/* SPDX-License-Identifier: MIT */
#include "engine/work/running.h"

#include <inttypes.h>

bool run_has_too_many_failed(const struct run *run, struct error *err)
{
	if (atomic_load(&run->tally.new_failures) <= (uint64_t)run->task->job->max_failures)
		return false;
	error_set(err, EXIT_TOO_MANY,
		  "more than %" PRId64 " objects failed (max_failures); migrate-status --failed "
		  "lists them",
		  run->task->job->max_failures);
	return true;
}

bool run_too_many_failed(struct run *run)
{
	struct error err = ERROR_INIT;

	if (!run_has_too_many_failed(run, &err))
		return false;
	halt_fail(&run->halt, &err);
	return true;
}

void run_broke_off(struct run *run, struct error *err)
{
	if (!error_is_set(err) && !halt_leaving(&run->halt))
		error_set(err, EXIT_INTERNAL, "a part of the run ended without saying why");
	if (error_is_set(err))
		halt_fail(&run->halt, err);
}
