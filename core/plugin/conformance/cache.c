/* SPDX-License-Identifier: MIT */
#include "plugin/conformance/conformance-impl.h"

#include <string.h>

static bool well_and_known(struct battery *b)
{
	struct hand *h = &b->hands[0], *other = &b->hands[1];
	char *one = NULL, *two = NULL;
	bool same;

	ANSWERS(h, MIGRATE_OK, end_probe(h->s, true));
	ANSWERS(h, MIGRATE_OK, end_identity(h->s, &one));
	same = end_identity(other->s, &two) == MIGRATE_OK && !strcmp(one, two);
	free(one);
	free(two);
	MUST(b, same, "two sessions do not say the same identity");
	return true;
}

static bool invalidates(struct battery *b)
{
	struct hand *h = &b->hands[0];
	const struct migrate_changed_row odd = {
		.old_key = BYTES("old/\377 \n'"),
		.new_key = BYTES("new/\0\r\n"),
		.old_value = BYTES(""),
		.new_value = BYTES("*?[a]"),
		.text = "id=17",
	};
	const struct migrate_changed_row *rows[100];
	struct migrate_invalidate r = { .rows = rows, .count = 100 };

	for (size_t i = 0; i < 100; i++)
		rows[i] = &odd;
	ANSWERS(h, MIGRATE_OK, cache_invalidate(h->s, &r));
	ANSWERS(h, MIGRATE_OK, cache_invalidate(h->s, &r));
	r.count = 0;
	ANSWERS(h, MIGRATE_OK, cache_invalidate(h->s, &r));
	return true;
}

static const struct trial trials[] = {
	{ "it is well, and every session says the same identity", well_and_known, NULL },
	{ "invalidate takes any bytes, may be repeated, and none at all is no error", invalidates,
	  NULL },
};
const struct trials trials_cache = TRIALS(trials);
