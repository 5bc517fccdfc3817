/* SPDX-License-Identifier: MIT */
#ifndef MIGRATE_BASE_EDITS_H
#define MIGRATE_BASE_EDITS_H

#include "base/arena.h"
#include "base/buf.h"

/*
 * How one long text becomes another: places that are replaced, in ascending order,
 * none inside another. Packed, the new text is a few bytes beside the old one.
 *
 * A place may belong to an object (an index of the owner's); those that only mend
 * what the others broke, as lengths, belong to none.
 */
#define EDIT_OF_NONE UINT32_MAX

struct edit {
	size_t at, n; /* bytes of the old text */
	struct migrate_bytes with;
	uint32_t object;
};

struct edits {
	struct edit *items; /* malloc'ed; what `with` points to is the caller's */
	size_t n, cap;
};

bool edits_add(struct edits *e, const struct edit *one);
void edits_release(struct edits *e);

/* Append the new text. False: out of memory, or past the ceiling of out. */
bool edits_apply(const struct edits *e, struct migrate_bytes text, struct buf *out);

/* Append the packed form. */
bool edits_pack(const struct edits *e, struct buf *out);

/* Reads a packed form; bytes of an edit point into it. */
struct edits_reader {
	struct migrate_bytes left;
	size_t at; /* in the old text, behind the last edit */
};
void edits_read(struct edits_reader *r, struct migrate_bytes packed);
/* 1: *out; 0: there are no more; -1: this is no packed form. */
int edits_next(struct edits_reader *r, struct edit *out);
/* Append the new text that a packed form makes of text. False: it does not fit. */
bool edits_unpack(struct migrate_bytes packed, struct migrate_bytes text, struct buf *out);

#endif
