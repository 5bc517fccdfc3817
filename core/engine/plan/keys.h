/* SPDX-License-Identifier: MIT */
#ifndef MIGRATE_ENGINE_PLAN_KEYS_H
#define MIGRATE_ENGINE_PLAN_KEYS_H

#include "engine/task/task.h"
#include "engine/work/gate.h"

/*
 * The job's keys, each once, in byte order, wherever they come from: an ordered
 * source's listing page by page; anything else sorted first, in fixed memory.
 */
struct key_stream;

struct key_item {
	enum listed_kind kind;
	struct migrate_bytes key;
	struct migrate_bytes new_key; /* of a file of pairs; n = 0: the rules decide */
	uint64_t size;
	int64_t mtime;
	struct migrate_bytes etag; /* n = 0: the source was not asked yet */
	enum migrate_skip skip;
	enum migrate_status status;
	const char *message;
};

/* Reads through `source` (and the ends' own sessions of the databases); after: keys behind it. */
struct key_stream *key_stream_open(const struct task *task, struct gate *gate,
				   struct migrate_session *source, struct migrate_bytes after,
				   struct error *err);
/* All that one end holds below a prefix, whose bytes outlive the stream; ordered: it lists so. */
struct key_stream *key_stream_list(const struct task *task, struct gate *gate,
				   struct migrate_session *end, struct migrate_bytes prefix,
				   bool ordered, struct error *err);
/* 1: *out, valid until the next call; 0: the end; -1 (err is clear when the run is ending). */
int key_stream_next(struct key_stream *k, struct key_item *out, struct error *err);
void key_stream_close(struct key_stream *k);
/*
 * With a file of pairs: has each key one new key, and is it what the journal has made of it?
 * Before anything is planned; source as for key_stream_open().
 */
int key_pairs_check(const struct task *task, struct gate *gate, struct migrate_session *source,
		    struct error *err);

#endif
