/* SPDX-License-Identifier: MIT */
#ifndef MIGRATE_JOURNAL_JOURNAL_H
#define MIGRATE_JOURNAL_JOURNAL_H

#include "base/arena.h"
#include "base/error.h"

#include <migrate/plugin.h>
#include <sys/types.h>

/*
 * The record of what was intended and done. The engine talks to these functions
 * only; what keeps it stands behind backend.h, and nothing outside this folder
 * knows: today it is one local file.
 *
 * Every writing function returns after its records are durable. They may be
 * called from any thread: one writer thread applies what is queued and commits
 * it in groups, so that ten callers cost one fsync. Once a write failed, every
 * later one fails at once with EXIT_JOURNAL (no retry of a failed fsync, no
 * COMMIT after it); a full disk is waited out for `patience` first.
 * Reading functions may be called from any thread as well.
 */

/* Values below stand in the file: never renumber. migrate-journal(5) lists them. */
enum batch_state {
	BATCH_PLANNED = 0,
	BATCH_COPYING = 1,   /* began is set */
	BATCH_COPIED = 2,    /* all copies settled and durable */
	BATCH_REWRITING = 3, /* at least one chunk's intent was written */
	BATCH_DONE = 4,
	BATCH_PURGED = 5,
	BATCH_REVERTED = 6
};

enum batch_kind {
	BATCH_SORTED = 0, /* a stretch of the sorted plan (one large object also) */
	BATCH_MOVED = 1,  /* stragglers, retried failures: their old records say MOVED */
	BATCH_ROWS = 2,   /* rows alone, no copies: those that hold its values are looked for */
	BATCH_TEXTS = 3,  /* rows alone: one chunk of texts in which values were found */
	BATCH_FOUND = 4   /* rows alone: one chunk of rows that a scan found */
};

enum object_state {
	OBJECT_PLANNED = 0,
	OBJECT_COPIED = 1,  /* by us; done once its batch is */
	OBJECT_SAME = 2,    /* an equal copy was there before */
	OBJECT_SKIPPED = 3, /* by conflict policy, or old = new in one place */
	OBJECT_GONE = 4,    /* vanished from the source, no row names it */
	OBJECT_FAILED = 5,
	OBJECT_MOVED = 6 /* now in another batch: see moved_batch, moved_n */
};

/* Who made the copy at the destination. */
enum object_creator { CREATED_UNKNOWN = 0, CREATED_OURS = 1, CREATED_BEFORE = 2 };

/* Why an object failed. */
enum fail_class {
	FAIL_NONE = 0,
	FAIL_UNMATCHED, /* no rename rule matched */
	FAIL_RENAME,    /* a rule could not be applied */
	FAIL_COLLISION, /* two keys, one new key */
	FAIL_INVALID,   /* the destination cannot hold such a key or object */
	FAIL_CONFLICT,  /* other content is at the destination */
	FAIL_CHANGED,   /* kept changing while it was read */
	FAIL_MISSING,   /* vanished, but rows name it */
	FAIL_DENIED,
	FAIL_MISMATCH,   /* bytes differ after several attempts */
	FAIL_TRANSIENT,  /* attempts used up */
	FAIL_ATTRIBUTES, /* attributes would be lost, and the job says fail */
	FAIL_UNLISTED,   /* the source could not list it */
	FAIL_POISON,     /* in flight when a call hung, twice */
	FAIL_OTHER,
	FAIL_CLASS_COUNT
};
const char *fail_class_name(enum fail_class c);  /* "unmatched", ... */
enum fail_class fail_class_of(const char *name); /* FAIL_NONE: no such name */

enum skip_reason {
	SKIP_RULE = 0, /* selection, or unmatched: skip */
	SKIP_SYMLINK,
	SKIP_SPECIAL,
	SKIP_MOUNT,
	SKIP_ARCHIVED,
	SKIP_EMPTY_FOLDER, /* no key: counted apart */
	SKIP_OWN,          /* made by this job, in one place */
	SKIP_COUNT
};
const char *skip_reason_name(enum skip_reason r);

