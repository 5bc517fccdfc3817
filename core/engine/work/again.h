/* SPDX-License-Identifier: MIT */
#ifndef MIGRATE_ENGINE_WORK_AGAIN_H
#define MIGRATE_ENGINE_WORK_AGAIN_H

#include "engine/work/gate.h"

/*
 * A call that is made again until it goes well, was tried often enough, or nobody goes on: one
 * rule for all calls that are repeated on the spot. What an outage takes, or a pause, is no
 * attempt; what may be over soon is tried `attempts` times, with growing pauses; the rest is not
 * tried again.
 *
 *	struct again a = again_new(gate, write);
 *
 *	do
 *		status = store_list(s, &r, &page);
 *	while (again(&a, s, status));
 */
struct again {
	struct gate *gate;
	bool write;    /* the end is written to: what it is asked when it is in trouble */
	bool finishes; /* what was begun: the operator's pause does not hold it up */
	bool patient;  /* TRANSIENT is tried for the whole patience: somebody holds what we want */
	unsigned n;    /* attempts that failed for the call's own reasons */
	int64_t since; /* the first of them (monotonic) */
	enum gate_verdict verdict; /* of a call that failed: OBJECT: given up; LEAVE */
};

struct again again_new(struct gate *g, bool write);
/* s: whose call answered status. False: OK, or see verdict. */
bool again(struct again *a, struct migrate_session *s, enum migrate_status status);
/* Once that is false and status not OK: why. Clear when others know why the run ends. Returns -1. */
int again_error(const struct again *a, struct migrate_session *s, enum migrate_status status,
		struct error *err);

#endif
