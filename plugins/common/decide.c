/* SPDX-License-Identifier: MIT */
#include "decide.h"

#include <string.h>

bool extra_next(struct migrate_bytes *extra, struct migrate_bytes *value)
{
	const unsigned char *p = extra->p;
	size_t n;

	if (!extra->n || p[0] > 1)
		return false;
	*value = (struct migrate_bytes){ .p = NULL, .n = 0 };
	if (!p[0]) {
		*extra = (struct migrate_bytes){ .p = p + 1, .n = extra->n - 1 };
		return true;
	}
	if (extra->n < 5)
		return false;
	n = (size_t)p[1] << 24 | (size_t)p[2] << 16 | (size_t)p[3] << 8 | p[4];
	if (n > extra->n - 5)
		return false;
	*value = (struct migrate_bytes){ .p = p + 5, .n = n };
	*extra = (struct migrate_bytes){ .p = p + 5 + n, .n = extra->n - 5 - n };
	return true;
}

static bool same_value(struct migrate_bytes a, struct migrate_bytes b)
{
	if (!a.p || !b.p)
		return !a.p && !b.p;
	return a.n == b.n && (!a.n || !memcmp(a.p, b.p, a.n));
}

enum sets sets_compare(const struct set_columns *s, const struct migrate_change *c)
{
	struct migrate_bytes extra = c->extra, found = c->found;
	enum sets sets = SETS_DONE;

	for (size_t i = 0; i < s->count; i++) {
		struct migrate_bytes wanted = s->wanted(s->row, i), before = wanted;

		if ((c->extra.n && !extra_next(&extra, &wanted)) ||
		    (c->found.n && !extra_next(&found, &before)))
			return SETS_OTHER;
		if (same_value(s->held(s->row, i), wanted))
			continue;
		if ((c->extra.n || c->found.n) && !same_value(s->held(s->row, i), before))
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
