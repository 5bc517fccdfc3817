/* SPDX-License-Identifier: MIT */
#include "engine/rows/swap-impl.h"

#include "base/clock.h"

#include <string.h>

/*
 * Rows that somebody else holds. They are come back to all at once without waiting, and then
 * for one of them is waited, while nothing else is locked. As that may take long, whole
 * batches with such rows are put off until all others are done (feeder.c).
 */
#define SOON (20 * NS_PER_MS)
#define SOON_TIMES 3 /* doubling: most locks of an application are gone by then */

/* All of them once more, without waiting. */
static int try_held(struct swap *w)
{
	size_t n = w->held_n;

	memcpy(w->again, w->held, n * sizeof(*w->again));
	w->held_n = 0;
	return swap_rows(w, w->again, n);
}

static void drop(struct swap *w, size_t i)
{
	w->held_n--;
	memmove(w->held + i, w->held + i + 1, (w->held_n - i) * sizeof(*w->held));
}

/* One after the other, beginning with another one each time, until one is held for too long. */
static int wait_for_one(struct swap *w, unsigned round)
{
	size_t i = w->held_n ? round % w->held_n : 0;

	while (i < w->held_n) {
		enum migrate_status status;

		if (halt_leaving(&w->r->run->halt)) /* each may take as long as its lock does */
			return -1;
		status = swap_wait(w, w->held[i]);
		if (status == MIGRATE_TRANSIENT)
			return 0;
		if (status != MIGRATE_OK && status != MIGRATE_INVALID)
			return -1;
		drop(w, i);
		i = i < w->held_n ? i : 0;
	}
	return 0;
}

/*
 * As long as `patience` says, of all rows that are waited for together. Where that did not help
 * before, and nothing that was locked came free since, each chunk tries but once more: the run
 * would never end.
 */
static bool waiting_is_over(struct swap *w)
{
	struct run *run = w->r->run;
	int64_t since = atomic_load(&run->waiting_since);

	return atomic_load(&run->locks_stay) || clock_monotonic() - (since ? since : w->since) >
						    run->task->job->patience * NS_PER_MS;
}

static int wait_held_out(struct swap *w)
{
	struct run *run = w->r->run;

	for (unsigned n = 1, round = 0; w->held_n; n++, round++) {
		bool last = waiting_is_over(w);
		size_t before = w->held_n;

		if (!halt_sleep(&run->halt, backoff(n)) || try_held(w) || wait_for_one(w, round))
			return -1;
		if (w->held_n < before) {
			atomic_store(&run->locks_stay, false);
			n = 0;
		} else if (last) {
			atomic_store(&run->locks_stay, true);
			return 0;
		}
	}
	return 0;
}

static int put_rows_off(struct swap *w)
{
	for (int64_t n = 0; w->held_n && n < SOON_TIMES; n++)
		if (!halt_sleep(&w->r->run->halt, SOON << n) || try_held(w))
			return -1;
	for (size_t i = 0; i < w->held_n; i++)
		w->rows[w->held[i]].put_off = true;
	w->r->put_off |= w->held_n > 0;
	return 0;
}

int swap_held(struct swap *w)
{
	if (!w->held_n)
		return 0;
	w->since = clock_monotonic();
	/* a row that our own lost transaction holds would not be found again, and never be counted */
	return w->r->puts_off && !w->in_doubt ? put_rows_off(w) : wait_held_out(w);
}
