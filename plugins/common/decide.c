/* SPDX-License-Identifier: MIT */
#include "decide.h"

#include "bytes.h"
#include "extra.h"

static bool same_value(struct migrate_bytes a, struct migrate_bytes b)
{
	return !a.p == !b.p && same_bytes(a, b);
}

enum sets sets_compare(const struct migrate_bytes *held, const struct migrate_bytes *asked,
		       size_t count, const struct migrate_change *c)
{
	struct migrate_bytes extra = c->extra, found = c->found;
	enum sets sets = SETS_DONE;

	for (size_t i = 0; i < count; i++) {
		struct migrate_bytes wanted = asked[i], before = wanted;

		if ((c->extra.n && !extra_next(&extra, &wanted)) ||
		    (c->found.n && !extra_next(&found, &before)))
			return SETS_OTHER;
		if (same_value(held[i], wanted))
			continue;
		if ((c->extra.n || c->found.n) && !same_value(held[i], before))
			return SETS_OTHER;
		sets = SETS_READY;
	}
	return sets;
}

/* An undo: what the change made of the row may have made `where` false. */
static bool is_meant(const struct migrate_change *c, const struct evidence *e)
{
	return e->meant || c->extra.n;
}

enum migrate_outcome row_decide(const struct migrate_change *c, const struct evidence *e)
{
	if (!e->there)
		return MIGRATE_ROW_GONE;
	if (e->after && e->sets == SETS_DONE)
		return MIGRATE_ROW_ALREADY;
	if (e->before && e->sets != SETS_OTHER && is_meant(c, e))
		return MIGRATE_ROW_CHANGED;
	return MIGRATE_ROW_CONFLICT;
}

bool row_is_left_out(const struct migrate_change *c, const struct evidence *e)
{
	return e->before && !is_meant(c, e);
}
