/* SPDX-License-Identifier: MIT */
#ifndef MIGRATE_PLUGIN_H
#define MIGRATE_PLUGIN_H

/*
 * The whole interface between migrate and its plugins: migrate-plugin(3) teaches
 * it. DRAFT: may change until a store and a database plugin were written outside
 * this tree; from then on it is kept compatible.
 *
 * The rules in one breath. A plugin exports one function, migrate_plugin_v1(),
 * which returns a constant descriptor. Calls block; concurrency is the core's:
 * one instance per section of the job file, one session per worker, a session is
 * never used by two threads at once. A plugin states facts by returning a status
 * and adding a message; it never retries, sleeps, logs failures, forks, exits,
 * or changes signals, locale, umask or working directory. Request structs belong
 * to the core, are passed by pointer, are zeroed but for their inputs, and may
 * grow at their end. Inputs live until the call returns. Results are copied out
 * through the functions below, so nobody frees across the boundary.
 *
 * Keys are byte strings: never normalised, never C strings, may hold NULs.
 */

#include <migrate/option.h>

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif
#pragma GCC visibility push(default)

#define MIGRATE_ABI 1
#define MIGRATE_KEY_MAX 65535     /* bytes in a key, and in a value of a row */
#define MIGRATE_CURSOR_MAX 4096   /* bytes in a cursor */
#define MIGRATE_IDENTITY_MAX 1024 /* bytes in a row's identity, and in its place */
#define MIGRATE_ETAG_MAX 256      /* bytes in an etag, an upload id, a part's token */

#define MIGRATE_PRINTF(f_, a_) __attribute__((format(printf, f_, a_)))

/* ---- Status ------------------------------------------------------------ */

/*
 * What a call says happened. The core decides what follows from it: "object"
 * concerns the one object or row, "everything" makes the core ask probe().
 */
enum migrate_status {
	MIGRATE_OK = 0,
	MIGRATE_NOT_FOUND, /* object: there is none of that name */
	MIGRATE_EXISTS,    /* object: precondition ABSENT not met */
	MIGRATE_CHANGED,   /* object: if_match not met, or changed while it was read */
	MIGRATE_MISMATCH,  /* object: bytes or digest differ from what was promised; tried again */
	MIGRATE_INVALID,   /* object: this place can never hold or serve it */
	MIGRATE_DENIED,    /* object; everything when it happens often */
	MIGRATE_THROTTLED, /* everything: slow down, then try again */
	MIGRATE_TRANSIENT, /* object: try again */
	MIGRATE_UNKNOWN_OUTCOME, /* object: a change may or may not have happened: look it up */
	MIGRATE_NO_SPACE,        /* everything: pause */
	MIGRATE_UNAVAILABLE,     /* everything: pause */
	MIGRATE_UNSUPPORTED,     /* object: not this way; the core falls back */
	MIGRATE_CANCELLED,       /* the core asked for it */
	MIGRATE_FATAL,           /* everything: end the run */
	MIGRATE_STATUS_COUNT
};

/* ---- Values that never change size -------------------------------------- */

struct migrate_bytes {
	const void *p;
	size_t n;
};

enum migrate_digest_algorithm {
	MIGRATE_MD5 = 0,
	MIGRATE_SHA256,
	MIGRATE_SHA1,
	MIGRATE_CRC32C,
	MIGRATE_CRC64NVME,
	MIGRATE_CRC32,
	MIGRATE_DIGEST_COUNT
};

struct migrate_digest {
	uint16_t algorithm; /* enum migrate_digest_algorithm */
	uint16_t n;         /* bytes used; 0: not known */
	uint8_t bytes[32];
};

/* ---- Opaque, the core's -------------------------------------------------- */

struct migrate_session;    /* the core's side of one worker's handle; in every request */
struct migrate_sink;       /* where get() pushes bytes */
struct migrate_body;       /* where put() and part() pull bytes */
struct migrate_attributes; /* names and values that travel with an object */
struct migrate_secret;     /* prints as ***, wiped when freed */

