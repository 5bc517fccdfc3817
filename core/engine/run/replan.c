/* SPDX-License-Identifier: MIT */
#include "engine/run/replan.h"

#include <stdlib.h>

static bool plan_again(struct replan *a, struct batch *to, const struct object_record *from)
{
	struct object_record *o = &to->objects[to->n];

	if (!object_record_copy(&to->arena, from, o))
		return false;
	o->state = OBJECT_PLANNED;
	o->fail = FAIL_NONE;
	o->attempts = o->hung = 0;
	o->message = NULL;
	if (a->reset)
		a->reset(o);
	to->n++;
	return true;
}

static struct batch *second_chance(struct replan *a, const struct batch *from)
{
	struct batch *to = batch_new();

	if (!to)
		return NULL;
	to->pass = a->run->task->pass.number;
	to->kind = BATCH_MOVED;
	to->state = BATCH_PLANNED;
	to->began = from->began; /* what is in doubt may be there since then */
	to->durable = true;
	to->objects = arena_alloc(&to->arena, a->n * sizeof(*to->objects));
	for (size_t i = 0; to->objects && i < a->n; i++)
		if (!plan_again(a, to, &from->objects[a->which[i]]))
			break;
	if (!to->objects || to->n < a->n) {
		batch_free(to);
		return NULL;
	}
	return to;
}

/* A batch that its objects left may be done by that. */
int replan_finish(struct replan *a)
{
	struct batch *from, *to;
	int rc;

	if (!a->n)
		return 0;
	from = journal_load(a->run->task->journal, a->batch, a->err);
	if (!from)
		return -1;
	to = second_chance(a, from);
	rc = to ? journal_move(a->run->task->journal, from, a->which, to, a->err)
		: error_set(a->err, EXIT_INTERNAL, "out of memory");
	a->moved += a->n;
	a->n = 0;
	batch_free(from);
	batch_free(to);
	return rc;
}

int replan_add(struct replan *a, int64_t batch, uint32_t n)
{
	if (a->n && batch != a->batch && replan_finish(a))
		return -1;
	if (a->n == a->cap) {
		size_t cap = a->cap ? 2 * a->cap : 256;
		uint32_t *which = reallocarray(a->which, cap, sizeof(*which));

		if (!which)
			return error_set(a->err, EXIT_INTERNAL, "out of memory");
		a->which = which;
		a->cap = cap;
	}
	a->batch = batch;
	a->which[a->n++] = n;
	return 0;
}

void replan_release(struct replan *a)
{
	free(a->which);
}
