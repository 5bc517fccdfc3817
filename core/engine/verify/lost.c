/* SPDX-License-Identifier: MIT */
#include "engine/verify/verify-impl.h"

#include "base/bytes.h"

#include <string.h>

/*
 * Rows that no longer hold what was written. A row may have been changed several
 * times, in several passes: its newest intent alone says what it holds. So those that
 * are missed are gathered first; when all batches were looked at, and there are some,
 * the journal is read twice more: for the newest intent of each of them, and to tell
 * (held.c) what they hold instead.
 */
struct row_name {
	uint32_t database;
	struct migrate_bytes identity, place;
};

static struct row_name row_name_of(const struct chunk *c, const struct row_record *r)
{
	return (struct row_name){ c->database, r->identity, r->place };
}

static bool pack_name(struct buf *b, const struct row_name *n)
{
	return buf_add(b, &n->database, sizeof(n->database)) &&
	       buf_add(b, &n->identity.n, sizeof(n->identity.n)) &&
	       buf_add(b, n->identity.p, n->identity.n) && buf_add(b, n->place.p, n->place.n);
}

static int remember_row(struct lookaside **s, const struct verify *v, struct row_name row,
			int64_t chunk, struct error *err)
{
	const struct journal_place place = task_place(&v->task);
	BUF_AUTO struct buf name = BUF_INIT(1 << 20);

	if (!*s && !(*s = lookaside_new(&place, err)))
		return -1;
	if (!pack_name(&name, &row))
		return error_set(err, EXIT_INTERNAL, "out of memory");
	return lookaside_add(*s, bytes_of(name.p, name.len), bytes_of(&chunk, sizeof(chunk)), err);
}

int verify_lost_add(struct verify *v, const struct chunk *c, const struct row_record *r,
		    struct error *err)
{
	int result;

	pthread_mutex_lock(&v->lock);
	result = remember_row(&v->lost, v, row_name_of(c, r), c->id, err);
	pthread_mutex_unlock(&v->lock);
	return result;
}

int verify_holds_new(struct verify *v, uint32_t database, struct migrate_bytes identity,
		     struct migrate_bytes place, struct error *err)
{
	const struct row_name row = { database, identity, place };
	int result;

	pthread_mutex_lock(&v->lock);
	result = remember_row(&v->holding, v, row, 0, err);
	pthread_mutex_unlock(&v->lock);
	return result;
}

/* ---- When all batches were looked at ---- */

struct teller {
	struct verify *verify;
	const struct batch *batch;
	struct lookaside *newest; /* intents of rows that are missed */
	struct missed_rows *missed;
	bool tells; /* the second time */
};

struct asked {
	int64_t chunk;
	bool any, found, newer;
};

static int compare_chunk(void *arg, struct migrate_bytes payload)
{
	struct asked *a = arg;
	int64_t chunk;

	memcpy(&chunk, payload.p, sizeof(chunk));
	a->any = true;
	a->found |= chunk == a->chunk;
	a->newer |= chunk > a->chunk;
	return 0;
}

/* What s knows of the row: any chunk at all, this very one, a newer one. -1: failed. */
static int ask_newest(struct lookaside *s, const struct chunk *c, const struct row_record *r,
		      struct asked *a, struct error *err)
{
	BUF_AUTO struct buf name = BUF_INIT(1 << 20);
	const struct row_name row = row_name_of(c, r);

	*a = (struct asked){ .chunk = c->id };
	if (!pack_name(&name, &row))
		return error_set(err, EXIT_INTERNAL, "out of memory");
	return lookaside_find(s, bytes_of(name.p, name.len), compare_chunk, a, err) < 0 ? -1 : 0;
}

/* A row that the application pointed to another object of this job is as it should be. */
static int tell_lost(struct teller *t, const struct chunk *c, const struct row_record *r,
		     struct error *err)
{
	struct verify *v = t->verify;
	struct asked holding = { .any = false };

	if (v->holding && ask_newest(v->holding, c, r, &holding, err))
		return -1;
	if (!holding.any)
		return missed_rows_add(t->missed, c->database, &t->batch->objects[r->object], r,
				       err);
	v->result.changed_again++;
	return 0;
}

/* Does the intent say what the row holds? One that is open may. */
static bool counts(const struct chunk *c, const struct row_record *r)
{
	return !c->settled || r->outcome == MIGRATE_ROW_CHANGED ||
	       r->outcome == MIGRATE_ROW_ALREADY;
}

static int each_chunk(void *arg, struct chunk *c, struct error *err)
{
	struct teller *t = arg;
	struct verify *v = t->verify;

	for (uint32_t i = 0; !c->texts && i < c->n && !halt_leaving(&v->halt); i++) {
		const struct row_record *r = &c->rows[i];
		struct asked lost, newest = { .newer = false };

		if (!counts(c, r) || r->object >= t->batch->n)
			continue;
		if (ask_newest(v->lost, c, r, &lost, err))
			return -1;
		if (!t->tells && lost.any &&
		    remember_row(&t->newest, v, row_name_of(c, r), c->id, err))
			return -1;
		if (!t->tells || !lost.found)
			continue;
		if (ask_newest(t->newest, c, r, &newest, err))
			return -1;
		if (!newest.newer && tell_lost(t, c, r, err))
			return -1;
	}
	return 0;
}

static int read_intents(struct teller *t, struct error *err)
{
	struct verify *v = t->verify;
	struct batch *b;
	int64_t after = 0;
	int result = 0;

	while (!result && !halt_leaving(&v->halt) &&
	       (b = journal_next_batch(v->task.journal, after, err))) {
		after = b->id;
		t->batch = b;
		result = journal_each_chunk(v->task.journal, b->id, each_chunk, t, err);
		batch_free(b);
	}
	return result || error_is_set(err) ? -1 : 0;
}

int verify_lost_tell(struct verify *v, struct error *err)
{
	struct teller t = { .verify = v };
	int result = 0;

	if (!v->lost || halt_leaving(&v->halt))
		return 0;
	t.missed = missed_rows_new(v, err);
	result = t.missed ? read_intents(&t, err) : -1;
	t.tells = true;
	if (!result && t.newest)
		result = read_intents(&t, err);
	if (!result)
		missed_rows_flush(t.missed);
	missed_rows_free(t.missed);
	lookaside_free(t.newest);
	return result;
}
