/* SPDX-License-Identifier: MIT */
#ifndef MIGRATE_DATABASE_H
#define MIGRATE_DATABASE_H

/*
 * Databases: rows that hold keys, and the operations of a plugin of kind DATABASE.
 * Part of <migrate/plugin.h>, which includes it.
 */

#include <migrate/host.h>

#ifdef __cplusplus
extern "C" {
#endif
#pragma GCC visibility push(default)

enum migrate_database_flags {
	MIGRATE_ATOMIC_CALL =
	    1 << 0,               /* one rewrite() is one transaction; else each row is its own */
	MIGRATE_INDEXED = 1 << 1, /* find() is cheap: an index serves it */
	MIGRATE_UNIQUE = 1 << 2,  /* no two rows may hold one value */
	MIGRATE_DURABLE = 1 << 3, /* what rewrite() answered OK for survives a power loss */
	MIGRATE_TEXTS = 1 << 4    /* values may be as long as open() was told; scan() honours
				     `bytes` and tells `too_long` */
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
	/*
	 * The identity to show, and for templates of caches: NAME=VALUE for each column of
	 * the key, joined by ','. In a VALUE each ',' and '\\' has a '\\' before it.
	 */
	const char *text;
	bool settled; /* the `set:` columns hold already what the job says, or there are none */
};

/* scan(): rows in the order of their identity, by keyset: no long transaction. */
struct migrate_scan {
	struct migrate_session *session;
	struct migrate_bytes cursor; /* n = 0: from the first */
	uint32_t limit;
	bool done;         /* out */
	uint64_t bytes;    /* end the page once its values have so many, one row at least; set
			      where open() was told of values above MIGRATE_KEY_MAX. 0: any */
	uint64_t too_long; /* out: rows of this page passed over as their values are too long */
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
	MIGRATE_ROW_FAILED,  /* rows on their own only: this one could not be changed; see status */
	MIGRATE_ROW_HELD = 7 /* with pass_over only: somebody else has locked it, or it is gone */
};

/*
 * before -> after at one place of one row. extra with bytes: what the `set:`
 * columns shall hold (an undo), else what the job says. found with bytes: what they
 * held when the row was found, else, in an undo, what the job says, else anything.
 * before = after is a change of the `set:` columns alone.
 */
struct migrate_change {
	struct migrate_bytes identity;
	struct migrate_bytes place;
	struct migrate_bytes before;
	struct migrate_bytes after;
	struct migrate_bytes extra;
	struct migrate_bytes found;
	int32_t outcome; /* out: enum migrate_outcome */
	int32_t status;  /* out, with ROW_FAILED */
};

/*
 * rewrite(): lock the rows by identity alone, in the order given, and only then
 * compare and swap. A row is changed when, under the lock, it holds `before`, each
 * `set:` column holds what was found or, already, what it shall hold, and the job's
 * own condition is true of it (of an undo it need not be: the change may have made
 * it false). It is ALREADY as it shall be with `after` and all columns so. All is
 * compared as bytes, and a value that would not be read as it is written is INVALID.
 * What a trigger made of the change until the end of the transaction counts: other
 * values than those written are INVALID, too. The session's connection must not be
 * made anew between lock and commit. Outcomes other than CHANGED are answered from
 * the locked read, never from a plain one. With MIGRATE_ATOMIC_CALL a status other
 * than OK means that nothing was changed, UNKNOWN_OUTCOME that the commit's answer
 * was lost. INVALID: the data's fault (too long, not unique, a check): the core
 * bisects down to the guilty row.
 *
 * Nothing is waited for while rows are locked, or as short as can be: TRANSIENT. With
 * pass_over that is true of each row: those that another session has locked are HELD, and
 * the core comes back to them one by one, without it; such a call may wait for its row.
 */
struct migrate_rewrite {
	struct migrate_session *session;
	struct migrate_change *const *changes; /* in the order of their identity */
	size_t count;
	bool pass_over;
	bool contended; /* out: other writers are about, who wait while we lock all of it */
	bool doubtful;  /* out, with DENIED, UNAVAILABLE: a trigger of a row may have said so */
};
/* Of a CONFLICT, by its index: what the row holds instead, for the report: holds 'x', size 7. */
void migrate_set_conflict(struct migrate_rewrite *r, size_t change, const char *format, ...)
    MIGRATE_PRINTF(3, 4);
/*
 * Of a CHANGED: what its `set:` columns held under the lock, where that is not what was
 * found, so that an undo puts this back. Before the commit. False: out of memory.
 */
bool migrate_set_extra(struct migrate_rewrite *r, size_t change, struct migrate_bytes extra);

/* A place of a row, as scan(), find() and the journal tell it. */
struct migrate_row_name {
	struct migrate_bytes identity;
	struct migrate_bytes place;
};

/*
 * read(): what these places hold now, whatever `where` says; a plain read, which locks
 * nothing. Rows and places that are none any more are not told.
 */
struct migrate_read {
	struct migrate_session *session;
	const struct migrate_row_name *rows; /* distinct */
	size_t count;                        /* 1 to 1000 */
};
enum migrate_holding {
	MIGRATE_HOLDS_VALUE = 1,
	MIGRATE_HOLDS_NULL, /* nothing; also a place in a document that holds no text */
	MIGRATE_HOLDS_OTHER /* what can be no value: a number, something longer than value_max */
};
/* row: index of the row, each once, in any order. value: with HOLDS_VALUE, copied. False: stop
   and return CANCELLED. */
bool migrate_emit_held(struct migrate_read *r, size_t row, enum migrate_holding holding,
		       const void *value, size_t n);

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
	enum migrate_status (*read)(void *self, struct migrate_read *r);
};

#pragma GCC visibility pop
#ifdef __cplusplus
}
#endif

#endif
