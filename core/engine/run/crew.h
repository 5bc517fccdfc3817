/* SPDX-License-Identifier: MIT */
#ifndef MIGRATE_ENGINE_RUN_CREW_H
#define MIGRATE_ENGINE_RUN_CREW_H

#include "engine/copy/copier.h"
#include "engine/rows/rewriter.h"

/*
 * The threads of a run, but for the main one, whose these calls are. Copiers are
 * hired when there shall be more of them, and open their sessions when they have
 * something to do: a session may be a quarter of a megabyte.
 */
#define CREW_MOST 1024 /* copiers, whatever is asked for */

struct crew {
	struct run *run;
	struct copier **copiers;
	struct rewriter **rewriters;
	uint32_t copier_count, rewriter_count, started_rewriters;
	pthread_t feeder, syncer, saver;
	bool has_feeder, has_syncer, has_saver;
};

/* After it failed, too, crew_dismiss() frees what there is. */
int crew_hire(struct crew *c, struct run *run, struct error *err);
/* After crew_set() said how many copiers. */
void crew_start(struct crew *c);
/* So many copiers may be at work from now on, as far as the ends serve them. */
void crew_set(struct crew *c, uint32_t copiers);
/* Wait until all are done. */
void crew_join(struct crew *c);
void crew_dismiss(struct crew *c);

#endif