/* ---- Functions of the core, for every kind -------------------------------- */

/*
 * Leave a message for the status that the call is about to return, and return
 * that status: return migrate_fail(r->session, MIGRATE_INVALID, "...", ...).
 * Lower case, no full stop, what failed first. Key and label are added by the
 * core; bytes from outside may stand in it, the core escapes them. The last
 * message of a call wins. Never put a secret in it.
 */
enum migrate_status migrate_fail(struct migrate_session *session, enum migrate_status status,
				 const char *format, ...) MIGRATE_PRINTF(3, 4);

/* The same for a system call that set errno: the status is looked up, the text of errno added. */
enum migrate_status migrate_fail_errno(struct migrate_session *session, int errnum,
				       const char *format, ...) MIGRATE_PRINTF(3, 4);

/* The status that errnum means for a store of files. */
enum migrate_status migrate_status_of_errno(int errnum);

/* The server asked to wait so long before the next request (with THROTTLED, UNAVAILABLE). */
void migrate_retry_after(struct migrate_session *session, int64_t milliseconds);

/* Something the operator should know, said once per instance (open, describe, probe). */
void migrate_note(struct migrate_session *session, const char *format, ...) MIGRATE_PRINTF(2, 3);

/* A line for --log-level debug; escaped by the core. Cheap when that is off. */
void migrate_debug(struct migrate_session *session, const char *format, ...) MIGRATE_PRINTF(2, 3);

/* True once the core wants this call back: return MIGRATE_CANCELLED soon. */
bool migrate_cancelled(struct migrate_session *session);

/* The call makes progress: for long loops that use neither sink, body nor emit. */
void migrate_progress(struct migrate_session *session);

/* Milliseconds without progress that this call may take; measured by the core. */
int64_t migrate_deadline(struct migrate_session *session);

/*
 * Wait until fd is ready for events (poll(2)), timeout_ms passed (-1: the
 * deadline), or the call is cancelled. Returns the ready events, 0: time ran
 * out, -1: cancelled or failed.
 */
int migrate_wait(struct migrate_session *session, int fd, short events, int64_t timeout_ms);

/* The job's own identifier: 16 lower-case hex digits, the same in every run of it. */
const char *migrate_job_id(struct migrate_session *session);

/* The text of a secret: at the call that needs it, never copied, logged or printed. */
struct migrate_bytes migrate_secret_reveal(const struct migrate_secret *secret);

/*
 * Sort more names than fit into memory, in byte order: at most `memory` bytes
 * are held, the rest waits in an unlinked file. add(), then next() until it
 * returns 0 (-1: failed); *record is valid until the next call. Reading may
 * begin once adding ended. One thread at a time.
 */
struct migrate_sorter;
struct migrate_sorter *migrate_sorter_new(struct migrate_session *session, size_t memory);
bool migrate_sorter_add(struct migrate_sorter *sorter, const void *record, size_t n);
int migrate_sorter_next(struct migrate_sorter *sorter, struct migrate_bytes *record);
void migrate_sorter_free(struct migrate_sorter *sorter);

/* ---- Attributes ------------------------------------------------------------ */

/*
 * Attributes are names with byte values. Known names: content-type,
 * content-encoding, content-language, content-disposition, cache-control,
 * expires, storage-class, acl; mtime ("seconds.nanoseconds" since 1970, UTC),
 * mode (octal), owner ("uid:gid"); meta:NAME for user metadata, tag:NAME,
 * xattr:NAME for file attributes that are none of these. At most 256 of them
 * and 64 KiB an object.
 */
bool migrate_set_attribute(struct migrate_attributes *attributes, const char *name,
			   const void *value, size_t n);
size_t migrate_attribute_count(const struct migrate_attributes *attributes);
bool migrate_attribute_at(const struct migrate_attributes *attributes, size_t i, const char **name,
			  struct migrate_bytes *value);
/* False: there is none of that name. */
bool migrate_attribute(const struct migrate_attributes *attributes, const char *name,
		       struct migrate_bytes *value);

