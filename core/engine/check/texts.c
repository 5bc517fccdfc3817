/* SPDX-License-Identifier: MIT */
#include "engine/check/check.h"

#include "base/bytes.h"
#include "engine/texts/known.h"

#include <inttypes.h>

/* One page of a database's texts, searched for the keys of one page of the source. */

#define PAGE 1000
#define PAGE_BYTES ((uint64_t)8 << 20)

struct texts {
	struct check *check;
	struct check_database *out;
	const struct job_database *job;
	struct replacer *replacer;
	struct arena arena;
	struct edits edits;
};

static void add_text_sample(struct texts *t, const struct migrate_row *row, const struct edit *one)
{
	struct arena *a = &t->check->arena;
	struct check_sample s = { .why = arena_text(a, row->text ? row->text : "") };

	if (t->out->sample_count == CHECK_SAMPLES || one->object == EDIT_OF_NONE ||
	    !arena_bytes(a, bytes_of((const char *)row->value.p + one->at, one->n), &s.old) ||
	    !arena_bytes(a, one->with, &s.new))
		return;
	t->out->samples[t->out->sample_count++] = s;
}

static void check_text(struct texts *t, const struct migrate_row *row)
{
	struct replace_counts counts = { .places = 0 };
	struct error err = ERROR_INIT;

	t->out->scanned++;
	arena_reset(&t->arena);
	t->edits.n = 0;
	if (replacer_run(t->replacer, row->value, &t->arena, &t->edits, &counts)) {
		known_error(t->check->known, &err);
		check_problem(t->check, "%s", err.text);
		return;
	}
	t->out->matching += counts.places > 0;
	t->out->refused += counts.fixed || counts.unspelled;
	for (size_t i = 0; i < t->edits.n; i++)
		add_text_sample(t, row, &t->edits.items[i]);
}

static void check_texts_page(struct texts *t, struct migrate_session *s)
{
	struct row_page page = ROW_PAGE_INIT;
	struct migrate_scan scan = { .limit = PAGE, .bytes = PAGE_BYTES };
	enum migrate_status status = database_scan(s, &scan, &page);
	struct error err = ERROR_INIT;

	for (size_t i = 0; status == MIGRATE_OK && i < page.n; i++)
		check_text(t, &page.items[i].row);
	row_page_release(&page);
	if (status != MIGRATE_OK) {
		session_error(&err, EXIT_USAGE, s, status);
		check_problem(t->check, "cannot read texts: %s", err.text);
	}
	if (scan.too_long)
		check_warning(t->check,
			      "%s: %" PRIu64 " of the first texts are longer than text_max: they "
			      "are not looked into",
			      t->job->end.label, scan.too_long);
	if (t->out->refused)
		check_warning(t->check,
			      "%s: %" PRIu64 " of the first texts hold values that must be left "
			      "alone: a dry run counts them",
			      t->job->end.label, t->out->refused);
}

void check_texts(struct check *c, size_t database)
{
	struct texts t = { .check = c,
			   .out = &c->databases[database],
			   .job = &c->task.job->databases[database] };
	struct error err = ERROR_INIT;

	if (!c->known)
		return; /* there are no keys, which was said */
	t.replacer = known_replacer(c->known, t.job, &err);
	if (t.replacer)
		check_texts_page(&t, c->task.ends.databases[database].session);
	else
		check_problem(c, "%s", err.text);
	replacer_free(t.replacer);
	edits_release(&t.edits);
	arena_release(&t.arena);
}
