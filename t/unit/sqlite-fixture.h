/* SPDX-License-Identifier: MIT */
#ifndef MIGRATE_TEST_SQLITE_FIXTURE_H
#define MIGRATE_TEST_SQLITE_FIXTURE_H

#include "../../plugins/sqlite/sqlite-impl.h"
#include "base/bytes.h"
#include "plugin/end.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/*
 * A database in a folder of its own, an application that talks to it through a
 * connection of its own, and the plugin as the core uses it.
 */
static struct {
	char folder[64], path[96];
	sqlite3 *app;
	struct host host;
	struct end *end;
	struct migrate_session *session;
	struct row_page page;
	struct error err;
	struct sqlite_config config;
} f;

static void app(const char *sql)
{
	char *message = NULL;

	if (sqlite3_exec(f.app, sql, NULL, NULL, &message))
		ck_abort_msg("%s: %s", sql, message);
}

/* The one value of a query, as SQLite's quote() shows it; "" when there is no row. */
__attribute__((unused)) static const char *ask(const char *sql)
{
	static char text[65536];
	sqlite3_stmt *stmt;
	int rc = sqlite3_prepare_v2(f.app, sql, -1, &stmt, NULL);

	ck_assert_msg(!rc, "%s: %s", sql, sqlite3_errmsg(f.app));
	rc = sqlite3_step(stmt);
	ck_assert_msg(rc == SQLITE_ROW || rc == SQLITE_DONE, "%s: %s", sql, sqlite3_errmsg(f.app));
	snprintf(text, sizeof(text), "%s",
		 rc == SQLITE_ROW && sqlite3_column_text(stmt, 0)
		     ? (const char *)sqlite3_column_text(stmt, 0)
		     : "");
	sqlite3_finalize(stmt);
	return text;
}

#define ck_ask(sql_, wanted_) ck_assert_str_eq(ask(sql_), wanted_)

static void setup(void)
{
	const char *tmp = getenv("TMPDIR");

	memset(&f, 0, sizeof(f));
	snprintf(f.folder, sizeof(f.folder), "%s/sqlite.XXXXXX",
		 tmp && strlen(tmp) < 40 ? tmp : "/tmp");
	ck_assert_ptr_nonnull(mkdtemp(f.folder));
	snprintf(f.path, sizeof(f.path), "%s/app.db", f.folder);
	ck_assert(!sqlite3_open(f.path, &f.app));
	ck_assert(!host_init(&f.host, "0123456789abcdef", 60000, &f.err));
	f.config = (struct sqlite_config){ .path = f.path,
					   .table = "files",
					   .column = "path",
					   .busy_timeout = 50,
					   .foreign_keys = true };
}

static void shut(void)
{
	if (f.session)
		session_close(f.session);
	if (f.end)
		end_close(f.end);
	f.session = NULL;
	f.end = NULL;
}

static void teardown(void)
{
	static const char *const names[] = { "app.db",         "app.db-wal", "app.db-shm",
					     "app.db-journal", "other.db",   "link.db" };
	char path[128];

	shut();
	row_page_release(&f.page);
	host_release(&f.host);
	sqlite3_close(f.app);
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		snprintf(path, sizeof(path), "%s/%s", f.folder, names[i]);
		unlink(path);
	}
	rmdir(f.folder);
}

static bool try_open(bool writes)
{
	shut();
	error_clear(&f.err);
	f.end = end_open(&f.host, "db", migrate_plugin_v1(), &f.config, writes, &f.err);
	if (f.end)
		f.session = session_open(f.end, &f.err);
	return f.session;
}

static void open_plugin(void)
{
	ck_assert_msg(try_open(true), "%s", f.err.text);
}

#define ck_refused(word_)                                                                          \
	do {                                                                                       \
		ck_assert(!try_open(true));                                                        \
		ck_assert_msg(strstr(f.err.text, word_), "'%s' lacks '%s'", f.err.text, word_);    \
	} while (0)

#define ck_ok(status_)                                                                             \
	do {                                                                                       \
		enum migrate_status got_ = (status_);                                              \
		ck_assert_msg(got_ == MIGRATE_OK, "%s: %s", status_name(got_),                     \
			      session_message(f.session));                                         \
	} while (0)

