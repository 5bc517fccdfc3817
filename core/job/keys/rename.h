/* SPDX-License-Identifier: MIT */
#ifndef MIGRATE_JOB_KEYS_RENAME_H
#define MIGRATE_JOB_KEYS_RENAME_H

#include "job/yaml/yaml.h"

#include <migrate/plugin.h>

/*
 * Rename rules: the first that matches decides. A rule is a prefix
 * ({prefix: a/, to: b/}) or a PCRE2 pattern ({match: '^..$', to: '$1/${name}'};
 * $$ is a dollar; bytes, no UTF mode; match and depth limits set).
 */
struct rename_rules;

enum rename_result {
	RENAME_OK,        /* *new_key is set, *rule says which rule (from 0) */
	RENAME_UNMATCHED, /* no rule matched */
	RENAME_FAILED     /* match limit, result empty or too long: message in err */
};

/* Scratch of one thread; a rules object is shared by all threads. */
struct rename_scratch;

/* list: the node of `rename:` or NULL. */
struct rename_rules *rename_rules_new(const struct yaml_node *list, struct problems *p);
void rename_rules_free(struct rename_rules *r);
size_t rename_rules_count(const struct rename_rules *r);
/* How rule i reads, for reports: "prefix image/ -> avatar/". Valid while r lives. */
const char *rename_rule_text(const struct rename_rules *r, size_t i);
/* What the keys that rule i takes begin with; n = 0: it is a pattern. Valid while r lives. */
struct migrate_bytes rename_rule_prefix(const struct rename_rules *r, size_t i);
bool rename_rules_canonical(const struct rename_rules *r, struct buf *out);

struct rename_scratch *rename_scratch_new(const struct rename_rules *r);
void rename_scratch_free(struct rename_scratch *s);

/* *new_key lives in the scratch until the next call. */
enum rename_result rename_apply(const struct rename_rules *r, struct rename_scratch *s,
				struct migrate_bytes key, struct migrate_bytes *new_key,
				size_t *rule, struct error *err);

/*
 * True when the rules themselves show that two keys of the selection never get
 * one new key and that no new key is another key's old one (no rules; prefix
 * rules whose results cannot meet each other, unmatched keys or the selection).
 * prefix: the selection's; keep: unmatched keys stay as they are; one_place: the
 * two ends may hold the same keys (chains matter).
 */
bool rename_rules_injective(const struct rename_rules *r, struct migrate_bytes prefix, bool keep);

#endif
