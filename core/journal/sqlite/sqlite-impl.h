/* SPDX-License-Identifier: MIT */
#ifndef MIGRATE_JOURNAL_SQLITE_SQLITE_IMPL_H
#define MIGRATE_JOURNAL_SQLITE_SQLITE_IMPL_H

#include "journal/sqlite/statement.h"

#include <sys/types.h>

/*
 * A journal in one file of SQLite.
 *
 * Invariant: no file of the journal but the lock is opened by us while SQLite has it
 * open: closing any descriptor of a file drops the locks that SQLite holds on it in this
 * process.
 */
#define JOURNAL_APPLICATION 0x4d494752 /* "MIGR" */
#define JOURNAL_FORMAT 2
#define BATCH_COUNTERS (16 + SKIP_COUNT)

_Static_assert(sizeof(struct batch_counts) == BATCH_COUNTERS * sizeof(uint64_t),
	       "batch_counts is read and written as an array");

struct file_store {
	struct store base;
	char *path; /* absolute, without symbolic links */
	enum journal_mode mode;
	int lock_fd; /* -1: none */
	struct sqlite writer, reader;
};

/* What SQLite's header says at these offsets: sqlite.org/fileformat.html. */
#define HEADER_SIZE 100
#define HEADER_WRITE_VERSION 18
#define HEADER_READ_VERSION 19
#define HEADER_WAL 2

/* lock.c: a descriptor, or -1. trusted: see journal_options. */
int journal_lock(const char *path, uid_t trusted, struct error *err);
void journal_unlock(int fd);

/* file.c */
/* The file without symbolic links in its path, malloc'ed; it need not exist. */
char *journal_file_resolve(const char *path, struct error *err);
bool journal_file_exists(const char *path);
/* Refuse what does not survive a power loss. */
int journal_file_place(const char *path, struct error *err);
/* Make a whole, empty journal appear at path at once. */
int journal_file_create(const char *path, struct error *err);
/* "PATH-wal" and the like, malloc'ed; NULL: out of memory. */
char *journal_file_beside(const char *path, const char *suffix);

/* settle.c */
/*
 * Refuse (EXIT_USAGE) what others could have written: the file, its logs, the folder
 * of one that is to be created. path: o->path, resolved. Nothing is changed.
 */
int journal_file_trust(const struct journal_options *o, const char *path, struct error *err);
/* What the disk holds is what we shall read, and ours: sync, drop the cache, look at the header. */
int journal_file_settle(const struct journal_options *o, const char *path, struct error *err);
/* SQLite has read from it. */
void journal_file_opened(const char *path);

/* log-check.c */
int journal_wal_check(int fd, const char *path, struct error *err);

/* tables.c */
int journal_tables_create(struct sqlite *q);
int journal_tables_check(struct sqlite *q, struct error *err);

/* check.c: what leads to open work; full: everything. */
enum result file_check(struct sqlite *q, bool full, struct error *err);

/* open.c */
struct store *file_open(const struct journal_options *o, struct error *err);
void file_disconnect(struct store *store, bool clean);
void file_close(struct store *store);

/* aside.c */
int file_discard(struct store *store, struct error *err);
int file_set_aside(struct store *store, char **name, struct error *err);

/* transaction.c */
enum result file_begin_write(struct connection *c, struct error *err);
enum result file_commit(struct connection *c, struct error *err);
void file_roll_back(struct connection *c);
enum result file_tidy(struct connection *c, enum tidy when, struct error *err);
enum result file_begin_read(struct connection *c, struct error *err);
void file_end_read(struct connection *c);
/* Call it for the writer: how much is in the log. */
void file_watch_log(struct sqlite *q);
/* All of the log into the file. */
enum result file_empty_log(struct sqlite *q, struct error *err);

