/* SPDX-License-Identifier: MIT */
#include "sqlite-fixture.h"

#include "tap.h"

/* ---- what a schema does ---- */

/* Two rows are changed in one call; what came of it, and that nothing changed. */
static enum migrate_status both(const char *schema, struct migrate_bytes after)
{
	const struct migrate_bytes values[] = { BYTES("x"), BYTES("z") };
	struct migrate_change c[2];
	enum migrate_status status;
	struct rows rows;

	app("CREATE TABLE files (id INTEGER PRIMARY KEY, path TEXT);");
	app(schema);
	app("INSERT INTO files VALUES (1, 'x'), (2, 'z'), (3, 'taken')");
	open_plugin();
	find_all(&rows, values, 2, 10);
	ck_assert_uint_eq(rows.n, 2);
	c[0] = change_of(&rows.items[0], BYTES("fine"));
	c[1] = change_of(&rows.items[1], after);
	status = rewrite(c, 2);
	arena_release(&rows.arena);
	ck_ask("SELECT group_concat(path) FROM (SELECT path FROM files ORDER BY id)", "x,z,taken");
	return status;
}

START_TEST(a_unique_value_is_the_rows_fault)
{
	ck_status(both("CREATE UNIQUE INDEX i ON files (path)", BYTES("taken")), MIGRATE_INVALID);
}
END_TEST

START_TEST(replace_on_conflict_deletes_nothing)
{
	ck_status(both("DROP TABLE files; CREATE TABLE files (id INTEGER PRIMARY KEY, path TEXT "
		       "UNIQUE ON CONFLICT REPLACE)",
		       BYTES("taken")),
		  MIGRATE_INVALID);
}
END_TEST

START_TEST(a_check_is_the_rows_fault)
{
	ck_status(both("DROP TABLE files; CREATE TABLE files (id INTEGER PRIMARY KEY, path TEXT "
		       "CHECK (length(path) < 6))",
		       BYTES("too long")),
		  MIGRATE_INVALID);
}
END_TEST

START_TEST(a_trigger_may_refuse)
{
	ck_status(both("CREATE TRIGGER t BEFORE UPDATE ON files WHEN new.path = 'no' BEGIN SELECT "
		       "RAISE(ABORT, 'not this one'); END",
		       BYTES("no")),
		  MIGRATE_INVALID);
	ck_assert_ptr_nonnull(strstr(session_message(f.session), "not this one"));
}
END_TEST

START_TEST(a_trigger_may_not_ignore_silently)
{
	ck_status(both("CREATE TRIGGER t BEFORE UPDATE ON files WHEN new.path = 'no' BEGIN SELECT "
		       "RAISE(IGNORE); END",
		       BYTES("no")),
		  MIGRATE_INVALID);
}
END_TEST

START_TEST(a_trigger_may_not_write_something_else)
{
	ck_status(both("CREATE TRIGGER t AFTER UPDATE ON files WHEN new.path = 'no' BEGIN UPDATE "
		       "files SET path = 'other' WHERE id = new.id; END",
		       BYTES("no")),
		  MIGRATE_INVALID);
}
END_TEST

START_TEST(text_does_not_become_a_number)
{
	ck_status(both("DROP TABLE files; CREATE TABLE files (id INTEGER PRIMARY KEY, path "
		       "NUMERIC)",
		       BYTES("123")),
		  MIGRATE_INVALID);
}
END_TEST

START_TEST(utf16_holds_what_is_utf8)
{
	app("PRAGMA encoding='UTF-16be'");
	ck_status(both("CREATE INDEX i ON files (path)", BYTES("caf\xe9")), MIGRATE_INVALID);
}
END_TEST

START_TEST(utf16_loses_what_is_no_character)
{
	app("PRAGMA encoding='UTF-16be'");
	ck_status(both("CREATE INDEX i ON files (path)", BYTES("a\xef\xbf\xbf")), MIGRATE_INVALID);
}
END_TEST

START_TEST(any_bytes_are_a_value)
{
	const struct migrate_bytes odd[] = {
		BYTES("a\0b"), BYTES(""), BYTES("caf\xe9"), BYTES("\xff\xfe"), BYTES("'; --\n"),
	};

	app("CREATE TABLE files (id INTEGER PRIMARY KEY, path TEXT);"
	    "CREATE INDEX i ON files (path); INSERT INTO files VALUES (1, 'x')");
	open_plugin();
	for (size_t i = 0; i < sizeof(odd) / sizeof(odd[0]); i++) {
		ck_assert_int_eq(swap_one(BYTES("x"), odd[i]), MIGRATE_ROW_CHANGED);
		ck_assert_int_eq(swap_one(odd[i], BYTES("x")), MIGRATE_ROW_CHANGED);
	}
}
END_TEST

