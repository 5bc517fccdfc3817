/* SPDX-License-Identifier: MIT */
#include "base/array.h"
#include "base/bytes.h"
#include "job/yaml/yaml-impl.h"

#include <stdlib.h>
#include <string.h>

static bool check_encoding(const char *bytes, size_t n, struct problems *p)
{
	if (n >= 2 && (!memcmp(bytes, "\377\376", 2) || !memcmp(bytes, "\376\377", 2)))
		problems_add(p, 1, 1, "the file is UTF-16: save it as UTF-8");
	else if (n >= 3 && !memcmp(bytes, "\357\273\277", 3))
		problems_add(p, 1, 1,
			     "the file begins with a byte order mark: save it without one");
	else
		return true;
	return false;
}

/*
 * NULs, and directives: a %TAG per line would cost libyaml quadratic time, and
 * no line of a job file needs to begin with a percent sign.
 */
static bool check_lines(const char *bytes, size_t n, struct problems *p)
{
	int line = 1;

	for (size_t i = 0, start = 0; i < n; i++) {
		if (!bytes[i]) {
			problems_add(p, line, (int)(i - start) + 1,
				     "a NUL cannot stand in a job file");
			return false;
		}
		if (bytes[i] == '%' && i == start) {
			problems_add(p, line, 1, "directives (%%) are not supported");
			return false;
		}
		if (bytes[i] == '\n') {
			line++;
			start = i + 1;
		}
	}
	return true;
}

bool yaml_check_bytes(const char *bytes, size_t n, struct problems *p)
{
	if (n > YAML_FILE_MAX) {
		problems_add(p, 0, 0, "the file is larger than 1 MiB: that is no job file");
		return false;
	}
	return check_encoding(bytes, n, p) && check_lines(bytes, n, p);
}

/* By name, then in the order of the file, so that the later one is the duplicate. */
static int compare_names(const void *a, const void *b)
{
	const struct yaml_node *x = *(const struct yaml_node *const *)a;
	const struct yaml_node *y = *(const struct yaml_node *const *)b;
	int c = strcmp(x->name, y->name);

	if (c)
		return c;
	if (x->name_line != y->name_line)
		return x->name_line < y->name_line ? -1 : 1;
	return x->name_column < y->name_column ? -1 : x->name_column > y->name_column;
}

static void add_duplicates(const struct yaml_node **names, size_t n, struct problems *p)
{
	size_t first = 0;

	for (size_t i = 1; i < n; i++) {
		if (strcmp(names[i]->name, names[first]->name))
			first = i;
		else
			problems_add(p, names[i]->name_line, names[i]->name_column,
				     "'%s' stands twice: the first is on line %d", names[i]->name,
				     names[first]->name_line);
	}
}

bool yaml_check_names(const struct yaml_node *map, struct problems *p)
{
	const struct yaml_node **names;
	size_t n = 0, before = p->count;

	for (const struct yaml_node *c = map->first; c; c = c->next)
		n++;
	if (n < 2)
		return true;
	names = calloc(n, sizeof(*names));
	if (!names) {
		problems_add(p, map->line, map->column, "out of memory");
		return false;
	}
	n = 0;
	for (const struct yaml_node *c = map->first; c; c = c->next)
		names[n++] = c;
	array_sort(names, n, sizeof(*names), compare_names);
	add_duplicates(names, n, p);
	free(names);
	return p->count == before || !problems_full(p);
}

/* Line `line` (from 0) of the file, without its newline. */
static struct migrate_bytes line_at(const char *bytes, size_t n, size_t line)
{
	const char *end = bytes + n, *newline;

	for (; line; line--) {
		newline = memchr(bytes, '\n', (size_t)(end - bytes));
		if (!newline)
			return bytes_of(bytes, 0);
		bytes = newline + 1;
	}
	newline = memchr(bytes, '\n', (size_t)(end - bytes));
	return bytes_of(bytes, (size_t)((newline ? newline : end) - bytes));
}

/* Is there a tab among the blanks that the line begins with? */
static bool tab_indents(struct migrate_bytes line)
{
	const char *s = line.p, *end = s + line.n;

	while (s < end && *s == ' ')
		s++;
	return s < end && *s == '\t';
}

/* The reader knows the byte alone: count lines and columns (here of bytes). */
static void add_reader_problem(const yaml_parser_t *parser, const char *bytes, size_t n,
			       struct problems *p)
{
	size_t at = parser->problem_offset < n ? parser->problem_offset : n;
	int line = 1, column = 1;

	for (size_t i = 0; i < at; i++) {
		column = bytes[i] == '\n' ? 1 : column + 1;
		line += bytes[i] == '\n';
	}
	problems_add(p, line, column, "not UTF-8 text: %s", parser->problem);
}

/* Mistakes that everybody makes once, in words that say what to do. */
static const char *better_words(const yaml_parser_t *parser, struct migrate_bytes line)
{
	const char *context = parser->context ? parser->context : "";

	if (tab_indents(line))
		return "a tab cannot indent: use spaces";
	if (!strcmp(context, "while scanning an alias") ||
	    !strcmp(context, "while scanning an anchor"))
		return "not valid YAML: text that begins with * or & needs quotes";
	if (!strncmp(context, "while parsing a flow", 20) && memmem(line.p, line.n, "${", 2))
		return "not valid YAML: ${...} inside { } or [ ] needs quotes";
	return NULL;
}

void yaml_add_problem(const yaml_parser_t *parser, const char *bytes, size_t n, struct problems *p)
{
	const yaml_mark_t *at = &parser->problem_mark;
	int line = (int)at->line + 1, column = (int)at->column + 1;
	const char *words = better_words(parser, line_at(bytes, n, at->line));

	if (parser->error == YAML_MEMORY_ERROR)
		problems_add(p, 0, 0, "out of memory");
	else if (parser->error == YAML_READER_ERROR)
		add_reader_problem(parser, bytes, n, p);
	else if (words)
		problems_add(p, line, column, "%s", words);
	else if (parser->context)
		problems_add(p, line, column, "not valid YAML: %s, %s (line %zu)", parser->context,
			     parser->problem, parser->context_mark.line + 1);
	else
		problems_add(p, line, column, "not valid YAML: %s", parser->problem);
}
