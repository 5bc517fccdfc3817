/* SPDX-License-Identifier: MIT */
#include "engine/verify/verify-impl.h"

#include "engine/texts/known.h"

#include <inttypes.h>

/*
 * Do texts still name old keys? What the run would replace in them now is what it
 * missed. Whether they hold what was written cannot be asked: a text is the
 * application's to change.
 */
#define PAGE_BYTES ((uint64_t)8 << 20)

struct texts {
	struct verify *verify;
	const struct job_database *database;
	struct known *known;
	struct replacer *replacer;
	struct arena arena;
	struct edits edits;
};

static const struct known_object *named(struct texts *t)
{
	for (size_t i = 0; i < t->edits.n; i++)
		if (t->edits.items[i].object != EDIT_OF_NONE)
			return known_object(t->known, t->edits.items[i].object);
	return NULL;
}

static void report_text(struct texts *t, const struct migrate_row *row, uint64_t places)
{
	const struct known_object *o = named(t);
	struct verify *v = t->verify;

	if (!o)
		return;
	if (v->result.finished)
		verify_differs(v, DIFFERENT_ROW_OLD, &o->record,
			       "%s: the text of row %s still holds %" PRIu64
			       " old values, this one first",
			       t->database->end.label, row->text ? row->text : "", places);
	else
		v->result.texts_not_done++;
}

static int verify_texts_page(struct texts *t, const struct row_page *page, struct error *err)
{
	for (size_t i = 0; i < page->n; i++) {
		struct replace_counts counts = { .places = 0 };

		arena_reset(&t->arena);
		known_trim(t->known);
		t->edits.n = 0;
		if (replacer_run(t->replacer, page->items[i].row.value, &t->arena, &t->edits,
				 &counts)) {
			known_error(t->known, err);
			return -1;
		}
		if (counts.places)
			report_text(t, &page->items[i].row, counts.places);
		else
			t->verify->result.texts++;
	}
	return 0;
}

static int look_at_texts(struct texts *t, struct migrate_session *session, struct error *err)
{
	struct row_scan s;
	int rc;

	row_scan_init(&s, t->verify->gate, session);
	s.bytes = PAGE_BYTES;
	while ((rc = row_scan_next(&s, err)) == 1 && !(rc = verify_texts_page(t, &s.page, err)))
		;
	row_scan_release(&s);
	return rc;
}

static int verify_database(struct verify *v, size_t i, struct known *known, struct error *err)
{
	struct texts t = { .verify = v, .database = &v->task.job->databases[i], .known = known };
	int rc = -1;

	t.replacer = known_replacer(known, t.database, err);
	if (t.replacer)
		rc = look_at_texts(&t, v->task.ends.databases[i].session, err);
	replacer_free(t.replacer);
	edits_release(&t.edits);
	arena_release(&t.arena);
	return rc;
}

/* All of them with the first slice, as a text is no key's. */
int verify_texts(struct verify *v, struct error *err)
{
	struct known *known;
	int rc = 0;

	if (!job_has_texts(v->task.job) || v->options.slice > 1 || halt_leaving(&v->halt))
		return 0;
	known = known_of_journal(&v->task, err);
	for (size_t i = 0; known && !rc && i < v->task.ends.database_count; i++)
		if (v->task.job->databases[i].match == MATCH_CONTAINS)
			rc = verify_database(v, i, known, err);
	rc = known ? rc : -1;
	known_free(known);
	return rc;
}
