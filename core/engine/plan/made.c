/* SPDX-License-Identifier: MIT */
#include "engine/plan/made.h"

#include "base/bytes.h"
#include "base/sorter.h"

#include <stdlib.h>

#define SORT_MEMORY (8 * 1024 * 1024)

struct made {
	struct sorter *keys;
	struct migrate_bytes next; /* while more */
	bool more;
};

static int advance_made(struct made *m, struct error *err)
{
	struct migrate_bytes payload;
	int rc = sorter_next(m->keys, &m->next, &payload, err);

	m->more = rc == 1;
	return rc < 0 ? -1 : 0;
}

static int add_made(struct made *m, struct journal *j, int before, struct error *err)
{
	struct journal_merge *merge = journal_merge_open(j, before, err);
	struct object_record o;
	int64_t batch;
	uint32_t n;
	int rc = merge ? 1 : -1;

	while (rc == 1 && (rc = journal_merge_next(merge, &o, &batch, &n, err)) == 1)
		if (object_may_stand(&o) && sorter_add(m->keys, o.new_key, bytes_of(NULL, 0), err))
			rc = -1;
	journal_merge_close(merge);
	return rc < 0 || sorter_finish(m->keys, err) ? -1 : advance_made(m, err);
}

struct made *made_open(struct journal *j, int before, const char *folder, struct error *err)
{
	struct made *m = calloc(1, sizeof(*m));

	if (m)
		m->keys = sorter_new(SORT_MEMORY, folder);
	if (!m || !m->keys)
		error_set(err, EXIT_INTERNAL, "out of memory");
	else if (!add_made(m, j, before, err))
		return m;
	made_close(m);
	return NULL;
}

int made_has(struct made *m, struct migrate_bytes key, struct error *err)
{
	while (m->more && bytes_compare(m->next, key) < 0)
		if (advance_made(m, err))
			return -1;
	return m->more && bytes_equal(m->next, key);
}

void made_close(struct made *m)
{
	if (!m)
		return;
	sorter_free(m->keys);
	free(m);
}
