/* SPDX-License-Identifier: MIT */
#ifndef MIGRATE_ENGINE_DRY_DRY_IMPL_H
#define MIGRATE_ENGINE_DRY_DRY_IMPL_H

#include "engine/dry/dry.h"
#include "engine/plan/delta.h"
#include "engine/plan/made.h"
#include "engine/plan/planner.h"

#define DRY_RULES 32    /* counted one by one; later rules together */
#define DRY_SAMPLES 3   /* per rule */
#define DRY_FAILURES 20 /* named */
#define DRY_SORT_MEMORY (8 * 1024 * 1024)
#define DRY_WOULD_MAX ((size_t)1 << 16)

/*
 * What a dry run finds: the keys, the rules and the rows, merged in byte order
 * in constant memory. The journal is not made, and only read if there is one.
 */
struct dry_rule {
	uint64_t hits;
	size_t samples;
	struct migrate_bytes from[DRY_SAMPLES], to[DRY_SAMPLES];
};

struct dry_failure {
	struct migrate_bytes key;
	enum fail_class class;
	const char *message;
};

struct dry_text {
	const char *row;
	struct migrate_bytes old, new;
};

/* Of a row, what is sorted with its key. */
struct dry_row {
	uint32_t database;
	bool settled; /* what `set:` says stands there already */
};

struct known;
struct dry_done;

struct dry {
	const struct run_options *options;
	struct task task;
	struct halt halt;
	struct gate *gate;
	bool scans;                  /* the pass looks at all rows, for those of what is done */
	struct migrate_bytes behind; /* keys up to this one are another pass's; n = 0: none is */
	struct delta *delta;         /* what the journal knows; NULL: there is none */
	struct migrate_attributes *attributes,
	    *borne;              /* of an object and its copy; NULL: not yet */
	struct object_slot slot; /* of a key that no listing brought */
	struct planner planner;
	struct key_stream *keys;
	struct digest_context *digest;
	struct sorter *hashes, *rows;
	struct migrate_bytes row; /* the next row's key, while more_rows */
	struct dry_row row_info;
	bool more_rows;
	struct made *made;     /* new keys of earlier runs; NULL: there was none */
	struct dry_done *done; /* what they copied; as above */
	struct arena arena;
	struct buf would; /* what the caches would do for the first rows, lines */

	uint64_t objects, bytes, in_place, missing;
	uint64_t settled, failed_before; /* by earlier runs, and unchanged since */
	uint64_t later;                  /* keys of the pass after the one that is tried */
	uint64_t passed_over[SKIP_COUNT];
	uint64_t failed[FAIL_CLASS_COUNT];
	struct dry_failure failures[DRY_FAILURES];
	size_t failure_count;
	struct dry_rule rules[DRY_RULES + 1]; /* the last: no rule */
	uint64_t collisions, chains;
	struct known *known; /* the keys that texts are searched for; NULL: there are no texts */
	uint64_t texts, texts_to_change, places, texts_refused, texts_too_long;
	struct dry_text text_samples[DRY_SAMPLES];
	size_t text_sample_count;
	uint64_t rows_to_change, rows_without_object, rows_other, objects_without_row;
	uint64_t rows_as_they_are; /* hold what they shall hold */
	uint64_t rows_left;        /* of objects that fail, or were skipped */
};

/* begin.c: the ends are open, to be read alone; the journal, where there is one, is looked at. */
int dry_begin(struct dry *d, struct error *err);
void dry_end(struct dry *d); /* also after that failed */

/* delta.c: what earlier runs did with this key, or made of another one. */
struct dry_known {
	enum {
		DRY_NEW,
		DRY_SETTLED,
		DRY_LATER, /* new or changed, and behind what the run lists */
		DRY_FAILED,
		DRY_OWN
	} kind;
	bool rows_follow; /* it is copied, and the run looks for rows that name it */
	/* its new key is: by a copy, or by a failure of a name that another wants */
	bool name_taken;
};
int dry_open_delta(struct dry *d, struct error *err);
/* keys ascend from call to call */
int dry_look_up(struct dry *d, struct key_item *item, struct dry_known *known, struct error *err);
int dry_close_delta(struct dry *d, struct error *err);

/* done.c: copies that stand, by key and batch. NULL: err */
struct dry_done *dry_done_open(const struct task *task, bool all, struct error *err);
/* Will the run look for rows that name objects of this batch? */
bool dry_rows_follow(const struct dry_done *d, int64_t batch);
/* Would rows that name key become others? 1, 0, -1. Keys ascend from call to call. */
int dry_done_has(struct dry_done *d, struct migrate_bytes key, struct error *err);
void dry_done_close(struct dry_done *d);

/* texts.c */
int dry_search_texts(struct dry *d, struct error *err);

/* print.c */
void dry_print(const struct dry *d);

#endif
