/* SPDX-License-Identifier: MIT */
#include "plugin/end.h"

#include "tap.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

/* read(): the contract of what a plugin tells of rows, and a plugin that has none. */

static struct host host;
static struct end *end;
static struct migrate_session *session;
static int (*tell)(struct migrate_read *r); /* what read() does */

static enum migrate_status fake_open(struct migrate_open *r)
{
	r->instance = &tell;
	return MIGRATE_OK;
}

static enum migrate_status fake_begin(struct migrate_begin *r)
{
	r->self = r->instance;
	return MIGRATE_OK;
}

static void fake_end(void *self)
{
	(void)self;
}

static enum migrate_status fake_read(void *self, struct migrate_read *r)
{
	(void)self;
	return (enum migrate_status)tell(r);
}

#define UNUSED(name_, request_)                                                                    \
	static enum migrate_status unused_##name_(void *self, struct request_ *r)                  \
	{                                                                                          \
		(void)self;                                                                        \
		(void)r;                                                                           \
		return MIGRATE_FATAL;                                                              \
	}
UNUSED(identity, migrate_identity)
UNUSED(probe, migrate_probe)
UNUSED(describe, migrate_describe_database)
UNUSED(count, migrate_count)
UNUSED(scan, migrate_scan)
UNUSED(find, migrate_find)
UNUSED(rewrite, migrate_rewrite)

#define OPERATIONS                                                                                 \
	.size = sizeof(struct migrate_database_ops), .open = fake_open, .close = fake_end,         \
	.begin = fake_begin, .end = fake_end, .identity = unused_identity, .probe = unused_probe,  \
	.describe = unused_describe, .count = unused_count, .scan = unused_scan,                   \
	.find = unused_find, .rewrite = unused_rewrite

static const struct migrate_database_ops with = { OPERATIONS, .read = fake_read };
static const struct migrate_database_ops without = { OPERATIONS };

static struct migrate_plugin database = {
	MIGRATE_PLUGIN_HEAD, .kind = MIGRATE_DATABASE, .name = "fake",
	.version = "1",      .summary = "fake",
};

static const struct migrate_row_name names[] = {
	{ { "one", 3 }, { "", 0 } },
	{ { "two", 3 }, { "", 0 } },
	{ { "three", 5 }, { "", 0 } },
};

static struct held_rows held = HELD_ROWS_INIT;

static void open_with(const struct migrate_database_ops *ops)
{
	struct error err = ERROR_INIT;

	ck_assert_int_eq(host_init(&host, "0123456789abcdef", 1000, &err), 0);
	database.database = ops;
	end = end_open(&host, "databases[0]", &database, NULL, true, &err);
	ck_assert_msg(end != NULL, "%s", err.text);
	session = session_open(end, &err);
	ck_assert(session);
}

static void close_all(void)
{
	held_rows_release(&held);
	session_close(session);
	end_close(end);
	host_release(&host);
}

static enum migrate_status ask(int (*what)(struct migrate_read *r))
{
	struct migrate_read r = { .rows = names, .count = 3 };

	tell = what;
	return database_read(session, &r, &held);
}

static int all_kinds(struct migrate_read *r)
{
	char value[] = "value";

	ck_assert(migrate_emit_held(r, 2, MIGRATE_HOLDS_NULL, NULL, 0));
	ck_assert(migrate_emit_held(r, 0, MIGRATE_HOLDS_VALUE, value, 5));
	memset(value, 'x', 5); /* it was copied */
	return MIGRATE_OK;
}

static int twice(struct migrate_read *r)
{
	ck_assert(migrate_emit_held(r, 1, MIGRATE_HOLDS_OTHER, NULL, 0));
	ck_assert(!migrate_emit_held(r, 1, MIGRATE_HOLDS_OTHER, NULL, 0));
	return MIGRATE_OK;
}

static int of_none(struct migrate_read *r)
{
	ck_assert(!migrate_emit_held(r, 3, MIGRATE_HOLDS_NULL, NULL, 0));
	return MIGRATE_OK;
}

static int of_no_kind(struct migrate_read *r)
{
	ck_assert(!migrate_emit_held(r, 0, (enum migrate_holding)0, NULL, 0));
	return MIGRATE_OK;
}

static int too_long(struct migrate_read *r)
{
	static char value[MIGRATE_KEY_MAX + 1];

	ck_assert(migrate_emit_held(r, 0, MIGRATE_HOLDS_VALUE, value, MIGRATE_KEY_MAX));
	ck_assert(!migrate_emit_held(r, 1, MIGRATE_HOLDS_VALUE, value, sizeof(value)));
	return MIGRATE_OK;
}

static int in_trouble(struct migrate_read *r)
{
	ck_assert(migrate_emit_held(r, 0, MIGRATE_HOLDS_VALUE, "x", 1));
	return migrate_fail(r->session, MIGRATE_UNAVAILABLE, "gone");
}

START_TEST(tells_what_is_held)
{
	open_with(&with);
	ck_assert(database_reads(session));
	ck_assert_int_eq(ask(all_kinds), MIGRATE_OK);
	ck_assert_int_eq(held.items[0].holding, MIGRATE_HOLDS_VALUE);
	ck_assert_mem_eq(held.items[0].value.p, "value", 5);
	ck_assert_int_eq(held.items[1].holding, 0);
	ck_assert_int_eq(held.items[2].holding, MIGRATE_HOLDS_NULL);
	ck_assert_int_eq(ask(in_trouble), MIGRATE_UNAVAILABLE);
	ck_assert_str_eq(session_message(session), "gone");
	/* nothing of an earlier call is left */
	ck_assert_int_eq(ask(all_kinds), MIGRATE_OK);
	ck_assert_int_eq(held.items[1].holding, 0);
	close_all();
}
END_TEST

START_TEST(nonsense_is_refused)
{
	int (*const odd[])(struct migrate_read * r) = { twice, of_none, of_no_kind, too_long };

	open_with(&with);
	for (size_t i = 0; i < sizeof(odd) / sizeof(odd[0]); i++) {
		ck_assert_int_eq(ask(odd[i]), MIGRATE_FATAL);
		ck_assert_ptr_nonnull(strstr(session_message(session), "read()"));
	}
	close_all();
}
END_TEST

START_TEST(none_is_needed)
{
	open_with(&without);
	ck_assert(!database_reads(session));
	ck_assert_int_eq(ask(all_kinds), MIGRATE_UNSUPPORTED);
	close_all();
}
END_TEST

int main(void)
{
	Suite *s = suite_create("read");
	TCase *t = tcase_create("read");

	tcase_add_test(t, tells_what_is_held);
	tcase_add_test(t, nonsense_is_refused);
	tcase_add_test(t, none_is_needed);
	suite_add_tcase(s, t);
	return run_tap(s);
}
