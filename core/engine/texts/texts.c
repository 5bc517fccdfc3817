/* SPDX-License-Identifier: MIT */
#include "engine/texts/texts.h"

#include "base/bytes.h"
#include "base/clock.h"
#include "base/log.h"
#include "engine/rows/rewriter.h"
#include "engine/texts/known.h"
#include "engine/work/scan.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

/*
 * match: contains. No index finds what stands somewhere in a text, and a text may
 * name objects of many batches: so once all copies of a pass are settled, each such
 * database is read once, and all known values in a text are replaced by one change.
 * The rows of a chunk and the objects they name are a batch of their own kind
 * (BATCH_TEXTS), which rewriters handle like any other.
 *
 * Killed at any moment, the scan begins anew: texts that were changed hold nothing
 * to replace; intents without outcome are resolved by their batch. A text that the
 * application changed in between is a conflict; such are read again, once.
 */
#define CHUNK_BYTES ((size_t)1 << 20)    /* of texts in a chunk, unless one is larger */
#define PAGE_BYTES ((uint64_t)8 << 20)   /* of texts in a page, unless one is larger */
#define FLIGHT_BYTES ((size_t)128 << 20) /* of texts in the window */

struct texts {
	struct run *run;
	size_t database;
	struct known *known;
	struct replacer *replacer;

	struct batch *batch; /* in the making, with what follows */
	struct row_record *rows, *given_up;
	uint32_t rows_n, given_up_n;
	struct object_record *objects; /* malloc'ed */
	size_t objects_cap;
	size_t bytes;

	struct arena arena; /* of one text */
	struct edits edits;
	struct buf after, packed;
	uint64_t read;
	struct replace_counts counts;
	struct error *err;
};

static int no_memory(struct texts *t)
{
	return error_set(t->err, EXIT_INTERNAL, "out of memory");
}

/* ---- A chunk ---- */

/* Texts are large: the window takes fewer of them. */
static bool wait_for_room(struct run *run, size_t bytes)
{
	size_t most = FLIGHT_BYTES / (3 * bytes + 1) + 1;

	return window_wait_room(run, most < WINDOW_MAX ? most : WINDOW_MAX);
}

/* Rows to change first, then those that are given up: see rewrite_given(). */
static bool make_texts_chunk(struct texts *t, struct batch *b)
{
	struct chunk *c = arena_alloc(&b->arena, sizeof(*c));
	uint32_t n = t->rows_n + t->given_up_n;

	b->objects = arena_alloc(&b->arena, b->n * sizeof(*b->objects) + 1);
	if (!c || !b->objects || !(c->rows = arena_alloc(&b->arena, n * sizeof(*c->rows))))
		return false;
	if (b->n)
		memcpy(b->objects, t->objects, b->n * sizeof(*b->objects));
	if (t->rows_n)
		memcpy(c->rows, t->rows, t->rows_n * sizeof(*c->rows));
	if (t->given_up_n)
		memcpy(c->rows + t->rows_n, t->given_up, t->given_up_n * sizeof(*c->rows));
	c->database = (uint32_t)t->database;
	c->texts = true;
	c->n = n;
	b->rows = c;
	return true;
}

static int flush_texts(struct texts *t)
{
	struct run *run = t->run;
	struct batch *b = t->batch;

	if (!b)
		return 0;
	if (!make_texts_chunk(t, b))
		return no_memory(t);
	b->pass = run->task->pass.number;
	b->kind = BATCH_TEXTS;
	b->state = BATCH_COPIED;
	b->durable = true;
	batch_recount(b);
	if (!wait_for_room(run, t->bytes) || journal_plan(run->task->journal, &b, 1, t->err))
		return -1;
	t->batch = NULL;
	t->rows_n = t->given_up_n = 0;
	t->bytes = 0;
	known_unslot(t->known);
	known_trim(t->known);
	return window_admit_copied(run, b) ? 0 : -1;
}

/* The object's number in the batch; it points to its real record. */
static int add_text_object(struct texts *t, struct known_object *o, uint32_t *slot)
{
	struct object_record *to;

	if (o->slot == UINT32_MAX && t->batch->n == t->objects_cap) {
		size_t cap = 2 * t->objects_cap + 64;
		struct object_record *objects = reallocarray(t->objects, cap, sizeof(*t->objects));

		if (!objects)
			return no_memory(t);
		t->objects = objects;
		t->objects_cap = cap;
	}
	if (o->slot == UINT32_MAX) {
		to = &t->objects[t->batch->n];
		if (!object_record_copy(&t->batch->arena, &o->record, to))
			return no_memory(t);
		to->state = OBJECT_MOVED;
		to->moved_batch = o->batch;
		to->moved_n = o->n;
		o->slot = t->batch->n++;
	}
	*slot = o->slot;
	return 0;
}

