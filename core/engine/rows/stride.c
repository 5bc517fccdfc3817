/* SPDX-License-Identifier: MIT */
#include "engine/rows/stride.h"

#define NEWEST 0.75 /* what the newest counts for against all before */

void stride_init(struct stride *s, int64_t goal)
{
	*s = (struct stride){ .goal = goal, .fits = STRIDE_MOST };
}

size_t stride_rows(const struct stride *s)
{
	double rows = STRIDE_MOST;

	if (s->goal && s->each > 0)
		rows = (double)s->goal / s->each;
	else if (s->goal)
		rows = STRIDE_LEAST;
	if (rows < STRIDE_LEAST)
		rows = STRIDE_LEAST;
	return rows < (double)s->fits ? (size_t)rows : s->fits;
}

/* A few rows tell little: beginning and end of a transaction take their time as well. */
void stride_took(struct stride *s, size_t n, int64_t ns)
{
	double each = n ? (double)(ns > 0 ? ns : 1) / (double)n : 0;

	if (!n)
		return;
	if (n >= s->fits)
		s->fits = s->fits < STRIDE_MOST / 2 ? 2 * s->fits : STRIDE_MOST;
	if (s->each <= 0)
		s->each = each;
	else if (n >= STRIDE_LEAST || each < s->each)
		s->each = NEWEST * each + (1 - NEWEST) * s->each;
}

void stride_failed(struct stride *s, size_t n)
{
	s->fits = n > 1 ? n / 2 : 1;
}
