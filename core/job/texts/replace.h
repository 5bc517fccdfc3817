/* SPDX-License-Identifier: MIT */
#ifndef MIGRATE_JOB_TEXTS_REPLACE_H
#define MIGRATE_JOB_TEXTS_REPLACE_H

#include "base/edits.h"
#include "base/filter.h"
#include "job/keys/pattern.h"

/*
 * match: contains: the values of known keys inside a text become those of their
 * new keys. At each place where a value may begin (boundary_before) the longest
 * known key decides, from left to right; what was decided is not looked into
 * again. So image/1 is not found in image/10, old-image/1 or x/image/1.
 *
 * With {key:url}, any percent-encoding of a key is found (%c3, or a plain
 * character where we would encode one) but for an encoded slash; what is written
 * is the canonical one. Values spelled for JSON or HTML: see spelling.h.
 */
enum known_kind {
	KNOWN_NOT = 0,
	KNOWN_COPIED, /* its object is there under the new key: replace it */
	KNOWN_LEFT    /* a key of the job whose object is not: leave the place alone */
};

/* What is known of keys. Functions return -1 when they failed. */
struct known_keys {
	struct filter keys; /* of all known keys, whatever became of them */
	int (*look_up)(void *arg, struct migrate_bytes key, struct migrate_bytes *new_key,
		       uint32_t *object);
	/*
	 * New values in which an old one could be found, as in image/1 -> image/1 (2): they
	 * are left alone where they stand, or a second pass would change them again.
	 */
	struct filter guards;
	int (*is_guard)(void *arg, struct migrate_bytes value); /* 1, 0 */
	void *arg;
};

struct replace_counts {
	uint64_t places;    /* replaced */
	uint64_t left;      /* name an object that was not copied */
	uint64_t unspelled; /* the new value cannot be written there: see spell() */
	uint64_t fixed;     /* codec: where nothing can be replaced: see php.h */
};

struct replacer;
enum text_codec { CODEC_NONE, CODEC_PHP };
/* codec: enum text_codec. The patterns and known outlive it. NULL: out of memory. */
struct replacer *replacer_new(const struct value_pattern *value,
			      const struct value_pattern *new_value, int codec,
			      struct known_keys *known);
void replacer_free(struct replacer *r);
/* Once known->keys or known->guards got other contents. */
void replacer_learn(struct replacer *r);
/*
 * Add the edits of text to out and to counts. New bytes live in a. -1: out of memory, or
 * a function of known failed.
 */
int replacer_run(struct replacer *r, struct migrate_bytes text, struct arena *a, struct edits *out,
		 struct replace_counts *counts);

#endif
