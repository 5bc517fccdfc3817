/* SPDX-License-Identifier: MIT */
#include "engine/dry/dry-impl.h"

#include "base/bytes.h"
#include "engine/texts/known.h"
#include "engine/work/scan.h"

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

static void keep_text_sample(struct texts *t, const struct migrate_row *row)
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

static int search_text(struct texts *t, const struct migrate_row *row, struct error *err)
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
		keep_text_sample(t, row);
	return 0;
}

static int search_texts_page(struct texts *t, const struct row_page *page, struct error *err)
{
	for (size_t i = 0; i < page->n; i++)
		if (search_text(t, &page->items[i].row, err))
			return -1;
	return 0;
}

static int search_database(struct texts *t, size_t database, struct error *err)
{
	struct row_scan s;
	int rc;

	row_scan_init(&s, t->dry->gate, t->dry->task.ends.databases[database].session);
	s.bytes = PAGE_BYTES;
	while ((rc = row_scan_next(&s, err)) == 1 && !(rc = search_texts_page(t, &s.page, err)))
		;
	t->dry->texts_too_long += s.too_long;
	row_scan_release(&s);
	return rc;
}

int dry_search_texts(struct dry *d, struct error *err)
{
	const struct job *job = d->task.job;
	int rc = 0;

	for (size_t i = 0; !rc && d->known && i < job->database_count; i++) {
		struct texts t = { .dry = d };

		if (job->databases[i].match != MATCH_CONTAINS)
			continue;
		t.replacer = known_replacer(d->known, &job->databases[i], err);
		rc = t.replacer ? search_database(&t, i, err) : -1;
		replacer_free(t.replacer);
		edits_release(&t.edits);
		arena_release(&t.arena);
	}
	return rc;
}
