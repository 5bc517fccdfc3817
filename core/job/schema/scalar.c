/* SPDX-License-Identifier: MIT */
#include "job/schema/schema-impl.h"

#include "base/nearest.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

/* One value of the job file into one field of a config. */

void fill_field(struct fill *f, const struct migrate_option *o, const void *value, size_t n)
{
	if (o->offset > f->schema->config_size || n > f->schema->config_size - o->offset)
		problems_add(f->problems, 0, 0,
			     "the plugin's option table is wrong: '%s' lies outside its struct",
			     o->name);
	else
		memcpy(f->config + o->offset, value, n);
}

static void wrong(struct fill *f, const struct migrate_option *o, const struct yaml_node *node,
		  const char *needed)
{
	problems_add(f->problems, node->line, node->column, "'%s' must be %s, not '%s'", o->name,
		     needed, node->text);
}

static void fill_text(struct fill *f, const struct migrate_option *o, const struct yaml_node *node)
{
	const char *text = arena_text(f->arena, node->text);

	if (!text)
		problems_add(f->problems, 0, 0, "out of memory");
	else if (!*text && (o->flags & MIGRATE_REQUIRED))
		problems_add(f->problems, node->line, node->column, "'%s' is empty", o->name);
	else
		fill_field(f, o, &text, sizeof(text));
}

static bool in_range(const struct migrate_option *o, int64_t v)
{
	if (!o->min && !o->max)
		return v >= 0;
	return v >= o->min && v <= o->max;
}

/* "between 1 and 512", in the option's own unit. */
static void out_of_range(struct fill *f, const struct migrate_option *o,
			 const struct yaml_node *node)
{
	const char *unit = o->type == MIGRATE_TYPE_SIZE       ? " bytes"
			   : o->type == MIGRATE_TYPE_DURATION ? " ms"
							      : "";

	if (!o->min && !o->max)
		problems_add(f->problems, node->line, node->column, "'%s' cannot be negative: '%s'",
			     o->name, node->text);
	else
		problems_add(f->problems, node->line, node->column,
			     "'%s' must be between %" PRId64 " and %" PRId64 "%s, not '%s'",
			     o->name, o->min, o->max, unit, node->text);
}

/* The number's text without the "/s" that a rate may end with. */
static const char *number_text(const struct fill *f, const struct migrate_option *o,
			       const char *text)
{
	size_t n = strlen(text);

	if (!(o->flags & SCHEMA_RATE) || n < 3 || strcmp(text + n - 2, "/s"))
		return text;
	text = arena_copy(f->arena, text, n - 2);
	return text ? text : "";
}

static bool parse_number(const struct migrate_option *o, const char *text, int64_t *v)
{
	uint64_t bytes;

	if ((o->flags & SCHEMA_AUTO) && !strcmp(text, "auto")) {
		*v = 0;
		return true;
	}
	if (o->type == MIGRATE_TYPE_INTEGER)
		return schema_parse_integer(text, v);
	if (o->type == MIGRATE_TYPE_DURATION)
		return schema_parse_duration(text, v);
	if (!schema_parse_size(text, &bytes))
		return false;
	*v = (int64_t)bytes;
	return true;
}

static const char *number_example(const struct migrate_option *o)
{
	if (o->type == MIGRATE_TYPE_DURATION)
		return "a time such as 500ms, 30s, 10m, 2h or 7d";
	if (o->type == MIGRATE_TYPE_SIZE)
		return o->flags & SCHEMA_RATE ? "a size a second such as 512, 64KiB/s or 50MB/s"
					      : "a size such as 512, 16KiB, 64MiB or 5GB";
	if (o->flags & SCHEMA_AUTO)
		return "a whole number or auto";
	return o->flags & SCHEMA_RATE ? "a whole number a second such as 500 or 500/s"
				      : "a whole number";
}

static void fill_number(struct fill *f, const struct migrate_option *o,
			const struct yaml_node *node)
{
	bool is_auto = (o->flags & SCHEMA_AUTO) && !strcmp(node->text, "auto");
	int64_t v;

	if (!parse_number(o, number_text(f, o, node->text), &v))
		wrong(f, o, node, number_example(o));
	else if (!is_auto && !in_range(o, v))
		out_of_range(f, o, node);
	else
		fill_field(f, o, &v, sizeof(v));
}

static void fill_boolean(struct fill *f, const struct migrate_option *o,
			 const struct yaml_node *node)
{
	bool v = !strcmp(node->text, "true");

	if (!v && strcmp(node->text, "false") != 0)
		wrong(f, o, node, "true or false");
	else
		fill_field(f, o, &v, sizeof(v));
}

/* "a, b or c" of "a|b|c". */
static void list_choices(const char *choices, char *text, size_t size)
{
	size_t at = 0;

	while (at < size) {
		size_t n = strcspn(choices, "|");
		const char *rest = choices + n + (choices[n] == '|');
		const char *join = !*rest ? "" : strchr(rest, '|') ? ", " : " or ";

		at += (size_t)snprintf(text + at, size - at, "%.*s%s", (int)n, choices, join);
		if (!*rest)
			return;
		choices = rest;
	}
}

