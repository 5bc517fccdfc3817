/* SPDX-License-Identifier: MIT */
#include "report/progress-impl.h"

#include "base/clock.h"

#define SMOOTH_S 10.0
#define SLOWEST 0.001 /* objects a second below which no time can be foretold */

static uint64_t less(uint64_t a, uint64_t b)
{
	return a > b ? a - b : 0;
}

/* In the first seconds the plain average is the best there is. */
static double smooth(double old, double now, double dt, double age)
{
	double tau = age - dt < SMOOTH_S ? age - dt : SMOOTH_S;

	return old + (now - old) * dt / (dt + tau);
}

void rates_add(struct rates *r, const struct snapshot *s)
{
	uint64_t objects = less(s->objects_done, s->objects_before);
	uint64_t bytes = less(s->bytes_done, s->bytes_before);
	double dt = (double)(s->at - r->at) / (double)NS_PER_S;
	double age = (double)(s->at - r->began) / (double)NS_PER_S;

	if (!r->at) {
		*r = (struct rates){
			.began = s->at, .at = s->at, .objects = objects, .bytes = bytes
		};
		return;
	}
	if (dt <= 0)
		return;
	r->object_rate = smooth(r->object_rate, (double)less(objects, r->objects) / dt, dt, age);
	r->byte_rate = smooth(r->byte_rate, (double)less(bytes, r->bytes) / dt, dt, age);
	r->at = s->at;
	r->objects = objects;
	r->bytes = bytes;
}

/* The slower of what the objects and what the bytes foretell. */
int64_t rates_left(const struct rates *r, const struct snapshot *s)
{
	double objects = (double)less(s->objects, s->objects_done);
	double bytes = (double)less(s->bytes, s->bytes_done);
	double seconds;

	if (!s->total_known || r->object_rate < SLOWEST)
		return -1;
	seconds = objects / r->object_rate;
	if (r->byte_rate >= 1 && bytes / r->byte_rate > seconds)
		seconds = bytes / r->byte_rate;
	return seconds > 1e7 ? -1 : (int64_t)(seconds * (double)NS_PER_S);
}
