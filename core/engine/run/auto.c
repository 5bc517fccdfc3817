/* SPDX-License-Identifier: MIT */
#include "engine/run/auto.h"

#include <stddef.h>

#define SECOND 1000000000.0
#define STEP 8                  /* more copiers at a time */
#define OBJECT_WORK (64 * 1024) /* an object costs as much as so many of its bytes */
#define JUDGE_AFTER (1 * SECOND)
#define JUDGE_AT_LAST (5 * SECOND) /* however little was done */
#define BETTER 1.05                /* less is noise */
#define MUCH_LONGER 2.0
#define ASKED_SHARE 50 /* one answer in so many that asks for less is chance */
#define QUIET_FULL 30  /* judgements until more are tried again */
#define QUIET_LESS 10  /* ... after there had to be fewer */

void auto_init(struct auto_tuner *t, uint32_t first, uint32_t most)
{
	*t = (struct auto_tuner){ .most = most ? most : 1, .reason = AUTO_STARTING };
	t->now = first < t->most ? first : t->most;
	t->now = t->now ? t->now : 1;
}

void auto_forget(struct auto_tuner *t)
{
	t->seen = (struct auto_sample){ .ns = 0 };
	t->best = 0;
	t->best_rate = t->cost = 0;
}

static void gather_samples(struct auto_sample *to, const struct auto_sample *s)
{
	to->ns += s->ns;
	to->objects += s->objects;
	to->bytes += s->bytes;
	to->busy += s->busy;
	to->starved += s->starved;
	to->source += s->source;
	to->destination += s->destination;
}

/* Large objects and small ones in one measure. */
static double work_of(const struct auto_sample *s)
{
	return (double)s->bytes + (double)s->objects * OBJECT_WORK;
}

static bool was_asked_for_less(const struct auto_sample *s)
{
	return (s->source + s->destination) * ASKED_SHARE > s->objects;
}

/* Each copier should have had the time for two objects. */
static bool can_judge(const struct auto_tuner *t)
{
	const struct auto_sample *s = &t->seen;

	if ((double)s->ns < JUDGE_AFTER)
		return false;
	return (double)s->ns >= JUDGE_AT_LAST || s->objects >= 2 * (uint64_t)t->now ||
	       was_asked_for_less(s);
}

static void settle_number(struct auto_tuner *t, uint32_t n, enum auto_reason reason,
			  unsigned int quiet)
{
	t->now = n ? n : 1;
	t->reason = reason;
	t->quiet = quiet;
}

/* A good part fewer, and what more of them moved is history. */
static void back_off(struct auto_tuner *t, enum auto_reason reason)
{
	settle_number(t, t->now - (t->now + 3) / 4, reason, QUIET_LESS);
	t->best = 0;
	t->best_rate = t->cost = 0;
}

static void grow(struct auto_tuner *t, enum auto_reason reason)
{
	uint32_t step = t->now < STEP ? t->now : STEP;

	if (t->now >= t->most)
		settle_number(t, t->most, AUTO_LIMIT, QUIET_FULL);
	else
		settle_number(t, t->most - t->now < step ? t->most : t->now + step, reason, 0);
}

/* As far above the best as it takes for a gain to rise above the noise. */
static bool tried_enough(const struct auto_tuner *t)
{
	return t->now >= t->best + STEP && t->now >= t->best + t->best / 2;
}

static void climb(struct auto_tuner *t, double rate)
{
	if (!t->best || rate > t->best_rate * BETTER) {
		bool first = !t->best;

		t->best = t->now;
		t->best_rate = rate;
		grow(t, first ? AUTO_TRYING : AUTO_GROWING);
	} else if (t->now >= t->most || tried_enough(t)) {
		settle_number(t, t->best, AUTO_ENOUGH, QUIET_FULL);
	} else {
		grow(t, AUTO_TRYING);
	}
}

/* Sitting still: until it is time to try again, or the work takes much longer than before. */
static void hold(struct auto_tuner *t, double cost)
{
	if (t->cost > 0 && cost > t->cost * MUCH_LONGER && t->now > 1) {
		back_off(t, AUTO_SLOWER);
		return;
	}
	if (t->cost <= 0 || cost < t->cost)
		t->cost = cost;
	if (--t->quiet)
		return;
	t->best = 0;
	t->cost = 0;
}

static void judge_samples(struct auto_tuner *t, const struct auto_sample *s)
{
	double work = work_of(s);

	if (was_asked_for_less(s)) {
		back_off(t, s->source > s->destination ? AUTO_SOURCE : AUTO_DESTINATION);
	} else if (work <= 0) {
		/* nothing ended: no reason to have more of it, nor less */
	} else if (t->quiet) {
		hold(t, (double)s->busy / work);
	} else if (s->starved * 4 > (uint64_t)s->ns * t->now) {
		settle_number(t, t->now, AUTO_IDLE, 0);
		t->best = 0;
	} else {
		climb(t, work / (double)s->ns);
	}
}

void auto_limit(struct auto_tuner *t, uint32_t most)
{
	if (most < t->most)
		t->most = most ? most : 1;
	if (t->now > t->most)
		settle_number(t, t->most, AUTO_LIMIT, QUIET_FULL);
}

uint32_t auto_step(struct auto_tuner *t, const struct auto_sample *s)
{
	struct auto_sample seen;

	gather_samples(&t->seen, s);
	if (!can_judge(t))
		return t->now;
	seen = t->seen;
	t->seen = (struct auto_sample){ .ns = 0 };
	judge_samples(t, &seen);
	return t->now;
}
