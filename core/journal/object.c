/* SPDX-License-Identifier: MIT */
#include "journal/journal-impl.h"

bool object_has_older_copy(const struct object_record *o)
{
	return o->new_key.n && (o->replaces.n || o->created != CREATED_UNKNOWN);
}

bool object_is_there(const struct object_record *o)
{
	return o->state == OBJECT_COPIED || o->state == OBJECT_SAME;
}

bool object_may_stand(const struct object_record *o)
{
	return object_is_there(o) || object_has_older_copy(o) ||
	       (o->state == OBJECT_PLANNED && o->new_key.n);
}

bool object_failed_at_planning(const struct object_record *o)
{
	if (o->state != OBJECT_FAILED)
		return false;
	return !o->new_key.n || o->fail == FAIL_UNMATCHED || o->fail == FAIL_RENAME ||
	       o->fail == FAIL_COLLISION || o->fail == FAIL_UNLISTED;
}

bool object_has_rows(const struct object_record *o)
{
	return object_is_there(o) || o->state == OBJECT_GONE;
}

bool object_is_ours(const struct object_record *o)
{
	return object_is_there(o) && o->created == CREATED_OURS;
}

enum result journal_object_get(struct connection *c, int64_t batch, uint32_t n, struct arena *a,
			       struct object_record *o, struct error *err)
{
	uint32_t at = 0;
	struct object_page page = { .objects = o, .numbers = &at, .max = 1 };
	enum result r = c->backend->objects_get(c, batch, n, &page, a, err);

	return r ? r : page.n && at == n ? RESULT_OK : RESULT_NONE;
}

enum result journal_object_follow(struct connection *c, struct arena *a, struct object_record *o,
				  int64_t *batch, uint32_t *n, struct error *err)
{
	enum result r = RESULT_OK;

	while (!r && o->state == OBJECT_MOVED) {
		int64_t from = *batch;

		/* Batches move to newer ones only: no circle. */
		if (o->moved_batch <= from)
			return journal_damaged(c, err,
					       "object %u of batch %lld moved to batch %lld", *n,
					       (long long)from, (long long)o->moved_batch);
		*batch = o->moved_batch;
		*n = o->moved_n;
		r = journal_object_get(c, *batch, *n, a, o, err);
	}
	return r;
}