/* Why there are so many workers. Kept in journals: new ones at the end. */
enum auto_reason {
	AUTO_SET = 0,     /* by the job file or by migrate-control */
	AUTO_STARTING,    /* nothing is known yet */
	AUTO_GROWING,     /* more copiers moved more */
	AUTO_TRYING,      /* more copiers, for a look */
	AUTO_ENOUGH,      /* more did not help */
	AUTO_IDLE,        /* there is no work for more */
	AUTO_SLOWER,      /* the same work takes longer */
	AUTO_SOURCE,      /* the source asked for less */
	AUTO_DESTINATION, /* the destination did */
	AUTO_LIMIT,       /* no more are possible */
	AUTO_REASONS
};
const char *auto_reason_text(uint32_t reason);

/* One object of a batch. Bytes live in the batch's arena. */
struct object_record {
	struct migrate_bytes key, new_key; /* new_key.n = 0: none could be made */
	uint64_t size;
	int64_t mtime;             /* ns; INT64_MIN: not known */
	struct migrate_bytes etag; /* the source's, of the version that was planned, then copied */
	struct migrate_bytes stored;   /* the destination's, of our copy */
	struct migrate_digest digest;  /* of the content; n = 0: not known */
	struct migrate_bytes replaces; /* etag of our own earlier copy that this one may replace */
	uint8_t state;                 /* enum object_state */
	uint8_t created;               /* enum object_creator */
	uint8_t level;                 /* enum verify_level of job.h */
	uint8_t fail;                  /* enum fail_class */
	uint8_t attempts;
	uint8_t hung;   /* ends in which it was in flight when a call hung */
	bool native;    /* COPIED: the bytes did not pass through us */
	bool lost;      /* COPIED: some of its attributes could not be kept */
	bool in_doubt;  /* an answer was lost: what is at the destination may be ours */
	bool unchanged; /* PLANNED, SAME: the source has the content that the copy in `replaces` was
			   made of, with digest and level; its attributes may be others */
	bool remade;    /* PLANNED, FAILED: its copy was gone from the destination */
	bool dirty;     /* engine's: changed since it was last journalled */
	const char *message; /* of a failure; NULL: none */
	int64_t moved_batch; /* state MOVED: where it is now. In journal_plan() and another
				state: the older record of the same key, which becomes MOVED */
	uint32_t moved_n;
};
/*
 * Of a record that superseded an older one of its key and is not done itself: an earlier
 * pass left a copy at the new key, which rows may name.
 */
bool object_has_older_copy(const struct object_record *o);
/* May a copy of it be at its new key? One that was cut off may, and the journal not know it yet. */
bool object_may_stand(const struct object_record *o);
/* Failed before it was tried, for what its key is: trying it again changes nothing. */
bool object_failed_at_planning(const struct object_record *o);
/*
 * Rows that name it matter once it is settled: they follow a copy that is there, and those of a
 * vanished object are looked for to say so.
 */
bool object_has_rows(const struct object_record *o);
/* A copy of it is at its new key: made by us, or equal and there before. */
bool object_is_there(const struct object_record *o);
/* The copy at its new key is one that this job made. */
bool object_is_ours(const struct object_record *o);

/* What a batch adds up to; the journal's totals are sums of these. */
struct batch_counts {
	uint64_t objects, bytes;                      /* all but MOVED */
	uint64_t copied, same, skipped, gone, failed; /* settled objects by state */
	uint64_t copied_bytes;                        /* size of COPIED objects */
	uint64_t native;          /* COPIED without the bytes passing through us */
	uint64_t lost_attributes; /* objects that lost some */
	uint64_t rows_changed, rows_already, rows_conflict, rows_gone, rows_failed;
	uint64_t rows_missing; /* rows that named an object that was not there before we came */
	uint64_t skips[SKIP_COUNT]; /* keys passed over between the last batch and this one's end */
};

