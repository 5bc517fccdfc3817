/* SPDX-License-Identifier: MIT */
#include "engine/rows/rewriter.h"

#include "base/clock.h"

#include <stdlib.h>

/*
 * A database may bear fewer rewrites at once than there are rewriters: the others look for
 * rows and wait for the journal meanwhile. Where it bears but one, a rewrite keeps all other
 * writers out, and these ask again and again whether they may: we leave it alone for longer
 * than they sleep in between, after each rewrite while there are any, and now and then to see
 * whether there are.
 */
#define REST (110 * NS_PER_MS)
#define LOOK_FIRST (50 * NS_PER_MS) /* of rewriting */
#define LOOK (2500 * NS_PER_MS)
#define ABOUT (5 * NS_PER_S) /* since they were seen last */

/* Who may rewrite rows of one database. */
struct turn {
	uint32_t now, max; /* calls of rewrite() under way; max 0: any number may be */
	/* where but one may be: */
	int64_t busy, next_look; /* ns that were spent so; when to look for other writers */
	int64_t contended;       /* when some were seen last (monotonic); 0: never */
};

struct turns {
	struct halt *halt;
	pthread_mutex_t lock;
	pthread_cond_t ended;
	struct turn of[]; /* each database */
};

struct turns *turns_new(struct run *run)
{
	const struct ends *e = &run->task->ends;
	struct turns *t = calloc(1, sizeof(*t) + e->database_count * sizeof(t->of[0]));

	if (!t)
		return NULL;
	t->halt = &run->halt;
	pthread_mutex_init(&t->lock, NULL);
	clock_cond_init(&t->ended);
	for (size_t i = 0; i < e->database_count; i++)
		t->of[i].max = e->database_facts[i].d.sessions_max;
	return t;
}

void turns_free(struct turns *t)
{
	if (!t)
		return;
	pthread_cond_destroy(&t->ended);
	pthread_mutex_destroy(&t->lock);
	free(t);
}

void turn_take(struct turns *t, size_t database)
{
	struct turn *one = &t->of[database];

	pthread_mutex_lock(&t->lock);
	while (one->max && one->now >= one->max)
		clock_cond_wait(&t->ended, &t->lock, NS_PER_S);
	one->now++;
	pthread_mutex_unlock(&t->lock);
}

/* Of the one that has the turn. */
static bool must_rest(struct turn *t, int64_t ns, bool contended)
{
	int64_t now = clock_monotonic();

	t->busy += ns;
	if (contended)
		t->contended = now;
	if (!t->next_look)
		t->next_look = LOOK_FIRST;
	if (t->contended && now - t->contended < ABOUT)
		return true;
	if (t->busy < t->next_look)
		return false;
	t->next_look = t->busy + LOOK;
	return true;
}

void turn_end(struct turns *t, size_t database, int64_t ns, bool contended)
{
	struct turn *one = &t->of[database];

	if (one->max == 1 && must_rest(one, ns, contended))
		halt_sleep(t->halt, REST);
	pthread_mutex_lock(&t->lock);
	one->now--;
	pthread_cond_broadcast(&t->ended);
	pthread_mutex_unlock(&t->lock);
}
