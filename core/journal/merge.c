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

static int newest_pass(struct journal *j, int64_t *pass, struct error *err)
{
	struct connection *c = journal_read_begin(j, err);
	struct statement s;
	int rc;

	if (!c)
		return -1;
	s = statement(c, SQL_BATCH_LAST_PASS);
	rc = statement_step(&s);
	*pass = rc == SQLITE_ROW ? column_integer(&s, 0) : 0;
	statement_end(&s);
	return journal_read_end(j, rc, err);
}

struct journal_merge *journal_merge_open(struct journal *j, int before, struct error *err)
{
	struct journal_merge *m;
	int64_t newest;

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
		if (!run_init(&m->runs[m->count++], (int)newest))
			goto fail;
	return m;
fail:
	journal_merge_close(m);
	error_set(err, EXIT_INTERNAL, "out of memory");
	return NULL;
}

/* The batch behind the present one: SQLITE_ROW, SQLITE_DONE: the pass has no more. */
static int next_batch(struct connection *c, struct run *r)
{
	struct statement s = statement(c, SQL_BATCH_AFTER_KEY);
	struct migrate_bytes key;
	unsigned char *grown;
	int rc;

	bind_integer(&s, r->pass);
	bind_bytes(&s, bytes_of(r->first, r->first_size));
	rc = statement_step(&s);
	if (rc != SQLITE_ROW)
		return rc;
	key = column_bytes(&s, 2);
	grown = malloc(key.n ? key.n : 1);
	if (grown) {
		memcpy(grown, key.p, key.n);
		r->batch = column_integer(&s, 0);
		r->next = 0;
	}
	statement_end(&s);
	free(r->first);
	r->first = grown;
	r->first_size = grown ? key.n : 0;
	return grown ? SQLITE_ROW : SQLITE_NOMEM;
}

static int read_page(struct connection *c, struct run *r)
{
	struct statement s = statement(c, SQL_OBJECT_FROM);
	int rc = SQLITE_OK;

	r->count = r->at = 0;
	arena_reset(&r->arena);
	bind_integer(&s, r->batch);
	bind_integer(&s, r->next);
	bind_integer(&s, PAGE);
	while (!rc && r->count < PAGE && (rc = statement_step(&s)) == SQLITE_ROW) {
		rc = journal_object_row(c, &s, r->batch, r->next, &r->arena, &r->numbers[r->count],
					&r->page[r->count]);
		if (!rc)
			r->next = r->numbers[r->count++] + 1;
	}
	statement_end(&s);
	return rc;
}

static int fill(struct connection *c, struct run *r)
{
	int rc = SQLITE_ROW;

	r->count = r->at = 0;
	while (rc == SQLITE_ROW && r->at == r->count) {
		if (r->batch) {
			rc = read_page(c, r);
			if (r->count || (rc && rc != SQLITE_DONE))
				break;
		}
		rc = next_batch(c, r);
	}
	r->ended = !r->count;
	return rc;
}

/* Step over what was given out, and have a page of each run that goes on. */
static int advance(struct journal_merge *m, struct error *err)
{
	for (size_t i = 0; i < m->count; i++) {
		struct run *r = &m->runs[i];
		struct connection *c;

		r->at += r->taken;
		r->taken = false;
		if (r->ended || r->at < r->count)
			continue;
		c = journal_read_begin(m->j, err);
		if (!c || journal_read_end(m->j, fill(c, r), err))
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
	int rc;

	if (!c)
		return -1;
	arena_reset(&m->arena);
	rc = journal_object_follow(c, &m->arena, o, batch, n);
	return journal_read_end(m->j, rc, err) ? -1 : rc == SQLITE_ROW;
}

int journal_merge_next(struct journal_merge *m, struct object_record *out, int64_t *batch,
		       uint32_t *n, struct error *err)
{
	for (;;) {
		struct run *r;
		int found = 1;

		if (advance(m, err))
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
