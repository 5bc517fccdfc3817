/* SPDX-License-Identifier: MIT */
#ifndef MIGRATE_ENGINE_RUN_BEGIN_H
#define MIGRATE_ENGINE_RUN_BEGIN_H

#include "engine/work/engine.h"

/*
 * What happens before the first thread starts: journal and ends are opened, the
 * job is compared with the journal's, the pass is found, and what the last run
 * left in doubt is noted.
 */
int engine_begin(struct engine *e, const struct job *job, const struct run_options *o,
		 struct error *err);
/* What the pass is that a run would go on with, or begin. */
struct outlook {
	bool scans;                  /* it looks at all rows, for those of what is done */
	struct migrate_bytes behind; /* keys up to this one are another pass's; n = 0: none is */
};
/* For a dry run: ends that are only read, no journal. Bytes of *outlook in a. */
int engine_begin_dry(struct engine *e, const struct job *job, const struct run_options *o,
		     struct arena *a, struct outlook *outlook, struct error *err);
/* A journal that this run made and could not use: it never existed. */
void engine_discard(struct engine *e);
void engine_end(struct engine *e);

/* fit.c: status 5 if the job is not the one that the journal is of; notes what changed. */
int fit_job(struct engine *e, struct error *err);
/*
 * Before anything is written anywhere: what a run leaves behind when it is killed
 * while it opens the ends (scratch objects) is known by the job's id.
 */
int fit_remember_id(struct engine *e, struct error *err);
/* The ends of a new job; a change that was accepted. */
int fit_remember(struct engine *e, struct error *err);

/* twin.c: warns of a journal beside this new one that is of the same ends. */
void twin_tell(const struct engine *e);

#endif