/*
 * In put, upload and copy: this attribute of the source could not be stored.
 * When the request's flags hold MIGRATE_STRICT_ATTRIBUTES the plugin must
 * instead refuse (MIGRATE_UNSUPPORTED, with a message) before it publishes.
 */
void migrate_lost_attribute(struct migrate_session *session, const char *name);

/* ---- Objects ---------------------------------------------------------------- */

/*
 * What is known of one object. Always allocated by the core; a plugin fills the
 * fields and calls the setters. etag: opaque bytes that differ whenever the
 * content may differ (for files: made of inode, size and times).
 */
struct migrate_object {
	uint64_t size;
	int64_t mtime;             /* nanoseconds since 1970, UTC; INT64_MIN: not known */
	struct migrate_bytes etag; /* read it; set it with migrate_set_etag() */
	struct migrate_attributes *attributes;               /* to fill; NULL: not asked for */
	struct migrate_digest digests[MIGRATE_DIGEST_COUNT]; /* by algorithm; n = 0: not known.
								Only digests of the whole content */
	uint64_t
	    blocks; /* bytes really occupied, when known to be less than size (holes); else 0 */
	int64_t written; /* when it was put here, by this store's clock, ns since 1970 (files: their
			    birth); never a time that somebody can set; 0: not known */
};

/* Copies at most MIGRATE_ETAG_MAX bytes. False: too long. */
bool migrate_set_etag(struct migrate_object *object, const void *etag, size_t n);
void migrate_set_digest(struct migrate_object *object, enum migrate_digest_algorithm algorithm,
			const void *bytes, size_t n);

/* ---- Bytes -------------------------------------------------------------------- */

/* Push n bytes. False: the core does not want more (cancelled, too many): return CANCELLED. */
bool migrate_sink_write(struct migrate_sink *sink, const void *bytes, size_t n);

/* Room to fill in place, up to *n bytes (at least 1 unless NULL), then say how many were filled. */
void *migrate_sink_space(struct migrate_sink *sink, size_t *n);
bool migrate_sink_filled(struct migrate_sink *sink, size_t n);

/* Forget what was pushed: the request starts anew. False: not possible any more. */
bool migrate_sink_restart(struct migrate_sink *sink);

/* Pull up to n bytes into buffer. Returns how many, 0: end, -1: cancelled or the source failed. */
ptrdiff_t migrate_body_read(struct migrate_body *body, void *buffer, size_t n);

/* The bytes that come next, in place; then say how many were used. *n = 0: end. False: as -1. */
bool migrate_body_span(struct migrate_body *body, const void **bytes, size_t *n);
void migrate_body_used(struct migrate_body *body, size_t n);

/* Back to the first byte, for a request sent again. False: not possible any more. */
bool migrate_body_restart(struct migrate_body *body);

/* ---- Stores: requests ------------------------------------------------------------ */

/* Facts about a store: fill in what is so. A limit of 0: none. */
enum migrate_store_flags {
	MIGRATE_ORDERED = 1 << 0,        /* list: byte order, can start after any key */
	MIGRATE_DURABLE_CURSOR = 1 << 1, /* list: a cursor is good in another process, days later */
	MIGRATE_CREATE_ONLY =
	    1 << 2, /* put, copy, complete honour precondition ABSENT, atomically */
	MIGRATE_REPLACE_MATCH = 1 << 3, /* the same for precondition MATCH */
	MIGRATE_GET_MATCH = 1 << 4, /* get honours if_match and notices a change while it reads */
	MIGRATE_REMOVE_MATCH = 1 << 5, /* remove honours if_match, atomically */
	MIGRATE_RANGES = 1 << 6,       /* get honours offset and length */
	MIGRATE_VERBATIM =
	    1 << 7, /* a successful put stored exactly the bytes it was given: a digest
				      taken while they passed is a digest of what is stored */
	MIGRATE_REAL_FOLDERS = 1 << 8, /* keys a and a/b cannot stand side by side */
	MIGRATE_CASE_FOLDING = 1 << 9, /* keys that differ in case only are one */
	MIGRATE_VOLATILE = 1 << 10     /* nothing outlives the process */
};

