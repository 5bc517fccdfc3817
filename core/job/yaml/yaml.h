/* SPDX-License-Identifier: MIT */
#ifndef MIGRATE_JOB_YAML_YAML_H
#define MIGRATE_JOB_YAML_YAML_H

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
#define YAML_FILE_MAX ((size_t)1 << 20)
#define YAML_LINE_SET (-1) /* the line of what yaml_set() made: it stands in no file */

enum yaml_kind { YAML_SCALAR, YAML_LIST, YAML_MAP };

struct yaml_node {
	enum yaml_kind kind;
	int line, column;
	bool plain;            /* a scalar without quotes, as the file has it */
	bool from_environment; /* some of it came from ${...} */
	const char *text;      /* scalar */
	const char *name;      /* in a map: the key in front of it */
	int name_line, name_column;
	struct yaml_node *first, *next; /* children of a list or map, in order */
};

/*
 * All errors of a file are reported at once: problems collects lines
 * "job.yml:12:5: ..." , at most 100 of them. A line of 0: the file as a whole.
 */
#define PROBLEMS_MAX 100

struct problems {
	const char *file; /* as the user named it */
	struct buf text;  /* lines, each with a newline, as they were found */
	size_t count;     /* also those behind the hundredth */
	struct problem {
		int line, column;
		size_t at, n; /* of its line in text */
	} items[PROBLEMS_MAX];
	bool private_file; /* only its owner may read the file: it may hold secrets */
};

#define PROBLEMS_INIT(file_)                                                                       \
	{                                                                                          \
		.file = (file_), .text = BUF_INIT(1u << 18), .count = 0                            \
	}

void problems_add(struct problems *p, int line, int column, const char *format, ...)
    __attribute__((format(printf, 4, 5)));
bool problems_full(const struct problems *p);
/* All of them as one error (EXIT_USAGE), by their place in the file, as many as fit; returns -1. */
int problems_error(struct problems *p, struct error *err);
void problems_release(struct problems *p);

/* Parse n bytes; NULL with problems if it is not a file we accept. Nodes live in a. */
struct yaml_node *yaml_parse(struct arena *a, const char *bytes, size_t n, struct problems *p);

/*
 * Replace ${NAME} and ${NAME:-default} in all scalars at and below root (not in
 * names of a map). $${ is the text ${; any other $ stays. What was replaced is
 * text, never null.
 */
void yaml_expand(struct arena *a, struct yaml_node *root, struct problems *p);
/*
 * The same for one section of a job file. In rename rules with a pattern a dollar
 * belongs to the pattern and its groups: they are left as they are.
 */
void yaml_expand_section(struct arena *a, struct yaml_node *section, struct problems *p);

/* A scalar that says nothing: "name:", ~ or null, without quotes. */
bool yaml_is_null(const struct yaml_node *node);
/* "a map", "a list", "text": for messages. */
const char *yaml_kind_name(const struct yaml_node *node);

/* The child of a map, or NULL. */
struct yaml_node *yaml_get(const struct yaml_node *map, const char *name);

/* Set a.b.c (a list's element by number) to the scalar value, for --set; -1: no such path possible. */
int yaml_set(struct arena *a, struct yaml_node *root, const char *path, const char *value,
	     struct error *err);

#endif
