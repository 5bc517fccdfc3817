/* SPDX-License-Identifier: MIT */
#include "engine/feeder.h"

#include "base/bytes.h"
#include "engine/scan.h"

#include <stdlib.h>
#include <string.h>

/*
 * Rows that were written since and still name old keys: one keyset scan of each
 * database. Values are looked up in the journal; those of copied objects form
 * batches of rows alone, whose objects point to their real records.
 */
struct rowscan {
	struct engine *engine;
	size_t database;
	struct batch *batch;
	struct object_record *objects;
	struct buf key, value;
	struct rename_scratch *rename;
	struct error *err;
};

static int flush(struct rowscan *s)
{
	struct engine *e = s->engine;
	struct batch *b = s->batch;

	if (!b || !b->n)
		return 0;
	b->objects = arena_alloc(&b->arena, b->n * sizeof(*b->objects));
	if (!b->objects)
		return error_set(s->err, EXIT_INTERNAL, "out of memory");
	memcpy(b->objects, s->objects, b->n * sizeof(*b->objects));
	b->pass = e->pass.number;
	b->kind = BATCH_ROWS;
	b->state = BATCH_COPIED;
	b->durable = true;
	batch_recount(b);
	if (!window_wait_room(e) || journal_plan(e->journal, &b, 1, s->err))
		return -1;
	s->batch = NULL;
	return window_admit_copied(e, b) ? 0 : -1;
}

static bool already_there(const struct rowscan *s, struct migrate_bytes key)
{
	const struct object_record *last =
	    s->batch && s->batch->n ? &s->objects[s->batch->n - 1] : NULL;

	return last && bytes_equal(last->key, key);
}

static int add_object(struct rowscan *s, const struct object_record *o, int64_t batch, uint32_t n)
{
	struct object_record *to;

	if (already_there(s, o->key))
		return 0;
	if (!s->batch && !(s->batch = batch_new()))
		return error_set(s->err, EXIT_INTERNAL, "out of memory");
	to = &s->objects[s->batch->n];
	if (!object_record_copy(&s->batch->arena, o, to))
		return error_set(s->err, EXIT_INTERNAL, "out of memory");
	to->state = OBJECT_MOVED;
	to->moved_batch = batch;
	to->moved_n = n;
	s->batch->n++;
	return s->batch->n >= (uint64_t)s->engine->job->batch ? flush(s) : 0;
}

/* Would the new value be another? Cheap, before the journal is asked. */
static bool rules_change(struct rowscan *s, struct migrate_bytes key, const struct found_row *row)
{
	const struct job *job = s->engine->job;
	const struct job_database *d = &job->databases[s->database];
	struct error err = ERROR_INIT;
	struct migrate_bytes new_key = key;
	const char *why;
	size_t rule;

	if (!selection_takes(&job->selection, key, &why))
		return false;
	/* pairs of a file: only the journal knows */
	if (job->keys_from == KEYS_FROM_FILE && job->keys_format == KEYS_CSV)
		return true;
	if (rename_rules_count(job->rules) &&
	    rename_apply(job->rules, s->rename, key, &new_key, &rule, &err) != RENAME_OK &&
	    job->unmatched != UNMATCHED_KEEP)
		return false;
	buf_reset(&s->value);
	if (!value_pattern_encode(d->new_value, new_key, &s->value))
		return false;
	return !row->row.settled ||
	       !bytes_equal(bytes_of(s->value.p, s->value.len), row->row.value);
}

static int look_at_row(struct rowscan *s, const struct found_row *row)
{
	const struct job_database *d = &s->engine->job->databases[s->database];
	ARENA_AUTO struct arena a = ARENA_INIT;
	struct object_record o;
	struct migrate_bytes key;
	int64_t batch;
	uint32_t n;
	int rc;

	buf_reset(&s->key);
	if (!value_pattern_decode(d->value, row->row.value, &s->key) || !s->key.len)
		return 0;
	key = bytes_of(s->key.p, s->key.len);
	if (!rules_change(s, key, row))
		return 0;
	rc = journal_find_key(s->engine->journal, key, &a, &o, &batch, &n, s->err);
	if (rc != 1 || (o.state != OBJECT_COPIED && o.state != OBJECT_SAME))
		return rc < 0 ? -1 : 0;
	return add_object(s, &o, batch, n);
}

static int look_at_page(struct rowscan *s, const struct row_page *page)
{
	int rc = 0;

	for (size_t i = 0; !rc && i < page->n; i++)
		rc = look_at_row(s, &page->items[i]);
	return rc;
}

static int scan_database(struct rowscan *s)
{
	struct migrate_session *session =
	    session_open(s->engine->ends.databases[s->database].end, s->err);
	struct row_scan rows;
	int rc;

	if (!session)
		return -1;
	row_scan_init(&rows, s->engine, session);
	while ((rc = row_scan_next(&rows, s->err)) == 1 && !(rc = look_at_page(s, &rows.page)))
		;
	row_scan_release(&rows);
	session_close(session);
	return rc ? rc : flush(s);
}

int rowscan(struct engine *e, struct error *err)
{
	struct rowscan s = { .engine = e, .err = err };
	int rc = 0;

	s.key = s.value = (struct buf)BUF_INIT(MIGRATE_KEY_MAX);
	s.objects = calloc((size_t)e->job->batch, sizeof(*s.objects));
	s.rename = rename_scratch_new(e->job->rules);
	if (!s.objects || !s.rename)
		rc = error_set(err, EXIT_INTERNAL, "out of memory");
	for (s.database = 0; !rc && s.database < e->ends.database_count; s.database++)
		if (e->job->databases[s.database].match == MATCH_EXACT)
			rc = scan_database(&s);
	batch_free(s.batch);
	rename_scratch_free(s.rename);
	free(s.objects);
	buf_release(&s.key);
	buf_release(&s.value);
	return rc;
}