static int number_objects(struct texts *t)
{
	for (size_t i = 0; i < t->edits.n; i++) {
		struct edit *one = &t->edits.items[i];

		if (one->object != EDIT_OF_NONE &&
		    add_text_object(t, known_object(t->known, one->object), &one->object))
			return -1;
	}
	return 0;
}

static bool copy_text_row(struct texts *t, const struct migrate_row *row, struct row_record *out)
{
	struct arena *a = &t->batch->arena;

	*out = (struct row_record){ .text = arena_text(a, row->text ? row->text : "") };
	t->bytes += row->value.n;
	return out->text && arena_bytes(a, row->identity, &out->identity) &&
	       arena_bytes(a, row->place, &out->place) &&
	       arena_bytes(a, row->value, &out->before) && arena_bytes(a, row->extra, &out->extra);
}

static uint32_t first_object(const struct edits *edits)
{
	for (size_t i = 0; i < edits->n; i++)
		if (edits->items[i].object != EDIT_OF_NONE)
			return edits->items[i].object;
	return 0;
}

static int add_text_change(struct texts *t, const struct migrate_row *row)
{
	struct row_record *out = &t->rows[t->rows_n];
	struct arena *a;

	if (number_objects(t))
		return -1;
	a = &t->batch->arena;
	buf_reset(&t->packed);
	if (!copy_text_row(t, row, out) || !edits_pack(&t->edits, &t->packed) ||
	    !arena_bytes(a, bytes_of(t->packed.p, t->packed.len), &out->edits) ||
	    !arena_bytes(a, bytes_of(t->after.p, t->after.len), &out->after))
		return no_memory(t);
	out->object = first_object(&t->edits);
	t->rows_n++;
	return 0;
}

/* A row of which something must stay as it is: told, and counted as failed. */
static int give_up_text(struct texts *t, const struct migrate_row *row, const char *why)
{
	struct row_record *out = &t->given_up[t->given_up_n];

	if (!copy_text_row(t, row, out) || !(out->message = arena_text(&t->batch->arena, why)))
		return no_memory(t);
	out->after = out->before;
	t->given_up_n++;
	return 0;
}

/* ---- A text ---- */

static int search(struct texts *t, struct migrate_bytes text, struct edits *edits,
		  struct replace_counts *counts)
{
	edits->n = 0;
	if (!replacer_run(t->replacer, text, &t->arena, edits, counts))
		return 0;
	known_error(t->known, t->err);
	return -1;
}

/*
 * What was written must not be found again, or the next pass would change it once
 * more: new bytes and old ones beside them may happen to be another key's value.
 */
static int is_stable(struct texts *t, bool *stable)
{
	struct replace_counts counts = { .places = 0 };
	struct edits again = { .items = NULL };
	int rc = search(t, bytes_of(t->after.p, t->after.len), &again, &counts);

	*stable = !counts.places;
	edits_release(&again);
	return rc;
}

static void add_counts(struct replace_counts *to, const struct replace_counts *c)
{
	to->places += c->places;
	to->left += c->left;
	to->unspelled += c->unspelled;
	to->fixed += c->fixed;
}

static int change_text(struct texts *t, const struct migrate_row *row)
{
	bool stable;

	buf_reset(&t->after);
	if (!edits_apply(&t->edits, row->value, &t->after))
		return no_memory(t);
	if (is_stable(t, &stable))
		return -1;
	if (stable)
		return add_text_change(t, row);
	return give_up_text(
	    t, row, "left alone: with the new value in it, it would name yet another object");
}

static int look_at_text(struct texts *t, const struct migrate_row *row)
{
	struct replace_counts counts = { .places = 0 };

	t->read++;
	arena_reset(&t->arena);
	if (search(t, row->value, &t->edits, &counts))
		return -1;
	add_counts(&t->counts, &counts);
	if (!t->edits.n && !counts.unspelled && !counts.fixed)
		return 0;
	if (!t->batch && !(t->batch = batch_new()))
		return no_memory(t);
	if (counts.fixed &&
	    give_up_text(t, row,
			 "names objects in a serialised value that is malformed, or in its keys"))
		return -1;
	if (counts.unspelled &&
	    give_up_text(t, row,
			 "names an object whose new value holds a character that "
			 "must be quoted there"))
		return -1;
	if (t->edits.n && change_text(t, row))
		return -1;
	return t->rows_n + 1 < CHUNK_ROWS && t->given_up_n + 2 < CHUNK_ROWS &&
		       t->batch->n < (uint64_t)t->run->task->job->batch && t->bytes < CHUNK_BYTES
		   ? 0
		   : flush_texts(t);
}

