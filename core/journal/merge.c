/* SPDX-License-Identifier: MIT */
#include "journal/journal-impl.h"

#include "base/bytes.h"

#include <stdlib.h>
#include <string.h>

/*
 * Each pass is a sorted run: its batches of kind SORTED by their first key, their
 * objects by number. A page of each is in memory; the smallest key comes next,
 * from the newest pass that has it. A transaction lasts for one page, so that
 * checkpoints are not held up.
 */
#define PAGE 128

struct run {
	int pass;
	struct arena arena; /* of the page */
	struct object_record *page;
	uint32_t *numbers;
	size_t count, at;
	int64_t batch;        /* of the page; 0: before the first */
	uint32_t next;        /* the object to read next */
	unsigned char *first; /* the batch's first key, malloc'ed */
	size_t first_size;
	bool ended, taken;
};

struct journal_merge {
	struct journal *j;
	struct arena arena; /* of a record that was followed */
	struct run *runs;   /* newest pass first */
	size_t count;
};

void journal_merge_close(struct journal_merge *m)
{
	if (!m)
		return;
	for (size_t i = 0; i < m->count; i++) {
		arena_release(&m->runs[i].arena);
		free(m->runs[i].page);
		free(m->runs[i].numbers);
		free(m->runs[i].first);
	}
	arena_release(&m->arena);
	free(m->runs);
	free(m);
}

static bool run_init(struct run *r, int pass)
{
	r->pass = pass;
	r->page = calloc(PAGE, sizeof(*r->page));
	r->numbers = calloc(PAGE, sizeof(*r->numbers));
	return r->page && r->numbers;
}

static int newest_pass(struct journal *j, int *pass, struct error *err)
{
	struct connection *c = journal_read_begin(j, err);

	return c ? journal_read_end(j, c->backend->last_pass(c, pass, err)) : -1;
}

struct journal_merge *journal_merge_open(struct journal *j, int before, struct error *err)
{
	struct journal_merge *m;
	int newest;

	if (newest_pass(j, &newest, err))
		return NULL;
	if (newest >= before)
		newest = before - 1;
	m = calloc(1, sizeof(*m));
	if (!m)
		goto fail;
	m->j = j;
	m->runs = calloc(newest > 0 ? (size_t)newest : 1, sizeof(*m->runs));
	if (!m->runs)
		goto fail;
	for (; newest > 0; newest--)
		if (!run_init(&m->runs[m->count++], newest))
			goto fail;
	return m;
fail:
	journal_merge_close(m);
	error_set(err, EXIT_INTERNAL, "out of memory");
	return NULL;
}

/* The batch behind the present one. NONE: the pass has no more. */
static enum result next_batch(struct connection *c, struct run *r, struct error *err)
{
	ARENA_AUTO struct arena a = ARENA_INIT;
	struct migrate_bytes key;
	unsigned char *grown;
	enum result found = c->backend->batch_behind(c, r->pass, bytes_of(r->first, r->first_size),
						     &r->batch, &a, &key, err);

	if (found)
		return found;
	grown = malloc(key.n ? key.n : 1);
	if (!grown)
		return journal_no_memory(err);
	memcpy(grown, key.p, key.n);
	free(r->first);
	r->first = grown;
	r->first_size = key.n;
	r->next = 0;
	return RESULT_OK;
}

static enum result read_page(struct connection *c, struct run *r, struct error *err)
{
	struct object_page page = { .objects = r->page, .numbers = r->numbers, .max = PAGE };
	enum result got;

	arena_reset(&r->arena);
	got = c->backend->objects_get(c, r->batch, r->next, &page, &r->arena, err);
	r->count = page.n;
	if (page.n)
		r->next = r->numbers[page.n - 1] + 1;
	return got;
}

static enum result fill_run(struct connection *c, struct run *r, struct error *err)
{
	enum result got = RESULT_OK;

	r->count = r->at = 0;
	while (!got) {
		if (r->batch) {
			got = read_page(c, r, err);
			if (got || r->count)
				break;
		}
		got = next_batch(c, r, err);
	}
	r->ended = !r->count;
	return got;
}

/* Step over what was given out, and have a page of each run that goes on. */
static int advance_runs(struct journal_merge *m, struct error *err)
{
	for (size_t i = 0; i < m->count; i++) {
		struct run *r = &m->runs[i];
		struct connection *c;

		r->at += r->taken;
		r->taken = false;
		if (r->ended || r->at < r->count)
			continue;
		c = journal_read_begin(m->j, err);
		if (!c || journal_read_end(m->j, fill_run(c, r, err)))
			return -1;
	}
	return 0;
}

/* The run with the smallest key, the newest of several; all that have it are taken. */
static struct run *choose(struct journal_merge *m)
{
	struct run *best = NULL;

	for (size_t i = 0; i < m->count; i++) {
		struct run *r = &m->runs[i];

		if (!r->ended &&
		    (!best || bytes_compare(r->page[r->at].key, best->page[best->at].key) < 0))
			best = r;
	}
	for (size_t i = 0; best && i < m->count; i++) {
		struct run *r = &m->runs[i];

		r->taken = !r->ended && bytes_equal(r->page[r->at].key, best->page[best->at].key);
	}
	return best;
}

/* 1: it stands where it ended; 0: it was dropped there. */
static int follow(struct journal_merge *m, struct object_record *o, int64_t *batch, uint32_t *n,
		  struct error *err)
{
	struct connection *c = journal_read_begin(m->j, err);
	enum result r;

	if (!c)
		return -1;
	arena_reset(&m->arena);
	r = journal_object_follow(c, &m->arena, o, batch, n, err);
	return journal_read_end(m->j, r) ? -1 : !r;
}

int journal_merge_next(struct journal_merge *m, struct object_record *out, int64_t *batch,
		       uint32_t *n, struct error *err)
{
	for (;;) {
		struct run *r;
		int found = 1;

		if (advance_runs(m, err))
			return -1;
		r = choose(m);
		if (!r)
			return 0;
		*out = r->page[r->at];
		*batch = r->batch;
		*n = r->numbers[r->at];
		if (out->state == OBJECT_MOVED)
			found = follow(m, out, batch, n, err);
		if (found)
			return found;
	}
}
