/* SPDX-License-Identifier: MIT */
#ifndef MIGRATE_ENGINE_VERIFY_VERIFY_H
#define MIGRATE_ENGINE_VERIFY_VERIFY_H

#include "engine/task/task.h"
#include "report/progress.h"

/*
 * Reads the journal, the destination and the rows again and says whether all of
 * it is true. Changes nothing. What is looked at: objects that were copied, or
 * found equal, in batches whose copies are settled; where its rows are done too,
 * the rows that the journal says were changed, and rows that still hold an old value.
 */
struct verify_options {
	bool readback;  /* read all bytes; else only where the copy looks touched */
	uint32_t ppm;   /* of a million keys, by their hash; 1000000: all */
	uint32_t slice; /* 1 .. slices */
	uint32_t slices;
	enum progress_mode progress;
};

enum difference {
	DIFFERENT_ABSENT, /* no copy there */
	DIFFERENT_SIZE,
	DIFFERENT_BYTES,
	DIFFERENT_UNREADABLE, /* it could not be looked at */
	DIFFERENT_ROW_OLD,    /* a row still holds the old value */
	DIFFERENT_ROW_LOST,   /* a row that was changed, and names nothing that is there */
	DIFFERENT_COUNT
};
const char *difference_name(enum difference d);

struct verify_result {
	uint64_t objects, bytes;    /* looked at */
	uint64_t read_back;         /* objects whose bytes were read */
	uint64_t touched;           /* etag differs, bytes do not */
	uint64_t unproven;          /* no digest, and the source changed since or is gone */
	uint64_t rows;              /* rows that hold what the journal says */
	uint64_t changed_again;     /* rows that hold the new value of another object by now */
	uint64_t changed_elsewhere; /* rows that name what stands at the destination, and is no
				       object of this job */
	uint64_t removed;           /* rows that are not there any more, or hold nothing */
	uint64_t texts;             /* match: contains: texts that name no old key */
	uint64_t left_out;          /* not in the sample or the slice */
	uint64_t not_done;          /* of batches that are not copied yet, or were reverted */
	uint64_t rows_not_done;     /* copies of batches whose rows are not done */
	uint64_t texts_not_done; /* hold old values, and the pass that reads them is not finished */
	uint64_t dropped; /* done, and the journal did not keep what was made (keep: failures) */
	bool finished;    /* the newest pass */
	uint64_t failed;  /* failed, skipped and gone objects: there is nothing to verify */
	struct batch_counts all; /* what the whole journal says */
	uint64_t different[DIFFERENT_COUNT];
};

/* One call at a time; text is escaped. */
typedef void verify_found(void *arg, enum difference d, const struct object_record *o,
			  const char *text);

struct verify;

/* Opens the job. NULL: err. */
struct verify *verify_new(const struct job *job, const struct verify_options *o, struct error *err);
void verify_cancel(struct verify *v); /* async-signal-safe */
/*
 * EXIT_DIFFERENT; EXIT_INTERRUPTED: no difference so far; EXIT_DONE: none in what was
 * looked at, *r says what was not. Others with err.
 */
int verify_run(struct verify *v, verify_found *found, void *arg, struct verify_result *r,
	       struct error *err);
void verify_free(struct verify *v);

#endif
