/* SPDX-License-Identifier: MIT */
#ifndef MIGRATE_JOURNAL_JOURNAL_IMPL_H
#define MIGRATE_JOURNAL_JOURNAL_IMPL_H

#include "journal/backend.h"

#include <pthread.h>

/*
 * Inside the journal, above what keeps it (backend.h).
 *
 * Invariants: the store's writer is touched by the queue's thread alone (before it
 * starts and after it was joined: by who opens and closes), its reader under read_lock
 * alone.
 */

/* Something to write. Lives on the stack of who waits for it, or is detached and freed. */
typedef enum result apply_fn(struct connection *c, void *arg, struct error *err);
struct work {
	struct work *next;
	apply_fn *apply; /* may run twice */
	void *arg;
	bool detached; /* nobody waits: free it, argument and all */
	bool done;
	int result;
	struct error *err;
	pthread_cond_t wake;
};

struct journal {
	const struct backend *backend;
	struct store *store; /* NULL: it could not be opened */
	enum journal_mode mode;
	int64_t patience;
	char fresh_id[17];
	int64_t run; /* of journal_begin_run() */

	pthread_t thread;
	bool started;
	pthread_mutex_t queue_lock; /* all below, down to dead */
	pthread_cond_t queued;
	struct work *first, **last;
	size_t detached; /* events and samples that wait */
	bool stop;
	struct error dead; /* exit != 0: nothing is written any more */

	pthread_mutex_t read_lock;
};

/* queue.c: run apply in the next group; returns when it is durable, or with err set. */
int journal_queue_start(struct journal *j, struct error *err);
void journal_queue_stop(struct journal *j);
int journal_write(struct journal *j, apply_fn *apply, void *arg, struct error *err);
/* Nobody waits; arg is malloc'ed and freed. Dropped when too many wait already. */
void journal_post(struct journal *j, apply_fn *apply, void *arg);

/*
 * read.c: a read transaction of the one reading connection: begin, operations, end with
 * the result of what was done (RESULT_OK and _NONE are well).
 */
struct connection *journal_read_begin(struct journal *j, struct error *err);
int journal_read_end(struct journal *j, enum result r);

/* object.c: inside a transaction. NONE: it is not there, and *o undefined. */
enum result journal_object_get(struct connection *c, int64_t batch, uint32_t n, struct arena *a,
			       struct object_record *o, struct error *err);
/* While *o at (*batch, *n) says MOVED, replace all three. */
enum result journal_object_follow(struct connection *c, struct arena *a, struct object_record *o,
				  int64_t *batch, uint32_t *n, struct error *err);

/* texts.c: what the texts of a chunk were, as its first row keeps them; and back. */
bool journal_texts_pack(struct arena *a, const struct chunk *c, struct migrate_bytes *out);
bool journal_texts_unpack(struct arena *a, struct chunk *c);

/* batch.c: the same. A hole is an object that was dropped: its key is empty. */
enum result journal_batch_save(struct connection *c, const struct batch *b, struct error *err);
/* *out is NULL but with OK. */
enum result journal_batch_load(struct connection *c, int64_t id, struct batch **out,
			       struct error *err);
/* Where it has to be there. */
enum result journal_batch_must_load(struct connection *c, int64_t id, struct batch **out,
				    struct error *err);
/* A batch with holes cannot be counted anew: take off what leaves. */
void journal_batch_uncount(struct batch *b, const struct object_record *o);
bool journal_batch_has_holes(const struct batch *b);

#endif
