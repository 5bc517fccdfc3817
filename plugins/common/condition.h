/* SPDX-License-Identifier: MIT */
#ifndef MIGRATE_PLUGINS_CONDITION_H
#define MIGRATE_PLUGINS_CONDITION_H

#include <stdbool.h>

/*
 * May this SQL condition look at more than the row itself? One with a sub-select or a call
 * of any function may: what those see is of the instant at which their statement began, which
 * may be before the row was locked.
 */
bool condition_asks(const char *where);

#endif
