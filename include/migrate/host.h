/* SPDX-License-Identifier: MIT */
#ifndef MIGRATE_HOST_H
#define MIGRATE_HOST_H

/*
 * What plugins of every kind have in common: statuses, values, the core's functions,
 * and how an end is opened. Part of <migrate/plugin.h>, which includes it.
 */

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif
#pragma GCC visibility push(default)

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

/*
 * For "did you mean": the one of names[] that name, misspelled, may have meant; NULL: none is
 * near enough. Names above 64 bytes are not compared.
 */
const char *migrate_nearest(const char *name, const char *const *names, size_t count);

/*
 * Is this text UTF-8 as RFC 3629 has it? Longer forms than a character needs, halves of
 * pairs of UTF-16, what is above U+10FFFF and what is cut off are not; NULs are.
 */
bool migrate_is_utf8(const void *text, size_t n);

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

/* ---- Every end ----------------------------------------------------------------- */

/*
 * Open one end. config: the filled options. *instance: what the other calls get.
 * After open the instance is immutable, but for credentials behind the plugin's
 * own lock. Failures here are the job file's fault: name the option.
 *
 * With dry (a check, a dry run) neither open() nor any call that the core makes
 * may change anything: no folder made, no scratch object written. Look as a run
 * would (may this be written to?), and where only trying could tell, state the
 * fact that is safe.
 */
struct migrate_open {
	struct migrate_session *session;
	const void *config;
	void *instance;     /* out */
	bool writes;        /* the job changes something here: it is no mere source */
	bool dry;           /* but not through this instance */
	uint64_t value_max; /* databases: bytes in the longest value that matters; above
			       MIGRATE_KEY_MAX for texts, see MIGRATE_TEXTS */
};

struct migrate_begin {
	struct migrate_session *session;
	void *instance;
	void *self; /* out: the first argument of every other call */
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

#pragma GCC visibility pop
#ifdef __cplusplus
}
#endif

#endif
