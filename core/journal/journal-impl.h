/* SPDX-License-Identifier: MIT */
#ifndef MIGRATE_JOURNAL_JOURNAL_IMPL_H
#define MIGRATE_JOURNAL_JOURNAL_IMPL_H

#include "journal/journal.h"
#include "journal/statement.h"

#include <pthread.h>
#include <sqlite3.h>
#include <sys/types.h>

/*
 * Inside the journal.
 *
 * Invariants: the writer's connection is touched by the writer thread alone
 * (before it starts and after it was joined: by who opens and closes). The
 * reader's connection is touched under read_lock alone. No file of the journal
 * but the lock is opened by us while SQLite has it open: closing any descriptor
 * of a file drops the locks that SQLite holds on it in this process.
 */
#define JOURNAL_APPLICATION 0x4d494752 /* "MIGR" */
#define JOURNAL_FORMAT 2
#define BATCH_COUNTERS (16 + SKIP_COUNT)

_Static_assert(sizeof(struct batch_counts) == BATCH_COUNTERS * sizeof(uint64_t),
	       "batch_counts is read and written as an array");

/* Something to write. Lives on the stack of who waits for it, or is detached and freed. */
struct work {
	struct work *next;
	int (*apply)(struct connection *c, void *arg); /* SQLITE_OK or why not; may run twice */
	void *arg;
	bool detached; /* nobody waits: free it, argument and all */
	bool done;
	int result;
	struct error *err;
	pthread_cond_t wake;
};

struct journal {
	char *path; /* absolute, without symbolic links */
	enum journal_mode mode;
	int64_t patience;
	int lock_fd; /* -1: none */
	char fresh_id[17];
	int64_t run; /* of journal_begin_run() */

	struct connection writer;
	pthread_t thread;
	bool started;
	pthread_mutex_t queue_lock; /* all below, down to dead */
	pthread_cond_t queued;
	struct work *first, **last;
	size_t detached; /* events and samples that wait */
	bool stop;
	struct error dead;   /* exit != 0: nothing is written any more */
	uint32_t wal_frames; /* writer thread: in the log after the last commit */
	uint32_t wal_tried;  /* writer thread: when a checkpoint was last tried */

	pthread_mutex_t read_lock;
	struct connection reader;
};

/* journal.c: all that SQLite has open; the lock stays. May be called again. */
void journal_close_files(struct journal *j);

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

/* wal.c */
int journal_wal_check(int fd, const char *path, struct error *err);

/* tables.c */
int journal_tables_create(struct connection *c);
int journal_tables_check(struct connection *c, const char *path, struct error *err);

/* check.c */
int journal_check_quick(struct journal *j, struct error *err);
int journal_check_full(struct journal *j, struct error *err);

/* writer.c: run apply in the next group; returns when it is durable, or with err set. */
int journal_writer_start(struct journal *j, struct error *err);
void journal_writer_stop(struct journal *j);
int journal_write(struct journal *j, int (*apply)(struct connection *c, void *arg), void *arg,
		  struct error *err);
/* Nobody waits; arg is malloc'ed and freed. Dropped when too many wait already. */
void journal_post(struct journal *j, int (*apply)(struct connection *c, void *arg), void *arg);

/*
 * read.c: a read transaction of the one reading connection: begin, statements,
 * end with the result code of what was done (SQLITE_OK, _ROW and _DONE are well).
 */
struct connection *journal_read_begin(struct journal *j, struct error *err);
int journal_read_end(struct journal *j, int rc, struct error *err);

/* object.c: inside a transaction; SQLite result codes. */
int journal_object_insert(struct connection *c, const struct batch *b);
int journal_object_update(struct connection *c, int64_t batch, uint32_t n,
			  const struct object_record *o);
/* One more run ended because a call for it hung. */
int journal_object_hung(struct connection *c, int64_t batch, uint32_t n);
/* The row that s stands on (OBJECT_FROM), no object before `least`: SQLITE_OK or why not. */
int journal_object_row(struct connection *c, struct statement *s, int64_t batch, uint32_t least,
		       struct arena *a, uint32_t *n, struct object_record *o);
/* SQLITE_ROW, SQLITE_DONE: there is none. */
int journal_object_get(struct connection *c, int64_t batch, uint32_t n, struct arena *a,
		       struct object_record *o);
/* While *o at (*batch, *n) says MOVED, replace all three. SQLITE_ROW as above. */
int journal_object_follow(struct connection *c, struct arena *a, struct object_record *o,
			  int64_t *batch, uint32_t *n);

/* texts.c: what the texts of a chunk were, as its first row keeps them; and back. */
bool journal_texts_pack(struct arena *a, const struct chunk *c, struct migrate_bytes *out);
bool journal_texts_unpack(struct arena *a, struct chunk *c);

/* batch.c: the same. A hole is an object that was dropped: its key is empty. */
int journal_batch_insert(struct connection *c, struct batch *b);
int journal_batch_save(struct connection *c, const struct batch *b);
/* These of its columns, and when it was done; SET_DROPPED: it has lost its objects. */
enum {
	SET_DROPPED = 1 << 0,
	SET_STATE = 1 << 1,
	SET_BEGAN = 1 << 2,
	SET_DURABLE = 1 << 3,
	SET_OBJECTS = 1 << 4, /* counts of objects */
	SET_ROWS = 1 << 5,
	SET_SKIPS = 1 << 6
};
int journal_batch_set(struct connection *c, const struct batch *b, unsigned what);
/* SQLITE_ROW, SQLITE_DONE: there is none. *out is NULL but with SQLITE_ROW. */
int journal_batch_load(struct connection *c, int64_t id, struct batch **out);
/* A batch with holes cannot be counted anew: take off what leaves. */
void journal_batch_uncount(struct batch *b, const struct object_record *o);
bool journal_batch_has_holes(const struct batch *b);
/* Columns from first on, as BATCH_COUNTS lists them. */
void journal_counts_row(struct statement *s, int first, struct batch_counts *counts);

#endif
