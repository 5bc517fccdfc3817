/* SPDX-License-Identifier: MIT */
#ifndef MIGRATE_CMD_SUBJECT_H
#define MIGRATE_CMD_SUBJECT_H

#include "base/arena.h"
#include "job/keys/rename.h"
#include "job/keys/select.h"
#include "journal/journal.h"

#include <sys/types.h>

/*
 * What a program that only looks needs of a job: its name, where its journal is,
 * its selection and its rules. No plugin is loaded, no secret and no variable of
 * the environment is needed unless the journal's own path names one.
 *
 * The operand may also be the journal itself: then there are no rules to tell of.
 */
struct subject {
	struct arena arena;
	const char *name;
	struct journal_place journal; /* trusts the owner of the operand */
	bool has_job;
	struct selection selection;
	struct rename_rules *rules; /* NULL without a job file */
};

int subject_open(struct subject *s, const char *operand, struct error *err);
void subject_release(struct subject *s);

#endif