START_TEST(numbers_are_no_values)
{
	const struct migrate_bytes values[] = { BYTES("5"), BYTES("1.5") };
	struct rows rows;

	app("CREATE TABLE files (id INTEGER PRIMARY KEY, path); CREATE INDEX i ON files (path);"
	    "INSERT INTO files VALUES (1, 5), (2, 1.5), (3, '5'), (4, NULL)");
	open_plugin();
	find_all(&rows, values, 2, 10);
	ck_assert_str_eq(texts(&rows), "id=3");
	arena_release(&rows.arena);
}
END_TEST

START_TEST(foreign_keys_follow)
{
	app("CREATE TABLE files (id INTEGER PRIMARY KEY, path TEXT UNIQUE);"
	    "CREATE TABLE notes (path TEXT REFERENCES files (path) ON UPDATE CASCADE);"
	    "INSERT INTO files VALUES (1, 'x'); INSERT INTO notes VALUES ('x')");
	open_plugin();
	ck_assert_int_eq(swap_one(BYTES("x"), BYTES("y")), MIGRATE_ROW_CHANGED);
	ck_ask("SELECT path FROM notes", "y");
}
END_TEST

START_TEST(functions_of_the_application_are_missed_early)
{
	app("CREATE TABLE files (id INTEGER PRIMARY KEY, path TEXT);"
	    "CREATE TRIGGER t AFTER UPDATE ON files BEGIN SELECT app_only(new.path); END");
	ck_refused("app_only");
}
END_TEST

START_TEST(a_dropped_table_ends_the_run)
{
	struct migrate_scan r = { .limit = 10 };

	app("CREATE TABLE files (id INTEGER PRIMARY KEY, path TEXT)");
	open_plugin();
	ck_ok(database_scan(f.session, &r, &f.page));
	app("DROP TABLE files");
	ck_status(database_scan(f.session, &r, &f.page), MIGRATE_FATAL);
}
END_TEST

/* ---- `set:` ---- */

static const struct migrate_pair pairs[] = { { "service", "amazon" }, { "v", "2" }, { "n", NULL } };

static void open_set(void)
{
	app("CREATE TABLE files (id INTEGER PRIMARY KEY, path TEXT, service TEXT COLLATE NOCASE, v "
	    "INTEGER, n);"
	    "CREATE INDEX i ON files (path);"
	    "INSERT INTO files VALUES (1, 'x', 'Amazon', 1, x'00ff00'), (2, 'y', 'amazon', 2, "
	    "NULL), (3, 'z', NULL, 1.5, 'a' || char(0) || 'b')");
	f.config.set = (struct migrate_map){ 3, pairs };
	open_plugin();
}

#define SET_ROW                                                                                    \
	"SELECT quote(path) || quote(service) || quote(v) || quote(CAST(n AS BLOB)) || typeof(n) " \
	"FROM files WHERE id = "

START_TEST(set_columns_change_and_come_back)
{
	static const char *const values[] = { "x", "z" };
	static const char *const before[] = { "'x''Amazon'1X'00FF00'blob",
					      "'z'NULL1.5X'610062'text" };

	open_set();
	for (int i = 0; i < 2; i++) {
		const char *sql = i ? SET_ROW "3" : SET_ROW "1";
		struct migrate_bytes value = bytes_of_text(values[i]);
		struct migrate_change c;
		struct rows rows;

		ck_ask(sql, before[i]);
		find_all(&rows, &value, 1, 10);
		ck_assert(!rows.items[0].settled);
		c = change_of(&rows.items[0], BYTES("new"));
		ck_ok(rewrite(&c, 1));
		ck_ask(sql, "'new''amazon'2NULLnull");
		c.before = c.after;
		c.after = value;
		c.extra = rows.items[0].extra;
		ck_ok(rewrite(&c, 1));
		ck_assert_int_eq(c.outcome, MIGRATE_ROW_CHANGED);
		ck_ask(sql, before[i]);
		arena_release(&rows.arena);
	}
}
END_TEST

START_TEST(set_columns_alone)
{
	struct migrate_change c[2];
	struct rows rows;

	open_set();
	scan_all(&rows, 10);
	ck_assert(!rows.items[0].settled);
	ck_assert(rows.items[1].settled);
	for (size_t i = 0; i < 2; i++)
		c[i] = change_of(&rows.items[i], rows.items[i].value);
	ck_ok(rewrite(c, 2));
	ck_assert_int_eq(c[0].outcome, MIGRATE_ROW_CHANGED);
	ck_assert_int_eq(c[1].outcome, MIGRATE_ROW_ALREADY);
	ck_ask(SET_ROW "1", "'x''amazon'2NULLnull");
	c[0].extra = rows.items[0].extra;
	ck_ok(rewrite(c, 1));
	ck_assert_int_eq(c[0].outcome, MIGRATE_ROW_CHANGED);
	ck_ask(SET_ROW "1", "'x''Amazon'1X'00FF00'blob");
	arena_release(&rows.arena);
}
END_TEST