struct batch {
	int64_t id; /* given by journal_plan(), ascending in planning order */
	int pass;
	enum batch_kind kind;
	enum batch_state state;
	int64_t began; /* wall ns: when copying began; 0: not yet */
	/* the copies that its objects speak of were synced before it was journalled */
	bool durable;
	struct migrate_bytes position; /* the source's cursor behind this batch; may be empty */
	struct object_record *objects; /* BATCH_SORTED: ascending keys */
	uint32_t n;
	struct batch_counts counts;
	struct arena arena;
	struct chunk *rows; /* the engine's: what TEXTS or FOUND is about, until it is intended */
};

struct batch *batch_new(void);
void batch_free(struct batch *b);
/* What objects and sizes add up to, from the objects (counts of rows and skips are kept). */
void batch_recount(struct batch *b);

/* ---- Opening ---- */

enum journal_mode { JOURNAL_RUN, JOURNAL_READ };

/* Where a journal is; the path outlives what is asked of it. */
struct journal_place {
	const char *path;
	bool allow_volatile; /* tmpfs, network file systems */
	uid_t trusted; /* whose files are obeyed beside root's and ours: the job file's owner */
};

struct journal_options {
	struct journal_place place;
	enum journal_mode mode;
	bool create;      /* RUN: make it if there is none */
	int64_t patience; /* ms a full disk is waited for */
	bool full_check;  /* migrate-verify --journal: every record, and all counters */
};

struct journal;

/*
 * RUN: takes the lock (EXIT_LOCKED: "another run holds ..., pid N on HOST since ..."),
 * syncs the file and drops its cached pages before it is read, checks header,
 * format (EXIT_UNFIT for a newer one), counters and open batches (EXIT_DAMAGED).
 * READ: no lock, read-only, sees what is durable; EXIT_USAGE when there is none.
 * Both: EXIT_USAGE when others could have written it, or put files beside it.
 */
struct journal *journal_open(const struct journal_options *o, struct error *err);
/* RUN: checkpoints the log, releases the lock. Waits for queued writes. */
void journal_close(struct journal *j);
/*
 * RUN, both under the lock, which is let go of only then; its file stays, for whoever
 * waits for it. j is gone, whatever is returned.
 */
/* Close and remove it: nothing in it is worth to be kept. */
int journal_discard(struct journal *j, struct error *err);
/*
 * Close it and give it another name, PATH.TIME or, where there is such a one, PATH.TIME-N;
 * *name is malloc'ed. Where it was, journal_open() makes a new one then.
 */
int journal_set_aside(struct journal *j, char **name, struct error *err);

/* ---- Its place: nothing is opened, nothing locked ---- */

bool journal_exists(const struct journal_place *p);
/* Would a run that makes it, or goes on with it, be refused for what others could have written? */
int journal_trust(const struct journal_place *p, bool create, struct error *err);
/* Bytes that are free for it (UINT64_MAX: not known); folder: where, malloc'ed; NULL: out of
 * memory. err: no journal can be there. */
int journal_space(const struct journal_place *p, uint64_t *bytes, char **folder, struct error *err);
/* Is it kept in this very file? */
bool journal_is_file(const struct journal_place *p, const char *path);
/* Others that seem to be journals, near it. */
void journal_each_near(const struct journal_place *p,
		       void (*each)(void *arg, const struct journal_place *other), void *arg);

/*
 * What is asked of its runs: a small text, which is replaced as a whole. engine/task/control.h
 * says what it means.
 */
#define JOURNAL_ASKED_MAX 4096
struct journal_asked {
	char text[JOURNAL_ASKED_MAX + 1]; /* "": nothing */
	uint64_t version[4];              /* of this text: another one has another */
};
int journal_asked(const struct journal_place *p, struct journal_asked *a, struct error *err);
/* 1: it is another one than version, 0, -1: it cannot be said. Cheap. */
int journal_asked_changed(const struct journal_place *p, const uint64_t version[4],
			  struct error *err);
/* No other writer comes between: change() says what takes the place of a->text; durable then. */
int journal_ask(const struct journal_place *p,
		int (*change)(void *arg, struct journal_asked *a, struct error *err), void *arg,
		struct error *err);
/* As messages name it. */
const char *journal_asked_name(const struct journal_place *p, char *name, size_t size);

/* ---- Job and runs ---- */

