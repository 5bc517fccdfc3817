/* SPDX-License-Identifier: MIT */
#include "sqlite-fixture.h"

#include "tap.h"

/* ---- files ---- */

START_TEST(a_missing_file_is_not_made)
{
	char path[128];

	snprintf(path, sizeof(path), "%s/none.db", f.folder);
	f.config.path = path;
	ck_refused("cannot find");
	ck_assert(access(path, F_OK) < 0);
	f.config.path = f.folder;
	ck_refused("is not a file");
}
END_TEST

START_TEST(another_file_is_no_database)
{
	char path[128];
	FILE *file;

	snprintf(path, sizeof(path), "%s/other.db", f.folder);
	file = fopen(path, "w");
	ck_assert_ptr_nonnull(file);
	for (int i = 0; i < 100; i++)
		fputs("no database at all\n", file);
	fclose(file);
	f.config.path = path;
	ck_refused("is not an SQLite database");
}
END_TEST

START_TEST(a_replaced_file_ends_the_run)
{
	struct migrate_scan r = { .limit = 10 };
	char path[128];
	sqlite3 *other;

	app("CREATE TABLE files (id INTEGER PRIMARY KEY, path TEXT)");
	open_plugin();
	snprintf(path, sizeof(path), "%s/other.db", f.folder);
	ck_assert(!sqlite3_open(path, &other));
	ck_assert(!sqlite3_exec(other, "CREATE TABLE files (id INTEGER PRIMARY KEY, path TEXT)",
				NULL, NULL, NULL));
	sqlite3_close(other);
	ck_assert(!rename(path, f.path));
	ck_status(database_scan(f.session, &r, &f.page), MIGRATE_FATAL);
	ck_status(rewrite(NULL, 0), MIGRATE_FATAL);
}
END_TEST

START_TEST(a_job_that_only_reads_cannot_write)
{
	struct migrate_change c = { .before = BYTES("x"), .after = BYTES("y") };
	struct rows rows;

	app("CREATE TABLE files (id INTEGER PRIMARY KEY, path TEXT);"
	    "INSERT INTO files VALUES (1, 'x')");
	ck_assert(try_open(false));
	scan_all(&rows, 10);
	c = change_of(&rows.items[0], BYTES("y"));
	ck_status(rewrite(&c, 1), MIGRATE_DENIED);
	ck_ask("SELECT path FROM files", "x");
	arena_release(&rows.arena);
}
END_TEST

/* ---- what an application does beside us ---- */

START_TEST(a_busy_application_only_delays)
{
	const struct migrate_bytes x = BYTES("x");
	struct migrate_change c;
	struct rows rows;

	app("CREATE TABLE files (id INTEGER PRIMARY KEY, path TEXT);"
	    "INSERT INTO files VALUES (1, 'x')");
	open_plugin();
	find_all(&rows, &x, 1, 10);
	c = change_of(&rows.items[0], BYTES("y"));
	app("BEGIN IMMEDIATE");
	ck_status(rewrite(&c, 1), MIGRATE_UNAVAILABLE);
	ck_status(end_probe(f.session, true), MIGRATE_TRANSIENT);
	app("COMMIT");
	ck_ok(end_probe(f.session, true));
	ck_ok(rewrite(&c, 1));
	ck_assert_int_eq(c.outcome, MIGRATE_ROW_CHANGED);
	arena_release(&rows.arena);
}
END_TEST

START_TEST(busy_at_commit_changes_nothing)
{
	const struct migrate_bytes x = BYTES("x");
	struct migrate_change c;
	struct rows rows;
	sqlite3_stmt *reader;

	app("CREATE TABLE files (id INTEGER PRIMARY KEY, path TEXT);"
	    "INSERT INTO files VALUES (1, 'x'), (2, 'z')");
	open_plugin();
	find_all(&rows, &x, 1, 10);
	c = change_of(&rows.items[0], BYTES("y"));
	ck_assert(!sqlite3_prepare_v2(f.app, "SELECT * FROM files", -1, &reader, NULL));
	ck_assert_int_eq(sqlite3_step(reader), SQLITE_ROW);
	ck_status(rewrite(&c, 1), MIGRATE_UNAVAILABLE);
	sqlite3_finalize(reader);
	ck_ask("SELECT path FROM files WHERE id = 1", "x");
	ck_ok(rewrite(&c, 1));
	ck_ask("SELECT path FROM files WHERE id = 1", "y");
	arena_release(&rows.arena);
}
END_TEST

START_TEST(two_columns_of_one_file_go_side_by_side)
{
	struct sqlite_config thumbs = f.config;
	struct migrate_session *session;
	const struct migrate_bytes old = BYTES("t");
	struct migrate_find r = { .values = &old, .count = 1, .limit = 5 };
	struct end *end;

	app("CREATE TABLE files (id INTEGER PRIMARY KEY, path TEXT, thumb TEXT);"
	    "INSERT INTO files VALUES (1, 'x', 't')");
	open_plugin();
	thumbs.column = "thumb";
	end = end_open(&f.host, "thumbs", migrate_plugin_v1(), &thumbs, true, &f.err);
	ck_assert_ptr_nonnull(end);
	session = session_open(end, &f.err);
	ck_assert_ptr_nonnull(session);
	ck_assert_int_eq(swap_one(BYTES("x"), BYTES("y")), MIGRATE_ROW_CHANGED);
	ck_ok(database_find(session, &r, &f.page));
	ck_assert_uint_eq(f.page.n, 1);
	ck_assert_int_eq(swap_one(BYTES("y"), BYTES("x")), MIGRATE_ROW_CHANGED);
	session_close(session);
	end_close(end);
	ck_assert_int_eq(swap_one(BYTES("x"), BYTES("y")), MIGRATE_ROW_CHANGED);
}
END_TEST

START_TEST(a_cancelled_wait_ends)
{
	struct migrate_change c = { .identity = BYTES("\2\x80\0\0\0\0\0\0\1"),
				    .before = BYTES("x"),
				    .after = BYTES("y") };

	app("CREATE TABLE files (id INTEGER PRIMARY KEY, path TEXT);"
	    "INSERT INTO files VALUES (1, 'x')");
	f.config.busy_timeout = 600000;
	open_plugin();
	app("BEGIN IMMEDIATE");
	host_cancel(&f.host);
	ck_assert_int_ne(rewrite(&c, 1), MIGRATE_OK);
	app("COMMIT");
	ck_ask("SELECT path FROM files", "x");
}
END_TEST

int main(void)
{
	Suite *s = suite_create("sqlite files");

	ADD(s, "files", 1, a_missing_file_is_not_made, another_file_is_no_database,
	    a_replaced_file_ends_the_run, a_job_that_only_reads_cannot_write);
	ADD(s, "beside an application", 1, a_busy_application_only_delays,
	    busy_at_commit_changes_nothing, two_columns_of_one_file_go_side_by_side,
	    a_cancelled_wait_ends);
	return run_tap(s);
}
