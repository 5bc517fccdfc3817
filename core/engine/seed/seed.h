/* SPDX-License-Identifier: MIT */
#ifndef MIGRATE_ENGINE_SEED_SEED_H
#define MIGRATE_ENGINE_SEED_SEED_H

#include "job/job.h"

/*
 * Something to try a job with: images in its source, and a row for each of them
 * in each of its tables. Only ever written into what is empty.
 */
struct seed_options {
	uint64_t count;
	uint64_t size;       /* bytes of each image; 0: as small as they are */
	const char *pattern; /* key with %d or %06d in it; NULL: fit for the job's rules */
};

struct seed_result {
	uint64_t objects, bytes, rows;
};

#define SEED_SIZE_MAX (UINT64_C(1) << 30)

int seed_job(const struct job *job, const struct seed_options *options, struct seed_result *result,
	     struct error *err);

/* ---- Keys, apart for tests ---- */

/* "image/avatar-%06d.png" in three parts. -1: not exactly one %d, with at most %09d. */
struct seed_pattern {
	struct buf before, after;
	int digits; /* at least so many, with zeros in front */
};

int seed_pattern_parse(struct seed_pattern *p, const char *text, struct error *err);
bool seed_pattern_key(const struct seed_pattern *p, uint64_t index, struct buf *out);
void seed_pattern_release(struct seed_pattern *p);

#endif
