/* SPDX-License-Identifier: MIT */
#include "job/yaml/yaml.h"

#include "job/yaml/yaml-impl.h"

#include <stdlib.h>
#include <string.h>
#include <yaml.h>

/*
 * libyaml gives events; limits are kept here, between two of them, because its
 * scanner takes quadratic time on deep nesting.
 */
#define DEPTH_MAX 64
#define NODES_MAX 20000

struct builder {
	yaml_parser_t parser;
	struct arena *arena;
	struct problems *problems;
	struct yaml_node *root;
	struct level {
		struct yaml_node *node, *last;
		struct yaml_node *pending; /* in a map: the name that waits for its value */
	} levels[DEPTH_MAX];
	size_t depth, nodes;
	int documents;
};

static bool refuse_yaml(struct builder *b, const yaml_mark_t *at, const char *text)
{
	problems_add(b->problems, (int)at->line + 1, (int)at->column + 1, "%s", text);
	return false;
}

static struct yaml_node *new_node(struct builder *b, const yaml_mark_t *at, enum yaml_kind kind)
{
	struct yaml_node *n;

	if (++b->nodes > NODES_MAX) {
		refuse_yaml(b, at, "too many values: a job file holds at most 20000");
		return NULL;
	}
	n = arena_alloc(b->arena, sizeof(*n));
	if (!n) {
		refuse_yaml(b, at, "out of memory");
		return NULL;
	}
	n->kind = kind;
	n->line = (int)at->line + 1;
	n->column = (int)at->column + 1;
	return n;
}

static void append_node(struct level *l, struct yaml_node *n)
{
	if (l->last)
		l->last->next = n;
	else
		l->node->first = n;
	l->last = n;
}

/* Put a finished scalar, or a list or map that begins, where it belongs. */
static bool place(struct builder *b, const yaml_mark_t *at, struct yaml_node *n)
{
	struct level *l = b->depth ? &b->levels[b->depth - 1] : NULL;

	if (!l) {
		b->root = n;
		return true;
	}
	if (l->node->kind == YAML_LIST) {
		append_node(l, n);
		return true;
	}
	if (!l->pending) {
		if (n->kind != YAML_SCALAR)
			return refuse_yaml(b, at, "the name of an option must be text");
		l->pending = n;
		return true;
	}
	n->name = l->pending->text;
	n->name_line = l->pending->line;
	n->name_column = l->pending->column;
	l->pending = NULL;
	append_node(l, n);
	return true;
}

static bool check_name(struct builder *b, const yaml_mark_t *at, const struct yaml_node *n)
{
	const struct level *l = b->depth ? &b->levels[b->depth - 1] : NULL;

	if (!l || l->node->kind != YAML_MAP || l->pending)
		return true;
	if (!*n->text)
		return refuse_yaml(b, at, "an option without a name");
	if (n->plain && !strcmp(n->text, "<<"))
		return refuse_yaml(b, at,
				   "merge keys (<<) are not supported: write the options out");
	return true;
}

static bool on_scalar(struct builder *b, const yaml_event_t *e)
{
	struct yaml_node *n = new_node(b, &e->start_mark, YAML_SCALAR);

	if (!n)
		return false;
	if (memchr(e->data.scalar.value, 0, e->data.scalar.length))
		return refuse_yaml(b, &e->start_mark, "a NUL (\\0) cannot stand in a job file");
	n->plain = e->data.scalar.style == YAML_PLAIN_SCALAR_STYLE;
	n->text = arena_copy(b->arena, e->data.scalar.value, e->data.scalar.length);
	if (!n->text)
		return refuse_yaml(b, &e->start_mark, "out of memory");
	return check_name(b, &e->start_mark, n) && place(b, &e->start_mark, n);
}

