/* SPDX-License-Identifier: MIT */
#ifndef MIGRATE_CMD_COMMAND_H
#define MIGRATE_CMD_COMMAND_H

#include "base/error.h"

#include <migrate/plugin.h>

#include <stdbool.h>
#include <stddef.h>

/*
 * What the programs share: one table of flags per program, from which parsing,
 * --help and the completion come, and which the manual pages are tested against.
 * All programs take --help and --version, long options with = or a space, and
 * stop at --. Wrong usage is EXIT_USAGE with a hint and one line of usage.
 */
enum flag_kind {
	FLAG_BOOL,     /* bool * */
	FLAG_TEXT,     /* const char ** */
	FLAG_OPTIONAL, /* const char **: --name or --name=TEXT ("" when bare) */
	FLAG_TEXTS,    /* struct flag_texts *: may be repeated */
	FLAG_COUNT,    /* int64_t *: >= 1 */
	FLAG_CHOICE    /* int *: index into "a|b|c" */
};

struct flag_texts {
	const char **items; /* NULL-terminated; NULL when there are none */
	size_t n;
};

struct flag {
	const char *name; /* without dashes */
	enum flag_kind kind;
	void *value;
	const char *argument; /* as shown: "N", "FILE"; choices for FLAG_CHOICE */
	const char *help;     /* lower case, no full stop */
};

struct command {
	const char *name;    /* "migrate-run" */
	const char *summary; /* one sentence for --help */
	const char *usage;   /* "[OPTIONS] JOB" */
	const struct flag *flags;
	size_t flag_count;
	int operands_min, operands_max;
};

/*
 * Parse argv; operands are left in *operands (pointing into argv, NULL-terminated).
 * Returns -1 to go on, otherwise the exit status to leave with (after --help,
 * --version or an error, which was printed).
 */
int command_parse(const struct command *c, int argc, char **argv, char ***operands);

/* "migrate-run: text" on standard error, each line of it; returns the error's exit status. */
int command_fail(const struct command *c, const struct error *err);

/*
 * The first SIGINT, SIGTERM or SIGHUP from now on calls first(), which must be
 * async-signal-safe; a second one leaves at once. NULL: they end the program again.
 */
void command_on_signal(void (*first)(void));

/* Flush standard output; a write error there is reported and is EXIT_INTERNAL, but not EPIPE. */
int command_end(int status);

/* The `find` of struct job_load_options: installed plugins. arg is not looked at. */
const struct migrate_plugin *command_find_plugin(void *arg, enum migrate_kind kind,
						 const char *name, struct error *err);

#endif
