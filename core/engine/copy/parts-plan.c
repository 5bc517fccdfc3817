/* SPDX-License-Identifier: MIT */
#include "engine/copy/parts.h"

/* May an object go in parts, and in which? */

bool parts_possible(const struct run *run, uint64_t size, bool native)
{
	const struct migrate_store_ops *to = run->task->ends.destination.job->descriptor->store;

	if (!size || !to->upload || !to->complete || !to->abort)
		return false;
	return native ? to->copy_part != NULL
		      : to->part && run->task->ends.source_facts.d.flags & MIGRATE_RANGES;
}

uint64_t parts_size(const struct run *run, uint64_t size)
{
	const struct migrate_describe *d = &run->task->ends.destination_facts.d;
	uint64_t part = run->task->job->copy.part_size, max = d->parts_max ? d->parts_max : 10000;

	if (d->part_min && part < d->part_min)
		part = d->part_min;
	while (size / part >= max)
		part *= 2;
	if (d->part_max && part > d->part_max)
		part = d->part_max;
	return part;
}
