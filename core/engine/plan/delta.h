/* SPDX-License-Identifier: MIT */
#ifndef MIGRATE_ENGINE_PLAN_DELTA_H
#define MIGRATE_ENGINE_PLAN_DELTA_H

#include "engine/plan/keys.h"
#include "engine/work/running.h"

/*
 * A delta pass is a merge of the listing with what the journal knows, both in
 * byte order of keys: constant memory.
 */
struct delta;

struct older {
	bool found;   /* the journal knows this key */
	bool settled; /* and nothing changed since: leave it */
	bool own;     /* a new key of this job: see delta_has_own() */
	/* unchanged: its attributes alone may differ from those of our copy */
	struct object_record record;
	int64_t batch;
	uint32_t n;
};

struct delta *delta_open(struct task *task, struct migrate_bytes after, struct error *err);
/* keys ascend from call to call. Bytes of *o live until the next call. */
int delta_match(struct delta *d, const struct key_item *item, struct older *o, struct error *err);
/* No object of the job, and what lies behind it may be looked at in another run. */
int delta_pass_over(struct delta *d, struct migrate_bytes key, struct error *err);
/* From here on only what was matched is of interest: a later run brings these keys again. */
void delta_look_ahead(struct delta *d);
/* The listing has ended: what the journal knows beyond is orphaned. */
int delta_finish(struct delta *d, struct error *err);
/* The source of the record that was matched last has gone. */
void delta_orphaned(struct delta *d);
/* A key that no listing brought: what the source holds now decides. item->etag lives in slot. */
int delta_look_again(struct delta *d, struct migrate_session *source, struct object_slot *slot,
		     struct key_item *item, struct older *o, struct error *err);
/* May new keys of this job come back as keys? In one place, or where keys come from rows. */
bool delta_has_own(const struct task *task);
void delta_close(struct delta *d);

#endif
