/* SPDX-License-Identifier: MIT */
#ifndef MIGRATE_BASE_ERROR_H
#define MIGRATE_BASE_ERROR_H

#include <stdarg.h>
#include <stdbool.h>

/*
 * What went wrong, as one sentence for the operator, and the exit status that it
 * means when nobody handles it.
 *
 * Invariants: text is NUL-terminated, holds no byte that the escaping printer
 * would not let through (every %s is escaped on the way in), and is cut at the
 * ceiling rather than failing: an error must never fail for want of memory.
 *
 * Messages are lower case, without a full stop, say what failed first and what
 * to do. The way up adds context in front: "job.yml: source: bucket 'a': ...".
 *
 * Functions that can fail return 0 or -1 and fill the struct error they got.
 */
#define ERROR_TEXT_MAX 4096

/* Exit statuses of all programs; also what an error means. migrate-run(1) lists them. */
enum exit_status {
	EXIT_DONE = 0,
	EXIT_INTERNAL = 1,
	EXIT_USAGE = 2,       /* usage, job file, or an end that was never reachable */
	EXIT_SOME_FAILED = 3, /* finished, but objects failed or rows conflicted */
	EXIT_INTERRUPTED = 4, /* run again to go on */
	EXIT_UNFIT = 5,       /* the job does not fit the journal */
	EXIT_LOCKED = 6,      /* another run holds the journal */
	EXIT_DAMAGED = 7,     /* the journal is damaged */
	EXIT_JOURNAL = 8,     /* the journal cannot be written */
	EXIT_OUTAGE = 9,      /* gave up on an outage, run again later */
	EXIT_DIFFERENT = 10,  /* verification found differences */
	EXIT_TOO_MANY = 11,   /* too many failures */
	EXIT_UNKNOWN = 12     /* verification: the journal did not keep what it would take */
};

struct error {
	int exit; /* enum exit_status; 0 while there is no error */
	char text[ERROR_TEXT_MAX];
};

#define ERROR_INIT                                                                                 \
	{                                                                                          \
		.exit = 0, .text = ""                                                              \
	}

/* Set the error and return -1: return error_set(err, EXIT_USAGE, "...", ...). Escapes the result. */
int error_set(struct error *err, int exit, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
int error_vset(struct error *err, int exit, const char *format, va_list ap)
    __attribute__((format(printf, 3, 0)));

/* The same, with the text of errnum behind it. */
int error_set_errno(struct error *err, int exit, int errnum, const char *format, ...)
    __attribute__((format(printf, 4, 5)));

/* Put "context: " in front; returns -1 for the caller's return. */
int error_prefix(struct error *err, const char *format, ...) __attribute__((format(printf, 2, 3)));

static inline bool error_is_set(const struct error *err)
{
	return err->exit != 0;
}

void error_clear(struct error *err);

/* A broken invariant of ours: say where, abort. Never for input. */
#define BUG(...) bug_at(__FILE__, __LINE__, __VA_ARGS__)
_Noreturn void bug_at(const char *file, int line, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

#endif