struct journal_job {
	bool exists; /* false: a new journal */
	char id[17]; /* the job's id: 16 hex digits, random */
	char fingerprint[65];
	char *canonical;            /* malloc'ed, as all texts of this struct */
	char *source, *destination; /* identities */
	char *databases, *caches;   /* identities, one per line */
	int64_t created;
};
void journal_job_release(struct journal_job *job);
/* False: it knows the job's id at most. No run has opened the ends, so nothing was done. */
bool journal_job_is_bound(const struct journal_job *job);

/* For a new journal *job has exists = false and a fresh id. */
int journal_get_job(struct journal *j, struct journal_job *job, struct error *err);
/* Written once, or again with --accept-change: what changed (lines; NULL: nothing) becomes an event. */
int journal_set_job(struct journal *j, const struct journal_job *job, const char *change,
		    struct error *err);

struct journal_run {
	int64_t id, started, ended; /* ended 0: did not end cleanly, or still runs */
	int exit;
	int pid;
	char host[256];
	char reason[256];
};
int journal_begin_run(struct journal *j, const char *reason, struct error *err);
int journal_end_run(struct journal *j, int exit, const char *reason, struct error *err);

/* ---- Passes ---- */

enum pass_state { PASS_LISTING = 0, PASS_LISTED = 1, PASS_SCANNING = 2, PASS_DONE = 3 };

struct journal_pass {
	int number; /* from 1 */
	enum pass_state state;
	int64_t started, ended;
	uint64_t orphaned; /* copies of ours whose source has gone */
	/* SCANNING: opaque bytes of the engine (which database, where) */
	struct migrate_bytes cursor;
};
/* The newest pass; number 0 if there is none. cursor in a. */
int journal_last_pass(struct journal *j, struct arena *a, struct journal_pass *pass,
		      struct error *err);
/* Insert or update by number. */
int journal_set_pass(struct journal *j, const struct journal_pass *pass, struct error *err);

/* ---- Writing ---- */

/* Insert batches with all their objects; gives ids. state PLANNED or COPYING as set. */
int journal_plan(struct journal *j, struct batch *const *batches, size_t n, struct error *err);
/* state COPYING, began. */
int journal_began(struct journal *j, struct batch *const *batches, size_t n, struct error *err);
/*
 * The dirty objects of each batch, its state, durable and counts (those of objects are
 * counted anew, as by journal_plan() and journal_move()). dirty is cleared by the caller.
 */
int journal_save(struct journal *j, struct batch *const *batches, size_t n, struct error *err);
/*
 * Move objects to new batches: inserts `to` (kind MOVED) and marks in `from` the
 * objects whose index stands in which[] (which[i] becomes to->objects[i]).
 */
int journal_move(struct journal *j, struct batch *from, const uint32_t *which, struct batch *to,
		 struct error *err);

/* The database of a row: index in the job's list. */
enum { ROW_RETRIED = 6 }; /* an outcome beside enum migrate_outcome: in a later batch */

struct row_record {
	uint32_t object; /* index in the batch */
	uint32_t number; /* in its chunk, as journalled; the journal's */
	struct migrate_bytes identity, place, before, after, extra;
	struct migrate_bytes edits; /* of a text: from before to after, packed (base/edits.h) */
	const char *text;           /* identity as shown */
	uint8_t outcome;            /* enum migrate_outcome */
	const char *message;        /* conflict, failure; NULL: none */
	bool extra_differs;         /* it is not the one that was intended */
	bool put_off;               /* it is come back to in this run; not journalled */
};

/* It conflicted or failed: somebody has to look at it. */
bool row_is_bad(const struct row_record *r);

struct chunk {
	int64_t id; /* given by journal_intent() */
	int64_t batch;
	uint32_t database;
	bool settled;
	bool texts; /* rows hold texts: they have edits, whose objects are the batch's */
	struct row_record *rows;
	uint32_t n;
};

/* Durable before the rewrite. b's state becomes REWRITING. */
int journal_intent(struct journal *j, struct batch *b, struct chunk *chunk, struct error *err);
/* Outcomes of the chunk's rows, counts of b, and b's state as set in b (DONE: with the last one). */
int journal_outcome(struct journal *j, struct batch *b, struct chunk *chunk, struct error *err);

