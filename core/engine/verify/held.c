/* SPDX-License-Identifier: MIT */
#include "engine/verify/verify-impl.h"

#include "base/bytes.h"
#include "base/escape.h"

#include <stdlib.h>
#include <string.h>

/*
 * Rows that do not hold what was written, by what they hold now: read by identity, a
 * thousand at a time. Beside an application that lives, most are as its users want them.
 */
#define MISSED_MAX 1000
#define MISSED_BYTES ((size_t)1 << 20)
#define SHOWN_MAX 200 /* bytes of a value in a message */
#define PLACES 1024   /* remembered: many rows come to name one object */

struct missed {
	struct migrate_bytes after;
	struct object_record object; /* key and new_key alone */
	const char *text;
};

/* Of one database. */
struct missed_page {
	struct arena arena;
	struct missed *items;
	struct migrate_row_name *names;
	size_t n, bytes;
};

struct place {
	uint8_t hash[16]; /* of a key at the destination */
	bool known, there;
};

struct missed_rows {
	struct verifier worker;
	struct missed_page *pages; /* one for each database */
	struct held_rows held;
	struct place places[PLACES];
};

struct missed_rows *missed_rows_new(struct verify *v, struct error *err)
{
	struct missed_rows *m = calloc(1, sizeof(*m));

	if (m) {
		m->worker = (struct verifier){ .verify = v, .digest = digest_new() };
		m->held = (struct held_rows)HELD_ROWS_INIT;
		m->pages = calloc(v->task.job->database_count + 1, sizeof(*m->pages));
	}
	if (m && m->worker.digest && m->pages)
		return m;
	missed_rows_free(m);
	error_set(err, EXIT_INTERNAL, "out of memory");
	return NULL;
}

void missed_rows_free(struct missed_rows *m)
{
	if (!m)
		return;
	for (size_t i = 0; m->pages && i < m->worker.verify->task.job->database_count; i++) {
		arena_release(&m->pages[i].arena);
		free(m->pages[i].items);
		free(m->pages[i].names);
	}
	free(m->pages);
	held_rows_release(&m->held);
	digest_free(m->worker.digest);
	free(m);
}

/* ---- Is what it names there? ---- */

static bool look_for_key(struct missed_rows *m, struct migrate_bytes key)
{
	struct migrate_session *s = m->worker.verify->task.ends.destination.session;
	struct object_slot slot;
	struct migrate_stat r = { .key = key, .object = &slot.object };
	enum migrate_status status;
	struct again a = again_new(m->worker.verify->gate, false);

	do {
		object_slot_init(&slot, NULL);
		status = store_stat(s, &r);
	} while (again(&a, s, status));
	return status == MIGRATE_OK;
}

/* The value is one of a key that stands at the destination, whoever put it there. */
static bool names_something(struct missed_rows *m, const struct job_database *d,
			    struct migrate_bytes value)
{
	BUF_AUTO struct buf key = BUF_INIT(MIGRATE_KEY_MAX);
	uint8_t hash[16];
	struct place *p;
	uint32_t slot;

	if (!value_pattern_decode(d->new_value, value, &key) || !key.len)
		return false;
	digest_key(m->worker.digest, bytes_of(key.p, key.len), hash);
	memcpy(&slot, hash, sizeof(slot));
	p = &m->places[slot % PLACES];
	if (!p->known || memcmp(p->hash, hash, sizeof(hash)) != 0) {
		p->there = look_for_key(m, bytes_of(key.p, key.len));
		p->known = true;
		memcpy(p->hash, hash, sizeof(hash));
	}
	return p->there;
}

/* ---- Judging ---- */

static void lost(struct verify *v, const struct job_database *d, const struct missed *row,
		 struct migrate_bytes value)
{
	BUF_AUTO struct buf shown = BUF_INIT(4 * SHOWN_MAX + 1);
	bool cut = value.n > SHOWN_MAX;

	escape_add(&shown, value.p, cut ? SHOWN_MAX : value.n);
	buf_add(&shown, "", 1);
	verify_differs(v, DIFFERENT_ROW_LOST, &row->object,
		       "%s: row %s no longer holds the new value, but '%s'%s", d->end.label,
		       row->text, shown.p ? (const char *)shown.p : "", cut ? " and more" : "");
}

