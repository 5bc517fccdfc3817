/* SPDX-License-Identifier: MIT */
#include "../../plugins/common/bytes.h"
#include "../../plugins/common/extra.h"
#include "plugin-fixture.h"
#include "tap.h"

static unsigned char out[EXTRA_MAX];

START_TEST(is_written_as_journals_have_it)
{
	const struct migrate_bytes values[] = { string_bytes("old"), string_bytes(NULL),
						string_bytes("") };
	static const char kept[] = "\1\0\0\0\3old\0\1\0\0\0";
	struct migrate_bytes extra, value;

	ck_assert_int_eq(extra_write(NULL, values, 3, out, &extra), MIGRATE_OK);
	ck_assert_uint_eq(extra.n, sizeof(kept));
	ck_assert_mem_eq(extra.p, kept, sizeof(kept));
	for (size_t i = 0; i < 3; i++) {
		ck_assert(extra_next(&extra, &value));
		ck_assert(same_bytes(value, values[i]));
		ck_assert(!value.p == !values[i].p);
	}
	ck_assert_uint_eq(extra.n, 0);
	ck_assert(!extra_next(&extra, &value));
}
END_TEST

START_TEST(no_columns_are_no_bytes)
{
	struct migrate_bytes extra;

	ck_assert_int_eq(extra_write(NULL, NULL, 0, out, &extra), MIGRATE_OK);
	ck_assert_uint_eq(extra.n, 0);
}
END_TEST

START_TEST(as_much_as_there_is_room_for)
{
	static char longest[EXTRA_MAX];
	struct migrate_bytes values[] = { { longest, EXTRA_MAX - 5 }, { NULL, 0 } }, extra;

	ck_assert_int_eq(extra_write(session, values, 1, out, &extra), MIGRATE_OK);
	ck_assert_uint_eq(extra.n, EXTRA_MAX);
	ck_assert_int_eq(extra_write(session, values, 2, out, &extra), MIGRATE_INVALID);
	values[0].n++;
	ck_assert_int_eq(extra_write(session, values, 1, out, &extra), MIGRATE_INVALID);
	ck_assert_ptr_nonnull(strstr(session_message(session), "more than 65536 bytes"));
}
END_TEST

START_TEST(only_what_is_whole_is_read)
{
	static const struct {
		const char *text;
		size_t n;
	} broken[] = {
		{ "\2", 1 }, { "\1\0\0\0", 4 }, { "\1\0\0\0\1", 5 }, { "\1\377\377\377\377x", 6 }
	};
	struct migrate_bytes value;

	for (size_t i = 0; i < sizeof(broken) / sizeof(broken[0]); i++) {
		struct migrate_bytes extra = { .p = broken[i].text, .n = broken[i].n };

		ck_assert_msg(!extra_next(&extra, &value), "%zu", i);
		ck_assert_uint_eq(extra.n, broken[i].n);
	}
}
END_TEST

int main(void)
{
	Suite *s = suite_create("extra");
	TCase *t = tcase_create("extra");

	tcase_add_checked_fixture(t, set_up, tear_down);
	tcase_add_test(t, is_written_as_journals_have_it);
	tcase_add_test(t, no_columns_are_no_bytes);
	tcase_add_test(t, as_much_as_there_is_room_for);
	tcase_add_test(t, only_what_is_whole_is_read);
	suite_add_tcase(s, t);
	return run_tap(s);
}
