/* SPDX-License-Identifier: MIT */
#include "journal/journal-impl.h"

#include "base/bytes.h"

/*
 * One key: in each pass, newest first, the batch whose range it lies in, then halving
 * the batch. Batches of a pass do not overlap, so there is no other one to look at.
 */

/* Objects may be missing (dropped), so a probe may land behind where it aimed. */
static enum result find_in(struct connection *c, int64_t batch, uint32_t count,
			   struct migrate_bytes key, struct arena *a, struct object_record *o,
			   uint32_t *n, struct error *err)
{
	uint32_t low = 0, high = count;

	while (low < high) {
		uint32_t middle = low + (high - low) / 2;
		struct object_page page = { .objects = o, .numbers = n, .max = 1 };
		enum result r = c->backend->objects_get(c, batch, middle, &page, a, err);
		int order;

		if (r)
			return r;
		order = page.n ? bytes_compare(o->key, key) : 1;
		if (!order)
			return RESULT_OK;
		if (order > 0)
			high = middle;
		else
			low = *n + 1;
	}
	return RESULT_NONE;
}

static enum result find_in_pass(struct connection *c, int pass, struct migrate_bytes key,
				struct arena *a, struct object_record *o, int64_t *batch,
				uint32_t *n, struct error *err)
{
	uint32_t count;
	enum result r = c->backend->batch_of_key(c, pass, key, batch, &count, err);

	if (!r)
		r = find_in(c, *batch, count, key, a, o, n, err);
	return r ? r : journal_object_follow(c, a, o, batch, n, err);
}

static enum result find_in_passes(struct connection *c, struct migrate_bytes key, struct arena *a,
				  struct object_record *o, int64_t *batch, uint32_t *n,
				  struct error *err)
{
	int pass = 0;
	enum result r = c->backend->last_pass(c, &pass, err);

	if (r)
		return r;
	for (r = RESULT_NONE; r == RESULT_NONE && pass > 0; pass--)
		r = find_in_pass(c, pass, key, a, o, batch, n, err);
	return r;
}

int journal_find_key(struct journal *j, struct migrate_bytes key, struct arena *a,
		     struct object_record *out, int64_t *batch, uint32_t *n, struct error *err)
{
	struct connection *c;
	enum result r;

	if (!key.n)
		return 0;
	c = journal_read_begin(j, err);
	if (!c)
		return -1;
	r = find_in_passes(c, key, a, out, batch, n, err);
	return journal_read_end(j, r) ? -1 : !r;
}

int journal_key_range(struct journal *j, struct arena *a, struct migrate_bytes *first,
		      struct migrate_bytes *last, struct error *err)
{
	struct connection *c = journal_read_begin(j, err);

	*first = *last = bytes_of(NULL, 0);
	return c ? journal_read_end(j, c->backend->key_range(c, a, first, last, err)) : -1;
}

int journal_next_of_key(struct journal *j, struct migrate_bytes key, int64_t *batch, uint32_t *n,
			struct error *err)
{
	struct connection *c = journal_read_begin(j, err);
	enum result r;

	if (!c)
		return -1;
	r = c->backend->next_of_key(c, key, batch, n, err);
	return journal_read_end(j, r) ? -1 : !r;
}
