/* SPDX-License-Identifier: MIT */
#ifndef MIGRATE_JOURNAL_BACKEND_H
#define MIGRATE_JOURNAL_BACKEND_H

#include "journal/journal.h"

/*
 * What keeps a journal, as those who decide see it. Records go in and come out whole, a
 * batch with all its objects, a chunk with its rows, so that one that is far away is asked
 * once for each. What they mean together stands above, once: which record takes over from
 * which, the merge of passes, the search for a key, what a batch adds up to.
 *
 * A store has two connections. The writer's belongs to the queue's thread, the reader's to
 * who holds the journal's lock for reading; each operation is made within a transaction
 * that was begun on its connection, and the reader sees what is committed. Nothing that was
 * committed is lost, and what comes out is what went in: a record that is not as it was
 * written is refused (EXIT_DAMAGED).
 */
enum result {
	RESULT_OK = 0, /* it is written; it was read */
	RESULT_NONE,   /* there is no such record; of reading alone */
	RESULT_WAIT,   /* err is set, but it may pass: no space, somebody else's lock */
	RESULT_FAILED  /* err is set */
};

struct connection {
	const struct backend *backend;
	const char *journal; /* as messages name it */
	int64_t run;         /* the writer's: begun by run_begin(); what it plans is its own */
};

/* A back end's own begins with it. */
struct store {
	struct connection *writer; /* JOURNAL_READ: NULL */
	struct connection *reader;
};

/* What batch_set() writes, and when it was done; counts are those of batch_counts. */
enum {
	SET_STATE = 1 << 0,
	SET_BEGAN = 1 << 1,
	SET_DURABLE = 1 << 2,
	SET_OBJECTS = 1 << 3,
	SET_ROWS = 1 << 4,
	SET_SKIPS = 1 << 5,
	SET_ALL = (1 << 6) - 1
};

/* Batches by what is in them, in order of id. */
enum batches_of {
	BATCHES_ALL,
	BATCHES_OPEN,    /* not DONE */
	BATCHES_ACTIVE,  /* open; those that are not PLANNED any more come first */
	BATCHES_FAILED,  /* with objects that failed */
	BATCHES_SKIPPED, /* with objects that were skipped */
	BATCHES_BAD_ROWS /* with rows that conflicted or failed */
};

/* Room for max objects and their numbers; n came. */
struct object_page {
	struct object_record *objects;
	uint32_t *numbers;
	size_t n, max;
};

struct journal_event_record {
	struct journal_event_record *next;
	int64_t at;
	int level;
	const char *text;
};

/* When tidy() is called: between two groups, with nothing to do, for want of space. */
enum tidy { TIDY_BUSY, TIDY_IDLE, TIDY_FOR_ROOM };

struct backend {
	/* ---- The store ---- */

	/* As journal_open(): looks at the records that lead to open work, or at all. */
	struct store *(*open)(const struct journal_options *o, struct error *err);
	/*
	 * Lets go of all but the claim to be the one run. Not clean: something failed, and what
	 * could not be written must not be tried once more. May be called again.
	 */
	void (*disconnect)(struct store *s, bool clean);
	/* Disconnected: as journal_discard() and journal_set_aside(), but close() has to follow. */
	int (*discard)(struct store *s, struct error *err);
	int (*set_aside)(struct store *s, char **name, struct error *err);
	void (*close)(struct store *s);

	/* ---- Transactions ---- */

	/* Refuses a run that another one took over from, where several share a journal. */
	enum result (*begin_write)(struct connection *c, struct error *err);
	enum result (*commit)(struct connection *c, struct error *err);
	void (*roll_back)(struct connection *c); /* if one is begun */
	/* The writer's: anything that is better done while nobody waits. FAILED: nothing is written any more. */
	enum result (*tidy)(struct connection *c, enum tidy when, struct error *err);
	enum result (*begin_read)(struct connection *c, struct error *err);
	void (*end_read)(struct connection *c);

	/* ---- Job, runs, passes, events ---- */

	/* Texts are malloc'ed, and the caller's even if it fails. */
	enum result (*job_get)(struct connection *c, struct journal_job *job, struct error *err);
	enum result (*job_set)(struct connection *c, const struct journal_job *job,
			       struct error *err);
	enum result (*run_last)(struct connection *c, struct journal_run *run, struct error *err);
	/* Gives its id, above all others. */
	enum result (*run_begin)(struct connection *c, struct journal_run *run, struct error *err);
	/* Its end, exit and reason. */
	enum result (*run_end)(struct connection *c, const struct journal_run *run,
			       struct error *err);
	enum result (*pass_last)(struct connection *c, struct arena *a, struct journal_pass *pass,
				 struct error *err);
	enum result (*pass_set)(struct connection *c, const struct journal_pass *pass,
				struct error *err);
	enum result (*event_add)(struct connection *c, int64_t at, int level, const char *text,
				 struct error *err);
	/* The last n, oldest first, in a. */
	enum result (*events)(struct connection *c, size_t n, struct arena *a,
			      struct journal_event_record **first, struct error *err);
	enum result (*sample_add)(struct connection *c, const struct journal_sample *s,
				  struct error *err);
	/* The last n, newest first. */
	enum result (*samples)(struct connection *c, struct journal_sample *out, size_t n,
			       size_t *got, struct error *err);

	/* ---- Batches and objects ---- */