struct migrate_describe {
	struct migrate_session *session;
	uint64_t flags;              /* enum migrate_store_flags */
	uint64_t object_max;         /* bytes in the largest object */
	uint64_t put_max;            /* bytes in the largest object of one put */
	uint64_t part_min, part_max; /* bytes in a part but the last */
	uint64_t copy_max;           /* bytes in the largest object of one copy */
	uint32_t parts_max;
	uint32_t key_max;
	uint32_t sessions_max;    /* sessions at once */
	uint32_t digests;         /* bits 1 << algorithm: stat, put and copy give these */
	int64_t mtime_resolution; /* nanoseconds */
};

/*
 * The store keeps attributes of this name; "meta:*" stands for all that begin so.
 * max: bytes in one value, 0: any. In describe() only.
 */
void migrate_keeps(struct migrate_describe *r, const char *name, size_t max);

enum migrate_precondition {
	MIGRATE_ANY = 0, /* write, whatever is there */
	MIGRATE_ABSENT,  /* only if nothing is there, else EXISTS */
	MIGRATE_MATCH    /* only if what is there has etag if_match, else CHANGED */
};

enum migrate_request_flags {
	MIGRATE_STRICT_ATTRIBUTES = 1 << 0, /* see migrate_lost_attribute() */
	MIGRATE_FROM_DISK =
	    1 << 1, /* get: not from a cache of this machine that may lie after a crash */
	MIGRATE_NO_ATTRIBUTES = 1 << 2 /* copy: do not carry attributes */
};

/* identity(): a text that is equal for the same place however it is addressed. */
struct migrate_identity {
	struct migrate_session *session;
};
bool migrate_set_identity(struct migrate_identity *r, const char *text);

/* probe(): one cheap request that says whether the place is well: OK or why not. */
struct migrate_probe {
	struct migrate_session *session;
	bool write; /* look whether it can be written to as well (the role is destination) */
};

/*
 * list(): the next objects, at most limit. Sorted by byte value if ORDERED.
 * Start with cursor if it has bytes (one that this store gave for the same
 * prefix), else after the key `after`, else at the first. done: that was the
 * last page. An error while listing is never the end of the list.
 */
struct migrate_list {
	struct migrate_session *session;
	struct migrate_bytes prefix; /* only keys that begin so */
	struct migrate_bytes after;
	struct migrate_bytes cursor;
	uint32_t limit;
	bool done; /* out */
};

enum migrate_skip {
	MIGRATE_SKIP_SYMLINK = 1,
	MIGRATE_SKIP_SPECIAL,      /* device, FIFO, socket */
	MIGRATE_SKIP_MOUNT,        /* another file system below the root */
	MIGRATE_SKIP_EMPTY_FOLDER, /* counted, not a key */
	MIGRATE_SKIP_ARCHIVED      /* must be restored from an archive first */
};

/* A slot to fill for one more object; NULL: stop and return CANCELLED. Its attributes are NULL. */
struct migrate_object *migrate_emit_object(struct migrate_list *r, const void *key, size_t n);
/* There is something that is no object; it is counted. Takes part in the order. */
bool migrate_emit_skipped(struct migrate_list *r, const void *key, size_t n,
			  enum migrate_skip reason);
/* This key, or the folder of this name (ends with a slash), could not be looked at. */
bool migrate_emit_failed(struct migrate_list *r, const void *key, size_t n,
			 enum migrate_status status, const char *message);
/* Where the next page begins; at most MIGRATE_CURSOR_MAX bytes. */
bool migrate_set_cursor(struct migrate_list *r, const void *cursor, size_t n);

/* accepts(): may such a key stand here at all? OK, or INVALID with the reason. No I/O. */
struct migrate_accepts {
	struct migrate_session *session;
	struct migrate_bytes key;
};

struct migrate_stat {
	struct migrate_session *session;
	struct migrate_bytes key;
	struct migrate_object *object; /* out */
};

