/* SPDX-License-Identifier: MIT */
#ifndef MIGRATE_JOB_PATTERN_H
#define MIGRATE_JOB_PATTERN_H

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

#endif