/* The choice nearest to text, "" if none is near. */
static const char *near_choice(struct fill *f, const char *choices, const char *text)
{
	const char *names[64], *near;
	size_t count = 0;

	while (count < sizeof(names) / sizeof(names[0])) {
		size_t n = strcspn(choices, "|");

		names[count] = arena_copy(f->arena, choices, n);
		if (!names[count])
			return "";
		count++;
		if (!choices[n])
			break;
		choices += n + 1;
	}
	near = nearest_name(text, names, count);
	return near ? near : "";
}

static void fill_choice(struct fill *f, const struct migrate_option *o,
			const struct yaml_node *node)
{
	int v = schema_choice(o->choices, node->text);
	char list[512];
	const char *near;

	if (v >= 0) {
		fill_field(f, o, &v, sizeof(v));
		return;
	}
	list_choices(o->choices, list, sizeof(list));
	near = near_choice(f, o->choices, node->text);
	problems_add(f->problems, node->line, node->column, "'%s' must be %s, not '%s'%s%s%s",
		     o->name, list, node->text, *near ? " (did you mean '" : "", near,
		     *near ? "'?)" : "");
}

static size_t count_children(const struct yaml_node *node)
{
	size_t n = 0;

	for (const struct yaml_node *c = node->first; c; c = c->next)
		n++;
	return n;
}

/* Values of a list or map must be text; a map's may also be null. */
static const char *child_text(struct fill *f, const struct migrate_option *o,
			      const struct yaml_node *c)
{
	if (c->kind != YAML_SCALAR || (yaml_is_null(c) && o->type == MIGRATE_TYPE_LIST))
		problems_add(f->problems, c->line, c->column, "'%s' holds %s where text is needed",
			     o->name, yaml_kind_name(c));
	else if (!yaml_is_null(c))
		return arena_text(f->arena, c->text);
	return NULL;
}

/* A scalar is a list of one. */
static void fill_list(struct fill *f, const struct migrate_option *o, const struct yaml_node *node)
{
	struct migrate_strings v = { .n = 0 };
	const char **items = arena_alloc(f->arena, (count_children(node) + 1) * sizeof(*items));

	if (items && node->kind == YAML_SCALAR)
		items[v.n++] = child_text(f, o, node);
	for (const struct yaml_node *c = items ? node->first : NULL; c; c = c->next)
		items[v.n++] = child_text(f, o, c);
	v.items = items;
	fill_field(f, o, &v, sizeof(v));
}

static void fill_map(struct fill *f, const struct migrate_option *o, const struct yaml_node *node)
{
	struct migrate_map v = { .n = 0 };
	struct migrate_pair *pairs =
	    arena_alloc(f->arena, (count_children(node) + 1) * sizeof(*pairs));

	for (const struct yaml_node *c = pairs ? node->first : NULL; c; c = c->next)
		pairs[v.n++] =
		    (struct migrate_pair){ .name = c->name, .value = child_text(f, o, c) };
	v.pairs = pairs;
	fill_field(f, o, &v, sizeof(v));
}

static bool check_kind(struct fill *f, const struct migrate_option *o, const struct yaml_node *node)
{
	enum yaml_kind want = o->type == MIGRATE_TYPE_LIST  ? YAML_LIST
			      : o->type == MIGRATE_TYPE_MAP ? YAML_MAP
							    : YAML_SCALAR;
	static const char *const needed[] = { "one value", "a list such as [a, b]",
					      "a map such as {name: value}" };

	if (node->kind == want ||
	    (want == YAML_LIST && node->kind == YAML_SCALAR && !yaml_is_null(node)))
		return true;
	problems_add(f->problems, node->line, node->column, "'%s' must be %s, not %s", o->name,
		     needed[want], yaml_kind_name(node));
	return false;
}

void fill_value(struct fill *f, const struct migrate_option *o, const struct yaml_node *node)
{
	static void (*const fills[])(struct fill *, const struct migrate_option *,
				     const struct yaml_node *) = {
		[MIGRATE_TYPE_STRING] = fill_text,     [MIGRATE_TYPE_SECRET] = fill_secret,
		[MIGRATE_TYPE_INTEGER] = fill_number,  [MIGRATE_TYPE_SIZE] = fill_number,
		[MIGRATE_TYPE_DURATION] = fill_number, [MIGRATE_TYPE_BOOLEAN] = fill_boolean,
		[MIGRATE_TYPE_CHOICE] = fill_choice,   [MIGRATE_TYPE_PATH] = fill_path,
		[MIGRATE_TYPE_URL] = fill_url,         [MIGRATE_TYPE_LIST] = fill_list,
		[MIGRATE_TYPE_MAP] = fill_map,
	};

	if (o->type < MIGRATE_TYPE_STRING || o->type > MIGRATE_TYPE_MAP)
		problems_add(
		    f->problems, node->line, node->column,
		    "'%s' is of a type that this version does not know: the plugin is newer",
		    o->name);
	else if (check_kind(f, o, node))
		fills[o->type](f, o, node);
}

/* Lists, maps and secrets have no default: nothing in a table could write one. */
void fill_default(struct fill *f, const struct migrate_option *o)
{
	struct yaml_node node = { .kind = YAML_SCALAR, .text = o->value, .name = o->name };

	if (o->type != MIGRATE_TYPE_LIST && o->type != MIGRATE_TYPE_MAP &&
	    o->type != MIGRATE_TYPE_SECRET)
		fill_value(f, o, &node);
}
