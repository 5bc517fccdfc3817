/* SPDX-License-Identifier: MIT */
#include "journal/journal-impl.h"

#include "base/bytes.h"

/*
 * Rows: intents and outcomes. Of a text the old one is kept, compressed, and what
 * was replaced in it. A chunk that is settled says CHANGED for each of
 * its rows but those that have an outcome of their own: the usual row is written
 * once.
 */
struct rewrite {
	struct batch *b;
	struct chunk *chunk;
	struct migrate_bytes packed; /* of a chunk of texts: what they were */
};

static enum result apply_intent(struct connection *c, void *arg, struct error *err)
{
	struct rewrite *w = arg;
	enum result r = c->backend->chunk_insert(c, w->chunk, w->packed, err);

	if (r || w->b->state > BATCH_REWRITING)
		return r;
	w->b->state = BATCH_REWRITING;
	return c->backend->batch_set(c, w->b, SET_STATE, err);
}

bool row_is_bad(const struct row_record *r)
{
	return r->outcome == MIGRATE_ROW_CONFLICT || r->outcome == MIGRATE_ROW_FAILED;
}

bool row_is_as_intended(const struct row_record *r)
{
	return r->outcome == MIGRATE_ROW_CHANGED && !r->message && !r->extra_differs;
}

int journal_intent(struct journal *j, struct batch *b, struct chunk *chunk, struct error *err)
{
	ARENA_AUTO struct arena a = ARENA_INIT;
	struct rewrite w = { .b = b, .chunk = chunk };

	/* here and not in the writer's thread, for which all others wait */
	if (chunk->texts && !journal_texts_pack(&a, chunk, &w.packed))
		return error_set(err, EXIT_INTERNAL, "out of memory");
	chunk->batch = b->id;
	chunk->settled = false;
	for (uint32_t i = 0; i < chunk->n; i++)
		chunk->rows[i].number = i;
	return journal_write(j, apply_intent, &w, err);
}

static enum result apply_outcome(struct connection *c, void *arg, struct error *err)
{
	struct rewrite *w = arg;
	enum result r = c->backend->chunk_settle(c, w->chunk, err);

	return r ? r : c->backend->batch_set(c, w->b, SET_STATE | SET_ROWS, err);
}

int journal_outcome(struct journal *j, struct batch *b, struct chunk *chunk, struct error *err)
{
	struct rewrite w = { .b = b, .chunk = chunk };
	int failed = journal_write(j, apply_outcome, &w, err);

	if (!failed)
		chunk->settled = true;
	return failed;
}

/* Dropped rows (keep: failures) leave fewer than the chunk had. */
static enum result read_rows(struct connection *c, struct chunk *chunk, bool dropped,
			     struct arena *a, struct error *err)
{
	uint32_t most = chunk->n;
	enum result r = c->backend->rows(c, chunk, a, &chunk->rows, &chunk->n, err);

	if (r)
		return r;
	if (chunk->n > most || (chunk->n != most && !dropped))
		return journal_damaged(c, err, "chunk %lld has %u of its %u rows",
				       (long long)chunk->id, chunk->n, most);
	if (chunk->texts && !journal_texts_unpack(a, chunk))
		return journal_damaged(c, err, "the texts of chunk %lld cannot be read",
				       (long long)chunk->id);
	return RESULT_OK;
}

/* The chunks alone, without their rows. *dropped: the batch has lost some of those on purpose. */
static enum result list_chunks(struct connection *c, int64_t batch, bool open, struct arena *a,
			       struct chunk **chunks, size_t *n, bool *dropped, struct error *err)
{
	struct batch b = { .id = 0 };
	enum result r = c->backend->batch_get(c, batch, &b, dropped, err);

	arena_release(&b.arena);
	return r ? r : c->backend->chunks(c, batch, open, a, chunks, n, err);
}

static int get_chunks(struct journal *j, int64_t batch, bool open, struct arena *a,
		      struct chunk **chunks, size_t *n, struct error *err)
{
	struct connection *c = journal_read_begin(j, err);
	bool dropped = false;
	enum result r;

	*chunks = NULL;
	*n = 0;
	if (!c)
		return -1;
	r = list_chunks(c, batch, open, a, chunks, n, &dropped, err);
	for (size_t i = 0; !r && i < *n; i++)
		r = read_rows(c, &(*chunks)[i], dropped, a, err);
	return journal_read_end(j, r);
}

int journal_open_chunks(struct journal *j, int64_t batch, struct arena *a, struct chunk **chunks,
			size_t *n, struct error *err)
{
	return get_chunks(j, batch, true, a, chunks, n, err);
}

int journal_chunks(struct journal *j, int64_t batch, struct arena *a, struct chunk **chunks,
		   size_t *n, struct error *err)
{
	return get_chunks(j, batch, false, a, chunks, n, err);
}

int journal_each_chunk(struct journal *j, int64_t batch,
		       int (*each)(void *arg, struct chunk *chunk, struct error *err), void *arg,
		       struct error *err)
{
	ARENA_AUTO struct arena headers = ARENA_INIT, rows = ARENA_INIT;
	struct connection *c = journal_read_begin(j, err);
	struct chunk *chunks = NULL;
	bool dropped = false;
	size_t n = 0;
	int rc = c ? journal_read_end(
			 j, list_chunks(c, batch, false, &headers, &chunks, &n, &dropped, err))
		   : -1;

	for (size_t i = 0; !rc && i < n; i++) {
		c = journal_read_begin(j, err);
		arena_reset(&rows);
		rc = c ? journal_read_end(j, read_rows(c, &chunks[i], dropped, &rows, err)) : -1;
		if (!rc)
			rc = each(arg, &chunks[i], err);
	}
	return rc;
}
