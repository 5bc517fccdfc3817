/* SPDX-License-Identifier: MIT */
#include "base/array.h"
#include "base/escape.h"
#include "job/yaml/yaml.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LINE_SIZE 1024

/* "job.yml:12:5: ", "job.yml: " for the file as a whole, "--set: " for what came from there. */
static void where(const struct problems *p, int line, int column, char *text, size_t size)
{
	if (line == YAML_LINE_SET)
		snprintf(text, size, "--set: ");
	else if (line > 0)
		snprintf(text, size, "%s:%d:%d: ", p->file, line, column);
	else
		snprintf(text, size, "%s: ", p->file);
}

/* Escaped, and cut so that any one problem fits into a struct error. */
static void add_shown(struct buf *out, const char *text, size_t most)
{
	BUF_AUTO struct buf b = BUF_INIT(most);

	escape_message(&b, text, strlen(text));
	buf_add(out, b.p, b.len);
}

void problems_add(struct problems *p, int line, int column, const char *format, ...)
{
	char place[LINE_SIZE], message[LINE_SIZE];
	size_t at = p->text.len;
	va_list ap;

	if (p->count++ >= PROBLEMS_MAX)
		return;
	where(p, line, column, place, sizeof(place));
	va_start(ap, format);
	vsnprintf(message, sizeof(message), format, ap);
	va_end(ap);
	add_shown(&p->text, place, LINE_SIZE);
	add_shown(&p->text, message, LINE_SIZE);
	if (!buf_add_text(&p->text, "\n"))
		p->text.len = at;
	p->items[p->count - 1] = (struct problem){
		.line = line,
		.column = column,
		.at = at,
		.n = p->text.len - at,
	};
}

bool problems_full(const struct problems *p)
{
	return p->count >= PROBLEMS_MAX;
}

/* By place; what was found first stays first there. */
static int compare_places(const void *a, const void *b)
{
	const struct problem *x = a, *y = b;

	if (x->line != y->line)
		return x->line < y->line ? -1 : 1;
	if (x->column != y->column)
		return x->column < y->column ? -1 : 1;
	return x->at < y->at ? -1 : x->at > y->at;
}

/* What does not fit is counted, not cut in the middle. */
int problems_error(struct problems *p, struct error *err)
{
	size_t n = p->count < PROBLEMS_MAX ? p->count : PROBLEMS_MAX, used = 0, i;
	const size_t room = sizeof(err->text) - 64;

	array_sort(p->items, n, sizeof(p->items[0]), compare_places);
	for (i = 0; i < n && p->items[i].n <= room - used; i++) {
		memcpy(err->text + used, p->text.p + p->items[i].at, p->items[i].n);
		used += p->items[i].n;
	}
	err->exit = EXIT_USAGE;
	if (i < p->count)
		snprintf(err->text + used, sizeof(err->text) - used, "and %zu more problems",
			 p->count - i);
	else
		err->text[used ? used - 1 : 0] = '\0';
	return -1;
}

void problems_release(struct problems *p)
{
	buf_release(&p->text);
	p->count = 0;
}
