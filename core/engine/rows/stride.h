/* SPDX-License-Identifier: MIT */
#ifndef MIGRATE_ENGINE_ROWS_STRIDE_H
#define MIGRATE_ENGINE_ROWS_STRIDE_H

#include <stddef.h>
#include <stdint.h>

/*
 * How many rows one rewrite takes, so that they are locked for about rows.chunk_time: by what
 * the last ones took, the newest counting most. What somebody else held up, or took too long
 * altogether, is tried with half as many, which grow again as long as that goes well. No
 * clock: it is told what happened.
 */
#define STRIDE_LEAST 10
#define STRIDE_MOST 1000

struct stride {
	int64_t goal; /* ns; 0: any time will do */
	double each;  /* ns that a row took lately; 0: not known yet */
	size_t fits;  /* rows that went well, as far as is known */
};

void stride_init(struct stride *s, int64_t goal);
/* For the next rewrite. */
size_t stride_rows(const struct stride *s);
/* n rows were rewritten in ns. */
void stride_took(struct stride *s, size_t n, int64_t ns);
/* n rows at once were too many. */
void stride_failed(struct stride *s, size_t n);

#endif
