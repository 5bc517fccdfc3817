/* SPDX-License-Identifier: MIT */
#include "xml.h"

#include <stdlib.h>
#include <string.h>

#include <expat.h>

struct reader {
	XML_Parser parser;
	struct xml *root;
	struct xml *open;
	unsigned depth;
};

static void stop(struct reader *r)
{
	XML_StopParser(r->parser, XML_FALSE);
}

static void XMLCALL on_start(void *data, const XML_Char *name, const XML_Char **attributes)
{
	struct reader *r = data;
	struct xml *x = must_zero(sizeof(*x));
	struct xml *parent = r->open;

	(void)attributes;
	x->name = must_text(name);
	x->parent = parent;
	if (parent) {
		parent->children =
		    must_grow(parent->children, (parent->count + 1) * sizeof(parent->children[0]));
		parent->children[parent->count++] = x;
	} else {
		r->root = x;
	}
	r->open = x;
	if (++r->depth > 16)
		stop(r);
}

static void XMLCALL on_end(void *data, const XML_Char *name)
{
	struct reader *r = data;

	(void)name;
	r->open = r->open->parent;
	r->depth--;
}

static void XMLCALL on_text(void *data, const XML_Char *s, int n)
{
	struct reader *r = data;

	if (r->open)
		text_add(&r->open->text, s, (size_t)n);
}

static void XMLCALL on_doctype(void *data, const XML_Char *name, const XML_Char *system,
			       const XML_Char *public, int internal)
{
	(void)name;
	(void)system;
	(void)public;
	(void)internal;
	stop(data);
}

struct xml *xml_parse(const char *p, size_t n)
{
	struct reader r = { .parser = XML_ParserCreate(NULL) };
	bool good;

	if (!r.parser)
		die("out of memory for a document");
	XML_SetUserData(r.parser, &r);
	XML_SetElementHandler(r.parser, on_start, on_end);
	XML_SetCharacterDataHandler(r.parser, on_text);
	XML_SetStartDoctypeDeclHandler(r.parser, on_doctype);
	good = n < (64U << 20) && XML_Parse(r.parser, p, (int)n, 1) == XML_STATUS_OK;
	XML_ParserFree(r.parser);
	if (!good) {
		xml_free(r.root);
		return NULL;
	}
	return r.root;
}

void xml_free(struct xml *x)
{
	if (!x)
		return;
	for (size_t i = 0; i < x->count; i++)
		xml_free(x->children[i]);
	free(x->children);
	free(x->name);
	text_release(&x->text);
	free(x);
}

struct xml *xml_child(const struct xml *x, const char *name)
{
	for (size_t i = 0; i < x->count; i++) {
		if (!strcmp(x->children[i]->name, name))
			return x->children[i];
	}
	return NULL;
}

const char *xml_value(const struct xml *x, const char *name)
{
	const struct xml *child = xml_child(x, name);

	return child ? text_get(&child->text) : NULL;
}
