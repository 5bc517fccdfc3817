/* SPDX-License-Identifier: MIT */
#ifndef MIGRATE_CMD_STATUS_FIND_H
#define MIGRATE_CMD_STATUS_FIND_H

#include "cmd/subject.h"
#include "journal/journal.h"

/* The parts of migrate-status that look for single objects. All return 0 or -1. */
int status_failed(struct journal *j, bool json, struct error *err);
int status_find(struct journal *j, const char *text, bool json, struct error *err);
/* key: as text, or as the escaping printer shows it. */
int status_explain(struct journal *j, const struct subject *s, const char *key, bool json,
		   struct error *err);

#endif
