/* SPDX-License-Identifier: MIT */
#include "engine/verify/verify-impl.h"

#include "base/bytes.h"
#include "engine/texts/known.h"

#include <inttypes.h>

/*
 * Do texts still name old keys? What the run would replace in them now is what it
 * missed. Whether they hold what was written cannot be asked: a text is the
 * application's to change.
 */
#define PAGE 1000
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

static void report(struct texts *t, const struct migrate_row *row, uint64_t places)
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

static int look_at_page(struct texts *t, const struct row_page *page, struct error *err)
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
			report(t, &page->items[i].row, counts.places);
		else
			t->verify->result.texts++;
	}
	return 0;
}

static int look_at_all(struct texts *t, struct migrate_session *s, struct error *err)
{
	BUF_AUTO struct buf cursor = BUF_INIT(MIGRATE_CURSOR_MAX);
	struct migrate_scan r = { .limit = PAGE, .bytes = PAGE_BYTES };
	struct row_page page = ROW_PAGE_INIT;
	int rc = 0;

	do {
		enum migrate_status status = database_scan(s, &r, &page);

		rc = status == MIGRATE_OK ? look_at_page(t, &page, err)
					  : session_error(err, EXIT_OUTAGE, s, status);
		buf_reset(&cursor);
		buf_add(&cursor, page.cursor.p, page.cursor.n);
		r.cursor = bytes_of(cursor.p, cursor.len);
	} while (!rc && !page.done && page.cursor.n && !halt_leaving(&t->verify->halt));
	row_page_release(&page);
	return rc;
}

static int verify_database(struct verify *v, size_t i, struct known *known, struct error *err)
{
	struct texts t = { .verify = v, .database = &v->task.job->databases[i], .known = known };
	int rc = -1;

	t.replacer = known_replacer(known, t.database, err);
	if (t.replacer)
		rc = look_at_all(&t, v->task.ends.databases[i].session, err);
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