START_TEST(nonsense_is_refused)
{
	struct migrate_change c;
	struct rows rows;

	open_set();
	scan_all(&rows, 10);
	c = change_of(&rows.items[0], BYTES("new"));
	for (size_t n = 0; n < rows.items[0].identity.n; n++) {
		c.identity.n = n;
		ck_status(rewrite(&c, 1), MIGRATE_INVALID);
	}
	c.identity = rows.items[0].identity;
	for (size_t n = 1; n < rows.items[0].extra.n; n++) {
		c.extra = bytes_of(rows.items[0].extra.p, n);
		ck_status(rewrite(&c, 1), MIGRATE_INVALID);
	}
	ck_ask(SET_ROW "1", "'x''Amazon'1X'00FF00'blob");
	arena_release(&rows.arena);
}
END_TEST

/* ---- many rows ---- */

START_TEST(a_value_of_many_rows_comes_in_pages)
{
	const struct migrate_bytes values[] = { BYTES("b"), BYTES("a") };
	struct migrate_find r = { .values = values, .count = 2, .limit = 100 };
	unsigned char cursor[64];
	size_t n = 0, a = 0;

	app("CREATE TABLE files (id INTEGER PRIMARY KEY, path TEXT); CREATE INDEX i ON files "
	    "(path);"
	    "WITH RECURSIVE s(v) AS (SELECT 1 UNION ALL SELECT v + 1 FROM s WHERE v < 5000) INSERT "
	    "INTO files SELECT v, iif(v % 10, 'a', 'b') FROM s");
	open_plugin();
	do {
		ck_ok(database_find(f.session, &r, &f.page));
		for (size_t i = 0; i < f.page.n; i++) {
			char want[32];

			snprintf(want, sizeof(want), "id=%zu", ++n);
			ck_assert_str_eq(f.page.items[i].row.text, want);
			a += f.page.items[i].value;
		}
		memcpy(cursor, f.page.cursor.p, f.page.cursor.n);
		r.cursor = bytes_of(cursor, f.page.cursor.n);
	} while (!f.page.done);
	ck_assert_uint_eq(n, 5000);
	ck_assert_uint_eq(a, 4500);
}
END_TEST

START_TEST(where_keeps_the_index)
{
	struct database_facts facts = { .fact_count = 0 };
	struct rows rows;

	app("CREATE TABLE files (id INTEGER PRIMARY KEY, path TEXT, gone INT);"
	    "CREATE INDEX g ON files (gone); CREATE INDEX i ON files (path) WHERE gone IS NULL;"
	    "INSERT INTO files VALUES (1, 'x', NULL), (2, 'y', 1)");
	f.config.where = "gone IS NULL";
	open_plugin();
	ck_ok(database_describe(f.session, &facts));
	ck_assert(facts.d.flags & MIGRATE_INDEXED);
	database_facts_release(&facts);
	scan_all(&rows, 10);
	ck_assert_str_eq(texts(&rows), "id=1");
	arena_release(&rows.arena);
}
END_TEST

START_TEST(seeds_any_table)
{
	const struct migrate_bytes values[] = { BYTES("a"), BYTES("b"), BYTES("c") };
	struct migrate_insert r = { .values = values, .count = 3 };
	static const char *const tables[] = {
		("id INTEGER PRIMARY KEY, path TEXT, at DATETIME NOT NULL, size INT NOT NULL, "
		 "kind TEXT NOT NULL DEFAULT 'avatar'"),
		"id TEXT PRIMARY KEY, path BLOB NOT NULL",
		"a INT, b TEXT, path TEXT, PRIMARY KEY (a, b)) WITHOUT ROWID; SELECT (1",
		"path TEXT, token TEXT NOT NULL UNIQUE",
	};
	struct rows rows;

	for (size_t i = 0; i < sizeof(tables) / sizeof(tables[0]); i++) {
		char sql[512];

		snprintf(sql, sizeof(sql), "DROP TABLE IF EXISTS files; CREATE TABLE files (%s)",
			 tables[i]);
		shut();
		app(sql);
		open_plugin();
		ck_ok(database_insert(f.session, &r));
		scan_all(&rows, 10);
		ck_assert_uint_eq(rows.n, 3);
		arena_release(&rows.arena);
	}
	ck_ask("SELECT count(DISTINCT token) FROM files", "3");
}
END_TEST

int main(void)
{
	Suite *s = suite_create("sqlite rows");

	ADD(s, "schemas", 1, a_unique_value_is_the_rows_fault, replace_on_conflict_deletes_nothing,
	    a_check_is_the_rows_fault, a_trigger_may_refuse, a_trigger_may_not_ignore_silently,
	    a_trigger_may_not_write_something_else, text_does_not_become_a_number,
	    utf16_holds_what_is_utf8, utf16_loses_what_is_no_character, any_bytes_are_a_value,
	    numbers_are_no_values, foreign_keys_follow,
	    functions_of_the_application_are_missed_early, a_dropped_table_ends_the_run);
	ADD(s, "set", 1, set_columns_change_and_come_back, set_columns_alone, nonsense_is_refused);
	ADD(s, "many rows", 1, a_value_of_many_rows_comes_in_pages, where_keeps_the_index,
	    seeds_any_table);
	return run_tap(s);
}
