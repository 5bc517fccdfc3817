/* SPDX-License-Identifier: MIT */
#include "engine/work/again.h"

#include "base/clock.h"

struct again again_new(struct gate *g, bool write)
{
	return (struct again){ .gate = g, .write = write, .verdict = GATE_AGAIN };
}

/* The call's own trouble: is it worth another attempt? */
static bool is_worth_it(struct again *a, enum migrate_status status)
{
	int64_t now = clock_monotonic();

	a->n++;
	if (!a->since)
		a->since = now;
	if (!status_may_retry(status) && !status_is_systemic(status))
		return false;
	return a->n < gate_attempts(a->gate) || (a->patient && status == MIGRATE_TRANSIENT &&
						 now - a->since < gate_patience(a->gate));
}

bool again(struct again *a, struct migrate_session *s, enum migrate_status status)
{
	if (status == MIGRATE_OK) {
		gate_well(a->gate);
		return false;
	}
	a->verdict = gate_trouble(a->gate, s, a->write, status);
	if (a->verdict == GATE_OBJECT && is_worth_it(a, status))
		a->verdict = gate_sleep(a->gate, backoff(a->n)) ? GATE_AGAIN : GATE_LEAVE;
	if (a->verdict == GATE_AGAIN && !a->finishes && !gate_pass(a->gate))
		a->verdict = GATE_LEAVE;
	return a->verdict == GATE_AGAIN;
}

int again_error(const struct again *a, struct migrate_session *s, enum migrate_status status,
		struct error *err)
{
	if (a->verdict == GATE_OBJECT)
		return session_error(err, EXIT_OUTAGE, s, status);
	error_clear(err);
	return -1;
}
