/* SPDX-License-Identifier: MIT */
#ifndef MIGRATE_ENGINE_PROBE_PROBE_IMPL_H
#define MIGRATE_ENGINE_PROBE_PROBE_IMPL_H

#include "base/digest.h"
#include "engine/probe/probe.h"
#include "plugin/stream.h"

/*
 * One prober: a session and what its calls need. Trials return false when there is
 * no point in going on: cancelled, or trouble that is no answer to any question.
 */
#define PROBE_BUFFER (256 * 1024)
#define PROBE_SMALL 1000 /* bytes in most scratch objects */

struct prober {
	struct probe *out;
	struct ends *ends;
	struct migrate_session *s;
	const struct store_facts *facts;
	const struct migrate_store_ops *ops;
	struct migrate_sink *sink;
	struct migrate_body *body;
	struct digest_context *digest;
	struct migrate_attributes *sent, *got;
	struct object_slot slot, other;
	unsigned char *bytes, *buffer; /* what is put, what comes; PROBE_BUFFER each */
	struct arena arena;
	struct migrate_bytes *keys; /* all that was written, and may have to be removed */
	size_t key_count, key_cap;
};

/* A finding. said: printf; NULL: none. */
void finds(struct prober *p, const char *name, enum migrate_verdict verdict, const char *follows,
	   const char *said, ...) MIGRATE_PRINTF(5, 6);
/* The status is no answer to the question: a finding that says so. */
void finds_trouble(struct prober *p, const char *name, enum migrate_status status);
/* Nothing more can be learnt: cancelled, unreachable, refused altogether. */
bool is_hopeless(struct prober *p, enum migrate_status status);

/* A scratch key that ends so, remembered for removal. n = 0: out of memory. */
struct migrate_bytes scratch_key(struct prober *p, const void *end, size_t n);

/* n bytes of a pattern that differs from seed to seed. */
enum migrate_status try_put(struct prober *p, struct migrate_bytes key, unsigned int seed, size_t n,
			    enum migrate_precondition precondition, struct migrate_bytes if_match);
enum migrate_status try_stat(struct prober *p, struct migrate_bytes key);
enum migrate_status try_get(struct prober *p, struct migrate_bytes key, uint64_t offset,
			    uint64_t length, struct migrate_bytes if_match, size_t *n);
/* Does the key hold exactly that pattern? OK or CHANGED, or why it cannot be told. */
enum migrate_status try_holds(struct prober *p, struct migrate_bytes key, unsigned int seed,
			      size_t n);
enum migrate_status try_remove(struct prober *p, struct migrate_bytes key,
			       struct migrate_bytes if_match);
void fill_pattern(unsigned char *bytes, unsigned int seed, size_t n);
/* The slot's etag, kept in the arena. */
struct migrate_bytes etag_kept(struct prober *p, const struct object_slot *slot);

/* An etag that no object has, of the form of this one. */
struct migrate_bytes other_etag(struct prober *p, struct migrate_bytes etag);

/* By topic; each in its own file. */
bool probe_keys(struct prober *p);
bool probe_listing(struct prober *p);
bool probe_conditions(struct prober *p);
bool probe_digests(struct prober *p);
bool probe_copies(struct prober *p);
bool probe_parts(struct prober *p);
bool probe_attributes(struct prober *p);

#endif
