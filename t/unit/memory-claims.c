/* SPDX-License-Identifier: MIT */
#include "memory-impl.h"

/* Whose work it is: who claimed a batch last has it, until he is not heard of any more. */

struct kept_claim {
	int64_t batch, run; /* run 0: released */
};

/* 0: nobody's. */
static int64_t owner_of(struct connection *c, int64_t batch)
{
	struct list *l = memory_list_of(c, CLAIMS);
	int64_t owner = 0;

	for (size_t i = 0; i < l->n; i++) {
		const struct kept_claim *k = l->items[i];

		if (k->batch == batch)
			owner = k->run;
	}
	return owner;
}

static void put(struct connection *c, int64_t batch, int64_t run)
{
	struct kept_claim *k = memory_make(c, sizeof(*k));

	k->batch = batch;
	k->run = run;
	memory_append(c, CLAIMS, k);
}

void memory_take(struct connection *c, int64_t batch)
{
	if (c->run)
		put(c, batch, c->run);
}

static void fence(struct connection *c, int64_t run)
{
	int64_t *kept = memory_make(c, sizeof(*kept));

	*kept = run;
	memory_append(c, FENCED, kept);
}

enum result memory_fenced(struct connection *c, int64_t run, bool *fenced, struct error *err)
{
	struct list *l = memory_list_of(c, FENCED);

	(void)err;
	*fenced = false;
	for (size_t i = 0; i < l->n; i++)
		*fenced |= *(const int64_t *)l->items[i] == run;
	return RESULT_OK;
}

/* Without sharing there is one run, and all is its own. */
static bool may_have(struct connection *c, int64_t owner)
{
	return !memory_is_shared || !owner || owner == c->run || owner == memory_silent_run;
}

enum result memory_claim(struct connection *c, int64_t after, int64_t *ids, size_t max, size_t *n,
			 struct error *err)
{
	enum result r = RESULT_OK;
	size_t got;

	*n = 0;
	while (!r && *n < max) {
		int64_t owner, id;

		r = memory_batches(c, BATCHES_OPEN, after, &id, 1, &got, err);
		if (r || !got)
			break;
		after = id;
		owner = owner_of(c, id);
		if (!may_have(c, owner))
			continue;
		if (owner && owner != c->run)
			fence(c, owner);
		memory_take(c, id);
		ids[(*n)++] = id;
	}
	return r;
}

/* The test says who is alive. */
enum result memory_renew(struct connection *c, struct error *err)
{
	(void)c;
	(void)err;
	return RESULT_OK;
}

enum result memory_release(struct connection *c, const int64_t *ids, size_t n, struct error *err)
{
	(void)err;
	for (size_t i = 0; i < n; i++)
		if (owner_of(c, ids[i]) == c->run)
			put(c, ids[i], 0);
	return RESULT_OK;
}
