/* SPDX-License-Identifier: MIT */
#ifndef MIGRATE_JOB_YAML_YAML_IMPL_H
#define MIGRATE_JOB_YAML_YAML_IMPL_H

#include "job/yaml/yaml.h"

#include <yaml.h>

/* Inside the YAML reader: what is looked at besides the events (check.c). */

/* Before anything is parsed: size, encoding, NULs, directives. */
bool yaml_check_bytes(const char *bytes, size_t n, struct problems *p);
/* Names that stand twice in a map. False: problems were added. */
bool yaml_check_names(const struct yaml_node *map, struct problems *p);
/* What libyaml did not like, in our words where we have better ones. */
void yaml_add_problem(const yaml_parser_t *parser, const char *bytes, size_t n, struct problems *p);

#endif
