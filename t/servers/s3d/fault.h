/* SPDX-License-Identifier: MIT */
#ifndef S3D_FAULT_H
#define S3D_FAULT_H

#include "text.h"

/*
 * A script of faults. Each line is a rule:
 *
 *	OPERATION KEY WHICH ACTION [ARGUMENT...]
 *
 * OPERATION and KEY are shell patterns (the key percent-encoded as in the log),
 * WHICH says which of the requests that fit are hit: "*", "3", "2-5", "3+",
 * "/10" (every tenth); with "@" behind, each key counts for itself. Every rule
 * that hits a request acts on it. README lists the actions.
 */
enum action {
	ACT_NONE,
	ACT_STATUS,
	ACT_ERROR_200,
	ACT_EMPTY_200,
	ACT_BODY,
	ACT_BODY_FILE,
	ACT_SPACES,
	ACT_RESET_BEFORE,
	ACT_RESET_DURING,
	ACT_RESET_AFTER,
	ACT_RESET_COMMITTED,
	ACT_STATUS_COMMITTED,
	ACT_CUT,
	ACT_CHUNKED_CUT,
	ACT_STALL,
	ACT_DELAY,
	ACT_DRIP,
	ACT_ENDLESS,
	ACT_HEADERS,
	ACT_FLIP,
	ACT_FLIP_STORED,
	ACT_FORGET,
	ACT_CODE,
	ACT_HEADER,
	ACT_NO_HEADER,
	ACT_DATE,
	ACT_EXPIRED,
	ACT_REDIRECT,
	ACT_IGNORE_CONDITIONS,
	ACT_TOKEN,
	ACT_PAGE,
	ACT_SWAP,
	ACT_REMOVE,
	ACT_DELETE_ERROR,
	ACT_COUNT
};

enum { FAULT_ARGS = 4, FAULT_ARG_SIZE = 512, MAX_FAULTS = 8 };

struct fault {
	enum action action;
	char args[FAULT_ARGS][FAULT_ARG_SIZE];
};

struct faults {
	struct fault *v[MAX_FAULTS]; /* copies, owned */
	size_t count;
};

struct script;

/* NULL and a message in error when a line is none. */
struct script *script_parse(const char *text, struct text *error);
void script_free(struct script *s);
/* Count the request, collect what hits it. */
void script_match(struct script *s, const char *operation, struct bytes key, struct faults *to);
/* How often each rule fitted and hit, one line a rule. */
void script_report(const struct script *s, struct text *to);

void faults_release(struct faults *f);
/* NULL when the request is not hit by that. */
const struct fault *fault_get(const struct faults *f, enum action a);
const char *action_name(enum action a);
/* Argument i as a number, or fallback when there is none. */
long long fault_number(const struct fault *f, int i, long long fallback);
double fault_seconds(const struct fault *f, int i, double fallback); /* 0.25 too */

#endif
