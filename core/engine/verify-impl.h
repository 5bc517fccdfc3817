/* SPDX-License-Identifier: MIT */
#ifndef MIGRATE_ENGINE_VERIFY_IMPL_H
#define MIGRATE_ENGINE_VERIFY_IMPL_H

#include "engine/verify.h"
#include "plugin/stream.h"

#include <pthread.h>

/*
 * One thread hands out batches, workers with sessions of their own look at them.
 *
 * Invariants: `lock` guards next, fed, error, result and the caller's callback;
 * a row index is used by one thread at a time (its own lock).
 */
struct row_index {               /* of a database whose column has no index */
	struct scratch *scratch; /* NULL: ask the database */
	pthread_mutex_t lock;
};

struct verify {
	const struct job *job;
	struct journal *journal;
	struct verify_options options;
	struct ends ends;
	bool open;
	struct row_index *indexes; /* one for each database */

	pthread_mutex_t lock;
	pthread_cond_t changed;
	struct batch *next; /* waits for a worker */
	bool fed, failed;
	uint32_t workers; /* at work */
	struct error error;
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

/* Has everything been said that need be? */
bool verify_leaving(struct verify *v);
void verify_fail(struct verify *v, const struct error *err);
/* Is this object to be looked at? */
bool verify_wants(struct verifier *w, const struct batch *b, uint32_t n);
/* Report, unless a later pass has a newer record of the key. */
void verify_report(struct verifier *w, const struct batch *b, uint32_t n, enum difference d,
		   const char *format, ...) MIGRATE_PRINTF(5, 6);
/* After a failed call: wait and say true to try again; the run ends when everything is in trouble. */
bool verify_again(struct verifier *w, struct migrate_session *s, enum migrate_status status,
		  unsigned *attempt);

/* A worker's main function; verifier: its own. */
void *verify_work(void *verifier);

void verify_objects(struct verifier *w, const struct batch *b);

/* Read all rows of databases whose column has no index, once. */
int verify_index_rows(struct verify *v, struct error *err);
void verify_rows(struct verifier *w, const struct batch *b);

/* Databases with match: contains, once the rest is done. */
int verify_texts(struct verify *v, struct error *err);

#endif
