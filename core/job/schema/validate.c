/* SPDX-License-Identifier: MIT */
#include "job/schema/validate.h"

#include <stdarg.h>
#include <stdio.h>

struct validation {
	const struct yaml_node *map;
	struct problems *problems;
};

/* Where it stands in the file: the element, else the option, else the section. */
static const struct yaml_node *place(const struct yaml_node *map, const char *option,
				     size_t element)
{
	const struct yaml_node *node = map && option ? yaml_get(map, option) : NULL, *child;

	if (!node)
		return map;
	if (node->kind == YAML_SCALAR)
		return node;
	for (child = node->first; child && element; child = child->next)
		element--;
	return child ? child : node;
}

void migrate_wrong_option(struct migrate_validate *r, const char *option, size_t element,
			  const char *format, ...)
{
	const struct validation *v = r->core;
	const struct yaml_node *node = place(v->map, option, element);
	char text[1024];
	va_list ap;

	va_start(ap, format);
	vsnprintf(text, sizeof(text), format, ap);
	va_end(ap);
	problems_add(v->problems, node ? node->line : 0, node ? node->column : 0, "%s: %s", option,
		     text);
}

void plugin_validate(const struct migrate_plugin *p, const void *config,
		     const struct yaml_node *map, struct problems *problems)
{
	struct validation v = { .map = map, .problems = problems };
	struct migrate_validate r = { .config = config, .core = &v };

	if (p->validate && config)
		p->validate(&r);
}
