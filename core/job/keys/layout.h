/* SPDX-License-Identifier: MIT */
#ifndef MIGRATE_JOB_KEYS_LAYOUT_H
#define MIGRATE_JOB_KEYS_LAYOUT_H

#include "base/buf.h"
#include "base/error.h"

#include <migrate/plugin.h>

/*
 * Keys that repeat a part of themselves, as stores do that spread files over
 * folders: "{key:0:2}/{key:2:2}/{key}". One to one: the part is found again in
 * every key of this form, and gives that key.
 */
struct layout;

struct layout *layout_new(const char *text, struct error *err);
void layout_free(struct layout *l);
/* The bytes of out from start on are the part: makes the key of them. False: no such key. */
bool layout_apply(const struct layout *l, size_t start, struct buf *out);
/* *part: bytes of key. False: the key has another form. */
bool layout_part(const struct layout *l, struct migrate_bytes key, struct migrate_bytes *part);
bool layout_equal(const struct layout *a, const struct layout *b); /* both may be NULL */

#endif
