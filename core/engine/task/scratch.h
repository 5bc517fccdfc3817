/* SPDX-License-Identifier: MIT */
#ifndef MIGRATE_ENGINE_TASK_SCRATCH_H
#define MIGRATE_ENGINE_TASK_SCRATCH_H

#include "plugin/end.h"

/*
 * Scratch objects: written only to see what a place does, by the core or by a
 * plugin. Their keys begin with ".migrate-", the id of the job in 16 hex digits and
 * "-scratch-": so they are never taken for objects, and a later look finds those
 * that one left behind which was killed.
 */
#define SCRATCH_NAME 48

/* The beginning of all scratch keys of this job; 8 hex digits follow. */
void scratch_prefix(char name[SCRATCH_NAME], const char *job_id);
/* The same with digits that nobody used before. */
void scratch_name(char name[SCRATCH_NAME], const char *job_id);
/* Of any job. */
bool scratch_is_key(struct migrate_bytes key);

/* Keys that could not be removed, escaped, with the reason. */
struct scratch_left {
	struct arena arena;
	const char **items;
	size_t n, cap;
};

/*
 * Remove all objects whose keys begin so, and end what uploads of them this
 * instance knows. *removed: how many there were. OK also when some are left.
 */
enum migrate_status scratch_clear(struct migrate_session *s, const char *prefix, size_t *removed,
				  struct scratch_left *left);
/* This key could not be removed; message: "" if there is none. */
void scratch_left_add(struct scratch_left *left, struct migrate_bytes key,
		      enum migrate_status status, const char *message);
void scratch_left_release(struct scratch_left *left);

#endif
