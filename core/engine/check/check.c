/* SPDX-License-Identifier: MIT */
#include "engine/check/check.h"

#include "base/escape.h"
#include "engine/texts/known.h"
#include "journal/journal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define TEXT_MAX 8192

/* ---- Findings ---- */

static void add_sentence(struct check *c, struct check_sentences *t, const char *text)
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
	add_sentence(c, &c->problems, text);
}

void check_warning(struct check *c, const char *format, ...)
{
	char text[TEXT_MAX];
	va_list ap;

	va_start(ap, format);
	vsnprintf(text, sizeof(text), format, ap);
	va_end(ap);
	add_sentence(c, &c->warnings, text);
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
	const struct job *job = c->task.job;

	switch (c->task.relation) {
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

/* Which ways of writing an object have no condition that keeps what is there? */
static void check_conditions(struct check *c)
{
	const struct migrate_store_ops *ops = c->task.ends.destination.job->descriptor->store;
	const struct {
		uint64_t flag;
		bool has;
		const char *name;
	} ways[] = { { MIGRATE_PUT_ABSENT, ops->put, "put" },
		     { MIGRATE_COPY_ABSENT,
		       store_can_copy(c->task.ends.destination.session,
				      c->task.ends.source.session),
		       "copy" },
		     { MIGRATE_COMPLETE_ABSENT, ops->complete, "complete" } };
	uint64_t flags = c->task.ends.destination_facts.d.flags;
	BUF_AUTO struct buf names = BUF_INIT(64);

	for (size_t i = 0; i < sizeof(ways) / sizeof(ways[0]); i++)
		if (ways[i].has && !(flags & ways[i].flag)) {
			buf_add_text(&names, names.len ? ", " : "");
			buf_add_text(&names, ways[i].name);
		}
	if (names.len)
		check_warning(
		    c,
		    "destination: %s to refuse to overwrite (%.*s): each object is looked "
		    "at before; what somebody else writes at that very moment may be lost",
		    c->probed ? "it was not seen" : "without --probe it is not known",
		    (int)names.len, (const char *)names.p);
}

static void check_destination(struct check *c)
{
	const struct migrate_describe *from = &c->task.ends.source_facts.d;
	const struct migrate_describe *to = &c->task.ends.destination_facts.d;

	if (to->flags & MIGRATE_VOLATILE)
		check_warning(c, "destination: nothing there outlives the process");
	check_conditions(c);
	if (!(from->flags & MIGRATE_GET_MATCH))
		check_warning(c,
			      "source: it does not notice when an object changes while it is read: "
			      "each is looked at twice");
	if (to->flags & MIGRATE_CASE_FOLDING && !(from->flags & MIGRATE_CASE_FOLDING))
		check_warning(c, "destination: keys that differ in case only are one there");
	if (to->flags & MIGRATE_REAL_FOLDERS && !(from->flags & MIGRATE_REAL_FOLDERS))
		check_warning(c, "destination: an object 'a' cannot stand beside 'a/b' there");
	if (to->sessions_max && c->task.job->copy.concurrency > to->sessions_max)
		check_warning(c, "destination: it serves %u sessions, copy.concurrency is %lld",
			      to->sessions_max, (long long)c->task.job->copy.concurrency);
}

/* Two databases that are one place would be rewritten twice. */
static void check_twins(struct check *c)
{
	for (size_t i = 0; i < c->task.ends.database_count; i++)
		for (size_t k = 0; k < i; k++)
			if (!strcmp(c->task.ends.databases[i].identity,
				    c->task.ends.databases[k].identity) &&
			    job_same_values(&c->task.job->databases[i], &c->task.job->databases[k]))
				check_problem(c, "%s and %s are the same place",
					      c->task.job->databases[k].end.label,
					      c->task.job->databases[i].end.label);
}

/* Trying what the destination does: its problems are the job's. */
static void check_probe(struct check *c)
{
	const struct probe *p = &c->probe;

	probe_destination(&c->probe, &c->task.ends, c->task.job->fingerprint);
	if (p->broken)
		check_problem(c, "destination: --probe: %s", p->broken);
	for (size_t i = 0; i < p->left.n; i++)
		check_problem(c, "destination: --probe: cannot remove %s", p->left.items[i]);
	if (p->swept)
		check_warning(c,
			      "destination: %zu scratch objects, which somebody who was killed had "
			      "left behind, are gone now",
			      p->swept);
}

static void look_at_ends(struct check *c)
{
	check_relation(c);
	check_destination(c);
	check_twins(c);
	if (c->probed)
		check_probe(c);
	if (c->asked_to_end)
		return;
	check_keys(c);
	check_databases(c);
}

void check_init(struct check *c, const struct job *job, bool probe)
{
	*c = (struct check){ .arena = ARENA_INIT,
			     .task = { .job = job },
			     .probed = probe,
			     .probe = { .findings = FINDINGS_INIT } };
}

static bool make_check_room(struct check *c)
{
	c->databases = calloc(c->task.job->database_count + 1, sizeof(*c->databases));
	c->would = calloc(c->task.job->cache_count + 1, sizeof(*c->would));
	for (size_t i = 0; c->would && i < c->task.job->cache_count; i++)
		c->would[i] = (struct buf)BUF_INIT(WOULD_MAX);
	return c->databases && c->would;
}

int check_run(struct check *c, struct error *err)
{
	int flags = ENDS_WRITE | ENDS_DRY | ENDS_PROBE | (c->probed ? ENDS_SCRATCH : 0);
	struct error open_error = ERROR_INIT;
	char id[17] = "";

	if (!make_check_room(c))
		return error_set(err, EXIT_INTERNAL, "out of memory");
	/* its own where there is a journal, else one that is the same for the same job */
	memcpy(id, c->task.job->fingerprint, sizeof(id) - 1);
	if (!task_open_journal(&c->task, JOURNAL_READ, &c->journal_error) && c->task.known.exists)
		memcpy(id, c->task.known.id, sizeof(id));
	if (task_open_ends(&c->task, id, flags, &open_error) && open_error.exit == EXIT_INTERNAL)
		return error_set(err, EXIT_INTERNAL, "%s", open_error.text);
	if (c->task.open)
		look_at_ends(c);
	else
		add_error(c, &open_error);
	check_journal(c);
	return 0;
}

/* Before the ends are open nothing is waited for but their own deadlines. */
void check_cancel(struct check *c)
{
	c->asked_to_end = 1;
	if (c->task.open)
		host_cancel(&c->task.ends.host);
}

void check_release(struct check *c)
{
	known_free(c->known);
	probe_release(&c->probe);
	task_close(&c->task);
	free(c->problems.items);
	free(c->warnings.items);
	for (size_t i = 0; c->would && i < c->task.job->cache_count; i++)
		buf_release(&c->would[i]);
	free(c->would);
	free(c->databases);
	arena_release(&c->arena);
	check_init(c, NULL, false);
}
