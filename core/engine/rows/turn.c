/* SPDX-License-Identifier: MIT */
#include "engine/rows/rewriter.h"

#include "base/clock.h"

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

void turn_take(struct run *run, size_t database)
{
	uint32_t max = run->task->ends.database_facts[database].d.sessions_max;

	pthread_mutex_lock(&run->lock);
	while (max && run->turns[database].now >= max)
		window_wait(run, &run->changed, NS_PER_S);
	run->turns[database].now++;
	pthread_mutex_unlock(&run->lock);
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

void turn_end(struct run *run, size_t database, int64_t ns, bool contended)
{
	struct turn *t = &run->turns[database];

	if (run->task->ends.database_facts[database].d.sessions_max == 1 &&
	    must_rest(t, ns, contended))
		halt_sleep(&run->halt, REST);
	pthread_mutex_lock(&run->lock);
	t->now--;
	pthread_cond_broadcast(&run->changed);
	pthread_mutex_unlock(&run->lock);
}