/*
 * get(): bytes offset .. offset+length (to the end if length is UINT64_MAX) into
 * sink, and what stat would have said into object, before the first byte is
 * pushed. if_match with bytes: CHANGED unless that is the etag, also when it
 * stops being so while it is read.
 */
struct migrate_get {
	struct migrate_session *session;
	struct migrate_bytes key;
	struct migrate_bytes if_match;
	uint64_t offset, length;
	uint32_t flags; /* enum migrate_request_flags */
	struct migrate_sink *sink;
	struct migrate_object *object; /* out */
};

/*
 * put(): the object appears whole or not at all. expected: a digest of the body
 * that the store should check if it can (MISMATCH). object: what was stored.
 * A body that ends early or holds more than size bytes is MISMATCH.
 */
struct migrate_put {
	struct migrate_session *session;
	struct migrate_bytes key;
	uint64_t size;
	struct migrate_body *body;
	const struct migrate_attributes *attributes; /* NULL: none */
	uint32_t precondition;                       /* enum migrate_precondition */
	uint32_t flags;
	struct migrate_bytes if_match;
	struct migrate_digest expected; /* n = 0: none */
	struct migrate_object *object;  /* out */
};

/* can_copy(): OK if copy() can work from that source session (same plugin) to this one. */
struct migrate_can_copy {
	struct migrate_session *session;
	void *source; /* what the source's session() made */
};

/*
 * copy(): without the bytes passing through the core. source_if_match as in
 * get(), precondition as in put(). stored: what the destination now holds;
 * original: what the source's stat says. UNSUPPORTED: stream this one.
 */
struct migrate_copy {
	struct migrate_session *session;
	void *source;
	struct migrate_bytes source_key;
	struct migrate_bytes source_if_match;
	struct migrate_bytes key;
	uint32_t precondition;
	uint32_t flags;
	struct migrate_bytes if_match;
	struct migrate_object *stored;   /* out */
	struct migrate_object *original; /* out */
	/* What was said before of the source, if known: it is so while source_if_match holds. */
	bool known;
	uint64_t known_size;
	int64_t known_mtime;
};

/* upload() .. complete(): a large object in parts, from several sessions at once. */
struct migrate_upload {
	struct migrate_session *session;
	struct migrate_bytes key;
	uint64_t size;      /* of the whole object */
	uint64_t part_size; /* of all parts but the last */
	const struct migrate_attributes *attributes;
	uint32_t flags;
	uint32_t reserved;
};
/* The upload's id, good in another process; at most MIGRATE_ETAG_MAX bytes. */
bool migrate_set_upload(struct migrate_upload *r, const void *id, size_t n);

struct migrate_part {
	struct migrate_session *session;
	struct migrate_bytes key;
	struct migrate_bytes id;
	uint32_t number; /* 1 .. */
	uint32_t flags;
	uint64_t offset, size;
	struct migrate_body *body;
	struct migrate_digest expected;
	/* copy_part() only: where the bytes come from; body is NULL then */
	void *source;
	struct migrate_bytes source_key;
	struct migrate_bytes source_if_match;
};
/* What complete() wants to hear of this part; at most MIGRATE_ETAG_MAX bytes. */
bool migrate_set_part(struct migrate_part *r, const void *token, size_t n);

/* parts(): which parts are durably there. */
struct migrate_parts {
	struct migrate_session *session;
	struct migrate_bytes key;
	struct migrate_bytes id;
};
bool migrate_emit_part(struct migrate_parts *r, uint32_t number, uint64_t size, const void *token,
		       size_t n);

/* uploads(): which uploads this job left unfinished (never anybody else's). */
struct migrate_uploads {
	struct migrate_session *session;
	struct migrate_bytes prefix;
};
bool migrate_emit_upload(struct migrate_uploads *r, const void *key, size_t nkey, const void *id,
			 size_t nid);

struct migrate_done_part {
	uint32_t number;
	uint32_t reserved;
	uint64_t size;
	struct migrate_bytes token;
};

