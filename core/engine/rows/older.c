/* SPDX-License-Identifier: MIT */
#include "engine/rows/older.h"

#include "base/array.h"
#include "base/buf.h"
#include "base/bytes.h"
#include "engine/rows/rewriter.h"
#include "journal/lookaside.h"

#include <stdlib.h>
#include <string.h>

/*
 * Found by (database, identity, place), of all that is counted as conflicting or failed: a few rows of
 * a job, or none, and then nobody is kept up.
 */
struct older_rows {
	const struct task *task;
	pthread_mutex_t lock;
	struct lookaside *bad; /* payload: the batch; NULL: there was none */
};

static bool make_key(struct buf *key, uint32_t database, const struct row_record *r)
{
	uint32_t n = (uint32_t)r->identity.n;

	buf_reset(key);
	return buf_add(key, &database, sizeof(database)) && buf_add(key, &n, sizeof(n)) &&
	       buf_add(key, r->identity.p, r->identity.n) && buf_add(key, r->place.p, r->place.n);
}

static int add_older_row(struct older_rows *o, const struct chunk *c, const struct row_record *r,
			 int64_t batch, struct error *err)
{
	const struct journal_place place = task_place(o->task);
	BUF_AUTO struct buf key = BUF_INIT(SIZE_MAX);

	if (!o->bad && !(o->bad = lookaside_new(&place, err)))
		return -1;
	if (!make_key(&key, c->database, r))
		return error_set(err, EXIT_INTERNAL, "out of memory");
	return lookaside_add(o->bad, bytes_of(key.p, key.len), bytes_of(&batch, sizeof(batch)),
			     err);
}

struct reading {
	struct older_rows *older;
	struct error *err;
};

static int add_read(void *arg, int64_t batch, const struct chunk *c, const struct row_record *r)
{
	struct reading *reading = arg;

	return c->texts ? 0 : add_older_row(reading->older, c, r, batch, reading->err);
}

struct older_rows *older_rows_new(const struct task *t, struct error *err)
{
	struct older_rows *o = calloc(1, sizeof(*o));
	struct reading r = { .older = o, .err = err };

	if (!o) {
		error_set(err, EXIT_INTERNAL, "out of memory");
		return NULL;
	}
	o->task = t;
	pthread_mutex_init(&o->lock, NULL);
	if (!journal_each_bad_row(t->journal, add_read, &r, err))
		return o;
	older_rows_free(o);
	return NULL;
}

void older_rows_free(struct older_rows *o)
{
	if (!o)
		return;
	lookaside_free(o->bad);
	pthread_mutex_destroy(&o->lock);
	free(o);
}

int older_rows_note(struct older_rows *o, const struct chunk *c, struct error *err)
{
	int rc = 0;

	if (c->texts)
		return 0;
	pthread_mutex_lock(&o->lock);
	for (uint32_t i = 0; !rc && i < c->n; i++)
		if (row_is_bad(&c->rows[i]))
			rc = add_older_row(o, c, &c->rows[i], c->batch, err);
	pthread_mutex_unlock(&o->lock);
	return rc;
}

/* ---- Stepping back ---- */

/* Rows of a chunk that is about to be changed, and the batches that have spoken of them. */
struct meeting {
	struct older_rows *older;
	const struct chunk *chunk;
	const struct row_record **rows; /* by identity and place */
	int64_t *batches;               /* distinct */
	size_t n, cap;
	struct batch *batch; /* the one at hand */
};

static int compare_rows(const void *a, const void *b)
{
	const struct row_record *const *x = a, *const *y = b;
	int c = bytes_compare((*x)->identity, (*y)->identity);

	return c ? c : bytes_compare((*x)->place, (*y)->place);
}

static int meet_batch(void *arg, struct migrate_bytes payload)
{
	struct meeting *a = arg;
	int64_t batch;

	memcpy(&batch, payload.p, sizeof(batch));
	for (size_t i = 0; i < a->n; i++)
		if (a->batches[i] == batch)
			return 0;
	if (a->n == a->cap) {
		size_t cap = a->cap ? 2 * a->cap : 16;
		int64_t *more = reallocarray(a->batches, cap, sizeof(*more));

		if (!more)
			return -1;
		a->batches = more;
		a->cap = cap;
	}
	a->batches[a->n++] = batch;
	return 0;
}

static int find_batches(struct meeting *a, struct error *err)
{
	BUF_AUTO struct buf key = BUF_INIT(SIZE_MAX);
	const struct chunk *c = a->chunk;
	int rc = 0;

	for (uint32_t i = 0; !rc && i < c->n; i++)
		rc = make_key(&key, c->database, &c->rows[i])
			 ? lookaside_find(a->older->bad, bytes_of(key.p, key.len), meet_batch, a,
					  err)
			 : -1;
	if (rc && !error_is_set(err))
		error_set(err, EXIT_INTERNAL, "out of memory");
	return rc;
}

static bool sort_meeting(struct meeting *a)
{
	a->rows = calloc(a->chunk->n, sizeof(const struct row_record *));
	for (uint32_t i = 0; a->rows && i < a->chunk->n; i++)
		a->rows[i] = &a->chunk->rows[i];
	if (a->rows)
		array_sort(a->rows, a->chunk->n, sizeof(const struct row_record *), compare_rows);
	return a->rows != NULL;
}

static bool is_again(const struct meeting *a, const struct row_record *r)
{
	return array_find(&r, a->rows, a->chunk->n, sizeof(const struct row_record *),
			  compare_rows);
}

static int step_back_in_chunk(void *arg, struct chunk *c, struct error *err)
{
	struct meeting *a = arg;
	uint64_t n = 0;

	if (c->texts || c->database != a->chunk->database)
		return 0;
	for (uint32_t i = 0; i < c->n; i++)
		if (row_is_bad(&c->rows[i]) && is_again(a, &c->rows[i])) {
			row_step_back(a->batch, &c->rows[i]);
			n++;
		}
	return n ? journal_outcome(a->older->task->journal, a->batch, c, err) : 0;
}

/* A batch that is still open counts its rows anew by itself. */
static int step_back_in_batch(struct meeting *a, int64_t id, struct error *err)
{
	int rc = 0;

	a->batch = journal_load(a->older->task->journal, id, err);
	if (!a->batch)
		return -1;
	if (a->batch->state == BATCH_DONE)
		rc = journal_each_chunk(a->older->task->journal, id, step_back_in_chunk, a, err);
	batch_free(a->batch);
	return rc;
}

static int step_back(struct older_rows *o, const struct chunk *c, struct error *err)
{
	struct meeting a = { .older = o, .chunk = c };
	int rc = find_batches(&a, err);

	if (!rc && a.n && !sort_meeting(&a))
		rc = error_set(err, EXIT_INTERNAL, "out of memory");
	for (size_t i = 0; !rc && i < a.n; i++)
		rc = step_back_in_batch(&a, a.batches[i], err);
	free(a.rows);
	free(a.batches);
	return rc;
}

int older_rows_step_back(struct older_rows *o, const struct chunk *c, struct error *err)
{
	int rc = 0;

	pthread_mutex_lock(&o->lock);
	if (o->bad && !c->texts)
		rc = step_back(o, c, err);
	pthread_mutex_unlock(&o->lock);
	return rc;
}
