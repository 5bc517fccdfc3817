/* SPDX-License-Identifier: MIT */
#ifndef MIGRATE_ENGINE_WORK_GATE_H
#define MIGRATE_ENGINE_WORK_GATE_H

#include "engine/task/halt.h"
#include "engine/task/task.h"

/* What copy.concurrency: auto goes by; read once a second. */
struct pulse {
	atomic_uint_fast64_t busy, starved;       /* ns of copiers: at work, waiting for some */
	atomic_uint_fast64_t source, destination; /* answers that asked for less */
};

/*
 * One object's trouble is not everyone's, and the reverse. Workers report
 * systemic statuses here; the first one asks probe() of that end while the
 * others wait. Healthy: it was the object's own trouble. Unhealthy: the run is
 * paused, says so, probes again, goes on when the end is back, and gives up
 * after the job's patience (EXIT_OUTAGE). So it does when an end has done
 * nothing but throttle for that long.
 */
struct gate;

/* All of them outlive it; pulse: where what asks for less is counted, or NULL. */
struct gate *gate_new(const struct task *t, struct halt *h, struct pulse *pulse);
void gate_free(struct gate *g);

/* Blocks while the run is paused, by an outage or by the operator. False: leaving. */
bool gate_pass(struct gate *g);

enum gate_verdict {
	GATE_OBJECT, /* the end is well: the object's own trouble, counts as an attempt */
	GATE_AGAIN,  /* there was an outage and it is over, or a pause was asked for: just repeat */
	GATE_LEAVE   /* the run ends */
};
/* s: the session whose last call answered status; write: its end is written to. */
enum gate_verdict gate_trouble(struct gate *g, struct migrate_session *s, bool write,
			       enum migrate_status status);
/* A call went well: rows of denials and throttling are over. Cheap. */
void gate_well(struct gate *g);

/* Not beyond the moment when the others leave. False: they do. */
bool gate_sleep(struct gate *g, int64_t ns);
/* Of the job: how often a call is tried, and for how long one that may wait (ns). */
unsigned gate_attempts(const struct gate *g);
int64_t gate_patience(const struct gate *g);

/* The operator's pause. */
void gate_set_paused(struct gate *g, bool paused);
/* Why it is paused, into text; false: it is not. */
bool gate_note(struct gate *g, char *text, size_t size);

#endif
