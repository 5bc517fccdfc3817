/* SPDX-License-Identifier: MIT */
#include "../../plugins/common/bytes.h"
#include "../../plugins/common/decide.h"
#include "tap.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

/*
 * All that can be seen of a row, and what must become of it. Each line stands for all rows that
 * fit: y, n, or - for both; sets: o(ther), r(eady), d(one); undo: the change brings old values.
 */
static const struct rule {
	const char *there, *before, *after, *sets, *meant, *undo;
	enum migrate_outcome outcome;
	bool left_out;
} rules[] = {
	/* no such row: whatever else */
	{ "n", "-", "-", "-", "-", "-", MIGRATE_ROW_GONE, false },
	/* all is as it shall be: nobody is told that it is left out */
	{ "y", "n", "y", "d", "-", "-", MIGRATE_ROW_ALREADY, false },
	{ "y", "y", "y", "d", "y", "-", MIGRATE_ROW_ALREADY, false },
	{ "y", "y", "y", "d", "n", "y", MIGRATE_ROW_ALREADY, false },
	{ "y", "y", "y", "d", "n", "n", MIGRATE_ROW_ALREADY, true },
	/* the value is there, another column is not: only where it was to stay is that ours */
	{ "y", "n", "y", "or", "-", "-", MIGRATE_ROW_CONFLICT, false },
	{ "y", "y", "y", "r", "y", "-", MIGRATE_ROW_CHANGED, false },
	{ "y", "y", "y", "r", "n", "y", MIGRATE_ROW_CHANGED, false },
	{ "y", "y", "y", "r", "n", "n", MIGRATE_ROW_CONFLICT, true },
	/* what was expected */
	{ "y", "y", "n", "rd", "y", "-", MIGRATE_ROW_CHANGED, false },
	{ "y", "y", "n", "rd", "n", "y", MIGRATE_ROW_CHANGED, false },
	{ "y", "y", "n", "rd", "n", "n", MIGRATE_ROW_CONFLICT, true },
	/* a column of `set:` was changed meanwhile */
	{ "y", "y", "-", "o", "y", "-", MIGRATE_ROW_CONFLICT, false },
	{ "y", "y", "-", "o", "n", "y", MIGRATE_ROW_CONFLICT, false },
	{ "y", "y", "-", "o", "n", "n", MIGRATE_ROW_CONFLICT, true },
	/* the value was */
	{ "y", "n", "n", "-", "-", "-", MIGRATE_ROW_CONFLICT, false },
};

static bool fits(const char *pattern, char is)
{
	return *pattern == '-' || strchr(pattern, is);
}

static const struct rule *rule_of(const struct evidence *e, bool undo)
{
	const struct rule *found = NULL;

	for (size_t i = 0; i < sizeof(rules) / sizeof(rules[0]); i++) {
		const struct rule *r = &rules[i];

		if (!fits(r->there, e->there ? 'y' : 'n') ||
		    !fits(r->before, e->before ? 'y' : 'n') ||
		    !fits(r->after, e->after ? 'y' : 'n') || !fits(r->sets, "ord"[e->sets]) ||
		    !fits(r->meant, e->meant ? 'y' : 'n') || !fits(r->undo, undo ? 'y' : 'n'))
			continue;
		ck_assert_ptr_null(found); /* one line for each */
		found = r;
	}
	ck_assert_ptr_nonnull(found);
	return found;
}

START_TEST(each_row_becomes_what_the_table_says)
{
	const bool undo = _i & 1;
	const struct evidence e = { .there = _i & 2,
				    .before = _i & 4,
				    .after = _i & 8,
				    .meant = _i & 16,
				    .sets = (enum sets)(_i / 32) };
	const struct migrate_change c = { .extra = { .p = undo ? "" : NULL, .n = undo } };
	const struct rule *r = rule_of(&e, undo);

	ck_assert_int_eq(row_decide(&c, &e), r->outcome);
	if (e.there)
		ck_assert_int_eq(row_is_left_out(&c, &e), r->left_out);
}
END_TEST

/* ---- What the columns of `set:` hold ---- */

struct texts {
	const char *held[3], *wanted[3]; /* NULL: NULL */
};

