/* SPDX-License-Identifier: MIT */
#ifndef MIGRATE_ENGINE_PROBE_PROBE_H
#define MIGRATE_ENGINE_PROBE_PROBE_H

#include "engine/task/ends.h"
#include "engine/task/scratch.h"

/*
 * What a destination does, tried on scratch objects: by the operations that every
 * store has (so it works for any plugin), then by the plugin's own measure().
 *
 * Whatever happens, also when the calls were cancelled, what was written is removed
 * again; what could not be is in `left`.
 */
struct probe {
	struct findings findings;
	size_t own;       /* findings of the core's; those behind them are the plugin's */
	uint64_t written; /* scratch objects */
	size_t swept;     /* those that an earlier probe or run had left */
	struct scratch_left left;
	char prefix[SCRATCH_NAME]; /* scratch keys begin so */
	bool cancelled;
	const char *broken; /* why it could not be gone on with, in the findings' arena */
};

/*
 * e: open, its destination not dry. before: the id under which earlier probes of the
 * job went, while it had no journal.
 */
void probe_destination(struct probe *p, struct ends *e, const char *before);
void probe_release(struct probe *p);

#endif
