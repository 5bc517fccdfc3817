/* SPDX-License-Identifier: MIT */
#include "job/yaml/yaml.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Looking into a tree, and changing one value of it for --set. */

bool yaml_is_null(const struct yaml_node *node)
{
	static const char *const words[] = { "", "~", "null", "Null", "NULL" };

	if (node->kind != YAML_SCALAR || !node->plain)
		return false;
	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		if (!strcmp(node->text, words[i]))
			return true;
	return false;
}

const char *yaml_kind_name(const struct yaml_node *node)
{
	if (node->kind == YAML_MAP)
		return "a map";
	if (node->kind == YAML_LIST)
		return "a list";
	return yaml_is_null(node) ? "nothing" : "text";
}

static struct yaml_node *get_n(const struct yaml_node *map, const char *name, size_t n)
{
	if (map->kind != YAML_MAP)
		return NULL;
	for (struct yaml_node *c = map->first; c; c = c->next)
		if (!strncmp(c->name, name, n) && !c->name[n])
			return c;
	return NULL;
}

struct yaml_node *yaml_get(const struct yaml_node *map, const char *name)
{
	return get_n(map, name, strlen(name));
}

/* One step of a path: the bytes up to the next dot. */
struct step {
	const char *text;
	size_t n;
	bool last;
};

static bool is_number(const struct step *s)
{
	return s->n && s->n < 6 && strspn(s->text, "0123456789") >= s->n;
}

static struct yaml_node *append_child(struct arena *a, struct yaml_node *parent)
{
	struct yaml_node *n = arena_alloc(a, sizeof(*n)), **end = &parent->first;

	if (!n)
		return NULL;
	while (*end)
		end = &(*end)->next;
	*end = n;
	n->text = "";
	n->line = n->name_line = YAML_LINE_SET;
	return n;
}

static int no_such(const struct step *s, const char *path, const char *why, struct error *err)
{
	return error_set(err, EXIT_USAGE, "%s: '%.*s' %s", path, (int)s->n, s->text, why);
}

/* The element with the number of s; one behind the last is made. */
static int into_list(struct arena *a, struct yaml_node **node, const struct step *s,
		     const char *path, struct error *err)
{
	struct yaml_node *c = (*node)->first;
	long i;

	if (!is_number(s))
		return no_such(s, path, "is not a number, and there is a list", err);
	for (i = strtol(s->text, NULL, 10); i && c; i--)
		c = c->next;
	if (i)
		return no_such(s, path, "is behind the end of the list", err);
	*node = c ? c : append_child(a, *node);
	return *node ? 0 : error_set(err, EXIT_INTERNAL, "out of memory");
}

static int into_map(struct arena *a, struct yaml_node **node, const struct step *s,
		    struct error *err)
{
	struct yaml_node *c = get_n(*node, s->text, s->n);

	if (!c) {
		c = append_child(a, *node);
		if (c)
			c->name = arena_copy(a, s->text, s->n);
	}
	if (!c || !c->name)
		return error_set(err, EXIT_INTERNAL, "out of memory");
	*node = c;
	return 0;
}

/* A node that we made, or that says nothing, becomes what the next step needs. */
static void become_parent(struct yaml_node *node, const struct step *next)
{
	if (yaml_is_null(node) || (node->line == YAML_LINE_SET && !*node->text && !node->first))
		node->kind = is_number(next) ? YAML_LIST : YAML_MAP;
}

static int enter(struct arena *a, struct yaml_node **node, const struct step *s, const char *path,
		 struct error *err)
{
	if (!s->n)
		return error_set(err, EXIT_USAGE, "%s: a name is missing in the path", path);
	become_parent(*node, s);
	if ((*node)->kind == YAML_LIST)
		return into_list(a, node, s, path, err);
	if ((*node)->kind == YAML_MAP)
		return into_map(a, node, s, err);
	return no_such(s, path, "cannot be set: what is in front of it is a value, not a section",
		       err);
}

static int set_value(struct arena *a, struct yaml_node *node, const char *path, const char *value,
		     struct error *err)
{
	if (node->kind != YAML_SCALAR)
		return error_set(err, EXIT_USAGE, "%s: this is %s, not a value", path,
				 yaml_kind_name(node));
	node->text = arena_text(a, value);
	if (!node->text)
		return error_set(err, EXIT_INTERNAL, "out of memory");
	node->line = YAML_LINE_SET;
	node->plain = true;
	return 0;
}

int yaml_set(struct arena *a, struct yaml_node *root, const char *path, const char *value,
	     struct error *err)
{
	struct yaml_node *node = root;
	const char *rest = path;
	struct step s;

	do {
		s.text = rest;
		s.n = strcspn(rest, ".");
		s.last = !rest[s.n];
		if (enter(a, &node, &s, path, err))
			return -1;
		rest += s.n + 1;
	} while (!s.last);
	return set_value(a, node, path, value, err);
}