struct migrate_complete {
	struct migrate_session *session;
	struct migrate_bytes key;
	struct migrate_bytes id;
	uint64_t size;
	const struct migrate_done_part *const *parts; /* by number */
	size_t count;
	uint32_t precondition;
	uint32_t flags;
	struct migrate_bytes if_match;
	struct migrate_object *object; /* out */
};

/* abort(): the upload and its parts are gone; OK also when they already were. */
struct migrate_abort {
	struct migrate_session *session;
	struct migrate_bytes key;
	struct migrate_bytes id;
};

struct migrate_removal {
	struct migrate_bytes key;
	struct migrate_bytes if_match; /* n = 0: whatever is there */
	int32_t status;                /* out: OK, NOT_FOUND, CHANGED, ... */
	int32_t reserved;
};

/* remove(): returns OK when each removal has its own status. */
struct migrate_remove {
	struct migrate_session *session;
	struct migrate_removal *const *objects;
	size_t count;
};

/*
 * sync(): all that was written through this instance before the call is durable,
 * names included. A failure means that nothing since the last good sync may be
 * relied on. Absent: every put is durable when it returns.
 */
struct migrate_sync {
	struct migrate_session *session;
};

/* sweep(): remove what an interrupted put of this job left behind while it wrote that key. */
struct migrate_sweep {
	struct migrate_session *session;
	struct migrate_bytes key;
};

/*
 * Open one end. config: the filled options. *instance: what the other calls get.
 * After open the instance is immutable, but for credentials behind the plugin's
 * own lock. Failures here are the job file's fault: name the option.
 */
struct migrate_open {
	struct migrate_session *session;
	const void *config;
	void *instance; /* out */
	bool writes;    /* the job will change something here */
};

struct migrate_begin {
	struct migrate_session *session;
	void *instance;
	void *self; /* out: the first argument of every other call */
};

/* Operations of a store. Required: open, close, begin, end, identity, describe, probe, stat. */
struct migrate_store_ops {
	size_t size; /* sizeof(struct migrate_store_ops) */
	enum migrate_status (*open)(struct migrate_open *r);
	void (*close)(void *instance);
	enum migrate_status (*begin)(struct migrate_begin *r);
	void (*end)(void *self);
	enum migrate_status (*identity)(void *self, struct migrate_identity *r);
	enum migrate_status (*describe)(void *self, struct migrate_describe *r);
	enum migrate_status (*probe)(void *self, struct migrate_probe *r);
	enum migrate_status (*list)(void *self, struct migrate_list *r);
	enum migrate_status (*accepts)(void *self, struct migrate_accepts *r);
	enum migrate_status (*stat)(void *self, struct migrate_stat *r);
	enum migrate_status (*get)(void *self, struct migrate_get *r);
	enum migrate_status (*put)(void *self, struct migrate_put *r);
	enum migrate_status (*can_copy)(void *self, struct migrate_can_copy *r);
	enum migrate_status (*copy)(void *self, struct migrate_copy *r);
	enum migrate_status (*upload)(void *self, struct migrate_upload *r);
	enum migrate_status (*part)(void *self, struct migrate_part *r);
	enum migrate_status (*copy_part)(void *self, struct migrate_part *r);
	enum migrate_status (*parts)(void *self, struct migrate_parts *r);
	enum migrate_status (*uploads)(void *self, struct migrate_uploads *r);
	enum migrate_status (*complete)(void *self, struct migrate_complete *r);
	enum migrate_status (*abort)(void *self, struct migrate_abort *r);
	enum migrate_status (*remove)(void *self, struct migrate_remove *r);
	enum migrate_status (*sync)(void *self, struct migrate_sync *r);
	enum migrate_status (*sweep)(void *self, struct migrate_sweep *r);
};

/* ---- Databases -------------------------------------------------------------------- */

enum migrate_database_flags {
	MIGRATE_ATOMIC_CALL =
	    1 << 0,               /* one rewrite() is one transaction; else each row is its own */
	MIGRATE_INDEXED = 1 << 1, /* find() is cheap: an index serves it */
	MIGRATE_UNIQUE = 1 << 2,  /* no two rows may hold one value */
	MIGRATE_DURABLE = 1 << 3  /* what rewrite() answered OK for survives a power loss */
};

