/* SPDX-License-Identifier: MIT */
#ifndef MIGRATE_JOB_SCHEMA_VALIDATE_H
#define MIGRATE_JOB_SCHEMA_VALIDATE_H

#include "job/yaml/yaml.h"

#include <migrate/plugin.h>

/*
 * Ask a plugin what it thinks of its options, which were filled from map without
 * a problem. What is wrong is added with its place in the file.
 */
void plugin_validate(const struct migrate_plugin *p, const void *config,
		     const struct yaml_node *map, struct problems *problems);

#endif