static bool on_start(struct builder *b, const yaml_event_t *e, enum yaml_kind kind)
{
	struct yaml_node *n = new_node(b, &e->start_mark, kind);

	if (!n)
		return false;
	if (b->depth == DEPTH_MAX)
		return refuse_yaml(b, &e->start_mark, "nested too deeply: at most 64 levels");
	if (!place(b, &e->start_mark, n))
		return false;
	b->levels[b->depth++] = (struct level){ .node = n };
	return true;
}

static bool on_end(struct builder *b)
{
	const struct yaml_node *n = b->levels[--b->depth].node;

	return n->kind != YAML_MAP || yaml_check_names(n, b->problems);
}

static bool on_document(struct builder *b, const yaml_event_t *e)
{
	if (b->documents++)
		return refuse_yaml(b, &e->start_mark, "a second document: a job file holds one");
	return true;
}

/* Anchors, aliases and tags are refused: nothing in a job file needs them. */
static bool check_properties(struct builder *b, const yaml_event_t *e)
{
	const yaml_char_t *anchor = NULL, *tag = NULL;

	if (e->type == YAML_ALIAS_EVENT)
		return refuse_yaml(b, &e->start_mark,
				   "aliases (*) are not supported (text that begins "
				   "with * needs quotes)");
	if (e->type == YAML_SCALAR_EVENT) {
		anchor = e->data.scalar.anchor;
		tag = e->data.scalar.tag;
	} else if (e->type == YAML_SEQUENCE_START_EVENT) {
		anchor = e->data.sequence_start.anchor;
		tag = e->data.sequence_start.tag;
	} else if (e->type == YAML_MAPPING_START_EVENT) {
		anchor = e->data.mapping_start.anchor;
		tag = e->data.mapping_start.tag;
	}
	if (anchor)
		return refuse_yaml(
		    b, &e->start_mark,
		    "anchors (&) are not supported (text that begins with & needs quotes)");
	if (tag)
		return refuse_yaml(
		    b, &e->start_mark,
		    "tags (!) are not supported (text that begins with ! needs quotes)");
	return true;
}

static bool on_event(struct builder *b, const yaml_event_t *e)
{
	if (!check_properties(b, e))
		return false;
	switch (e->type) {
	case YAML_DOCUMENT_START_EVENT:
		return on_document(b, e);
	case YAML_SCALAR_EVENT:
		return on_scalar(b, e);
	case YAML_SEQUENCE_START_EVENT:
		return on_start(b, e, YAML_LIST);
	case YAML_MAPPING_START_EVENT:
		return on_start(b, e, YAML_MAP);
	case YAML_SEQUENCE_END_EVENT:
	case YAML_MAPPING_END_EVENT:
		return on_end(b);
	default:
		return true;
	}
}

static bool run_parser(struct builder *b, const char *bytes, size_t n)
{
	for (;;) {
		yaml_event_t e;
		bool ok, end;

		if (!yaml_parser_parse(&b->parser, &e)) {
			yaml_add_problem(&b->parser, bytes, n, b->problems);
			return false;
		}
		end = e.type == YAML_STREAM_END_EVENT;
		ok = on_event(b, &e);
		yaml_event_delete(&e);
		if (!ok || end)
			return ok;
	}
}

struct yaml_node *yaml_parse(struct arena *a, const char *bytes, size_t n, struct problems *p)
{
	struct builder b = { .arena = a, .problems = p };
	size_t before = p->count;
	bool ok;

	if (!yaml_check_bytes(bytes, n, p))
		return NULL;
	if (!yaml_parser_initialize(&b.parser)) {
		problems_add(p, 0, 0, "out of memory");
		return NULL;
	}
	yaml_parser_set_encoding(&b.parser, YAML_UTF8_ENCODING);
	yaml_parser_set_input_string(&b.parser, (const unsigned char *)bytes, n);
	ok = run_parser(&b, bytes, n);
	yaml_parser_delete(&b.parser);
	if (ok && !b.root)
		problems_add(p, 0, 0,
			     "the file is empty: migrate-job(5) shows what a job looks like");
	return p->count == before ? b.root : NULL;
}
