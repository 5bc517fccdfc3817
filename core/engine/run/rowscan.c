/* SPDX-License-Identifier: MIT */
#include "engine/run/feeder.h"

#include "base/bytes.h"
#include "engine/work/scan.h"

#include <stdlib.h>
#include <string.h>

/*
 * Rows that were written since and still name old keys: one keyset scan of each
 * database. Values are looked up in the journal; rows of copied objects form batches
 * of one chunk each, whose objects point to their real records.
 */
#define SLOTS (4 * CHUNK_ROWS) /* of a table of the batch's objects; a power of two is not needed */

struct rowscan {
	struct run *run;
	size_t database;
	struct batch *batch;           /* the next one; its arena holds what follows */
	struct object_record *objects; /* room for CHUNK_ROWS */
	struct row_record *rows;       /* the same */
	uint32_t n;                    /* rows */
	uint32_t *slots;               /* by hash of its record's place: object + 1; 0: free */
	struct arena range;
	struct migrate_bytes least_key, most_key; /* of the job */
	/* the key that was looked up last: rows of one key tend to follow each other */
	struct arena last;
	struct migrate_bytes last_key;
	struct object_record last_object;
	int64_t last_batch;
	uint32_t last_n;
	int last_found;
	struct buf key, value;
	struct rename_scratch *rename;
	struct error *err;
};

static int no_memory(struct rowscan *s)
{
	return error_set(s->err, EXIT_INTERNAL, "out of memory");
}

/* The rows and their objects, as the batch's own. */
static bool make_rows_chunk(struct rowscan *s, struct batch *b)
{
	struct chunk *c = arena_alloc(&b->arena, sizeof(*c));

	b->objects = arena_alloc(&b->arena, b->n * sizeof(*b->objects));
	if (!c || !b->objects)
		return false;
	*c = (struct chunk){ .database = (uint32_t)s->database, .n = s->n };
	c->rows = arena_alloc(&b->arena, s->n * sizeof(*c->rows));
	if (!c->rows)
		return false;
	memcpy(b->objects, s->objects, b->n * sizeof(*b->objects));
	memcpy(c->rows, s->rows, s->n * sizeof(*c->rows));
	b->rows = c;
	return true;
}

static int flush_scanned(struct rowscan *s)
{
	struct run *run = s->run;
	struct batch *b = s->batch;

	if (!s->n)
		return 0;
	if (!make_rows_chunk(s, b))
		return no_memory(s);
	b->pass = run->task->pass.number;
	b->kind = BATCH_FOUND;
	b->state = BATCH_COPIED;
	b->durable = true;
	batch_recount(b);
	if (!window_wait_room(run, WINDOW_MAX) || journal_plan(run->task->journal, &b, 1, s->err))
		return -1;
	s->batch = NULL;
	s->n = 0;
	memset(s->slots, 0, SLOTS * sizeof(*s->slots));
	return window_admit_copied(run, b) ? 0 : -1;
}

/* The number in the batch of the object whose record was looked up last. False: out of memory. */
static bool place_object(struct rowscan *s, uint32_t *number)
{
	uint64_t hash =
	    ((uint64_t)s->last_batch * 1000003 + s->last_n) * UINT64_C(0x9e3779b97f4a7c15);
	uint32_t at = (uint32_t)(hash >> 32) % SLOTS;
	struct object_record *to;

	for (; s->slots[at]; at = (at + 1) % SLOTS) {
		*number = s->slots[at] - 1;
		to = &s->objects[*number];
		if (to->moved_batch == s->last_batch && to->moved_n == s->last_n)
			return true;
	}
	*number = s->batch->n;
	to = &s->objects[*number];
	if (!object_record_copy(&s->batch->arena, &s->last_object, to))
		return false;
	to->state = OBJECT_MOVED;
	to->moved_batch = s->last_batch;
	to->moved_n = s->last_n;
	s->slots[at] = ++s->batch->n;
	return true;
}

static bool encode_new(struct rowscan *s, struct migrate_bytes new_key)
{
	buf_reset(&s->value);
	return value_pattern_encode(s->run->task->job->databases[s->database].new_value, new_key,
				    &s->value);
}

static int take_scanned_row(struct rowscan *s, const struct migrate_row *row)
{
	struct migrate_bytes after = bytes_of(s->value.p, s->value.len);
	struct row_record *out = &s->rows[s->n];
	struct arena *a;

	if (!s->batch && !(s->batch = batch_new()))
		return no_memory(s);
	a = &s->batch->arena;
	*out = (struct row_record){ .text = arena_text(a, row->text ? row->text : "") };
	if (!out->text || !place_object(s, &out->object) ||
	    !arena_bytes(a, row->identity, &out->identity) ||
	    !arena_bytes(a, row->place, &out->place) || !arena_bytes(a, row->value, &out->before) ||
	    !arena_bytes(a, row->extra, &out->extra) || !arena_bytes(a, after, &out->after))
		return no_memory(s);
	return ++s->n == CHUNK_ROWS ? flush_scanned(s) : 0;
}

