/* SPDX-License-Identifier: MIT */
#include "plugin/conformance/rows.h"

#include <stdio.h>

#define READS 30

/* Values of all kinds of lengths and bytes that a row may hold. */
static struct migrate_bytes read_value(struct hand *h, struct arena *a, size_t i, const char *what)
{
	static const char *const odd[] = {
		"", " blank", "blank ", "quote'", "back\\", "%_", "\303\251t\303\251", "0"
	};
	char text[64];
	int n = snprintf(text, sizeof(text), "%s-%zu%s", what, i,
			 odd[i % (sizeof(odd) / sizeof(odd[0]))]);

	return value_of(h, a, bytes_of(text, (size_t)n));
}

static bool prepare_read(struct hand *h, struct rows *rows)
{
	struct migrate_bytes values[READS];

	*rows = (struct rows){ .arena = ARENA_INIT };
	for (size_t i = 0; i < READS; i++)
		values[i] = read_value(h, &rows->arena, i, "held");
	if (!insert_rows(h, values, READS) || !scan_rows(h, 100, rows))
		return false;
	MUST(h->b, rows->n == READS, "%zu rows of %d were found again", rows->n, READS);
	return true;
}

/* Every second row, the last one first: each holds what wanted says. */
static bool they_hold(struct hand *h, const struct rows *rows, const struct migrate_bytes *wanted)
{
	struct migrate_row_name names[READS / 2];
	struct migrate_read r = { .rows = names, .count = READS / 2 };
	struct held_rows held = HELD_ROWS_INIT;
	enum migrate_status status;
	bool ok = true;

	for (size_t i = 0; i < r.count; i++) {
		const struct migrate_row *row = &rows->items[READS - 1 - 2 * i].row;

		names[i] =
		    (struct migrate_row_name){ .identity = row->identity, .place = row->place };
	}
	status = database_read(h->s, &r, &held);
	ok = status == MIGRATE_OK || answered(h, "read", MIGRATE_OK, status);
	for (size_t i = 0; ok && i < r.count; i++)
		if (held.items[i].holding != MIGRATE_HOLDS_VALUE ||
		    !bytes_equal(held.items[i].value, wanted[READS - 1 - 2 * i]))
			ok = broken(h->b, "row %zu does not hold what it is said to hold", i);
	held_rows_release(&held);
	return ok;
}

static bool change_them(struct hand *h, struct rows *rows, struct migrate_bytes *held)
{
	struct migrate_change changes[READS], *list[READS];
	struct migrate_rewrite r = { .changes = list, .count = READS };

	for (size_t i = 0; i < READS; i++) {
		const struct migrate_row *row = &rows->items[i].row;

		changes[i] = (struct migrate_change){
			.identity = row->identity,
			.place = row->place,
			.before = row->value,
			.after = read_value(h, &rows->arena, i, "changed"),
		};
		list[i] = &changes[i];
		held[i] = changes[i].after;
	}
	ANSWERS(h, MIGRATE_OK, database_rewrite(h->s, &r));
	return true;
}

static bool reads_what_is_held(struct battery *b)
{
	struct hand *h = &b->hands[0];
	struct migrate_bytes held[READS];
	struct rows rows;
	bool ok = prepare_read(h, &rows);

	for (size_t i = 0; ok && i < READS; i++)
		held[i] = rows.items[i].row.value;
	ok = ok && they_hold(h, &rows, held) && change_them(h, &rows, held) &&
	     they_hold(&b->hands[1], &rows, held);
	arena_release(&rows.arena);
	return ok;
}

static const char *lacks_read(const struct battery *b)
{
	return database_reads(b->hands[0].s) ? lacks_insert(b) : "it has no read()";
}

static const struct trial trials[] = {
	{ "read tells what rows hold, by their identity, in any order", reads_what_is_held,
	  lacks_read },
};
const struct trials trials_reads = TRIALS(trials);
