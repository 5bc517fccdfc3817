/* SPDX-License-Identifier: MIT */
#include "../../plugins/common/hint.h"
#include "plugin-fixture.h"
#include "tap.h"

#define ck_says(call_, text_)                                                                      \
	do {                                                                                       \
		ck_assert_int_eq(call_, MIGRATE_INVALID);                                          \
		ck_assert_str_eq(session_message(session), text_);                                 \
	} while (0)

START_TEST(a_name_that_is_near_is_named)
{
	const char *const names[] = { "users", "avatars" };

	ck_says(no_such(session, "table", "table", "avatar", NULL, names, 2),
		"table: no table 'avatar' (did you mean 'avatars'?)");
	ck_says(no_such(session, "table", "table", "avatar", "app", names, 2),
		"table: no table 'avatar' in 'app' (did you mean 'avatars'?)");
	ck_says(no_such(session, "table", "table", "orders", "app", names, 2),
		"table: no table 'orders' in 'app'");
	ck_says(no_such(session, "table", "table", "orders", NULL, names, 0),
		"table: no table 'orders'");
}
END_TEST

START_TEST(columns_are_known_by_their_first_member)
{
	static const struct {
		const char *name;
		int more[5];
	} columns[] = { { "id", { 1 } }, { "name", { 2 } }, { "path", { 3 } } };

	ck_says(no_such_column(session, "set", "pth", "files", columns, sizeof(columns[0]), 3),
		"set: no column 'pth' in 'files' (did you mean 'path'?)");
	ck_says(no_such_column(session, "set", "pth", "files", columns, sizeof(columns[0]), 2),
		"set: no column 'pth' in 'files'");
}
END_TEST

START_TEST(a_table_of_many_columns_is_not_looked_through)
{
	static const char *columns[NAMES_MAX + 1];

	for (size_t i = 0; i < NAMES_MAX; i++)
		columns[i] = "other";
	columns[NAMES_MAX] = "path";
	ck_says(no_such_column(session, "key", "pth", "files", columns, sizeof(columns[0]),
			       NAMES_MAX + 1),
		"key: no column 'pth' in 'files'");
	columns[NAMES_MAX - 1] = "path";
	ck_says(no_such_column(session, "key", "pth", "files", columns, sizeof(columns[0]),
			       NAMES_MAX + 1),
		"key: no column 'pth' in 'files' (did you mean 'path'?)");
}
END_TEST

START_TEST(each_says_what_is_wrong)
{
	ck_says(column_is_generated(session, "set", "a"),
		"set: column 'a' is generated, so it cannot be written");
	ck_says(too_many_sets(session, 32), "set: more than 32 columns");
	ck_says(set_is_taken(session, "a", true), "set: 'a' is the column that holds the key");
	ck_says(set_is_taken(session, "a", false), "set: 'a' is named twice");
	ck_says(key_is_changed(session, "a"),
		"key: 'a' is changed by the job, so it cannot identify a row");
	ck_says(key_may_be_null(session, "a"),
		"key: 'a' may be NULL, so it cannot identify every row; name columns that are NOT "
		"NULL");
	ck_says(key_is_not_unique(session, "files"),
		"key: no unique index of 'files' consists of just these columns, so they do not "
		"identify a row");
}
END_TEST

int main(void)
{
	Suite *s = suite_create("hint");
	TCase *t = tcase_create("hint");

	tcase_add_checked_fixture(t, set_up, tear_down);
	tcase_add_test(t, a_name_that_is_near_is_named);
	tcase_add_test(t, columns_are_known_by_their_first_member);
	tcase_add_test(t, a_table_of_many_columns_is_not_looked_through);
	tcase_add_test(t, each_says_what_is_wrong);
	suite_add_tcase(s, t);
	return run_tap(s);
}