/*
 * Would the new value be another? Cheap, before the journal is asked. What is selected is no
 * matter: it may have changed since the object was copied.
 */
static bool rules_change(struct rowscan *s, struct migrate_bytes key, const struct found_row *row)
{
	const struct job *job = s->run->task->job;
	struct error err = ERROR_INIT;
	struct migrate_bytes new_key = key;
	size_t rule;

	/* a job of a part of the keys does not look for the others one by one */
	if (bytes_compare(key, s->least_key) < 0 || bytes_compare(key, s->most_key) > 0)
		return false;
	/* pairs of a file: only the journal knows */
	if (job->keys_from == KEYS_FROM_FILE && job->keys_format == KEYS_CSV)
		return true;
	if (rename_rules_count(job->rules) &&
	    rename_apply(job->rules, s->rename, key, &new_key, &rule, &err) != RENAME_OK &&
	    job->unmatched != UNMATCHED_KEEP)
		return false;
	if (!encode_new(s, new_key))
		return false;
	return !row->row.settled ||
	       !bytes_equal(bytes_of(s->value.p, s->value.len), row->row.value);
}

/* 1: the journal knows this key, see last_object; 0: it does not; -1. */
static int look_up_scanned(struct rowscan *s, struct migrate_bytes key)
{
	if (s->last_key.n && bytes_equal(s->last_key, key))
		return s->last_found;
	arena_reset(&s->last);
	s->last_found = 0;
	if (!arena_bytes(&s->last, key, &s->last_key))
		return no_memory(s);
	s->last_found = journal_find_key(s->run->task->journal, key, &s->last, &s->last_object,
					 &s->last_batch, &s->last_n, s->err);
	return s->last_found;
}

static int look_at_scanned(struct rowscan *s, const struct found_row *row)
{
	const struct job_database *d = &s->run->task->job->databases[s->database];
	const struct object_record *o = &s->last_object;
	struct migrate_bytes key;
	int rc;

	buf_reset(&s->key);
	if (!value_pattern_decode(d->value, row->row.value, &s->key) || !s->key.len)
		return 0;
	key = bytes_of(s->key.p, s->key.len);
	if (!rules_change(s, key, row))
		return 0;
	rc = look_up_scanned(s, key);
	if (rc != 1 || !object_is_there(o))
		return rc < 0 ? -1 : 0;
	/* as it shall be already */
	if (!encode_new(s, o->new_key) ||
	    (row->row.settled && bytes_equal(row->row.value, bytes_of(s->value.p, s->value.len))))
		return 0;
	return take_scanned_row(s, &row->row);
}

static int scan_rows_page(struct rowscan *s, const struct row_page *page)
{
	int rc = 0;

	for (size_t i = 0; !rc && i < page->n; i++)
		rc = look_at_scanned(s, &page->items[i]);
	return rc;
}

static int scan_database(struct rowscan *s)
{
	struct migrate_session *session =
	    session_open(s->run->task->ends.databases[s->database].end, s->err);
	struct row_scan rows;
	int rc;

	if (!session)
		return -1;
	row_scan_init(&rows, s->run->gate, session);
	while ((rc = row_scan_next(&rows, s->err)) == 1 && !(rc = scan_rows_page(s, &rows.page)))
		;
	row_scan_release(&rows);
	session_close(session);
	return rc ? rc : flush_scanned(s);
}

static bool rowscan_init(struct rowscan *s)
{
	s->key = s->value = (struct buf)BUF_INIT(MIGRATE_KEY_MAX);
	s->objects = calloc(CHUNK_ROWS, sizeof(*s->objects));
	s->rows = calloc(CHUNK_ROWS, sizeof(*s->rows));
	s->slots = calloc(SLOTS, sizeof(*s->slots));
	s->rename = rename_scratch_new(s->run->task->job->rules);
	return s->objects && s->rows && s->slots && s->rename;
}

static void rowscan_release(struct rowscan *s)
{
	batch_free(s->batch);
	rename_scratch_free(s->rename);
	free(s->objects);
	free(s->rows);
	free(s->slots);
	arena_release(&s->last);
	arena_release(&s->range);
	buf_release(&s->key);
	buf_release(&s->value);
}

int rowscan(struct run *run, struct error *err)
{
	struct rowscan s = { .run = run, .last = ARENA_INIT, .range = ARENA_INIT, .err = err };
	int rc = rowscan_init(&s) ? journal_key_range(run->task->journal, &s.range, &s.least_key,
						      &s.most_key, err)
				  : no_memory(&s);

	for (s.database = 0; !rc && s.database < run->task->ends.database_count; s.database++)
		if (run->task->job->databases[s.database].match == MATCH_EXACT)
			rc = scan_database(&s);
	rowscan_release(&s);
	return rc;
}
