/* SPDX-License-Identifier: MIT */
#ifndef MIGRATE_ENGINE_COPY_UPLOADS_H
#define MIGRATE_ENGINE_COPY_UPLOADS_H

#include "engine/copy/copier.h"

/*
 * Uploads that a crash, a lost answer or another version of the source left unfinished:
 * those that the journal knows belong to their key at the destination; those that never
 * came to it are found at the store. None of them stays.
 */

/* The journal's upload of this object, bytes in the copier's arena. False: there is none. */
bool upload_find(struct copier *c, const struct item *it, struct upload_record *u);
/* End it, at the store and in the journal; where the store fails, the journal remembers it. */
void upload_abort(struct copier *c, const struct item *it, struct migrate_bytes id);
/*
 * End uploads of this key that the journal may not know of, those but `kept`: the answer to
 * their beginning was lost, or a crash was faster.
 */
void uploads_abort_lost(struct copier *c, const struct item *it, struct migrate_bytes kept);
/*
 * The object is settled: what earlier attempts wrote beside it is removed, and an upload that
 * was begun earlier is ended unless it was that which settled it.
 */
void uploads_leave(struct copier *c, const struct item *it);
/* All batches are done: what the journal still knows of belongs to nobody. -1: err is set. */
int uploads_sweep(struct run *run, struct error *err);

#endif
