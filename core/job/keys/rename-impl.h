/* SPDX-License-Identifier: MIT */
#ifndef MIGRATE_JOB_KEYS_RENAME_IMPL_H
#define MIGRATE_JOB_KEYS_RENAME_IMPL_H

#define PCRE2_CODE_UNIT_WIDTH 8

#include "job/keys/rename.h"

#include <pcre2.h>

/* Inside the rename rules: compiling (rename-parse.c), applying (rename.c), proving (injective.c). */

/* A piece of what a pattern's key becomes: text, or a group when text.p is NULL. */
struct rename_piece {
	struct migrate_bytes text;
	uint32_t group;
};

struct rename_rule {
	const char *from, *to;                    /* as the job file has them */
	pcre2_code *code;                         /* NULL: from is a prefix */
	struct migrate_bytes prefix, replacement; /* of a prefix rule */
	struct rename_piece *pieces;              /* of a pattern */
	size_t piece_count;
	char *text; /* for reports */
};

struct rename_rules {
	struct rename_rule *rules;
	size_t count;
};

/* The rule that node describes into r, which is zeroed. Problems are added. */
void rename_rule_parse(struct rename_rule *r, const struct yaml_node *node, struct problems *p);
void rename_rule_release(struct rename_rule *r);

#endif
