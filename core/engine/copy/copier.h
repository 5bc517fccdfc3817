/* SPDX-License-Identifier: MIT */
#ifndef MIGRATE_ENGINE_COPY_COPIER_H
#define MIGRATE_ENGINE_COPY_COPIER_H

#include "engine/work/running.h"
#include "plugin/stream.h"

/*
 * One copy worker: its sessions, its buffers, and what it holds. Only its own
 * thread touches it, but for items (under the window's lock).
 *
 * Bytes that results point to live in `arena` until the next run of items.
 * culprit: the session whose call gave the status that is being handled.
 */
struct copier {
	struct run *run;
	uint32_t number;
	pthread_t thread;
	struct migrate_session *source, *destination;
	struct migrate_session *culprit;
	struct digest_context *digest;
	struct migrate_sink *sink;
	struct migrate_body *body;
	struct ring *ring; /* made when first needed */
	unsigned char *buffer;
	size_t buffer_size, reserved; /* reserved: of the job's memory */
	struct migrate_attributes *attributes;
	struct migrate_attributes *borne; /* by the copy at the destination */
	struct object_slot here, there;   /* of the source, of the destination */
	bool looked; /* there: what stood at the destination just before a write was refused */
	struct arena arena;
	struct item items[RUN_LENGTH];
};

struct copier *copier_new(struct run *run, uint32_t number, struct error *err);
void copier_free(struct copier *c);
void *copier_main(void *copier); /* of its thread */

/* ---- hand.c ---- */

/* Note who answered status, for conclude(). */
enum migrate_status blame(struct copier *c, struct migrate_session *s, enum migrate_status status);
/* Settle as failed. */
void fail_item(struct item *it, enum fail_class why, const char *message);
/* A message of the last call, or of the status itself, in the copier's arena. */
const char *copier_message(struct copier *c, enum migrate_status status);
/* Copy bytes of a call's result so that they outlive the next call. */
bool copier_keep(struct copier *c, struct migrate_bytes from, struct migrate_bytes *to);

/* At least n bytes at c->buffer, within the job's memory. False: the run ends. */
bool copier_reserve(struct copier *c, size_t n);
void copier_unreserve(struct copier *c);

/* ---- look.c ---- */

/* What must be true of the destination when it is written. */
struct target {
	enum migrate_precondition precondition;
	struct migrate_bytes if_match;
	bool looked; /* the condition was seen to hold a moment ago */
};
/*
 * Just before a write of this way: what the store does not honour by itself is looked
 * at, and becomes ANY. Else EXISTS or CHANGED, as the store would answer.
 */
enum way { WAY_PUT, WAY_COPY, WAY_COMPLETE };
enum migrate_status hold_to(struct copier *c, struct item *it, enum way way, struct target *t);
/* What the destination's stat says, into there. */
enum migrate_status look_at_destination(struct copier *c, struct item *it);
/* What the source's stat says, into here and it->record. */
enum migrate_status look_at_source(struct copier *c, struct item *it, bool attributes);

/* copy.c: how one object is copied; its status, *it filled when OK. */
enum migrate_status copy_object(struct copier *c, struct item *it);
/* write.c: by the best way there is. */
enum migrate_status write_copy(struct copier *c, struct item *it, struct target t);
/*
 * existing.c: what is at the destination decides, as it is or as it was just seen. refusal: what
 * the store said when it refused, NULL: it did not.
 */
enum migrate_status resolve_existing(struct copier *c, struct item *it, const char *refusal);
/* What stands there is equal: was it us? */
void settle_equal(struct copier *c, struct item *it);
/*
 * conclude.c: what becomes of an object after it was tried: settled, tried again later, or left
 * for the next run (false: the run ends).
 */
bool conclude(struct copier *c, struct item *it, enum migrate_status status);

/* transfer.c: the bytes pass through memory or a ring. */
enum migrate_status transfer_small(struct copier *c, struct item *it, const struct target *t);
enum migrate_status transfer_ring(struct copier *c, struct item *it, const struct target *t);
/* The same after look_at_source(c, it, true). */
enum migrate_status transfer_looked(struct copier *c, struct item *it, const struct target *t);
/* The source told a digest of what it has (in here): whole, the bytes are compared with it. */
bool transfer_is_proved(const struct copier *c);
/* Stored as expected? Sets record.stored and level. */
enum migrate_status accept_stored(struct copier *c, struct item *it,
				  const struct migrate_digest *sent);

/* compare.c */
enum migrate_status compare_existing(struct copier *c, struct item *it, bool *equal);
enum migrate_status ensure_level(struct copier *c, struct item *it);
/*
 * attributes-only.c: the source's content is that of our copy. OK: so are its attributes, and it is
 * settled; UNSUPPORTED: it must be copied, and is no longer said to be unchanged.
 */
enum migrate_status keep_unchanged(struct copier *c, struct item *it);
/* A copy of ours that turned out to be wrong must not stay. */
void remove_copy(struct copier *c, struct item *it);

/* losses.c: attributes that the destination does not keep. */
struct losses *losses_new(void);
void losses_free(struct losses *l);
void losses_report(struct losses *l);
/* Attributes of c->attributes that would be lost: FAIL_ATTRIBUTES if the job says so. */
bool attributes_fit(struct copier *c, struct item *it);
void attributes_lost(struct copier *c, struct item *it);
uint32_t attribute_flags(const struct run *run);

#endif