#define ck_status(status_, wanted_) ck_assert_str_eq(status_name(status_), status_name(wanted_))

/* A row that was seen, kept beyond its page. */
struct seen {
	struct migrate_bytes identity, place, value, extra;
	char text[128];
	bool settled;
	size_t index;
};

struct rows {
	struct arena arena;
	struct seen items[64];
	size_t n;
};

__attribute__((unused)) static void keep(struct rows *to, const struct row_page *page)
{
	for (size_t i = 0; i < page->n; i++) {
		const struct migrate_row *row = &page->items[i].row;
		struct seen *s = &to->items[to->n++];

		ck_assert_uint_lt(to->n, 64);
		ck_assert(arena_bytes(&to->arena, row->identity, &s->identity));
		ck_assert(arena_bytes(&to->arena, row->place, &s->place));
		ck_assert(arena_bytes(&to->arena, row->value, &s->value));
		ck_assert(arena_bytes(&to->arena, row->extra, &s->extra));
		snprintf(s->text, sizeof(s->text), "%s", row->text);
		s->settled = row->settled;
		s->index = page->items[i].value;
	}
}

__attribute__((unused)) static void scan_all(struct rows *to, uint32_t limit)
{
	struct migrate_scan r = { .limit = limit };
	ARENA_AUTO struct arena cursors = ARENA_INIT;

	memset(to, 0, sizeof(*to));
	do {
		ck_ok(database_scan(f.session, &r, &f.page));
		keep(to, &f.page);
		ck_assert(arena_bytes(&cursors, f.page.cursor, &r.cursor));
	} while (!f.page.done);
}

__attribute__((unused)) static void find_all(struct rows *to, const struct migrate_bytes *values,
					     size_t n, uint32_t limit)
{
	struct migrate_find r = { .values = values, .count = n, .limit = limit };
	ARENA_AUTO struct arena cursors = ARENA_INIT;

	memset(to, 0, sizeof(*to));
	do {
		ck_ok(database_find(f.session, &r, &f.page));
		keep(to, &f.page);
		ck_assert(arena_bytes(&cursors, f.page.cursor, &r.cursor));
	} while (!f.page.done);
	for (size_t i = 0; i < to->n; i++)
		ck_assert(bytes_equal(values[to->items[i].index], to->items[i].value));
}

/* The texts of rows, joined. */
__attribute__((unused)) static const char *texts(const struct rows *rows)
{
	static char text[4096];
	size_t at = 0;

	text[0] = '\0';
	for (size_t i = 0; i < rows->n; i++)
		at += (size_t)snprintf(text + at, sizeof(text) - at, "%s%s", i ? " " : "",
				       rows->items[i].text);
	return text;
}

static struct migrate_change change_of(const struct seen *row, struct migrate_bytes after)
{
	return (struct migrate_change){
		.identity = row->identity, .place = row->place, .before = row->value, .after = after
	};
}

static enum migrate_status rewrite(struct migrate_change *changes, size_t n)
{
	struct migrate_change *list[64];
	struct migrate_rewrite r = { .changes = list, .count = n };

	for (size_t i = 0; i < n; i++)
		list[i] = &changes[i];
	return database_rewrite(f.session, &r);
}

/* The row of `value` gets the value `after`; what became of it. */
static int swap_one(struct migrate_bytes value, struct migrate_bytes after)
{
	struct rows rows;
	struct migrate_change c;

	find_all(&rows, &value, 1, 10);
	ck_assert_uint_eq(rows.n, 1);
	c = change_of(&rows.items[0], after);
	ck_ok(rewrite(&c, 1));
	arena_release(&rows.arena);
	return c.outcome;
}

static void add(Suite *s, const char *name, const TTest *const *tests, size_t n, int loops)
{
	TCase *t = tcase_create(name);

	tcase_add_checked_fixture(t, setup, teardown);
	tcase_set_timeout(t, 60);
	for (size_t i = 0; i < n; i++)
		tcase_add_loop_test(t, tests[i], 0, loops);
	suite_add_tcase(s, t);
}

#define ADD(s_, name_, loops_, ...)                                                                \
	add(s_, name_, (const TTest *const[]){ __VA_ARGS__ },                                      \
	    sizeof((const TTest *const[]){ __VA_ARGS__ }) / sizeof(const TTest *), loops_)

#endif