/*
 * An upload under way, continued or aborted by a later run. It belongs to its key at the
 * destination, whichever batch the object is in by now.
 */
struct upload_record {
	struct migrate_bytes new_key, id;
	uint64_t part_size; /* bytes */
	/* the version of the source that its parts are of */
	struct migrate_bytes etag;
	uint64_t size;
	int64_t mtime; /* ns; INT64_MIN: not known */
};
/* In the place of an older one of that key. */
int journal_upload(struct journal *j, const struct upload_record *upload, struct error *err);
int journal_upload_gone(struct journal *j, struct migrate_bytes new_key, struct error *err);
/* 1: found, bytes in a; 0: there is none; -1. */
int journal_get_upload(struct journal *j, struct migrate_bytes new_key, struct arena *a,
		       struct upload_record *u, struct error *err);
/* The first whose key is above `after`: as above. */
int journal_next_upload(struct journal *j, struct migrate_bytes after, struct arena *a,
			struct upload_record *u, struct error *err);

/* These objects were in flight when a call hung: hung is incremented. */
int journal_hung(struct journal *j, const int64_t *batches, const uint32_t *objects, size_t n,
		 struct error *err);

/* level as enum log_level. Never blocks longer than queueing; a lost one is no failure. */
void journal_event(struct journal *j, int level, const char *text);

struct journal_sample {
	int64_t at;                            /* wall ns */
	uint64_t objects, bytes, rows, failed; /* done in this run */
	uint32_t workers, errors;
	uint32_t why; /* so many workers: enum auto_reason */
};
void journal_sample(struct journal *j, const struct journal_sample *s);

/*
 * keep: failures. Drops the rows of this done batch that are as they should be, and its
 * objects that did not fail and that no other row names. When it is loaded, the dropped ones are holes:
 * their key is empty.
 */
int journal_drop_done(struct journal *j, struct batch *b, struct error *err);

/* ---- Whose work it is ---- */

/*
 * Where several runs share a journal, an open batch is worked on by the run that planned or
 * claimed it, until it is done, released, or that run was not heard of for so long that
 * another one claims it; from then on whatever that run writes is refused (EXIT_LOCKED), as
 * it was decided by one that others took for dead. A journal in a file has one run, which
 * holds its lock: all is its own.
 */

/* Tells this run from all before it; 0: none was begun. */
int64_t journal_epoch(const struct journal *j);
/* Ids above `after` of open batches that are nobody else's, ascending, at most max: ours now. */
int journal_claim(struct journal *j, int64_t after, int64_t *ids, size_t max, size_t *n,
		  struct error *err);
/* This run is alive: said often enough, when it writes nothing else for long. */
int journal_renew(struct journal *j, struct error *err);
/* Others may claim these. */
int journal_release(struct journal *j, const int64_t *ids, size_t n, struct error *err);
/* Has another run taken over from that one, which may change nothing any more? 1, 0, -1. */
int journal_fenced(struct journal *j, int64_t epoch, struct error *err);
/*
 * The barrier before what needs all objects of a pass, such as its rows and texts: has each of
 * its batches with copies come to this state, whoever works on it? 1, 0, -1.
 */
int journal_pass_is_at(struct journal *j, int pass, enum batch_state state, struct error *err);

/* ---- Reading ---- */

/* When copying of this batch began (wall ns); 0: not yet, or there is no such batch. */
int journal_began_at(struct journal *j, int64_t batch, int64_t *began, struct error *err);

/* Ids of batches with state < DONE, ascending, at most max, above `after`. */
int journal_open_batches(struct journal *j, int64_t after, int64_t *ids, size_t max, size_t *n,
			 struct error *err);
/* Is there any? 1, 0, -1. */
int journal_has_open(struct journal *j, struct error *err);
struct batch *journal_load(struct journal *j, int64_t id, struct error *err);
/* Chunks of a batch that have an intent and no outcome; rows in a. */
int journal_open_chunks(struct journal *j, int64_t batch, struct arena *a, struct chunk **chunks,
			size_t *n, struct error *err);
