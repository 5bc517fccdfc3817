/* SPDX-License-Identifier: MIT */
#ifndef MIGRATE_T_UNIT_MEMORY_IMPL_H
#define MIGRATE_T_UNIT_MEMORY_IMPL_H

#include "memory.h"

#include <pthread.h>

/* ---- Lists of records, in order of id, number or time ---- */

enum kind { JOBS, RUNS, PASSES, EVENTS, SAMPLES, BATCHES, CHUNKS, UPLOADS, CLAIMS, FENCED, KINDS };

struct list {
	void **items;
	size_t n;
};

struct memory {
	struct memory *next;
	char *path;
	unsigned runs;           /* that have it open */
	struct arena arena;      /* of all that was ever written */
	pthread_mutex_t writing; /* a transaction that writes, from its beginning to its end */
	pthread_mutex_t lock;
	struct list committed[KINDS]; /* under lock */
};

struct memory_connection {
	struct connection base;
	struct memory *m;
	struct list lists[KINDS]; /* the writer's, within a transaction */
	bool is_writer;
	bool is_writing;
};

struct memory_store {
	struct store base;
	struct memory *m;
	struct memory_connection writer, reader;
};

/* Of the transaction that c is in. */
struct list *memory_list_of(struct connection *c, enum kind kind);
void memory_append(struct connection *c, enum kind kind, void *item);
/* Never NULL: a test ends when there is no memory. */
void *memory_need(void *p);
/* Zeroed, and copies, that live as long as the journal. */
void *memory_make(struct connection *c, size_t n);
struct migrate_bytes memory_keep(struct connection *c, struct migrate_bytes b);
const char *memory_keep_text(struct connection *c, const char *text);
/* Copies for who reads. */
struct migrate_bytes memory_give(struct arena *a, struct migrate_bytes b);
const char *memory_give_text(struct arena *a, const char *text);

/* memory-claims.c: the batch is this connection's run's from now on. */
void memory_take(struct connection *c, int64_t batch);
enum result memory_claim(struct connection *c, int64_t after, int64_t *ids, size_t max, size_t *n,
			 struct error *err);
enum result memory_renew(struct connection *c, struct error *err);
enum result memory_release(struct connection *c, const int64_t *ids, size_t n, struct error *err);
enum result memory_fenced(struct connection *c, int64_t run, bool *fenced, struct error *err);

/* memory-batches.c: see backend.h. */
enum result memory_batch_insert(struct connection *c, struct batch *b, struct error *err);
enum result memory_batch_set(struct connection *c, const struct batch *b, unsigned what,
			     struct error *err);
enum result memory_batch_get(struct connection *c, int64_t id, struct batch *b, bool *dropped,
			     struct error *err);
enum result memory_batches(struct connection *c, enum batches_of what, int64_t after, int64_t *ids,
			   size_t max, size_t *n, struct error *err);
enum result memory_batch_before(struct connection *c, int pass, int64_t *id, struct error *err);
enum result memory_counts(struct connection *c, int pass, struct batch_counts *counts,
			  struct error *err);
enum result memory_objects_set(struct connection *c, const struct batch *b, const uint32_t *which,
			       size_t n, struct error *err);
enum result memory_object_hung(struct connection *c, int64_t batch, uint32_t n, struct error *err);
enum result memory_objects_get(struct connection *c, int64_t batch, uint32_t least,
			       struct object_page *page, struct arena *a, struct error *err);
enum result memory_last_pass(struct connection *c, int *pass, struct error *err);
enum result memory_batch_of_key(struct connection *c, int pass, struct migrate_bytes key,
				int64_t *batch, uint32_t *n, struct error *err);
enum result memory_batch_behind(struct connection *c, int pass, struct migrate_bytes key,
				int64_t *batch, struct arena *a, struct migrate_bytes *first,
				struct error *err);
enum result memory_position(struct connection *c, int pass, struct arena *a,
			    struct migrate_bytes *last_key, struct migrate_bytes *position,
			    struct error *err);
enum result memory_key_range(struct connection *c, struct arena *a, struct migrate_bytes *first,
			     struct migrate_bytes *last, struct error *err);
enum result memory_next_of_key(struct connection *c, struct migrate_bytes key, int64_t *batch,
			       uint32_t *n, struct error *err);
enum result memory_chunk_insert(struct connection *c, struct chunk *chunk,
				struct migrate_bytes texts, struct error *err);
enum result memory_chunk_settle(struct connection *c, const struct chunk *chunk, struct error *err);
enum result memory_chunks(struct connection *c, int64_t batch, bool open, struct arena *a,
			  struct chunk **chunks, size_t *n, struct error *err);
enum result memory_rows(struct connection *c, const struct chunk *chunk, struct arena *a,
			struct row_record **rows, uint32_t *n, struct error *err);
enum result memory_batch_drop(struct connection *c, const struct batch *b, struct error *err);

#endif
