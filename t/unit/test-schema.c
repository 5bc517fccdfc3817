/* SPDX-License-Identifier: MIT */
#include "job-fixture.h"

#include "base/nearest.h"
#include "tap.h"

/* Option tables by themselves: numbers, hints, older plugins, what is printed. */
static const struct {
	const char *text;
	bool good;
	uint64_t bytes;
} sizes[] = {
	{ "0", true, 0 },
	{ "512", true, 512 },
	{ "512B", true, 512 },
	{ "16KiB", true, 16384 },
	{ "5kB", true, 5000 },
	{ "5GB", true, 5000000000 },
	{ "1PiB", true, UINT64_C(1) << 50 },
	{ "9223372036854775807", true, INT64_MAX },
	{ "9223372036854775808", false, 0 },
	{ "8192PiB", false, 0 },
	{ "99999999999999999999999", false, 0 },
	{ "16M", false, 0 },
	{ "16 KiB", false, 0 },
	{ "-1", false, 0 },
	{ "+1", false, 0 },
	{ "1.5GiB", false, 0 },
	{ "010", false, 0 },
	{ "KiB", false, 0 },
	{ "", false, 0 },
};

START_TEST(a_size_is_read_strictly)
{
	uint64_t v = 77;

	ck_assert_int_eq(schema_parse_size(sizes[_i].text, &v), sizes[_i].good);
	ck_assert_uint_eq(v, sizes[_i].good ? sizes[_i].bytes : 77);
}
END_TEST

static const struct {
	const char *text;
	bool good;
	int64_t ms;
} times[] = {
	{ "0", true, 0 },        { "500ms", true, 500 },        { "30s", true, 30000 },
	{ "10m", true, 600000 }, { "2h", true, 7200000 },       { "7d", true, 604800000 },
	{ "10", false, 0 },      { "1h30m", false, 0 },         { "-1s", false, 0 },
	{ "s", false, 0 },       { "999999999999d", false, 0 },
};

START_TEST(a_time_needs_its_unit)
{
	int64_t v = 77;

	ck_assert_int_eq(schema_parse_duration(times[_i].text, &v), times[_i].good);
	ck_assert_int_eq(v, times[_i].good ? times[_i].ms : 77);
}
END_TEST

START_TEST(an_integer_is_decimal)
{
	int64_t v;

	ck_assert(schema_parse_integer("-12", &v) && v == -12);
	ck_assert(schema_parse_integer("9223372036854775807", &v) && v == INT64_MAX);
	ck_assert(!schema_parse_integer("9223372036854775808", &v));
	ck_assert(!schema_parse_integer("-0", &v));
	ck_assert(!schema_parse_integer("--1", &v));
	ck_assert(!schema_parse_integer("1 ", &v));
	ck_assert(!schema_parse_integer(" 1", &v));
	ck_assert(!schema_parse_integer("", &v));
}
END_TEST

START_TEST(a_hint_is_near_or_none)
{
	static const char *const names[] = { "bucket", "endpoint", "region", "to" };

	ck_assert_str_eq(nearest_name("buckt", names, 4), "bucket");
	ck_assert_str_eq(nearest_name("bukcet", names, 4), "bucket");
	ck_assert_str_eq(nearest_name("end_point", names, 4), "endpoint");
	ck_assert_str_eq(nearest_name("ot", names, 4), "to");
	ck_assert_ptr_null(nearest_name("frobnicate", names, 4));
	ck_assert_ptr_null(nearest_name("x", names, 4));
	ck_assert_ptr_null(nearest_name("", names, 4));
	ck_assert_ptr_null(nearest_name("bucket", names, 0));
}
END_TEST

