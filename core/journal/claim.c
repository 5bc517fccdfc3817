/* SPDX-License-Identifier: MIT */
#include "journal/journal-impl.h"

/* Whose work it is, where several runs share a journal. */

struct claim {
	int64_t after, *ids;
	const int64_t *released;
	size_t max, n;
};

int64_t journal_epoch(const struct journal *j)
{
	return j->run;
}

static enum result apply_claim(struct connection *c, void *arg, struct error *err)
{
	struct claim *a = arg;

	return c->backend->claim(c, a->after, a->ids, a->max, &a->n, err);
}

int journal_claim(struct journal *j, int64_t after, int64_t *ids, size_t max, size_t *n,
		  struct error *err)
{
	struct claim a = { .after = after, .ids = ids, .max = max };
	int failed = journal_write(j, apply_claim, &a, err);

	*n = failed ? 0 : a.n;
	return failed;
}

static enum result apply_renew(struct connection *c, void *arg, struct error *err)
{
	(void)arg;
	return c->backend->renew(c, err);
}

int journal_renew(struct journal *j, struct error *err)
{
	return journal_write(j, apply_renew, NULL, err);
}

static enum result apply_release(struct connection *c, void *arg, struct error *err)
{
	struct claim *a = arg;

	return c->backend->release(c, a->released, a->n, err);
}

int journal_release(struct journal *j, const int64_t *ids, size_t n, struct error *err)
{
	struct claim a = { .released = ids, .n = n };

	return n ? journal_write(j, apply_release, &a, err) : 0;
}

int journal_fenced(struct journal *j, int64_t epoch, struct error *err)
{
	struct connection *c = journal_read_begin(j, err);
	bool fenced = false;

	if (!c || journal_read_end(j, c->backend->fenced(c, epoch, &fenced, err)))
		return -1;
	return fenced;
}

#define IDS 64

static bool is_behind(const struct batch *b, int pass, enum batch_state state)
{
	return b->pass == pass && (b->kind == BATCH_SORTED || b->kind == BATCH_MOVED) &&
	       b->state < state;
}

/* Open batches are few, however large the pass. NONE: one is behind. */
static enum result look_at_open(struct connection *c, int pass, enum batch_state state,
				struct error *err)
{
	int64_t ids[IDS], after = 0;
	enum result r = RESULT_OK;
	size_t n = IDS;

	while (!r && n == IDS) {
		r = c->backend->batches(c, BATCHES_OPEN, after, ids, IDS, &n, err);
		for (size_t i = 0; !r && i < n; i++) {
			struct batch b = { .id = 0 };
			bool dropped;

			after = ids[i];
			r = c->backend->batch_get(c, after, &b, &dropped, err);
			if (!r && is_behind(&b, pass, state))
				r = RESULT_NONE;
			arena_release(&b.arena);
		}
	}
	return r;
}

int journal_pass_is_at(struct journal *j, int pass, enum batch_state state, struct error *err)
{
	struct connection *c = journal_read_begin(j, err);
	enum result r;

	if (!c)
		return -1;
	r = look_at_open(c, pass, state, err);
	return journal_read_end(j, r) ? -1 : r == RESULT_OK;
}
