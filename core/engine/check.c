/* SPDX-License-Identifier: MIT */
#include "engine/check.h"

#include "base/escape.h"
#include "journal/journal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define TEXT_MAX 8192

/* ---- Findings ---- */

static void add_text(struct check *c, struct check_texts *t, const char *text)
{
	BUF_AUTO struct buf b = BUF_INIT(4 * TEXT_MAX);
	const char **items;

	if (t->n == t->cap) {
		items = reallocarray(t->items, t->cap * 2 + 8, sizeof(*items));
		if (!items)
			return;
		t->items = items;
		t->cap = t->cap * 2 + 8;
	}
	escape_message(&b, text, strlen(text));
	t->items[t->n] = arena_copy(&c->arena, b.p, b.len);
	if (t->items[t->n])
		t->n++;
}

void check_problem(struct check *c, const char *format, ...)
{
	char text[TEXT_MAX];
	va_list ap;

	va_start(ap, format);
	vsnprintf(text, sizeof(text), format, ap);
	va_end(ap);
	add_text(c, &c->problems, text);
}

void check_warning(struct check *c, const char *format, ...)
{
	char text[TEXT_MAX];
	va_list ap;

	va_start(ap, format);
	vsnprintf(text, sizeof(text), format, ap);
	va_end(ap);
	add_text(c, &c->warnings, text);
}

/* An error may hold several lines: each is a problem of its own. */
static void add_error(struct check *c, const struct error *err)
{
	const char *line = err->text;

	while (*line) {
		int n = (int)strcspn(line, "\n");

		check_problem(c, "%.*s", n, line);
		line += n + (line[n] == '\n');
	}
}

/* ---- Facts of the ends ---- */

static void check_relation(struct check *c)
{
	const struct job *job = c->job;

	c->relation = ends_relation(c->ends.source.identity, c->ends.destination.identity);
	switch (c->relation) {
	case ENDS_APART:
		return;
	case ENDS_SAME:
		if (!rename_rules_count(job->rules))
			check_problem(c, "source and destination are the same place and nothing is "
					 "renamed: there is nothing to do");
		else
			check_warning(c, "source and destination are the same place: objects whose "
					 "key does not change are skipped");
		return;
	case ENDS_DESTINATION_INSIDE:
		check_warning(c, "the destination lies inside the source: copies this job made are "
				 "not input of it");
		return;
	case ENDS_SOURCE_INSIDE:
		check_warning(c, "the source lies inside the destination");
		return;
	}
}

static void check_destination(struct check *c)
{
	const struct migrate_describe *from = &c->ends.source_facts.d;
	const struct migrate_describe *to = &c->ends.destination_facts.d;

	if (to->flags & MIGRATE_VOLATILE)
		check_warning(c, "destination: nothing there outlives the process");
	if (!(to->flags & MIGRATE_CREATE_ONLY))
		check_warning(c,
			      "destination: it cannot refuse to overwrite: keys that somebody else "
			      "writes meanwhile may be lost");
	if (!(from->flags & MIGRATE_GET_MATCH))
		check_warning(c,
			      "source: it does not notice when an object changes while it is read: "
			      "each is looked at twice");
	if (to->flags & MIGRATE_CASE_FOLDING && !(from->flags & MIGRATE_CASE_FOLDING))
		check_warning(c, "destination: keys that differ in case only are one there");
	if (to->flags & MIGRATE_REAL_FOLDERS && !(from->flags & MIGRATE_REAL_FOLDERS))
		check_warning(c, "destination: an object 'a' cannot stand beside 'a/b' there");
	if (to->sessions_max && c->job->copy.concurrency > to->sessions_max)
		check_warning(c, "destination: it serves %u sessions, copy.concurrency is %lld",
			      to->sessions_max, (long long)c->job->copy.concurrency);
}

/* Two databases that are one place would be rewritten twice. */
static void check_twins(struct check *c)
{
	for (size_t i = 0; i < c->ends.database_count; i++)
		for (size_t k = 0; k < i; k++)
			if (!strcmp(c->ends.databases[i].identity, c->ends.databases[k].identity))
				check_problem(c, "%s and %s are the same place",
					      c->job->databases[k].end.label,
					      c->job->databases[i].end.label);
}

int check_job(const struct job *job, struct check *c, struct error *err)
{
	static const char no_id[] = "0000000000000000"; /* nothing is written */
	struct error open_error = ERROR_INIT;

	*c = (struct check){ .arena = ARENA_INIT, .job = job };
	c->databases = calloc(job->database_count + 1, sizeof(*c->databases));
	if (!c->databases)
		return error_set(err, EXIT_INTERNAL, "out of memory");
	c->open = !ends_open(&c->ends, job, no_id, ENDS_WRITE | ENDS_PROBE, &open_error);
	if (!c->open && open_error.exit == EXIT_INTERNAL)
		return error_set(err, EXIT_INTERNAL, "%s", open_error.text);
	if (c->open) {
		check_relation(c);
		check_destination(c);
		check_twins(c);
		check_keys(c);
		check_databases(c);
	} else {
		add_error(c, &open_error);
	}
	check_journal(c);
	return 0;
}

void check_release(struct check *c)
{
	if (c->open)
		ends_close(&c->ends);
	free(c->problems.items);
	free(c->warnings.items);
	free(c->databases);
	arena_release(&c->arena);
	*c = (struct check){ .arena = ARENA_INIT };
}
