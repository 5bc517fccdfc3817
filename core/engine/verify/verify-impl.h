/* SPDX-License-Identifier: MIT */
#ifndef MIGRATE_ENGINE_VERIFY_VERIFY_IMPL_H
#define MIGRATE_ENGINE_VERIFY_VERIFY_IMPL_H

#include "engine/verify/verify.h"
#include "engine/work/again.h"
#include "engine/work/scan.h"
#include "journal/lookaside.h"
#include "plugin/stream.h"

#include <pthread.h>

/*
 * One thread hands out batches, workers with sessions of their own look at them.
 *
 * Invariants: `lock` guards next, fed, result, lost, holding and the caller's callback;
 * a row index is used by one thread at a time (its own lock).
 */
struct row_index {              /* of a database whose column has no index */
	struct lookaside *rows; /* NULL: ask the database */
	pthread_mutex_t lock;
};

struct verify {
	struct task task; /* its journal is only read */
	struct halt halt;
	struct gate *gate;
	struct verify_options options;
	struct row_index *indexes; /* one for each database */
	struct lookaside *lost;    /* rows that do not hold what an intent says; NULL: none */
	struct lookaside *holding; /* rows that hold a new value without an intent; NULL: none */

	pthread_mutex_t lock;
	pthread_cond_t changed;
	struct batch *next; /* waits for a worker */
	bool fed;
	uint32_t workers; /* at work */
	verify_found *found;
	void *arg;
	struct verify_result result;
};

struct verifier {
	struct verify *verify;
	pthread_t thread;
	struct migrate_session *source, *destination, **databases;
	struct digest_context *digest;
	struct migrate_sink *sink;
	struct object_slot slot;
	struct arena arena; /* of the batch at hand */
};

/* Its copies and its rows. */
static inline bool verify_is_done(const struct batch *b)
{
	return b->state == BATCH_DONE || b->state == BATCH_PURGED;
}

/* Is the copy of this object to be looked at? */
bool verify_wants(struct verifier *w, const struct batch *b, uint32_t n);
/* Are rows that were changed for it? They name its copy, whatever became of it in later passes. */
bool verify_wants_rows(struct verifier *w, const struct batch *b, uint32_t n);
/* Report it: counted, and told in escaped text. */
void verify_differs(struct verify *v, enum difference d, const struct object_record *o,
		    const char *format, ...) MIGRATE_PRINTF(4, 5);
/* The same, unless a later pass has a newer record of the key. */
void verify_report(struct verifier *w, const struct batch *b, uint32_t n, enum difference d,
		   const char *format, ...) MIGRATE_PRINTF(5, 6);
/* A worker's main function; verifier: its own. */
void *verify_work(void *verifier);

void verify_objects(struct verifier *w, const struct batch *b);

/* Read all rows of databases whose column has no index, once. */
int verify_index_rows(struct verify *v, struct error *err);
void verify_rows(struct verifier *w, const struct batch *b);

/* The row does not hold what was written with this chunk. */
int verify_lost_add(struct verify *v, const struct chunk *c, const struct row_record *r,
		    struct error *err);
/* The row holds the new value of an object, and no intent of the batch gave it that. */
int verify_holds_new(struct verify *v, uint32_t database, struct migrate_bytes identity,
		     struct migrate_bytes place, struct error *err);
/* Reports those whose newest intent that was. After all batches. */
int verify_lost_tell(struct verify *v, struct error *err);

/* held.c: rows that are missed, to be judged by what they hold now. */
struct missed_rows;
struct missed_rows *missed_rows_new(struct verify *v, struct error *err);
/* o: whose new value it held; copied. Judges them now and then. */
int missed_rows_add(struct missed_rows *m, uint32_t database, const struct object_record *o,
		    const struct row_record *r, struct error *err);
/* Judge what is left. */
void missed_rows_flush(struct missed_rows *m);
void missed_rows_free(struct missed_rows *m);

/* Databases with match: contains, once the rest is done. */
int verify_texts(struct verify *v, struct error *err);

#endif
