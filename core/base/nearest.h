/* SPDX-License-Identifier: MIT */
#ifndef MIGRATE_BASE_NEAREST_H
#define MIGRATE_BASE_NEAREST_H

#include <stddef.h>

/* The candidate nearest to name, or NULL when none is near enough. */
const char *nearest_name(const char *name, const char *const *candidates, size_t count);

#endif