static enum sets compare(const struct texts *t, size_t n, struct migrate_bytes found,
			 struct migrate_bytes extra)
{
	const struct migrate_change c = { .found = found, .extra = extra };
	struct migrate_bytes held[3], wanted[3];

	for (size_t i = 0; i < n; i++) {
		held[i] = string_bytes(t->held[i]);
		wanted[i] = string_bytes(t->wanted[i]);
	}
	return sets_compare(held, wanted, n, &c);
}

#define NONE ((struct migrate_bytes){ .p = NULL, .n = 0 })
#define BYTES(text) ((struct migrate_bytes){ .p = (text), .n = sizeof(text) - 1 })

START_TEST(without_columns_all_is_done)
{
	ck_assert_int_eq(compare(&(struct texts){ .held = { NULL } }, 0, NONE, NONE), SETS_DONE);
}
END_TEST

START_TEST(null_is_no_empty_text)
{
	const struct texts null = { .held = { NULL }, .wanted = { "" } };
	const struct texts empty = { .held = { "" }, .wanted = { NULL } };
	const struct texts both = { .held = { NULL }, .wanted = { NULL } };

	ck_assert_int_eq(compare(&null, 1, NONE, NONE), SETS_READY);
	ck_assert_int_eq(compare(&empty, 1, NONE, NONE), SETS_READY);
	ck_assert_int_eq(compare(&both, 1, NONE, NONE), SETS_DONE);
}
END_TEST

START_TEST(what_was_found_may_be_replaced_and_nothing_else)
{
	const struct texts t = { .held = { "new", "old" }, .wanted = { "new", "new" } };

	ck_assert_int_eq(compare(&t, 2, BYTES("\1\0\0\0\3abc\1\0\0\0\3old"), NONE), SETS_READY);
	ck_assert_int_eq(compare(&t, 2, BYTES("\1\0\0\0\3abc\1\0\0\0\3odd"), NONE), SETS_OTHER);
	ck_assert_int_eq(compare(&t, 2, BYTES("\1\0\0\0\3abc\0"), NONE), SETS_OTHER);
	/* nobody looked when the change was planned */
	ck_assert_int_eq(compare(&t, 2, NONE, NONE), SETS_READY);
}
END_TEST

START_TEST(an_undo_puts_back_what_it_kept)
{
	const struct texts ours = { .held = { "new" }, .wanted = { "new" } };
	const struct texts other = { .held = { "odd" }, .wanted = { "new" } };
	const struct texts back = { .held = { "old" }, .wanted = { "new" } };

	ck_assert_int_eq(compare(&ours, 1, NONE, BYTES("\1\0\0\0\3old")), SETS_READY);
	ck_assert_int_eq(compare(&other, 1, NONE, BYTES("\1\0\0\0\3old")), SETS_OTHER);
	ck_assert_int_eq(compare(&back, 1, NONE, BYTES("\1\0\0\0\3old")), SETS_DONE);
}
END_TEST

START_TEST(what_was_not_kept_so_is_not_read)
{
	const struct texts t = { .held = { "old", "old" }, .wanted = { "new", "new" } };

	ck_assert_int_eq(compare(&t, 2, BYTES("\1\0\0\0\3old"), NONE), SETS_OTHER);
	ck_assert_int_eq(compare(&t, 1, BYTES("\1\0\0\0\4old"), NONE), SETS_OTHER);
	ck_assert_int_eq(compare(&t, 1, BYTES("\1\0\0"), NONE), SETS_OTHER);
	ck_assert_int_eq(compare(&t, 1, BYTES("\2\0\0\0\3old"), NONE), SETS_OTHER);
	ck_assert_int_eq(compare(&t, 1, BYTES("\1\377\377\377\377old"), NONE), SETS_OTHER);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("decide");
	TCase *tc = tcase_create("decide");

	tcase_add_loop_test(tc, each_row_becomes_what_the_table_says, 0, 96);
	tcase_add_test(tc, without_columns_all_is_done);
	tcase_add_test(tc, null_is_no_empty_text);
	tcase_add_test(tc, what_was_found_may_be_replaced_and_nothing_else);
	tcase_add_test(tc, an_undo_puts_back_what_it_kept);
	tcase_add_test(tc, what_was_not_kept_so_is_not_read);
	suite_add_tcase(suite, tc);
	return run_tap(suite);
}
