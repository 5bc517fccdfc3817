/* SPDX-License-Identifier: MIT */
#include "job/yaml/yaml.h"

#include <stdlib.h>
#include <string.h>

/* ${NAME} and ${NAME:-default} of scalars, from the environment. */
#define EXPANDED_MAX YAML_FILE_MAX

struct expansion {
	struct yaml_node *node;
	struct problems *problems;
	struct buf out;
	bool failed;
};

static bool is_name(char c, bool first)
{
	return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || c == '_' ||
	       (!first && c >= '0' && c <= '9');
}

static size_t name_length(const char *s)
{
	size_t n = 0;

	while (is_name(s[n], !n))
		n++;
	return n;
}

static void expand_into(struct expansion *x, const char *text, size_t n)
{
	if (x->failed || buf_add(&x->out, text, n))
		return;
	problems_add(x->problems, x->node->line, x->node->column,
		     "too long once the environment is put in");
	x->failed = true;
}

static void add_variable(struct expansion *x, const char *name, const char *fallback, size_t n)
{
	const char *value = getenv(name);

	if (value && (*value || !fallback)) {
		x->node->from_environment = true;
		expand_into(x, value, strlen(value));
	} else if (fallback) {
		expand_into(x, fallback, n);
	} else {
		problems_add(x->problems, x->node->line, x->node->column,
			     "the environment variable %s is not set", name);
		x->failed = true;
	}
}

static const char *bad_reference(struct expansion *x)
{
	problems_add(x->problems, x->node->line, x->node->column,
		     "'${' needs a name and '}': ${NAME} or ${NAME:-default} (write $${ for the "
		     "text ${)");
	x->failed = true;
	return NULL;
}

/* s is behind "${". Returns what follows the reference, NULL if it is none. */
static const char *add_reference(struct expansion *x, const char *s)
{
	size_t n = name_length(s);
	const char *fallback = NULL, *end = strchr(s, '}');
	char name[256];

	if (!n || n >= sizeof(name) || !end)
		return bad_reference(x);
	memcpy(name, s, n);
	name[n] = '\0';
	if (!strncmp(s + n, ":-", 2))
		fallback = s + n + 2;
	else if (s + n != end)
		return bad_reference(x);
	add_variable(x, name, fallback, fallback ? (size_t)(end - fallback) : 0);
	return end + 1;
}

static void expand_text(struct expansion *x, const char *s)
{
	while (s && *s && !x->failed) {
		size_t n = strcspn(s, "$");

		expand_into(x, s, n);
		s += n;
		if (!strncmp(s, "$${", 3)) {
			expand_into(x, "${", 2);
			s += 3;
		} else if (!strncmp(s, "${", 2)) {
			s = add_reference(x, s + 2);
		} else if (*s) {
			expand_into(x, s++, 1);
		}
	}
}

static void expand_scalar(struct arena *a, struct yaml_node *node, struct problems *p)
{
	struct expansion x = { .node = node, .problems = p, .out = BUF_INIT(EXPANDED_MAX) };

	if (!strstr(node->text, "${"))
		return;
	expand_text(&x, node->text);
	if (!x.failed) {
		node->text = arena_copy(a, x.out.p, x.out.len);
		node->plain = false;
	}
	if (!node->text) {
		node->text = "";
		problems_add(p, node->line, node->column, "out of memory");
	}
	buf_release(&x.out);
}

void yaml_expand(struct arena *a, struct yaml_node *root, struct problems *p)
{
	if (root->kind == YAML_SCALAR)
		expand_scalar(a, root, p);
	for (struct yaml_node *c = root->first; c; c = c->next)
		yaml_expand(a, c, p);
}

void yaml_expand_section(struct arena *a, struct yaml_node *section, struct problems *p)
{
	if (strcmp(section->name, "rename") != 0 || section->kind != YAML_LIST) {
		yaml_expand(a, section, p);
		return;
	}
	for (struct yaml_node *rule = section->first; rule; rule = rule->next)
		if (rule->kind != YAML_MAP || !yaml_get(rule, "match"))
			yaml_expand(a, rule, p);
}
