/* SPDX-License-Identifier: MIT */
#ifndef MIGRATE_REPORT_PROGRESS_H
#define MIGRATE_REPORT_PROGRESS_H

#include "base/error.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * What a running job shows. The engine makes a snapshot about every 200 ms and
 * hands it over; how it looks is decided here: a bar on a terminal (redrawn in
 * place, cleared around log lines), a calm plain line every 30 s and at every
 * change of state when standard error is no terminal, one JSON object a second
 * on standard output with json. A closed standard output never ends a run.
 */
enum progress_mode { PROGRESS_AUTO, PROGRESS_BAR, PROGRESS_JSON, PROGRESS_NONE };

struct snapshot {
	int64_t at;        /* monotonic ns */
	const char *state; /* "listing", "copying", "rewriting rows", "paused", "finishing", ... */
	const char *note;  /* why it is paused, ...; NULL: none */
	int pass;
	bool total_known;                  /* the plan is complete: totals are final */
	uint64_t objects, bytes;           /* planned so far in this pass */
	uint64_t objects_done, bytes_done; /* settled, in any class */
	uint64_t objects_before,
	    bytes_before; /* of those: done by earlier runs (no part of the rate) */
	uint64_t copied, same, skipped, gone, failed;
	uint64_t rows, rows_conflict;
	uint32_t workers;        /* sessions that copy */
	const char *workers_why; /* why so many */
	uint64_t passed_over;    /* keys that the selection left out */
};

struct progress;

struct progress *progress_new(enum progress_mode mode, const char *job);
void progress_show(struct progress *p, const struct snapshot *s);
/* The last state; ends the line. */
void progress_end(struct progress *p, const struct snapshot *s);
void progress_free(struct progress *p);

/* "12.3 MiB", "1,234,567", "3m 20s" into text; for all that we print. */
void format_bytes(char *text, size_t size, uint64_t n);
void format_count(char *text, size_t size, uint64_t n);
void format_duration(char *text, size_t size, int64_t ns);

#endif