/* record.c, batch.c, object.c, claim.c, key.c, row.c: see backend.h. */
enum result file_job_get(struct connection *c, struct journal_job *job, struct error *err);
enum result file_job_set(struct connection *c, const struct journal_job *job, struct error *err);
enum result file_run_last(struct connection *c, struct journal_run *run, struct error *err);
enum result file_run_begin(struct connection *c, struct journal_run *run, struct error *err);
enum result file_run_end(struct connection *c, const struct journal_run *run, struct error *err);
enum result file_pass_last(struct connection *c, struct arena *a, struct journal_pass *pass,
			   struct error *err);
enum result file_pass_set(struct connection *c, const struct journal_pass *pass, struct error *err);
enum result file_event_add(struct connection *c, int64_t at, int level, const char *text,
			   struct error *err);
enum result file_events(struct connection *c, size_t n, struct arena *a,
			struct journal_event_record **first, struct error *err);
enum result file_sample_add(struct connection *c, const struct journal_sample *sample,
			    struct error *err);
enum result file_samples(struct connection *c, struct journal_sample *out, size_t n, size_t *got,
			 struct error *err);
enum result file_upload_set(struct connection *c, const struct upload_record *u, struct error *err);
enum result file_upload_drop(struct connection *c, struct migrate_bytes new_key, struct error *err);
enum result file_upload_get(struct connection *c, struct migrate_bytes new_key, bool next,
			    struct arena *a, struct upload_record *u, struct error *err);

enum result file_batch_insert(struct connection *c, struct batch *b, struct error *err);
enum result file_batch_set(struct connection *c, const struct batch *b, unsigned what,
			   struct error *err);
enum result file_batch_get(struct connection *c, int64_t id, struct batch *b, bool *dropped,
			   struct error *err);
enum result file_batch_drop(struct connection *c, const struct batch *b, struct error *err);
enum result file_batches(struct connection *c, enum batches_of what, int64_t after, int64_t *ids,
			 size_t max, size_t *n, struct error *err);
enum result file_batch_before(struct connection *c, int pass, int64_t *id, struct error *err);
enum result file_counts(struct connection *c, int pass, struct batch_counts *counts,
			struct error *err);

int file_object_insert(struct connection *c, const struct batch *b);
enum result file_objects_set(struct connection *c, const struct batch *b, const uint32_t *which,
			     size_t n, struct error *err);
enum result file_object_hung(struct connection *c, int64_t batch, uint32_t n, struct error *err);
enum result file_objects_get(struct connection *c, int64_t batch, uint32_t least,
			     struct object_page *page, struct arena *a, struct error *err);

enum result file_claim(struct connection *c, int64_t after, int64_t *ids, size_t max, size_t *n,
		       struct error *err);
enum result file_renew(struct connection *c, struct error *err);
enum result file_release(struct connection *c, const int64_t *ids, size_t n, struct error *err);
enum result file_fenced(struct connection *c, int64_t run, bool *fenced, struct error *err);

enum result file_last_pass(struct connection *c, int *pass, struct error *err);
enum result file_batch_of_key(struct connection *c, int pass, struct migrate_bytes key,
			      int64_t *batch, uint32_t *n, struct error *err);
enum result file_batch_behind(struct connection *c, int pass, struct migrate_bytes key,
			      int64_t *batch, struct arena *a, struct migrate_bytes *first,
			      struct error *err);
enum result file_position(struct connection *c, int pass, struct arena *a,
			  struct migrate_bytes *last_key, struct migrate_bytes *position,
			  struct error *err);
enum result file_key_range(struct connection *c, struct arena *a, struct migrate_bytes *first,
			   struct migrate_bytes *last, struct error *err);
enum result file_next_of_key(struct connection *c, struct migrate_bytes key, int64_t *batch,
			     uint32_t *n, struct error *err);

enum result file_chunk_insert(struct connection *c, struct chunk *chunk, struct migrate_bytes texts,
			      struct error *err);
enum result file_chunk_settle(struct connection *c, const struct chunk *chunk, struct error *err);
enum result file_chunks(struct connection *c, int64_t batch, bool open, struct arena *a,
			struct chunk **chunks, size_t *n, struct error *err);
enum result file_rows(struct connection *c, const struct chunk *chunk, struct arena *a,
		      struct row_record **rows, uint32_t *n, struct error *err);

#endif
