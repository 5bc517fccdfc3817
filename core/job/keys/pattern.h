/* SPDX-License-Identifier: MIT */
#ifndef MIGRATE_JOB_KEYS_PATTERN_H
#define MIGRATE_JOB_KEYS_PATTERN_H

#include "base/buf.h"
#include "base/error.h"

#include <migrate/plugin.h>

/*
 * How a key stands in a column: "{key}", "https://cdn.example.com/{key:url}",
 * "{{" is a literal brace. Exactly one {key}. :url percent-encodes all but
 * unreserved characters and slashes; decoding accepts any percent-encoding, but
 * only a value that encodes back to itself counts as a match, so that a rewrite
 * can always be undone exactly.
 */
struct value_pattern;

struct value_pattern *value_pattern_new(const char *text, struct error *err);
void value_pattern_free(struct value_pattern *v);
/* Append the value of a key. False: longer than MIGRATE_KEY_MAX. */
bool value_pattern_encode(const struct value_pattern *v, struct migrate_bytes key, struct buf *out);
/* Append the key of a value. False: the value does not match the pattern. */
bool value_pattern_decode(const struct value_pattern *v, struct migrate_bytes value,
			  struct buf *out);
bool value_pattern_equal(const struct value_pattern *a, const struct value_pattern *b);

/*
 * Where a column holds only a part of the key: how the object's key is made of that
 * part: "{key:0:2}/{key:2:2}/{key}" is ab/cd/abcdef for abcdef. {key} once; {key:N:M}
 * are M of its bytes from the N-th on. With a layout, encode() takes and decode()
 * gives the object's key; one that has another form stands in no row.
 */
int value_pattern_set_layout(struct value_pattern *v, const char *text, struct error *err);
bool value_pattern_has_layout(const struct value_pattern *v);

/* What stands before the key and behind it. Bytes live as long as v. */
struct value_parts {
	struct migrate_bytes before, after;
	bool url;
};
void value_pattern_parts(const struct value_pattern *v, struct value_parts *out);

#endif