/*
 * All chunks of a batch, one after the other, with outcomes; rows live until each()
 * returns, so that a key which a million rows name takes no more memory than another.
 */
int journal_each_chunk(struct journal *j, int64_t batch,
		       int (*each)(void *arg, struct chunk *chunk, struct error *err), void *arg,
		       struct error *err);
/* All chunks of a batch, with outcomes. */
int journal_chunks(struct journal *j, int64_t batch, struct arena *a, struct chunk **chunks,
		   size_t *n, struct error *err);

/* The last batch of the passes before this one; 0: there is none. */
int journal_last_before(struct journal *j, int pass, int64_t *id, struct error *err);
/* The last batch of kind SORTED of a pass: its last key (n = 0: none yet) and position. */
int journal_position(struct journal *j, int pass, struct arena *a, struct migrate_bytes *last_key,
		     struct migrate_bytes *position, struct error *err);

/* Sums over all batches (pass 0) or one pass. */
int journal_counts(struct journal *j, int pass, struct batch_counts *counts, struct error *err);

/*
 * The newest record of each key of the passes before `before`, in byte order of
 * keys; MOVED ones are followed. Constant memory. next: 1, 0 at the end, -1.
 */
struct journal_merge;
struct journal_merge *journal_merge_open(struct journal *j, int before, struct error *err);
int journal_merge_next(struct journal_merge *m, struct object_record *out, int64_t *batch,
		       uint32_t *n, struct error *err);
void journal_merge_close(struct journal_merge *m);

/* The newest record of one key: 1 found (bytes in a), 0 not, -1. Through the batches' ranges. */
int journal_find_key(struct journal *j, struct migrate_bytes key, struct arena *a,
		     struct object_record *out, int64_t *batch, uint32_t *n, struct error *err);

/* No key of the job lies before first or behind last; both empty: there is none. Bytes in a. */
int journal_key_range(struct journal *j, struct arena *a, struct migrate_bytes *first,
		      struct migrate_bytes *last, struct error *err);
/*
 * The next record of one key in a batch above *batch (from 0), of whatever kind and state: 1
 * found, 0 there is no more, -1. Looks at all batches that rows or retries made: not for each key
 * of a job.
 */
int journal_next_of_key(struct journal *j, struct migrate_bytes key, int64_t *batch, uint32_t *n,
			struct error *err);

/* Batches in order of id, for verify and status; objects are loaded. NULL at the end (err clear). */
struct batch *journal_next_batch(struct journal *j, int64_t after, struct error *err);

/*
 * Objects by state and class (FAIL_NONE: any), or whose key or new key contains text.
 * What each() returns other than 0 ends it and is returned, here and below.
 */
typedef int journal_each_object(void *arg, const struct batch *b, uint32_t n,
				const struct object_record *o);
int journal_each_failed(struct journal *j, enum fail_class c, journal_each_object *each, void *arg,
			struct error *err);
/* Those that were skipped because other content is at the destination (fail is CONFLICT). */
int journal_each_conflict_skipped(struct journal *j, journal_each_object *each, void *arg,
				  struct error *err);
int journal_search(struct journal *j, struct migrate_bytes text, size_t limit,
		   journal_each_object *each, void *arg, struct error *err);

typedef int journal_each_row(void *arg, int64_t batch, const struct chunk *c,
			     const struct row_record *r);
/* Rows that conflicted or failed. */
int journal_each_bad_row(struct journal *j, journal_each_row *each, void *arg, struct error *err);

int journal_last_run(struct journal *j, struct journal_run *run, struct error *err);
/* Newest first, at most n; *got. */
int journal_samples(struct journal *j, struct journal_sample *out, size_t n, size_t *got,
		    struct error *err);
typedef int journal_each_event_fn(void *arg, int64_t at, int level, const char *text);
int journal_each_event(struct journal *j, size_t last, journal_each_event_fn *each, void *arg,
		       struct error *err);

/* Bytes on disk that n objects and rows will take, for migrate-check. */
uint64_t journal_estimate(uint64_t objects, uint64_t rows);

#endif
