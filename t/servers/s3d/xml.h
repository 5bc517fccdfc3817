/* SPDX-License-Identifier: MIT */
#ifndef S3D_XML_H
#define S3D_XML_H

#include "text.h"

/* A small document as a tree. Document types are refused, and depth beyond 16. */
struct xml {
	char *name;
	struct text text;
	struct xml *parent;
	struct xml **children;
	size_t count;
};

/* NULL when it is no well-formed document. */
struct xml *xml_parse(const char *p, size_t n);
void xml_free(struct xml *x);
/* The first child of that name, or NULL. */
struct xml *xml_child(const struct xml *x, const char *name);
/* The text of that child, or NULL. */
const char *xml_value(const struct xml *x, const char *name);

#endif