/* A plugin that was built when an option had no `help`, and `max` was the last field. */
START_TEST(a_shorter_table_of_an_older_plugin_is_read)
{
	struct old_option {
		const char *name;
		uint32_t type, flags, klass, reserved;
		size_t offset;
		const char *value;
	} table[] = {
		{ .name = "a", .type = MIGRATE_TYPE_INTEGER, .offset = 0, .value = "5" },
		{ .name = "b", .type = MIGRATE_TYPE_STRING, .offset = 8, .value = "x" },
	};
	const struct schema s = { .options = (const struct migrate_option *)(const void *)table,
				  .count = 2,
				  .stride = sizeof(table[0]),
				  .config_size = 16 };
	struct arena a = ARENA_INIT;
	struct problems p = PROBLEMS_INIT("t");
	const char *config = schema_fill(&s, NULL, NULL, "/", &a, &p), *text;
	int64_t v;

	ck_assert_uint_eq(p.count, 0);
	memcpy(&v, config, sizeof(v));
	memcpy(&text, config + 8, sizeof(text));
	ck_assert_int_eq(v, 5);
	ck_assert_str_eq(text, "x");
	ck_assert_ptr_null(schema_at(&s, 1).help);
	problems_release(&p);
	arena_release(&a);
}
END_TEST

START_TEST(an_option_outside_its_struct_is_not_written)
{
	const struct migrate_option wild = {
		.name = "a", .type = MIGRATE_TYPE_INTEGER, .offset = 4, .value = "5", .help = "h"
	};
	const struct schema s = {
		.options = &wild, .count = 1, .stride = sizeof(wild), .config_size = 8
	};
	struct arena a = ARENA_INIT;
	struct problems p = PROBLEMS_INIT("t");

	ck_assert_ptr_nonnull(schema_fill(&s, NULL, NULL, "/", &a, &p));
	ck_assert_uint_eq(p.count, 1);
	problems_release(&p);
	arena_release(&a);
}
END_TEST

START_TEST(a_table_prints_itself)
{
	const struct schema s = schema_of_plugin(&fixture_plugins[0]);
	BUF_AUTO struct buf text = BUF_INIT(1u << 16);
	BUF_AUTO struct buf mdoc = BUF_INIT(1u << 16);
	BUF_AUTO struct buf json = BUF_INIT(1u << 16);

	ck_assert(schema_print(&s, &text) && buf_add(&text, "", 1));
	ck_assert(schema_mdoc(&s, &mdoc) && buf_add(&mdoc, "", 1));
	ck_assert(schema_json(&s, &json) && buf_add(&json, "", 1));
	ck_assert_ptr_nonnull(strstr((char *)text.p, "  root: path"));
	ck_assert_ptr_nonnull(strstr((char *)text.p, "(required, identity)"));
	ck_assert_ptr_nonnull(strstr((char *)text.p, "(default 3, 1 to 9, tunable)"));
	ck_assert_ptr_nonnull(
	    strstr((char *)mdoc.p, ".It Cm mode : Ar one|two|three\nA choice.\n(tunable)\n"));
	ck_assert_ptr_nonnull(strstr((char *)json.p,
				     "\"mode\":{\"description\":\"a choice\",\"enum\":"
				     "[\"one\",\"two\",\"three\"]}"));
	ck_assert_ptr_nonnull(strstr((char *)json.p, "\"required\":[\"root\"]"));
}
END_TEST

START_TEST(printing_into_a_full_buf_fails)
{
	const struct schema s = schema_of_plugin(&fixture_plugins[0]);

	for (size_t room = 0; room < 200; room += 7) {
		BUF_AUTO struct buf b = BUF_INIT(room);

		ck_assert(!schema_print(&s, &b));
		buf_reset(&b);
		ck_assert(!schema_mdoc(&s, &b));
		buf_reset(&b);
		ck_assert(!schema_json(&s, &b));
	}
}
END_TEST

int main(void)
{
	Suite *s = suite_create("schema");
	TCase *t = tcase_create("schema");

	tcase_add_loop_test(t, a_size_is_read_strictly, 0, sizeof(sizes) / sizeof(sizes[0]));
	tcase_add_loop_test(t, a_time_needs_its_unit, 0, sizeof(times) / sizeof(times[0]));
	tcase_add_test(t, an_integer_is_decimal);
	tcase_add_test(t, a_hint_is_near_or_none);
	tcase_add_test(t, a_shorter_table_of_an_older_plugin_is_read);
	tcase_add_test(t, an_option_outside_its_struct_is_not_written);
	tcase_add_test(t, a_table_prints_itself);
	tcase_add_test(t, printing_into_a_full_buf_fails);
	suite_add_tcase(s, t);
	return run_tap(s);
}
