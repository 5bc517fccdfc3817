/* SPDX-License-Identifier: MIT */
#include "../../plugins/common/bytes.h"
#include "../../plugins/common/identity.h"
#include "plugin-fixture.h"
#include "tap.h"

static unsigned char out[MIGRATE_IDENTITY_MAX];
static char text[64];

START_TEST(is_written_as_journals_have_it)
{
	static const char kept[] = "\0\3old\0\0\0\1\0";
	const struct migrate_bytes parts[] = { { "old", 3 }, { NULL, 0 }, { "\0", 1 } };
	struct migrate_bytes identity = { .p = out }, part;

	for (size_t i = 0; i < 3; i++)
		ck_assert(identity_add(out, &identity.n, parts[i]));
	ck_assert_uint_eq(identity.n, sizeof(kept) - 1);
	ck_assert_mem_eq(out, kept, sizeof(kept) - 1);
	for (size_t i = 0; i < 3; i++) {
		ck_assert(identity_next(&identity, &part));
		ck_assert(same_bytes(part, parts[i]));
	}
	ck_assert_uint_eq(identity.n, 0);
	ck_assert(!identity_next(&identity, &part));
}
END_TEST

START_TEST(has_room_for_so_much)
{
	static const char longest[70000];
	size_t n = 0;

	ck_assert(!identity_add(out, &n, (struct migrate_bytes){ longest, sizeof(longest) }));
	ck_assert(
	    !identity_add(out, &n, (struct migrate_bytes){ longest, MIGRATE_IDENTITY_MAX - 1 }));
	ck_assert_uint_eq(n, 0);
	ck_assert(
	    identity_add(out, &n, (struct migrate_bytes){ longest, MIGRATE_IDENTITY_MAX - 2 }));
	ck_assert_uint_eq(n, MIGRATE_IDENTITY_MAX);
	ck_assert_uint_eq((unsigned)out[0] << 8 | out[1], MIGRATE_IDENTITY_MAX - 2);
	ck_assert(!identity_add(out, &n, (struct migrate_bytes){ longest, 0 }));
	ck_assert_int_eq(identity_too_long(session, "files"), MIGRATE_INVALID);
	ck_assert_str_eq(session_message(session),
			 "a row of 'files' has a key of more than 1024 bytes; name another one "
			 "with the option key");
}
END_TEST

START_TEST(only_what_is_whole_is_read)
{
	static const char broken[][8] = { "\0", "\0\4old", "\377\377old" };
	static const size_t lengths[] = { 1, 5, 5 };
	struct migrate_bytes part;

	for (size_t i = 0; i < 3; i++) {
		struct migrate_bytes identity = { .p = broken[i], .n = lengths[i] };

		ck_assert_msg(!identity_next(&identity, &part), "%zu", i);
	}
}
END_TEST

START_TEST(pages_go_on)
{
	const struct migrate_bytes cursor = { "bb", 2 };

	ck_assert(identity_is_behind("aa", 2, (struct migrate_bytes){ NULL, 0 }, true));
	ck_assert(identity_is_behind("bc", 2, cursor, true));
	ck_assert(!identity_is_behind("bb", 2, cursor, true));
	ck_assert(!identity_is_behind("ba", 2, cursor, true));
	/* of an order that is not known: only that it is another one */
	ck_assert(identity_is_behind("ba", 2, cursor, false));
	ck_assert(identity_is_behind("bbb", 3, cursor, false));
	ck_assert(!identity_is_behind("bb", 2, cursor, false));
}
END_TEST

START_TEST(the_end_of_a_value_can_be_told)
{
	size_t at = show_printf(text, sizeof(text), 0, "%s=", "a");

	at = show_text(text, sizeof(text), at, string_bytes("1,2\\3=4"));
	at = show_printf(text, sizeof(text), at, ",b=");
	at = show_bytes(text, sizeof(text), at, (struct migrate_bytes){ "\0\xff", 2 });
	ck_assert_str_eq(text, "a=1\\,2\\\\3=4,b=00ff");
	ck_assert_uint_eq(at, strlen(text));
	at = show_bytes(text, sizeof(text), 0, string_bytes("0123456789abcdef"));
	ck_assert_str_eq(text, "30313233-3435-3637-3839-616263646566");
	ck_assert_uint_eq(at, 36);
}
END_TEST

START_TEST(what_does_not_fit_is_cut)
{
	for (size_t max = 1; max < 12; max++) {
		size_t at;

		memset(text, '!', sizeof(text));
		at = show_printf(text, max, 0, "%s", "name=");
		at = show_text(text, max, at, string_bytes(",,value"));
		at = show_bytes(text, max, at, (struct migrate_bytes){ "\1\2\3", 3 });
		ck_assert_uint_lt(at, max);
		ck_assert_uint_eq(strlen(text), at);
		ck_assert_int_eq(text[max], '!');
	}
}
END_TEST

int main(void)
{
	Suite *s = suite_create("identity");
	TCase *t = tcase_create("identity");

	tcase_add_checked_fixture(t, set_up, tear_down);
	tcase_add_test(t, is_written_as_journals_have_it);
	tcase_add_test(t, has_room_for_so_much);
	tcase_add_test(t, only_what_is_whole_is_read);
	tcase_add_test(t, pages_go_on);
	tcase_add_test(t, the_end_of_a_value_can_be_told);
	tcase_add_test(t, what_does_not_fit_is_cut);
	suite_add_tcase(s, t);
	return run_tap(s);
}
