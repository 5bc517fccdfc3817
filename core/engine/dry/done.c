/* SPDX-License-Identifier: MIT */
#include "engine/dry/dry-impl.h"

#include "base/array.h"
#include "base/bytes.h"

#include <stdlib.h>

/*
 * Rows of what is copied already: a run looks for those of batches that are not done, and a
 * pass behind the first for those of all of them, also where the source has lost the object.
 */
struct dry_done {
	struct journal_merge *merge;
	struct object_record record; /* the journal's next, while more */
	int64_t batch;
	bool more;
	bool all;      /* the run scans the rows */
	int64_t *open; /* batches that are not done, ascending */
	size_t n;
};

#define IDS 256

static int read_open(struct dry_done *d, struct journal *j, struct error *err)
{
	size_t n;

	do {
		int64_t *ids = reallocarray(d->open, d->n + IDS, sizeof(*ids));

		if (!ids)
			return error_set(err, EXIT_INTERNAL, "out of memory");
		d->open = ids;
		if (journal_open_batches(j, d->n ? ids[d->n - 1] : 0, ids + d->n, IDS, &n, err))
			return -1;
		d->n += n;
	} while (n);
	return 0;
}

static int advance_done(struct dry_done *d, struct error *err)
{
	uint32_t n;
	int rc = journal_merge_next(d->merge, &d->record, &d->batch, &n, err);

	d->more = rc == 1;
	return rc < 0 ? -1 : 0;
}

struct dry_done *dry_done_open(const struct task *task, bool all, struct error *err)
{
	struct dry_done *d = calloc(1, sizeof(*d));

	if (!d) {
		error_set(err, EXIT_INTERNAL, "out of memory");
		return NULL;
	}
	d->all = all;
	d->merge = journal_merge_open(task->journal, task->pass.number, err);
	if (d->merge && !read_open(d, task->journal, err) && !advance_done(d, err))
		return d;
	dry_done_close(d);
	return NULL;
}

static int compare_ids(const void *a, const void *b)
{
	int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;

	return (x > y) - (x < y);
}

bool dry_rows_follow(const struct dry_done *d, int64_t batch)
{
	return d->all || array_find(&batch, d->open, d->n, sizeof(*d->open), compare_ids);
}

int dry_done_has(struct dry_done *d, struct migrate_bytes key, struct error *err)
{
	const struct object_record *o = &d->record;

	while (d->more && bytes_compare(o->key, key) < 0)
		if (advance_done(d, err))
			return -1;
	return d->more && bytes_equal(o->key, key) && !bytes_equal(o->new_key, key) &&
	       object_is_there(o) && dry_rows_follow(d, d->batch);
}

void dry_done_close(struct dry_done *d)
{
	if (!d)
		return;
	journal_merge_close(d->merge);
	free(d->open);
	free(d);
}
