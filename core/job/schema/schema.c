/* SPDX-License-Identifier: MIT */
#include "job/schema/schema.h"

#include "base/nearest.h"
#include "job/schema/schema-impl.h"

#include <stdlib.h>
#include <string.h>

struct migrate_option schema_at(const struct schema *s, size_t i)
{
	struct migrate_option o = { 0 };
	size_t n = s->stride < sizeof(o) ? s->stride : sizeof(o);

	memcpy(&o, (const char *)s->options + i * s->stride, n);
	return o;
}

static const char *const class_names[] = {
	[MIGRATE_TUNABLE] = "tunable",
	[MIGRATE_SELECTION] = "selection",
	[MIGRATE_MAPPING] = "mapping",
	[MIGRATE_IDENTITY] = "identity",
};

const char *schema_class_name(uint32_t klass)
{
	return klass <= MIGRATE_IDENTITY ? class_names[klass] : "identity";
}

int schema_class_of(const char *text, size_t n)
{
	for (int i = 0; i <= MIGRATE_IDENTITY; i++)
		if (strlen(class_names[i]) == n && !memcmp(class_names[i], text, n))
			return i;
	return -1;
}

bool is_file_variant(const char *name, const char *option)
{
	size_t n = strlen(option);

	return !strncmp(name, option, n) && !strcmp(name + n, "_file");
}

static bool is_named(const char *const *names, const char *name)
{
	for (; names && *names; names++)
		if (!strcmp(*names, name))
			return true;
	return false;
}

/* The option called name; *from_file: it is a secret's NAME_file. A declared name comes first. */
static bool find_option(const struct schema *s, const char *name, struct migrate_option *o,
			bool *from_file)
{
	*from_file = false;
	for (size_t i = 0; i < s->count; i++) {
		*o = schema_at(s, i);
		if (!strcmp(o->name, name))
			return true;
	}
	*from_file = true;
	for (size_t i = 0; i < s->count; i++) {
		*o = schema_at(s, i);
		if (o->type == MIGRATE_TYPE_SECRET && is_file_variant(name, o->name))
			return true;
	}
	return false;
}

/* All names that may stand in this map, for the hint; NUL-terminated texts in the arena. */
static const char **all_names(const struct fill *f, const char *const *ignore, size_t *count)
{
	size_t n = 2 * f->schema->count;
	const char **names;

	for (const char *const *i = ignore; i && *i; i++)
		n++;
	names = arena_alloc(f->arena, (n + 1) * sizeof(*names));
	*count = 0;
	if (!names)
		return NULL;
	for (; ignore && *ignore; ignore++)
		names[(*count)++] = *ignore;
	for (size_t i = 0; i < f->schema->count; i++) {
		struct migrate_option o = schema_at(f->schema, i);
		const char *file = o.type == MIGRATE_TYPE_SECRET
				       ? arena_printf(f->arena, "%s_file", o.name)
				       : NULL;

		names[(*count)++] = o.name;
		if (file)
			names[(*count)++] = file;
	}
	return names;
}

static void add_unknown(struct fill *f, const struct yaml_node *node, const char *const *ignore)
{
	size_t count;
	const char **names = all_names(f, ignore, &count);
	const char *near = names ? nearest_name(node->name, names, count) : NULL;

	if (near)
		problems_add(f->problems, node->name_line, node->name_column,
			     "unknown option '%s' (did you mean '%s'?)", node->name, near);
	else
		problems_add(f->problems, node->name_line, node->name_column, "unknown option '%s'",
			     node->name);
}

static void fill_child(struct fill *f, const struct yaml_node *node, const char *const *ignore)
{
	struct migrate_option o;
	bool from_file;

	if (is_named(ignore, node->name))
		return;
	if (!find_option(f->schema, node->name, &o, &from_file))
		add_unknown(f, node, ignore);
	else if (yaml_is_null(node))
		problems_add(f->problems, node->line, node->column,
			     "'%s' has no value: give one, or leave the option out", node->name);
	else if (from_file)
		fill_secret_file(f, &o, node);
	else
		fill_value(f, &o, node);
}

