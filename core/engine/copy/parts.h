/* SPDX-License-Identifier: MIT */
#ifndef MIGRATE_ENGINE_COPY_PARTS_H
#define MIGRATE_ENGINE_COPY_PARTS_H

#include "engine/copy/copier.h"

/*
 * Large objects in parts: the copier that holds the object begins the upload,
 * offers its parts to all copiers, and completes it. The upload's id is
 * journalled, so that a later run continues it if the source is still the same.
 */

/* Take one part, if there still is one, and do it. */
void parts_help(struct copier *c);

/* native: the destination fetches the parts itself. */
enum migrate_status copy_in_parts(struct copier *c, struct item *it, struct target t, bool native);
/*
 * The end of an upload had an unknown outcome and was looked up, with that result: if
 * the object needs the upload no more, it is ended, should it still be there.
 */
void parts_settle(struct copier *c, struct item *it, enum migrate_status status);
/* ---- parts-plan.c ---- */

/* The job's part size, within what the destination can do with this many bytes. */
uint64_t parts_size(const struct run *run, uint64_t size);
/* Can this object go in parts? */
bool parts_possible(const struct run *run, uint64_t size, bool native);

#endif
