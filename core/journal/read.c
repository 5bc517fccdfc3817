/* SPDX-License-Identifier: MIT */
#include "journal/journal-impl.h"

#include <string.h>

struct connection *journal_read_begin(struct journal *j, struct error *err)
{
	struct connection *c = j->store->reader;

	pthread_mutex_lock(&j->read_lock);
	if (!j->backend->begin_read(c, err))
		return c;
	pthread_mutex_unlock(&j->read_lock);
	return NULL;
}

int journal_read_end(struct journal *j, enum result r)
{
	j->backend->end_read(j->store->reader);
	pthread_mutex_unlock(&j->read_lock);
	return r == RESULT_OK || r == RESULT_NONE ? 0 : -1;
}

int journal_open_batches(struct journal *j, int64_t after, int64_t *ids, size_t max, size_t *n,
			 struct error *err)
{
	struct connection *c = journal_read_begin(j, err);

	*n = 0;
	return c ? journal_read_end(j,
				    c->backend->batches(c, BATCHES_OPEN, after, ids, max, n, err))
		 : -1;
}

int journal_has_open(struct journal *j, struct error *err)
{
	int64_t id;
	size_t n;

	return journal_open_batches(j, 0, &id, 1, &n, err) ? -1 : n != 0;
}

struct batch *journal_load(struct journal *j, int64_t id, struct error *err)
{
	struct connection *c = journal_read_begin(j, err);
	struct batch *b = NULL;

	if (c)
		journal_read_end(j, journal_batch_must_load(c, id, &b, err));
	return b;
}

/* The next batch of this kind behind `after`; NULL: none, or err is set. */
static struct batch *next_of(struct journal *j, enum batches_of what, int64_t after,
			     struct error *err)
{
	struct connection *c = journal_read_begin(j, err);
	struct batch *b = NULL;
	enum result r;
	int64_t id;
	size_t n = 0;

	if (!c)
		return NULL;
	r = c->backend->batches(c, what, after, &id, 1, &n, err);
	if (!r && n)
		r = journal_batch_must_load(c, id, &b, err);
	journal_read_end(j, r);
	return b;
}

struct batch *journal_next_batch(struct journal *j, int64_t after, struct error *err)
{
	return next_of(j, BATCHES_ALL, after, err);
}

static int each_in_state(struct journal *j, enum batches_of batches, uint8_t state,
			 enum fail_class class, journal_each_object *each, void *arg,
			 struct error *err)
{
	struct batch *b;
	int64_t at = 0;
	int stop = 0;

	while (!stop && (b = next_of(j, batches, at, err))) {
		at = b->id;
		for (uint32_t i = 0; !stop && i < b->n; i++)
			if (b->objects[i].key.n && b->objects[i].state == state &&
			    (class == FAIL_NONE || b->objects[i].fail == class))
				stop = each(arg, b, i, &b->objects[i]);
		batch_free(b);
	}
	return error_is_set(err) ? -1 : stop;
}

int journal_each_failed(struct journal *j, enum fail_class class, journal_each_object *each,
			void *arg, struct error *err)
{
	return each_in_state(j, BATCHES_FAILED, OBJECT_FAILED, class, each, arg, err);
}

int journal_each_conflict_skipped(struct journal *j, journal_each_object *each, void *arg,
				  struct error *err)
{
	return each_in_state(j, BATCHES_SKIPPED, OBJECT_SKIPPED, FAIL_CONFLICT, each, arg, err);
}

static bool holds_text(struct migrate_bytes in, struct migrate_bytes text)
{
	return !text.n || (in.n && memmem(in.p, in.n, text.p, text.n));
}

int journal_search(struct journal *j, struct migrate_bytes text, size_t limit,
		   journal_each_object *each, void *arg, struct error *err)
{
	struct batch *b;
	int64_t at = 0;
	size_t found = 0;
	int stop = 0;

	while (!stop && found < limit && (b = journal_next_batch(j, at, err))) {
		at = b->id;
		for (uint32_t i = 0; !stop && found < limit && i < b->n; i++) {
			const struct object_record *o = &b->objects[i];

			if (!o->key.n || o->state == OBJECT_MOVED ||
			    (!holds_text(o->key, text) && !holds_text(o->new_key, text)))
				continue;
			found++;
			stop = each(arg, b, i, o);
		}
		batch_free(b);
	}
	return error_is_set(err) ? -1 : stop;
}

/* The rows of one batch that conflicted or failed. */
static int each_bad_in(struct journal *j, int64_t batch, journal_each_row *each, void *arg,
		       struct error *err)
{
	ARENA_AUTO struct arena a = ARENA_INIT;
	struct chunk *chunks;
	size_t n;
	int stop = 0;

	if (journal_chunks(j, batch, &a, &chunks, &n, err))
		return -1;
	for (size_t i = 0; !stop && i < n; i++)
		for (uint32_t r = 0; !stop && r < chunks[i].n; r++)
			if (row_is_bad(&chunks[i].rows[r]))
				stop = each(arg, batch, &chunks[i], &chunks[i].rows[r]);
	return stop;
}

int journal_each_bad_row(struct journal *j, journal_each_row *each, void *arg, struct error *err)
{
	struct batch *b;
	int64_t at = 0;
	int stop = 0;

	while (!stop && (b = next_of(j, BATCHES_BAD_ROWS, at, err))) {
		at = b->id;
		batch_free(b);
		stop = each_bad_in(j, at, each, arg, err);
	}
	return error_is_set(err) ? -1 : stop;
}

int journal_began_at(struct journal *j, int64_t batch, int64_t *began, struct error *err)
{
	struct connection *c = journal_read_begin(j, err);
	struct batch b = { .id = 0 };
	bool dropped;
	int rc;

	*began = 0;
	if (!c)
		return -1;
	rc = journal_read_end(j, c->backend->batch_get(c, batch, &b, &dropped, err));
	*began = b.began;
	arena_release(&b.arena);
	return rc;
}

int journal_position(struct journal *j, int pass, struct arena *a, struct migrate_bytes *last_key,
		     struct migrate_bytes *position, struct error *err)
{
	struct connection *c = journal_read_begin(j, err);

	return c ? journal_read_end(j, c->backend->position(c, pass, a, last_key, position, err))
		 : -1;
}

int journal_last_before(struct journal *j, int pass, int64_t *id, struct error *err)
{
	struct connection *c = journal_read_begin(j, err);

	*id = 0;
	return c ? journal_read_end(j, c->backend->batch_before(c, pass, id, err)) : -1;
}

int journal_counts(struct journal *j, int pass, struct batch_counts *counts, struct error *err)
{
	struct connection *c = journal_read_begin(j, err);

	memset(counts, 0, sizeof(*counts));
	return c ? journal_read_end(j, c->backend->counts(c, pass, counts, err)) : -1;
}

static int get_upload(struct journal *j, struct migrate_bytes key, bool next, struct arena *a,
		      struct upload_record *u, struct error *err)
{
	struct connection *c = journal_read_begin(j, err);
	enum result r;

	memset(u, 0, sizeof(*u));
	if (!c)
		return -1;
	r = c->backend->upload_get(c, key, next, a, u, err);
	return journal_read_end(j, r) ? -1 : !r;
}

int journal_get_upload(struct journal *j, struct migrate_bytes new_key, struct arena *a,
		       struct upload_record *u, struct error *err)
{
	return get_upload(j, new_key, false, a, u, err);
}

int journal_next_upload(struct journal *j, struct migrate_bytes after, struct arena *a,
			struct upload_record *u, struct error *err)
{
	return get_upload(j, after, true, a, u, err);
}
