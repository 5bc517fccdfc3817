/* SPDX-License-Identifier: MIT */
#ifndef MIGRATE_ENGINE_CHECK_H
#define MIGRATE_ENGINE_CHECK_H

#include "engine/ends.h"

/*
 * Looking at a job before it runs: all ends, one page of keys, one page of rows
 * of each database. Changes nothing, takes seconds.
 *
 * Problems would stop the run or make objects fail; warnings are what the
 * operator should know. Both are sentences, already escaped, in the arena.
 */
#define CHECK_SAMPLES 5

struct check_texts {
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
	uint64_t scanned, matching; /* rows looked at; those whose value matches the pattern */
};

struct check {
	struct arena arena;
	const struct job *job;
	struct ends ends;
	bool open; /* ends are */
	struct check_texts problems, warnings;

	enum ends_relation relation;
	bool whole;                                    /* the page held all keys */
	uint64_t listed, taken, passed_over, unlisted; /* of the page */
	uint64_t unmatched, refused, colliding;
	uint64_t bytes;       /* of the taken */
	uint64_t longest_new; /* bytes in the longest new value of any database */
	struct check_sample samples[CHECK_SAMPLES];
	size_t sample_count;
	const char *lost; /* attributes seen that the destination does not keep; NULL: none */
	struct check_database *databases;

	bool journal_exists;
	uint64_t journal_bytes, journal_free;
};

/* 0 also when there are problems; -1: could not even look (err). */
int check_job(const struct job *job, struct check *c, struct error *err);
void check_release(struct check *c);

/* For the parts of the check. */
void check_problem(struct check *c, const char *format, ...) MIGRATE_PRINTF(2, 3);
void check_warning(struct check *c, const char *format, ...) MIGRATE_PRINTF(2, 3);
void check_keys(struct check *c);      /* check-keys.c */
void check_databases(struct check *c); /* check-rows.c */
void check_journal(struct check *c);   /* check-journal.c */

#endif
