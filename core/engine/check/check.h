/* SPDX-License-Identifier: MIT */
#ifndef MIGRATE_ENGINE_CHECK_CHECK_H
#define MIGRATE_ENGINE_CHECK_CHECK_H

#include "engine/probe/probe.h"
#include "engine/task/task.h"

#include <signal.h>

/*
 * Looking at a job before it runs: all ends, one page of keys, one page of rows
 * of each database. Changes nothing, takes seconds.
 *
 * Problems would stop the run or make objects fail; warnings are what the
 * operator should know. Both are sentences, already escaped, in the arena.
 */
#define CHECK_SAMPLES 5
#define WOULD_MAX ((size_t)1 << 16)

struct known;

struct check_sentences {
	const char **items;
	size_t n, cap;
};

struct check_sample {
	struct migrate_bytes old, new; /* new.n = 0: see why */
	const char *why;               /* the rule, or what is wrong */
};

struct check_database {
	uint64_t rows;
	bool counted;
	struct check_sample samples[CHECK_SAMPLES]; /* values; why: the row's text */
	size_t sample_count;
	bool texts;                 /* match: contains */
	uint64_t refused;           /* texts of which something must be left alone */
	uint64_t scanned, matching; /* rows looked at; those whose value matches the pattern */
};

struct check {
	struct arena arena;
	struct task task; /* its journal is only read */
	struct error journal_error;
	struct check_sentences problems, warnings;

	bool whole;                                    /* the page held all keys */
	uint64_t listed, taken, passed_over, unlisted; /* of the page */
	uint64_t unmatched, refused, colliding;
	uint64_t bytes;       /* of the taken */
	uint64_t longest_new; /* bytes in the longest new value of any database */
	struct check_sample samples[CHECK_SAMPLES];
	size_t sample_count;
	bool probed;
	struct probe probe;
	volatile sig_atomic_t asked_to_end;

	const char *lost; /* attributes seen that the destination does not keep; NULL: none */
	struct check_database *databases;
	struct known *known; /* the page's keys, when there are texts to search; else NULL */
	struct buf *would;   /* by cache: what it would do for the first sample, lines */

	bool journal_exists;
	uint64_t journal_bytes, journal_free;
};

/* probe: scratch objects may be written at the destination, to see what it does. */
void check_init(struct check *c, const struct job *job, bool probe);
/* 0 also when there are problems; -1: could not even look (err). */
int check_run(struct check *c, struct error *err);
/* From a signal's handler: let go of what is being tried, and clean up. */
void check_cancel(struct check *c);
void check_release(struct check *c);

/* For the parts of the check. */
void check_problem(struct check *c, const char *format, ...) MIGRATE_PRINTF(2, 3);
void check_warning(struct check *c, const char *format, ...) MIGRATE_PRINTF(2, 3);
void check_keys(struct check *c);      /* keys.c */
void check_databases(struct check *c); /* rows.c */
/* texts.c: the same for match: contains, with the keys that check_keys() saw. */
void check_texts(struct check *c, size_t database);
void check_journal(struct check *c); /* journal.c */

#endif
