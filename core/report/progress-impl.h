/* SPDX-License-Identifier: MIT */
#ifndef MIGRATE_REPORT_PROGRESS_IMPL_H
#define MIGRATE_REPORT_PROGRESS_IMPL_H

#include "base/buf.h"
#include "report/progress.h"

/*
 * How a snapshot looks: pure functions from a snapshot and its rates to text.
 * Rates count what this run did, smoothed over about ten seconds.
 */
struct rates {
	int64_t began, at;             /* monotonic; 0: no snapshot yet */
	uint64_t objects, bytes;       /* at `at`, this run's alone */
	double object_rate, byte_rate; /* a second */
};

void rates_add(struct rates *r, const struct snapshot *s);
/* Nanoseconds to go; -1: nobody can say. */
int64_t rates_left(const struct rates *r, const struct snapshot *s);

struct line_style {
	unsigned width; /* columns to fill at most */
	bool colour;
	bool unicode;
};

/* One line for a terminal, without its end. */
void line_draw(struct buf *out, const struct line_style *style, const char *job,
	       const struct snapshot *s, const struct rates *r);
/* One sentence for a log file, with its newline. */
void line_plain(struct buf *out, const char *job, const struct snapshot *s, const struct rates *r);
/* One JSON object, with its newline. final: the last one. */
void line_json(struct buf *out, const char *job, const struct snapshot *s, const struct rates *r,
	       bool final);

#endif
