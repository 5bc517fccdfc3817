/* SPDX-License-Identifier: MIT */
#ifndef MIGRATE_ENGINE_STATUS_STATUS_H
#define MIGRATE_ENGINE_STATUS_STATUS_H

#include "engine/task/control.h"
#include "journal/journal.h"
#include "report/json.h"

/*
 * How a job stands, read from its journal while a run is going, after one ended
 * and after one was killed. Reads only.
 */
enum job_state {
	JOB_NOT_STARTED,
	JOB_RUNNING,
	JOB_FINISHED,
	JOB_FIRST,       /* --first: the rest of the listing is a later run's */
	JOB_ROWS_LEFT,   /* --only=copy: all is copied, and rows are not changed */
	JOB_INTERRUPTED, /* asked to: run again to go on */
	JOB_UNCLEAN,     /* killed, or power was lost */
	JOB_STOPPED      /* by an error: see run.reason */
};
const char *job_state_name(enum job_state s); /* "running", ... as in JSON */

struct job_status {
	const char *name;    /* the caller's */
	const char *journal; /* path, the caller's */
	char id[17];
	enum job_state state;
	struct journal_run run; /* id 0: none yet */
	struct journal_pass pass;
	struct batch_counts counts; /* of all passes, but skips: of the newest */
	uint64_t planned;           /* objects not settled yet */
	uint64_t open_batches;
	uint64_t failures[FAIL_CLASS_COUNT];
	double object_rate, byte_rate, row_rate; /* a second, of the last minute; 0: not running */
	uint32_t workers, workers_why;           /* enum auto_reason */
	int64_t left;                            /* ns to go; -1: nobody can say */
	struct control control;
	char control_error[256]; /* the control file could not be read: why */
};

int job_status_read(struct journal *j, const char *name, const struct journal_place *place,
		    struct job_status *s, struct error *err);

/* The object of migrate-status --json; migrate-status(1) documents it. */
void job_status_json(const struct job_status *s, struct json *j);

/* Pieces that other objects of JSON hold as well. */
void counts_json(const struct batch_counts *c, struct json *j);
void object_json(struct json *j, const struct batch *b, const struct object_record *o);
/* old -> new of a row; of a text, the first place that was replaced, and how many were. */
struct row_shown {
	struct migrate_bytes old, new;
	uint64_t places; /* 0: it is no text, or nothing was replaced in it */
};
void row_shown(const struct row_record *r, struct row_shown *out);
void row_json(struct json *j, const struct chunk *c, const struct row_record *r);

const char *object_state_name(uint8_t state);
const char *batch_state_name(enum batch_state state);
const char *outcome_name(uint8_t outcome);
const char *level_name(uint8_t level);

#endif
