/* SPDX-License-Identifier: MIT */
#include "../../plugins/libs3/libs3-impl.h"
#include "plugin/end-impl.h"
#include "tap.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

/* What must not reach the library, and what is made of what it says. */

#define COUNT(a_) (sizeof(a_) / sizeof((a_)[0]))

static struct migrate_session ms;
static struct libs3 instance;
static struct libs3_session session = { .libs3 = &instance, .ms = &ms };

/* ---- Keys ---- */

static const struct {
	const char *key;
	bool taken, taken_unless_plus;
} keys[] = {
	{ "plain", true, true },
	{ "a//b", true, true },
	{ "/a", true, true },
	{ "a/", true, true },
	{ "...", true, true },
	{ ".a/b./..c", true, true },
	{ "100%+&?#", true, true },
	{ "\303\251\360\237\230\200", true, true },
	{ "\177", true, true },
	{ "a b", false, true },
	{ " ", false, true },
	{ "", false, false },
	{ ".", false, false },
	{ "..", false, false },
	{ "a/.", false, false },
	{ "a/../b", false, false },
	{ "./a", false, false },
	{ "a\nb", false, false },
	{ "\001", false, false },
	{ "\t", false, false },
	{ "\377", false, false },
	{ "\300\257", false, false },
	{ "\355\240\200", false, false },
	{ "\357\277\277", false, false },
};

START_TEST(keys_are_judged)
{
	struct migrate_bytes key = { .p = keys[_i].key, .n = strlen(keys[_i].key) };
	char text[LIBS3_KEY_MAX + 1];

	atomic_store(&instance.space, LIBS3_SPACE_PLUS);
	ck_assert(libs3_key(&session, key, text) == keys[_i].taken);
	atomic_store(&instance.space, LIBS3_SPACE_UNKNOWN);
	ck_assert(libs3_key(&session, key, text) == keys[_i].taken_unless_plus);
	if (keys[_i].taken)
		ck_assert_str_eq(text, keys[_i].key);
}
END_TEST

START_TEST(spaces_are_written_only_where_that_is_known)
{
	struct migrate_bytes key = { .p = "a b", .n = 3 };
	char text[LIBS3_KEY_MAX + 1];

	atomic_store(&instance.space, LIBS3_SPACE_UNKNOWN);
	ck_assert_int_eq(libs3_write_key(&session, key, text), MIGRATE_INVALID);
	atomic_store(&instance.space, LIBS3_SPACE_WELL);
	ck_assert_int_eq(libs3_write_key(&session, key, text), MIGRATE_OK);
}
END_TEST

START_TEST(long_keys_are_refused)
{
	static char bytes[LIBS3_KEY_MAX + 2];
	struct migrate_bytes key = { .p = bytes, .n = LIBS3_LISTED_MAX };
	char text[LIBS3_KEY_MAX + 1];

	memset(bytes, 'x', sizeof(bytes));
	ck_assert(libs3_key(&session, key, text));
	for (key.n++; key.n <= sizeof(bytes); key.n++)
		ck_assert(!libs3_key(&session, key, text));
	bytes[3] = '\0';
	key.n = 10;
	ck_assert(!libs3_key(&session, key, text));
}
END_TEST

/* ---- Statuses ---- */

START_TEST(no_failure_is_well)
{
	for (int i = S3StatusOK + 1; i <= S3StatusHttpErrorUnknown; i++)
		ck_assert_int_ne(libs3_status_of((S3Status)i), MIGRATE_OK);
	ck_assert_int_eq(libs3_status_of(S3StatusOK), MIGRATE_OK);
	ck_assert_int_eq(libs3_status_of(S3StatusErrorNoSuchKey), MIGRATE_NOT_FOUND);
	ck_assert_int_eq(libs3_status_of(S3StatusErrorSlowDown), MIGRATE_THROTTLED);
	ck_assert_int_eq(libs3_status_of(S3StatusHttpErrorUnknown), MIGRATE_TRANSIENT);
}
END_TEST

/* ---- Attributes ---- */

static enum migrate_status give(const char *name, const char *value, size_t n)
{
	struct migrate_attributes *a = attributes_new();
	struct libs3_given g;
	enum migrate_status status;

