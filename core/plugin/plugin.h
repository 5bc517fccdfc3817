/* SPDX-License-Identifier: MIT */
#ifndef MIGRATE_PLUGIN_PLUGIN_H
#define MIGRATE_PLUGIN_PLUGIN_H

#include "base/error.h"

#include <migrate/plugin.h>

/*
 * Finding and loading plugins. A descriptor returned here is a copy of the
 * plugin's, in this core's size (what an older plugin lacks is zero), checked:
 * ABI, name, kind, option table, required operations. Never unloaded, never
 * freed. Thread-safe.
 *
 * Searched: the folders of MIGRATE_PLUGIN_PATH (colon-separated), then the
 * installed one; file NAME.so. A file or folder that others may write is refused.
 * kind 0: any.
 */
const struct migrate_plugin *plugin_find(enum migrate_kind kind, const char *name,
					 struct error *err);

/* One file, wherever it is (migrate-plugin check FILE.so). */
const struct migrate_plugin *plugin_load_file(const char *path, struct error *err);

/* Calls each(arg, path, descriptor or NULL, error) for every .so on the search path, by name. */
int plugin_each(int (*each)(void *arg, const char *path, const struct migrate_plugin *p,
			    const struct error *why),
		void *arg, struct error *err);

/* "store", "database", "cache". */
const char *plugin_kind_name(enum migrate_kind kind);

#endif