static void judge_missed(struct missed_rows *m, const struct job_database *d,
			 const struct missed *row, const struct held_row *held)
{
	struct verify *v = m->worker.verify;

	switch (held->holding) {
	case MIGRATE_HOLDS_VALUE:
		if (bytes_equal(held->value, row->after)) /* the job's `where` leaves it out now */
			v->result.rows++;
		else if (names_something(m, d, held->value))
			v->result.changed_elsewhere++;
		else if (!halt_leaving(&v->halt))
			lost(v, d, row, held->value);
		return;
	case MIGRATE_HOLDS_OTHER:
		verify_differs(v, DIFFERENT_ROW_LOST, &row->object,
			       "%s: row %s no longer holds the new value, but something that can "
			       "be none: a number, or too long",
			       d->end.label, row->text);
		return;
	default: /* there is no such row or place any more, or it is NULL */
		v->result.removed++;
	}
}

/* It has no read(), or that failed for these rows: what they hold is not known. */
static void judge_unread(struct missed_rows *m, const struct job_database *d,
			 const struct missed_page *page, const char *why)
{
	for (size_t i = 0; i < page->n; i++)
		verify_differs(m->worker.verify, DIFFERENT_ROW_LOST, &page->items[i].object,
			       "%s: row %s no longer holds the new value, `where` leaves it out "
			       "now, or it was removed: which of these is not known, as %s",
			       d->end.label, page->items[i].text, why);
}

static enum migrate_status read_missed_page(struct missed_rows *m, struct migrate_session *s,
					    const struct missed_page *page)
{
	struct migrate_read r = { .rows = page->names, .count = page->n };
	enum migrate_status status;
	struct again a = again_new(m->worker.verify->gate, false);

	do
		status = database_read(s, &r, &m->held);
	while (again(&a, s, status));
	return status;
}

static void flush_missed(struct missed_rows *m, size_t database)
{
	struct verify *v = m->worker.verify;
	const struct job_database *d = &v->task.job->databases[database];
	struct migrate_session *s = v->task.ends.databases[database].session;
	struct missed_page *page = &m->pages[database];
	enum migrate_status status = MIGRATE_OK;

	if (page->n)
		status = read_missed_page(m, s, page);
	if (status == MIGRATE_OK)
		for (size_t i = 0; i < page->n; i++)
			judge_missed(m, d, &page->items[i], &m->held.items[i]);
	else if (!halt_leaving(&v->halt))
		judge_unread(m, d, page,
			     !database_reads(s)    ? "its plugin cannot read rows by identity"
			     : *session_message(s) ? session_message(s)
						   : status_name(status));
	page->n = page->bytes = 0;
	arena_reset(&page->arena);
}

void missed_rows_flush(struct missed_rows *m)
{
	for (size_t i = 0; i < m->worker.verify->task.job->database_count; i++)
		if (!halt_leaving(&m->worker.verify->halt))
			flush_missed(m, i);
}

/* ---- Gathering ---- */

static bool make_page(struct missed_page *page)
{
	if (!page->items)
		page->items = calloc(MISSED_MAX, sizeof(*page->items));
	if (!page->names)
		page->names = calloc(MISSED_MAX, sizeof(*page->names));
	return page->items && page->names;
}

static bool keep_missed(struct missed_page *page, const struct object_record *o,
			const struct row_record *r)
{
	struct missed *row = &page->items[page->n];
	struct migrate_row_name *name = &page->names[page->n];
	struct arena *a = &page->arena;

	*row = (struct missed){ .text = arena_text(a, r->text ? r->text : "") };
	return row->text && arena_bytes(a, r->after, &row->after) &&
	       arena_bytes(a, o->key, &row->object.key) &&
	       arena_bytes(a, o->new_key, &row->object.new_key) &&
	       arena_bytes(a, r->identity, &name->identity) &&
	       arena_bytes(a, r->place, &name->place);
}

int missed_rows_add(struct missed_rows *m, uint32_t database, const struct object_record *o,
		    const struct row_record *r, struct error *err)
{
	struct missed_page *page = &m->pages[database];

	if (!make_page(page) || !keep_missed(page, o, r))
		return error_set(err, EXIT_INTERNAL, "out of memory");
	page->bytes += o->key.n + o->new_key.n + r->after.n + r->identity.n + r->place.n;
	if (++page->n == MISSED_MAX || page->bytes >= MISSED_BYTES)
		flush_missed(m, database);
	return 0;
}