	ck_assert_ptr_nonnull(a);
	ck_assert(migrate_set_attribute(a, name, value, n));
	status = libs3_give(&session, a, MIGRATE_STRICT_ATTRIBUTES, &g);
	libs3_given_release(&g);
	attributes_free(a);
	return status;
}

START_TEST(attributes_are_written_as_they_are_or_not)
{
	static char bytes[4096];

	memset(bytes, 'x', sizeof(bytes));
	ck_assert_int_eq(give("content-type", bytes, 113), MIGRATE_OK);
	ck_assert_int_eq(give("content-type", bytes, 114), MIGRATE_UNSUPPORTED);
	ck_assert_int_eq(give("content-type", "a\r\nb", 4), MIGRATE_UNSUPPORTED);
	ck_assert_int_eq(give("content-type", " a", 2), MIGRATE_UNSUPPORTED);
	ck_assert_int_eq(give("meta:a", "", 0), MIGRATE_UNSUPPORTED);
	ck_assert_int_eq(give("meta:a", "a\r\nb", 4), MIGRATE_OK); /* as an encoded word */
	ck_assert_int_eq(give("meta:a", "\377", 1), MIGRATE_UNSUPPORTED);
	ck_assert_int_eq(give("meta:a b", "c", 1), MIGRATE_UNSUPPORTED);
	ck_assert_int_eq(give("meta:a:", "c", 1), MIGRATE_UNSUPPORTED);
	ck_assert_int_eq(give("meta:a", bytes, 2000), MIGRATE_OK);
	ck_assert_int_eq(give("meta:a", bytes, 2040), MIGRATE_UNSUPPORTED);
}
END_TEST

START_TEST(headers_say_what_they_should)
{
	struct migrate_attributes *a = attributes_new();
	const char *disposition = "attachment; filename=\"a \\\"b\\\".png\"";
	struct libs3_given g;

	ck_assert_ptr_nonnull(a);
	migrate_set_attribute(a, "content-disposition", disposition, strlen(disposition));
	migrate_set_attribute(a, "cache-control", "no-store", 8);
	migrate_set_attribute(a, "mtime", "5.000000006", 11);
	migrate_set_attribute(a, "meta:who", "\303\251", 2);
	ck_assert_int_eq(libs3_give(&session, a, 0, &g), MIGRATE_OK);
	ck_assert_ptr_null(g.properties.contentType);
	ck_assert_str_eq(g.properties.contentDispositionFilename, "a \\\"b\\\".png");
	ck_assert_str_eq(g.properties.cacheControl, "no-store");
	ck_assert_int_eq(g.properties.metaDataCount, 2);
	ck_assert_str_eq(g.properties.metaData[0].name, "mtime");
	ck_assert_str_eq(g.properties.metaData[0].value, "5.000000006");
	ck_assert_str_eq(g.properties.metaData[1].value, "=?UTF-8?B?w6k=?=");
	ck_assert_int_lt(g.properties.expires, 0);
	libs3_given_release(&g);
	attributes_free(a);
}
END_TEST

START_TEST(too_many_are_too_many)
{
	struct migrate_attributes *a = attributes_new();
	struct libs3_given g;
	char name[16];

	ck_assert_ptr_nonnull(a);
	for (int i = 0; i < 100; i++) {
		snprintf(name, sizeof(name), "meta:%d", i);
		ck_assert(migrate_set_attribute(a, name, "x", 1));
	}
	ck_assert_int_eq(libs3_give(&session, a, 0, &g), MIGRATE_OK);
	ck_assert_int_eq(g.properties.metaDataCount, LIBS3_META_MAX);
	libs3_given_release(&g);
	ck_assert_int_eq(libs3_give(&session, a, MIGRATE_STRICT_ATTRIBUTES, &g),
			 MIGRATE_UNSUPPORTED);
	libs3_given_release(&g);
	attributes_free(a);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("libs3");
	TCase *t = tcase_create("libs3");

	tcase_add_loop_test(t, keys_are_judged, 0, (int)COUNT(keys));
	tcase_add_test(t, spaces_are_written_only_where_that_is_known);
	tcase_add_test(t, long_keys_are_refused);
	tcase_add_test(t, no_failure_is_well);
	tcase_add_test(t, attributes_are_written_as_they_are_or_not);
	tcase_add_test(t, headers_say_what_they_should);
	tcase_add_test(t, too_many_are_too_many);
	suite_add_tcase(s, t);
	return run_tap(s);
}
