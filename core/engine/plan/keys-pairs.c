/* SPDX-License-Identifier: MIT */
#include "base/bytes.h"
#include "base/escape.h"
#include "engine/plan/keys-impl.h"

/*
 * A file of pairs is the mapping: what a key became cannot change once something was made of
 * it. All of the file is held against the journal before anything is planned.
 */
static int pair_changed(const struct object_record *o, const struct key_item *item,
			struct error *err)
{
	ARENA_AUTO struct arena a = ARENA_INIT;

	return error_set(
	    err, EXIT_UNFIT,
	    "keys.file: '%s' shall become '%s', and became '%s' in an earlier run: its "
	    "copy and its rows would be left behind; undo that change, or begin "
	    "another job with --new-journal",
	    shown_key(&a, item->key), shown_key(&a, item->new_key), shown_key(&a, o->new_key));
}

static int compare_all(struct key_stream *k, struct journal_merge *m, struct error *err)
{
	struct object_record o = { .key = { .n = 0 } };
	struct key_item item;
	int64_t batch;
	uint32_t n;
	int rc, more = m ? journal_merge_next(m, &o, &batch, &n, err) : 0;

	while ((rc = key_stream_next(k, &item, err)) == 1 && more >= 0) {
		while (more == 1 && bytes_compare(o.key, item.key) < 0)
			more = journal_merge_next(m, &o, &batch, &n, err);
		if (more == 1 && bytes_equal(o.key, item.key) && object_may_stand(&o) &&
		    !bytes_equal(o.new_key, item.new_key))
			return pair_changed(&o, &item, err);
	}
	return rc < 0 || more < 0 ? -1 : 0;
}

int key_pairs_check(const struct task *task, struct gate *gate, struct migrate_session *source,
		    struct error *err)
{
	struct journal_merge *m = NULL;
	struct key_stream *k;
	int rc = -1;

	if (task->job->keys_from != KEYS_FROM_FILE || task->job->keys_format != KEYS_CSV)
		return 0;
	k = key_stream_open(task, gate, source, bytes_of(NULL, 0), err);
	if (k &&
	    (!task->journal || (m = journal_merge_open(task->journal, task->pass.number + 1, err))))
		rc = compare_all(k, m, err);
	journal_merge_close(m);
	key_stream_close(k);
	return rc;
}