/* ---- A database ---- */

static void tell_texts(const struct texts *t, uint64_t too_long)
{
	const char *label = t->run->task->job->databases[t->database].end.label;

	log_info("%s: %" PRIu64 " texts read, %" PRIu64 " values to replace", label, t->read,
		 t->counts.places);
	if (t->counts.left)
		log_warn("%s: %" PRIu64 " values name objects that were not copied: left alone",
			 label, t->counts.left);
	if (too_long)
		log_warn("%s: %" PRIu64 " texts are longer than text_max: not looked into", label,
			 too_long);
}

static int scan_texts(struct texts *t)
{
	struct run *run = t->run;
	struct migrate_session *session =
	    session_open(run->task->ends.databases[t->database].end, t->err);
	struct row_scan s;
	int rc;

	if (!session)
		return -1;
	row_scan_init(&s, run->gate, session);
	s.bytes = PAGE_BYTES;
	while ((rc = row_scan_next(&s, t->err)) == 1)
		for (size_t i = 0; rc == 1 && i < s.page.n; i++)
			if (look_at_text(t, &s.page.items[i].row))
				rc = -2;
	if (!rc)
		rc = flush_texts(t);
	if (!rc)
		tell_texts(t, s.too_long);
	row_scan_release(&s);
	session_close(session);
	return rc;
}

static int count_conflict(void *arg, int64_t batch, const struct chunk *c,
			  const struct row_record *r)
{
	uint64_t *n = arg;

	(void)batch;
	*n += c->texts && r->outcome == MIGRATE_ROW_CONFLICT;
	return 0;
}

/* Texts that the application changed under our hands: what do they say now? */
static int scan_again(struct texts *t)
{
	uint64_t n = 0;

	if (window_drain(t->run) ||
	    journal_each_bad_row(t->run->task->journal, count_conflict, &n, t->err))
		return -1;
	if (!n)
		return 0;
	log_info("%" PRIu64 " texts were changed by somebody else meanwhile: they are read again",
		 n);
	t->read = 0;
	t->counts = (struct replace_counts){ .places = 0 };
	return rows_await_scan(t->run, true, t->err) || scan_texts(t) ? -1 : 0;
}

static int texts_init(struct texts *t)
{
	t->rows = calloc(CHUNK_ROWS, sizeof(*t->rows));
	t->given_up = calloc(CHUNK_ROWS, sizeof(*t->given_up));
	t->after = t->packed = (struct buf)BUF_INIT((size_t)1 << 30);
	if (!t->rows || !t->given_up)
		return no_memory(t);
	t->replacer = known_replacer(t->known, &t->run->task->job->databases[t->database], t->err);
	return t->replacer ? 0 : -1;
}

static void texts_release(struct texts *t)
{
	replacer_free(t->replacer);
	batch_free(t->batch);
	free(t->rows);
	free(t->given_up);
	free(t->objects);
	edits_release(&t->edits);
	arena_release(&t->arena);
	buf_release(&t->after);
	buf_release(&t->packed);
}

/* One after the other: two may be of one column, with values of different forms. */
static int rewrite_database(struct run *run, size_t database, struct known *known,
			    struct error *err)
{
	struct texts t = { .run = run, .database = database, .known = known, .err = err };
	int rc = texts_init(&t);

	if (!rc)
		rc = scan_texts(&t);
	if (!rc)
		rc = scan_again(&t);
	if (!rc)
		rc = window_drain(run);
	texts_release(&t);
	return rc ? -1 : 0;
}

int texts(struct run *run, struct error *err)
{
	struct known *known;
	int rc;

	/* all are looked at now: what earlier passes said of them is over */
	if (rows_await_scan(run, true, err))
		return -1;
	known = known_of_journal(run->task, err);
	rc = known ? 0 : -1;
	for (size_t i = 0; !rc && i < run->task->ends.database_count; i++)
		if (run->task->job->databases[i].match == MATCH_CONTAINS)
			rc = rewrite_database(run, i, known, err);
	known_free(known);
	return rc;
}
