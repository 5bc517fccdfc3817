/* SPDX-License-Identifier: MIT */
#include "engine/dry/dry-impl.h"

#include "base/bytes.h"
#include "engine/texts/known.h"

/*
 * Texts of a dry run: searched for the keys that would be copied, once all of these
 * are known.
 */
#define PAGE_BYTES ((uint64_t)8 << 20)

struct texts {
	struct dry *dry;
	struct replacer *replacer;
	struct arena arena;
	struct edits edits;
};

static void keep_sample(struct texts *t, const struct migrate_row *row)
{
	struct dry *d = t->dry;
	struct dry_text *s = &d->text_samples[d->text_sample_count];
	const struct edit *one = NULL;

	for (size_t i = 0; !one && i < t->edits.n; i++)
		if (t->edits.items[i].object != EDIT_OF_NONE)
			one = &t->edits.items[i];
	if (!one || d->text_sample_count == DRY_SAMPLES)
		return;
	s->row = arena_text(&d->arena, row->text ? row->text : "");
	if (s->row &&
	    arena_bytes(&d->arena, bytes_of((const char *)row->value.p + one->at, one->n),
			&s->old) &&
	    arena_bytes(&d->arena, one->with, &s->new))
		d->text_sample_count++;
}

static int look_at(struct texts *t, const struct migrate_row *row, struct error *err)
{
	struct dry *d = t->dry;
	struct replace_counts counts = { .places = 0 };

	arena_reset(&t->arena);
	known_trim(d->known);
	t->edits.n = 0;
	if (replacer_run(t->replacer, row->value, &t->arena, &t->edits, &counts)) {
		known_error(d->known, err);
		return -1;
	}
	d->texts++;
	d->texts_to_change += counts.places > 0;
	d->places += counts.places;
	d->texts_refused += counts.unspelled || counts.fixed;
	if (counts.places)
		keep_sample(t, row);
	return 0;
}

static int search_database(struct texts *t, struct migrate_session *s, struct error *err)
{
	BUF_AUTO struct buf cursor = BUF_INIT(MIGRATE_CURSOR_MAX);
	struct migrate_scan q = { .limit = CHUNK_ROWS, .bytes = PAGE_BYTES };
	struct row_page page = ROW_PAGE_INIT;
	int rc = 0;

	do {
		enum migrate_status status = database_scan(s, &q, &page);

		rc = status == MIGRATE_OK ? 0 : session_error(err, EXIT_OUTAGE, s, status);
		for (size_t i = 0; !rc && i < page.n; i++)
			rc = look_at(t, &page.items[i].row, err);
		t->dry->texts_too_long += q.too_long;
		buf_reset(&cursor);
		buf_add(&cursor, page.cursor.p, page.cursor.n);
		q.cursor = bytes_of(cursor.p, cursor.len);
	} while (!rc && !page.done);
	row_page_release(&page);
	return rc;
}

int dry_search_texts(struct dry *d, struct error *err)
{
	const struct job *job = d->engine.job;
	int rc = 0;

	for (size_t i = 0; !rc && d->known && i < job->database_count; i++) {
		struct texts t = { .dry = d };

		if (job->databases[i].match != MATCH_CONTAINS)
			continue;
		t.replacer = known_replacer(d->known, &job->databases[i], err);
		rc =
		    t.replacer ? search_database(&t, d->engine.ends.databases[i].session, err) : -1;
		replacer_free(t.replacer);
		edits_release(&t.edits);
		arena_release(&t.arena);
	}
	return rc;
}
