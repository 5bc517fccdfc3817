/* SPDX-License-Identifier: MIT */
#ifndef MIGRATE_STORE_H
#define MIGRATE_STORE_H

/*
 * Stores: objects, their attributes and bytes, and the operations of a plugin of kind
 * STORE. Part of <migrate/plugin.h>, which includes it.
 */

#include <migrate/host.h>

#ifdef __cplusplus
extern "C" {
#endif
#pragma GCC visibility push(default)

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
	uint64_t blocks; /* bytes really occupied, if known and less than size (holes); else 0 */
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
	MIGRATE_PUT_ABSENT = 1 << 2, /* put honours precondition ABSENT, atomically; else the core
					looks before it writes, and says ANY */
	MIGRATE_PUT_MATCH = 1 << 3,  /* the same for precondition MATCH */
	MIGRATE_GET_MATCH = 1 << 4,  /* get honours if_match and notices a change while it reads */
	MIGRATE_REMOVE_MATCH = 1 << 5, /* remove honours if_match, atomically */
	MIGRATE_RANGES = 1 << 6,       /* get honours offset and length */
	MIGRATE_VERBATIM =
	    1 << 7, /* a successful put stored exactly the bytes it was given: a digest
				      taken while they passed is a digest of what is stored */
	MIGRATE_REAL_FOLDERS = 1 << 8,     /* keys a and a/b cannot stand side by side */
	MIGRATE_CASE_FOLDING = 1 << 9,     /* keys that differ in case only are one */
	MIGRATE_VOLATILE = 1 << 10,        /* nothing outlives the process */
	MIGRATE_COPY_ABSENT = 1 << 11,     /* copy honours ABSENT, atomically */
	MIGRATE_COPY_MATCH = 1 << 12,      /* copy honours MATCH */
	MIGRATE_COMPLETE_ABSENT = 1 << 13, /* complete honours ABSENT, atomically */
	MIGRATE_COMPLETE_MATCH = 1 << 14,  /* complete honours MATCH */
	MIGRATE_SYNC_ALL = 1 << 15, /* sync() makes durable whatever stands there, whoever wrote it;
				       else what this process wrote, or read FROM_DISK */
	MIGRATE_REAL_OWNERS = 1 << 16,   /* whoever writes an object cannot choose the owner that
					      it tells of */
	MIGRATE_DOUBTS_OWNERS = 1 << 17, /* it gives an object to its `owner`, and to nobody whom
					      a store without real owners names */
	MIGRATE_ETAG_OF_ALL = 1 << 18,   /* the etag differs whenever attributes may differ, too */

	/* For stores that honour it whichever way an object comes. */
	MIGRATE_CREATE_ONLY = MIGRATE_PUT_ABSENT | MIGRATE_COPY_ABSENT | MIGRATE_COMPLETE_ABSENT,
	MIGRATE_REPLACE_MATCH = MIGRATE_PUT_MATCH | MIGRATE_COPY_MATCH | MIGRATE_COMPLETE_MATCH
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
	    1 << 1, /* get: not from a cache of this machine that may lie after a crash; a store
		       without SYNC_ALL makes the object durable with the next sync() */
	MIGRATE_NO_ATTRIBUTES = 1 << 2, /* copy: do not carry attributes */
	MIGRATE_UNCHECKED = 1 << 3      /* get: the core sees to it that the bytes are those of the
				      digests that are told: no need to take them as well */
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

/*
 * uploads(): which uploads this job left unfinished (never anybody else's). since: not 0 when an
 * upload of the key `prefix` has just begun, and an earlier one there may have got lost before
 * its id was known: stores whose uploads bear no name tell of those too that the same user began
 * there since that time (ns since 1970, our clock).
 */
struct migrate_uploads {
	struct migrate_session *session;
	struct migrate_bytes prefix;
	int64_t since;
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
 * Scratch objects: what is written only to see what the place does. Their keys
 * begin with ".migrate-", the job's id and "-scratch-", then 8 hex digits, so that
 * a later run finds and removes them; the core never takes such keys of any job
 * for objects.
 */

enum migrate_verdict {
	MIGRATE_FINDS_NO = 0, /* it does not do this */
	MIGRATE_FINDS_YES,
	MIGRATE_FINDS_VALUE,  /* neither good nor bad: a number, a kind */
	MIGRATE_FINDS_UNKNOWN /* could not be tried: `said` is why */
};

/*
 * measure(): migrate-check --probe: what this place does that the other operations
 * cannot show, tried on scratch objects whose keys begin with `scratch`. The plugin
 * removes what it wrote, also after failures; the core sweeps `scratch` afterwards.
 * OK also when findings are bad; other statuses: it could not be gone on with.
 */
struct migrate_measure {
	struct migrate_session *session;
	struct migrate_bytes scratch;
};
/*
 * name: what is asked, in a few words ("put: If-None-Match"); said: the value, or
 * why not known, NULL: the verdict says it all; follows: what that means for a job,
 * one clause, NULL: nothing. False: stop and return CANCELLED.
 */
bool migrate_emit_finding(struct migrate_measure *r, const char *name, enum migrate_verdict verdict,
			  const char *said, const char *follows);

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
	enum migrate_status (*measure)(void *self, struct migrate_measure *r);
};

#pragma GCC visibility pop
#ifdef __cplusplus
}
#endif

#endif