struct migrate_describe_database {
	struct migrate_session *session;
	uint64_t flags;        /* enum migrate_database_flags */
	uint64_t value_max;    /* bytes in the widest value; 0: any */
	uint32_t sessions_max; /* sessions that rewrite at once; 0: any */
	uint32_t reserved;
};
/* For check and the report: charset, comparison, triggers, ... */
void migrate_set_fact(struct migrate_describe_database *r, const char *name, const char *format,
		      ...) MIGRATE_PRINTF(3, 4);

/*
 * One place of one row that holds a value. identity, place: opaque, at most
 * MIGRATE_IDENTITY_MAX bytes. extra: the present values of the `set:` columns,
 * encoded by the plugin, so that rewrite() can put them back; at most 64 KiB.
 */
struct migrate_row {
	struct migrate_bytes identity;
	struct migrate_bytes place;
	struct migrate_bytes value;
	struct migrate_bytes extra;
	const char *text; /* the identity to show: "id=17" */
	bool settled;     /* the `set:` columns hold already what the job says, or there are none */
};

/* scan(): rows in the order of their identity, by keyset: no long transaction. */
struct migrate_scan {
	struct migrate_session *session;
	struct migrate_bytes cursor; /* n = 0: from the first */
	uint32_t limit;
	bool done; /* out */
};
/* The core copies all of *row. False: stop and return CANCELLED. */
bool migrate_emit_scanned(struct migrate_scan *r, const struct migrate_row *row);
bool migrate_set_scan_cursor(struct migrate_scan *r, const void *cursor, size_t n);

/*
 * find(): the rows that hold any of these values, any number per value, compared
 * as bytes whatever the column's collation, in the order of their identity.
 */
struct migrate_find {
	struct migrate_session *session;
	const struct migrate_bytes *values; /* distinct */
	size_t count;
	struct migrate_bytes cursor; /* n = 0: from the first */
	uint32_t limit;
	bool done; /* out */
};
/* value: index of the value it holds. */
bool migrate_emit_found(struct migrate_find *r, size_t value, const struct migrate_row *row);
bool migrate_set_find_cursor(struct migrate_find *r, const void *cursor, size_t n);

enum migrate_outcome {
	MIGRATE_ROW_UNKNOWN = 0,
	MIGRATE_ROW_CHANGED,  /* it held before, it holds after */
	MIGRATE_ROW_ALREADY,  /* it holds after, and somebody else or an earlier call saw to it */
	MIGRATE_ROW_CONFLICT, /* it holds something else */
	MIGRATE_ROW_GONE,     /* there is no such row or place */
	MIGRATE_ROW_FAILED /* rows on their own only: this one could not be changed; see status */
};

/*
 * before -> after at one place of one row. extra with bytes: what the `set:`
 * columns shall hold (an undo), else what the job says. before = after is a
 * change of the `set:` columns alone.
 */
struct migrate_change {
	struct migrate_bytes identity;
	struct migrate_bytes place;
	struct migrate_bytes before;
	struct migrate_bytes after;
	struct migrate_bytes extra;
	int32_t outcome; /* out: enum migrate_outcome */
	int32_t status;  /* out, with ROW_FAILED */
};

/*
 * rewrite(): lock the rows by identity alone, in the order given, and only then
 * compare and swap. Outcomes other than CHANGED are answered from the locked
 * read, never from a plain one. With MIGRATE_ATOMIC_CALL a status other than OK
 * means that nothing was changed, UNKNOWN_OUTCOME that the commit's answer was
 * lost. INVALID: the data's fault (too long, not unique, a check): the core
 * bisects down to the guilty row.
 */
struct migrate_rewrite {
	struct migrate_session *session;
	struct migrate_change *const *changes; /* in the order of their identity */
	size_t count;
};

/* insert(): one new row per value, for trials. Other columns get their defaults. */
struct migrate_insert {
	struct migrate_session *session;
	const struct migrate_bytes *values;
	size_t count;
};