	/* With all its objects; gives its id, above all others. */
	enum result (*batch_insert)(struct connection *c, struct batch *b, struct error *err);
	enum result (*batch_set)(struct connection *c, const struct batch *b, unsigned what,
				 struct error *err);
	/* Without its objects; bytes in its arena. *dropped: it has lost some on purpose. */
	enum result (*batch_get)(struct connection *c, int64_t id, struct batch *b, bool *dropped,
				 struct error *err);
	/* Rows that are as they should be; objects that did not fail and that no other row names. */
	enum result (*batch_drop)(struct connection *c, const struct batch *b, struct error *err);
	/* Ids above `after`, at most max. */
	enum result (*batches)(struct connection *c, enum batches_of what, int64_t after,
			       int64_t *ids, size_t max, size_t *n, struct error *err);
	/* The last one of the passes before this one. */
	enum result (*batch_before)(struct connection *c, int pass, int64_t *id, struct error *err);
	/* Sums of all (pass 0) or of one pass. */
	enum result (*counts)(struct connection *c, int pass, struct batch_counts *counts,
			      struct error *err);
	/* Those of its objects; which NULL: the dirty ones. hung never becomes less. */
	enum result (*objects_set)(struct connection *c, const struct batch *b,
				   const uint32_t *which, size_t n, struct error *err);
	/* hung becomes one more. */
	enum result (*object_hung)(struct connection *c, int64_t batch, uint32_t n,
				   struct error *err);
	/* From number `least` on, ascending; bytes in a. OK also if there are none. */
	enum result (*objects_get)(struct connection *c, int64_t batch, uint32_t least,
				   struct object_page *page, struct arena *a, struct error *err);

	/* ---- Whose work it is: the writer's run ---- */

	/* As journal_claim() and the like. */
	enum result (*claim)(struct connection *c, int64_t after, int64_t *ids, size_t max,
			     size_t *n, struct error *err);
	enum result (*renew)(struct connection *c, struct error *err);
	enum result (*release)(struct connection *c, const int64_t *ids, size_t n,
			       struct error *err);
	enum result (*fenced)(struct connection *c, int64_t run, bool *fenced, struct error *err);

	/* ---- Keys: of sorted batches, which do not overlap within a pass ---- */

	/* 0: there is none. */
	enum result (*last_pass)(struct connection *c, int *pass, struct error *err);
	/* The batch whose range this key lies in. */
	enum result (*batch_of_key)(struct connection *c, int pass, struct migrate_bytes key,
				    int64_t *batch, uint32_t *n, struct error *err);
	/* The first that begins behind this key (n = 0: the first of all); its first key in a. */
	enum result (*batch_behind)(struct connection *c, int pass, struct migrate_bytes key,
				    int64_t *batch, struct arena *a, struct migrate_bytes *first,
				    struct error *err);
	/* The last key and the position of the batch that was planned last; n = 0: none. In a. */
	enum result (*position)(struct connection *c, int pass, struct arena *a,
				struct migrate_bytes *last_key, struct migrate_bytes *position,
				struct error *err);
	/* The first key of all passes and the last one; n = 0: none. In a. */
	enum result (*key_range)(struct connection *c, struct arena *a, struct migrate_bytes *first,
				 struct migrate_bytes *last, struct error *err);
	/* The next object of this key in a batch above *batch, of whatever kind. */
	enum result (*next_of_key)(struct connection *c, struct migrate_bytes key, int64_t *batch,
				   uint32_t *n, struct error *err);

	/* ---- Rows ---- */

	/*
	 * With all its rows, without outcomes; gives its id. texts: what the rows held before, for
	 * all of them (journal/texts.c); their edits stand in the place of the new values.
	 */
	enum result (*chunk_insert)(struct connection *c, struct chunk *chunk,
				    struct migrate_bytes texts, struct error *err);
	/* Settled, and outcomes: row_is_as_intended() ones need not be written. */
	enum result (*chunk_settle)(struct connection *c, const struct chunk *chunk,
				    struct error *err);
	/* Of a batch, in order, without rows; open: those that are not settled. In a. */
	enum result (*chunks)(struct connection *c, int64_t batch, bool open, struct arena *a,
			      struct chunk **chunks, size_t *n, struct error *err);
	/*
	 * Its rows, in a; *n came. outcome: CHANGED where it is settled and no other one was
	 * written, UNKNOWN where it is not. Of texts as they were given to chunk_insert().
	 */
	enum result (*rows)(struct connection *c, const struct chunk *chunk, struct arena *a,
			    struct row_record **rows, uint32_t *n, struct error *err);

	/* ---- Uploads ---- */

	enum result (*upload_set)(struct connection *c, const struct upload_record *u,
				  struct error *err);
	enum result (*upload_drop)(struct connection *c, struct migrate_bytes new_key,
				   struct error *err);
	/* Of this key; next: the first behind it. In a. */
	enum result (*upload_get)(struct connection *c, struct migrate_bytes new_key, bool next,
				  struct arena *a, struct upload_record *u, struct error *err);
};

/* Changed, with nothing to say about it and the columns of `set:` as intended. */
bool row_is_as_intended(const struct row_record *r);

/* A sentence for EXIT_DAMAGED, with what to do; RESULT_FAILED. */
enum result journal_damaged(const struct connection *c, struct error *err, const char *format, ...)
    MIGRATE_PRINTF(3, 4);
enum result journal_no_memory(struct error *err);

/* One local file, the default. */
extern const struct backend journal_file_backend;
/* As journal_open(), with another one. */
struct journal *journal_open_with(const struct backend *backend, const struct journal_options *o,
				  struct error *err);

#endif
