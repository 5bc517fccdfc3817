/* SPDX-License-Identifier: MIT */
#ifndef MIGRATE_ENGINE_PLAN_KEYS_IMPL_H
#define MIGRATE_ENGINE_PLAN_KEYS_IMPL_H

#include "base/buf.h"
#include "base/sorter.h"
#include "engine/plan/keys.h"

/* Shared by keys.c and the two kinds of keys that do not come from the source. */
struct key_stream {
	const struct task *task;
	struct gate *gate;
	struct migrate_session *source; /* what is listed, below prefix */
	struct migrate_bytes prefix;
	int from; /* enum keys_from */
	bool ordered, started;
	struct list_page page;
	size_t at; /* in page */
	struct migrate_bytes after, cursor;
	struct migrate_bytes skip_to; /* sorted: keys up to this one are behind us */
	struct sorter *sorter;
	struct buf last, last_new, packed; /* of the item before; last_new when sorted */
	struct arena arena, first;
};

/* One more key that the source was not asked about; new_key may be empty. */
int key_stream_sort(struct key_stream *k, struct migrate_bytes key, struct migrate_bytes new_key,
		    struct error *err);

int keys_from_file(struct key_stream *k, struct error *err);
int keys_from_databases(struct key_stream *k, struct error *err);

#endif