struct migrate_count {
	struct migrate_session *session;
	uint64_t rows; /* out: rows that scan would give */
};

/* lag(): how far the slowest replica is behind. */
struct migrate_lag {
	struct migrate_session *session;
	int64_t milliseconds; /* out */
};

/* Required: open, close, begin, end, identity, describe, probe, scan, find, rewrite, count. */
struct migrate_database_ops {
	size_t size; /* sizeof(struct migrate_database_ops) */
	enum migrate_status (*open)(struct migrate_open *r);
	void (*close)(void *instance);
	enum migrate_status (*begin)(struct migrate_begin *r);
	void (*end)(void *self);
	enum migrate_status (*identity)(void *self, struct migrate_identity *r);
	enum migrate_status (*describe)(void *self, struct migrate_describe_database *r);
	enum migrate_status (*probe)(void *self, struct migrate_probe *r);
	enum migrate_status (*count)(void *self, struct migrate_count *r);
	enum migrate_status (*scan)(void *self, struct migrate_scan *r);
	enum migrate_status (*find)(void *self, struct migrate_find *r);
	enum migrate_status (*rewrite)(void *self, struct migrate_rewrite *r);
	enum migrate_status (*insert)(void *self, struct migrate_insert *r);
	enum migrate_status (*lag)(void *self, struct migrate_lag *r);
};

/* ---- Caches -------------------------------------------------------------------------- */

/* A row that changed: what templates of a cache's options may name. */
struct migrate_changed_row {
	struct migrate_bytes old_key, new_key;
	struct migrate_bytes old_value, new_value;
	const char
	    *text; /* the row's identity as shown; the part behind the first '=' is {row.id} */
};

/* invalidate(): OK once the cache acknowledged all of them. May be repeated. */
struct migrate_invalidate {
	struct migrate_session *session;
	const struct migrate_changed_row *const *rows;
	size_t count;
};

/* All are required. */
struct migrate_cache_ops {
	size_t size; /* sizeof(struct migrate_cache_ops) */
	enum migrate_status (*open)(struct migrate_open *r);
	void (*close)(void *instance);
	enum migrate_status (*begin)(struct migrate_begin *r);
	void (*end)(void *self);
	enum migrate_status (*identity)(void *self, struct migrate_identity *r);
	enum migrate_status (*probe)(void *self, struct migrate_probe *r);
	enum migrate_status (*invalidate)(void *self, struct migrate_invalidate *r);
};

/* ---- The descriptor ---------------------------------------------------------------------- */

enum migrate_kind { MIGRATE_STORE = 1, MIGRATE_DATABASE, MIGRATE_CACHE };

struct migrate_plugin {
	uint32_t abi;         /* MIGRATE_ABI */
	uint32_t size;        /* sizeof(struct migrate_plugin) */
	uint32_t option_size; /* sizeof(struct migrate_option) */
	uint32_t kind;        /* enum migrate_kind */
	const char *name;     /* [a-z0-9_-]{1,32}; the job file's `plugin:` and the file's name */
	const char *version;
	const char *summary; /* one line */
	const struct migrate_option *options;
	size_t option_count;
	size_t config_size;
	const struct migrate_store_ops *store;       /* kind STORE */
	const struct migrate_database_ops *database; /* kind DATABASE */
	const struct migrate_cache_ops *cache;       /* kind CACHE */
	/* Once per process, before the first open, never undone; may be NULL. 0: well. */
	int (*load)(void);
};

/* What goes first into a descriptor: const struct migrate_plugin p = { MIGRATE_PLUGIN_HEAD, ... } */
#define MIGRATE_PLUGIN_HEAD                                                                        \
	.abi = MIGRATE_ABI, .size = sizeof(struct migrate_plugin),                                 \
	.option_size = sizeof(struct migrate_option)

/* The one symbol that a plugin exports. */
const struct migrate_plugin *migrate_plugin_v1(void);

#pragma GCC visibility pop
#ifdef __cplusplus
}
#endif

#endif
