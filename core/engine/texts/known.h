/* SPDX-License-Identifier: MIT */
#ifndef MIGRATE_ENGINE_TEXTS_KNOWN_H
#define MIGRATE_ENGINE_TEXTS_KNOWN_H

#include "engine/task/task.h"
#include "job/texts/replace.h"

/*
 * The keys that texts are searched for, in fixed memory for any number of them: a
 * filter that most candidates do not pass, and a look-up of those that do, in the
 * journal or, for a dry run, in a temporary file. What was looked up is kept until
 * it is too much. One thread at a time.
 */
struct known;

/* All keys of the journal. NULL: err. */
struct known *known_of_journal(const struct task *t, struct error *err);
/* Keys that are added one by one. */
struct known *known_new(const struct task *t, uint64_t expected, struct error *err);
int known_add(struct known *k, struct migrate_bytes key, struct migrate_bytes new_key,
	      struct error *err);
void known_free(struct known *k);

/*
 * A replacer for database d. Of the journal's keys, the new values in which an old one
 * could be found are gathered first. One at a time; replacer_free() it before the next.
 */
struct replacer *known_replacer(struct known *k, const struct job_database *d, struct error *err);
/* Why a replacer failed. */
void known_error(struct known *k, struct error *err);

/* What an edit says its object is: good until known_trim(), the pointer until a text is searched. */
struct known_object {
	struct object_record record; /* key and new_key alone, and the state */
	int64_t batch;
	uint32_t n;
	uint32_t slot; /* the caller's; UINT32_MAX: not set since known_unslot() */
};
struct known_object *known_object(struct known *k, uint32_t id);
void known_unslot(struct known *k);
/* Forget what was looked up if it is much by now; no edits may be in use. */
void known_trim(struct known *k);

#endif
