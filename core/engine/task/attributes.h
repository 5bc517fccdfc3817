/* SPDX-License-Identifier: MIT */
#ifndef MIGRATE_ENGINE_TASK_ATTRIBUTES_H
#define MIGRATE_ENGINE_TASK_ATTRIBUTES_H

#include "engine/task/ends.h"

/* An attribute of the source does not reach the destination: it cannot hold it, or doubts it. */
bool attribute_is_lost(const struct ends *e, const char *name, size_t n);

/*
 * Does the copy bear what a copy of the source, as it is now, would? What is lost on the way
 * does not count, unless strict: then it is to be copied, and refused.
 */
bool attributes_agree(const struct ends *e, const struct migrate_attributes *source,
		      const struct migrate_attributes *copy, bool strict);

#endif