/* Options that the map does not mention: defaults, and those that must be there. */
static void fill_absent(struct fill *f, const struct migrate_option *o, const struct yaml_node *map)
{
	if (map && yaml_get(map, o->name))
		return;
	for (const struct yaml_node *c = map ? map->first : NULL; c; c = c->next)
		if (o->type == MIGRATE_TYPE_SECRET && is_file_variant(c->name, o->name))
			return;
	if (o->flags & MIGRATE_REQUIRED)
		problems_add(f->problems, map ? map->line : 0, map ? map->column : 0,
			     "option '%s' is missing: %s", o->name, o->help);
	else if (o->value)
		fill_default(f, o);
}

/* An option given by value and by file: whose word counts would be a guess. */
static void check_twice(struct fill *f, const struct migrate_option *o, const struct yaml_node *map)
{
	if (o->type != MIGRATE_TYPE_SECRET || !yaml_get(map, o->name))
		return;
	for (const struct yaml_node *c = map->first; c; c = c->next) {
		struct migrate_option other;
		bool from_file;

		if (is_file_variant(c->name, o->name) &&
		    find_option(f->schema, c->name, &other, &from_file) && from_file)
			problems_add(f->problems, c->name_line, c->name_column,
				     "'%s' and '%s' exclude each other", o->name, c->name);
	}
}

void *schema_fill(const struct schema *s, const struct yaml_node *map, const char *const *ignore,
		  const char *folder, struct arena *a, struct problems *p)
{
	struct fill f = { .schema = s, .folder = folder, .arena = a, .problems = p };

	f.config = arena_alloc(a, s->config_size ? s->config_size : 1);
	if (!f.config) {
		problems_add(p, 0, 0, "out of memory");
		return NULL;
	}
	if (map && map->kind != YAML_MAP) {
		problems_add(p, map->line, map->column, "here a map of options is needed, not %s",
			     yaml_kind_name(map));
		return f.config;
	}
	for (const struct yaml_node *c = map ? map->first : NULL; c && !problems_full(p);
	     c = c->next)
		fill_child(&f, c, ignore);
	for (size_t i = 0; i < s->count; i++) {
		struct migrate_option o = schema_at(s, i);

		fill_absent(&f, &o, map);
		if (map)
			check_twice(&f, &o, map);
	}
	return f.config;
}

const char *field_text(const struct migrate_option *o, const void *config)
{
	const char *text;

	memcpy(&text, (const char *)config + o->offset, sizeof(text));
	return text;
}

int64_t field_integer(const struct migrate_option *o, const void *config)
{
	int64_t v;

	memcpy(&v, (const char *)config + o->offset, sizeof(v));
	return v;
}

void schema_release(const struct schema *s, const void *config)
{
	for (size_t i = 0; config && i < s->count; i++) {
		struct migrate_option o = schema_at(s, i);
		struct migrate_secret *secret;

		if (o.type == MIGRATE_TYPE_SECRET)
			memcpy(&secret, (const char *)config + o.offset, sizeof(secret));
		else if (o.type == MIGRATE_TYPE_URL && field_text(&o, config))
			secret = secret_of_text(field_text(&o, config));
		else
			continue;
		secret_free(secret);
	}
}

/* The text lies in the job's own arena: nobody else's memory is written to. */
static void wipe_secrets(const struct yaml_node *node)
{
	size_t n = strlen(node->text);

	if (node->kind == YAML_SCALAR && n)
		explicit_bzero((void *)(uintptr_t)node->text, n);
}

void schema_wipe(const struct schema *s, const struct yaml_node *map)
{
	struct migrate_option o;
	bool from_file;

	if (map->kind != YAML_MAP)
		return;
	for (struct yaml_node *c = map->first; c; c = c->next) {
		if (c->kind != YAML_SCALAR || !find_option(s, c->name, &o, &from_file) || from_file)
			continue;
		if (o.type == MIGRATE_TYPE_SECRET || o.type == MIGRATE_TYPE_URL)
			wipe_secrets(c);
	}
}
