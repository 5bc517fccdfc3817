/* SPDX-License-Identifier: MIT */
#ifndef MIGRATE_PLUGIN_LOAD_H
#define MIGRATE_PLUGIN_LOAD_H

#include "base/error.h"

#include <migrate/plugin.h>

/*
 * From a file to a descriptor that can be trusted. Messages say what is wrong
 * with the file; the callers put its path in front.
 */

/* Is this file one that we may run: its own rights, its folder's, an ELF shared object? */
int load_check_file(const char *path, struct error *err);

/* dlopen and call migrate_plugin_v1(). NULL with err set; what was opened stays open. */
const struct migrate_plugin *load_open(const char *path, struct error *err);

/*
 * A copy in this core's size, checked: ABI, sizes, kind, name, operations,
 * options. file: its name without ".so", which must be the plugin's. NULL with
 * err set. Never freed.
 */
struct migrate_plugin *load_normalise(const struct migrate_plugin *p, const char *file,
				      struct error *err);

/* Checks of a normalised descriptor, in check.c and options.c. */
int check_operations(const struct migrate_plugin *p, struct error *err);
int check_options(const struct migrate_plugin *p, struct error *err);

/* [a-z0-9_-]{1,32} */
bool plugin_name_is_valid(const char *name);

#endif
