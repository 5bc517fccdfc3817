/* SPDX-License-Identifier: MIT */
#ifndef MIGRATE_PLUGIN_CONFORMANCE_CONFORMANCE_IMPL_H
#define MIGRATE_PLUGIN_CONFORMANCE_CONFORMANCE_IMPL_H

#include "base/bytes.h"
#include "base/digest.h"
#include "plugin/conformance/conformance.h"
#include "plugin/stream-impl.h"

#include <stdlib.h>

#define HANDS 4
#define BUFFER_SIZE (1024 * 1024)

/*
 * A hand is one session and what its calls need; each thread has its own. Keys
 * of a trial begin with the trial's prefix, so that trials do not meet even in a
 * store that removes nothing.
 */
struct hand {
	struct battery *b;
	struct migrate_session *s;
	struct migrate_sink *sink;
	struct migrate_body *body;
	struct migrate_attributes *sent, *got;
	struct object_slot slot, other;
	unsigned char *buffer; /* BUFFER_SIZE bytes */
	char key[4096], key2[4096];
};

struct battery {
	struct host *host;
	struct end *end;
	FILE *out;
	struct conformance *result;
	struct hand hands[HANDS];
	struct store_facts facts;
	struct database_facts database;
	struct digest_context *digest;
	const struct migrate_store_ops *store;
	char prefix[32];
	char why[1024];
};

struct trial {
	const char *promise;
	bool (*holds)(struct battery *b);
	const char *(*lacks)(const struct battery *b); /* why it cannot be tried; NULL: it can */
};

struct trials {
	const struct trial *items;
	size_t n;
};

#define TRIALS(items_)                                                                             \
	{                                                                                          \
		items_, sizeof(items_) / sizeof((items_)[0])                                       \
	}

/* By topic; each in its own file. */
extern const struct trials trials_objects, trials_writes, trials_listing, trials_awkward,
    trials_uploads, trials_copies, trials_measure, trials_threads, trials_rows, trials_rewrites,
    trials_reads, trials_cache;

/* Say why a promise does not hold. Always false. */
bool broken(struct battery *b, const char *format, ...) MIGRATE_PRINTF(2, 3);

#define MUST(b_, condition_, ...)                                                                  \
	do {                                                                                       \
		if (!(condition_))                                                                 \
			return broken((b_), __VA_ARGS__);                                          \
	} while (0)

/* The call must have answered so. */
#define ANSWERS(h_, wanted_, call_)                                                                \
	do {                                                                                       \
		enum migrate_status got_ = (call_);                                                \
		if (got_ != (wanted_))                                                             \
			return answered((h_), #call_, (wanted_), got_);                            \
	} while (0)
bool answered(struct hand *h, const char *call, enum migrate_status wanted,
	      enum migrate_status got);

int hand_init(struct hand *h, struct battery *b, struct error *err);
void hand_release(struct hand *h);

/* prefix + name, in the hand's memory: good until the next of the same. */
struct migrate_bytes key_of(struct hand *h, const char *name);
struct migrate_bytes key2_of(struct hand *h, const char *name);

/* Bytes that differ from seed to seed, into the hand's buffer. */
struct migrate_bytes pattern(struct hand *h, unsigned int seed, size_t n);
bool is_pattern(const unsigned char *bytes, unsigned int seed, size_t n);

/* ---- Stores ---- */
enum migrate_status put(struct hand *h, struct migrate_bytes key, struct migrate_bytes bytes);
enum migrate_status put_if(struct hand *h, struct migrate_bytes key, struct migrate_bytes bytes,
			   uint32_t precondition, struct migrate_bytes if_match);
/* size promised, body as it comes. */
enum migrate_status put_body(struct hand *h, struct migrate_bytes key, uint64_t size,
			     struct migrate_body *body);
/* Into the buffer; *n bytes came. */
enum migrate_status get(struct hand *h, struct migrate_bytes key, size_t *n);
enum migrate_status get_range(struct hand *h, struct migrate_bytes key, uint64_t offset,
			      uint64_t length, struct migrate_bytes if_match, size_t *n);
enum migrate_status stat_key(struct hand *h, struct migrate_bytes key);
enum migrate_status remove_key(struct hand *h, struct migrate_bytes key,
			       struct migrate_bytes if_match);
/* The etag of the last answer, copied into etag. */
struct migrate_bytes keep_etag(const struct object_slot *slot,
			       unsigned char etag[MIGRATE_ETAG_MAX]);

static inline bool has_flag(const struct battery *b, uint64_t flag)
{
	return (b->facts.d.flags & flag) != 0;
}

const char *lacks_put(const struct battery *b);
const char *lacks_list(const struct battery *b);

#endif
