/* SPDX-License-Identifier: MIT */
#ifndef MIGRATE_JOB_YAML_H
#define MIGRATE_JOB_YAML_H

#include "base/arena.h"
#include "base/buf.h"
#include "base/error.h"

/*
 * A YAML file as a tree with positions, made from libyaml's events.
 *
 * Invariants: depth <= 64, file <= 1 MiB, one document, UTF-8, no anchors,
 * aliases, tags or NULs, no duplicate names in a mapping. Every node knows its
 * line and column (from 1). Scalars are text; `plain` tells null from 'null'.
 * ${NAME} and ${NAME:-default} are not yet replaced: see yaml_expand().
 */
enum yaml_kind { YAML_SCALAR, YAML_LIST, YAML_MAP };

struct yaml_node {
	enum yaml_kind kind;
	int line, column;
	bool plain;	  /* a scalar without quotes */
	bool from_environment; /* some of it came from ${...} */
	const char *text; /* scalar */
	const char *name; /* in a map: the key in front of it */
	int name_line, name_column;
	struct yaml_node *first, *next; /* children of a list or map, in order */
};

/*
 * All errors of a file are reported at once: problems collects lines
 * "job.yml:12:5: ..." , at most 100 of them.
 */
struct problems {
	const char *file; /* as the user named it */
	struct buf text;  /* lines, each with a newline */
	size_t count;
};

#define PROBLEMS_INIT(file_) { .file = (file_), .text = BUF_INIT(65536), .count = 0 }

void problems_add(struct problems *p, int line, int column, const char *format, ...)
	__attribute__((format(printf, 4, 5)));
void problems_release(struct problems *p);

/* Parse n bytes; NULL with problems if it is not a file we accept. Nodes live in a. */
struct yaml_node *yaml_parse(struct arena *a, const char *bytes, size_t n, struct problems *p);

/* Replace ${NAME} and ${NAME:-default} in all scalars (not in names of a map). */
void yaml_expand(struct arena *a, struct yaml_node *root, struct problems *p);

/* The child of a map, or NULL. */
struct yaml_node *yaml_get(const struct yaml_node *map, const char *name);

/* Set a.b.c (a list's element by number) to the scalar value, for --set; -1: no such path possible. */
int yaml_set(struct arena *a, struct yaml_node *root, const char *path, const char *value,
	     struct error *err);

#endif
