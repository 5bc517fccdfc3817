/* SPDX-License-Identifier: MIT */
#include "sqlite-fixture.h"

/* ---- the same promises for every kind of table ---- */

#define ROWS(a_, b_, c_, d_, e_, f_, g_)                                                           \
	"INSERT INTO files (id, path) VALUES (" a_ ", 'x/b');"                                     \
	"INSERT INTO files (id, path) VALUES (" b_ ", 'x/a');"                                     \
	"INSERT INTO files (id, path) VALUES (" c_ ", x'782f61');"                                 \
	"INSERT INTO files (id, path) VALUES (" d_ ", 'X/A');"                                     \
	"INSERT INTO files (id, path) VALUES (" e_ ", 'x/a  ');"                                   \
	"INSERT INTO files (id, path) VALUES (" f_ ", NULL);"                                      \
	"INSERT INTO files (id, path) VALUES (" g_ ", 'x/a');"
#define NUMBERED ROWS("-5", "2", "3", "40", "500", "6000", "9223372036854775807")

static const struct kind {
	const char *name, *sql, *texts; /* of the rows that hold x/a */
	bool indexed;
} kinds[] = {
	{ "an integer key",
	  "CREATE TABLE files (id INTEGER PRIMARY KEY, path TEXT);"
	  "CREATE INDEX i ON files (path);" NUMBERED,
	  "id=2 id=3 id=9223372036854775807", true },
	{ "no declared key",
	  "CREATE TABLE files (id, path TEXT); CREATE INDEX i ON files (path);" NUMBERED,
	  "rowid=2 rowid=3 rowid=7", true },
	{ "no index", "CREATE TABLE files (id INTEGER PRIMARY KEY, path TEXT);" NUMBERED,
	  "id=2 id=3 id=9223372036854775807", false },
	{ "a column rowid that is none",
	  "CREATE TABLE files (id, path TEXT, rowid); CREATE INDEX i ON files (path);" NUMBERED,
	  "_rowid_=2 _rowid_=3 _rowid_=7", true },
	{ "a descending integer key, which is no rowid",
	  "CREATE TABLE files (id INTEGER PRIMARY KEY DESC, path TEXT);"
	  "CREATE INDEX i ON files (path);" NUMBERED,
	  "id=2 id=3 id=9223372036854775807", true },
	{ "a text key",
	  "CREATE TABLE files (id TEXT PRIMARY KEY, path TEXT);"
	  "CREATE INDEX i ON files (path);" ROWS("'a'", "'b b'", "'c''\"'", "'d'", "'e'", "'f'",
						 "'g'"),
	  "id=b b id=c'\" id=g", true },
	{ "a text key without rowid",
	  "CREATE TABLE files (id TEXT PRIMARY KEY, path TEXT) WITHOUT ROWID;"
	  "CREATE INDEX i ON files (path);" ROWS("'a'", "'b'", "'c'", "'d'", "'e'", "'f'", "'g'"),
	  "id=b id=c id=g", true },
	{ "a key whose case does not count",
	  "CREATE TABLE files (id TEXT COLLATE NOCASE PRIMARY KEY, path TEXT) WITHOUT ROWID;"
	  "CREATE INDEX i ON files (path);" ROWS("'a'", "'B'", "'c'", "'D'", "'e'", "'F'", "'g'"),
	  "id=B id=c id=g", true },
	{ "a key of bytes",
	  "CREATE TABLE files (id BLOB PRIMARY KEY, path TEXT) WITHOUT ROWID;"
	  "CREATE INDEX i ON files (path);" ROWS("x'00'", "x'0000'", "x'0001'", "x'01'", "x'02'",
						 "x'ff'", "x'ff00'"),
	  "id=x'0000' id=x'0001' id=x'ff00'", true },
	{ "a key of real numbers",
	  "CREATE TABLE files (id REAL PRIMARY KEY, path TEXT) WITHOUT ROWID;"
	  "CREATE INDEX i ON files (path);" ROWS("-2.5", "-0.5", "0.1", "1", "1.5", "2", "1e300"),
	  "id=-0.5 id=0.1 id=1.0e+300", true },
	{ "a key of anything",
	  "CREATE TABLE files (id PRIMARY KEY, path TEXT) WITHOUT ROWID;"
	  "CREATE INDEX i ON files (path);" ROWS("-1", "1", "1.5", "'a'", "'b'", "'c'", "x'00'"),
	  "id=1 id=1.5 id=x'00'", true },
	{ "a key without an index on the column",
	  "CREATE TABLE files (id TEXT PRIMARY KEY, path TEXT) WITHOUT ROWID;" ROWS(
	      "'a'", "'b'", "'c'", "'d'", "'e'", "'f'", "'g'"),
	  "id=b id=c id=g", false },
	{ "a column whose case does not count",
	  "CREATE TABLE files (id INTEGER PRIMARY KEY, path TEXT COLLATE NOCASE);"
	  "CREATE INDEX i ON files (path);" NUMBERED,
	  "id=2 id=3 id=9223372036854775807", true },
	{ "an index whose case does not count",
	  "CREATE TABLE files (id INTEGER PRIMARY KEY, path TEXT);"
	  "CREATE INDEX i ON files (path COLLATE NOCASE);" NUMBERED,
	  "id=2 id=3 id=9223372036854775807", true },
	{ "a column whose trailing spaces do not count",
	  "CREATE TABLE files (id TEXT PRIMARY KEY, path TEXT COLLATE RTRIM);"
	  "CREATE INDEX i ON files (path);" ROWS("'a'", "'b'", "'c'", "'d'", "'e'", "'f'", "'g'"),
	  "id=b id=c id=g", true },
	{ "a column without a type",
	  "CREATE TABLE files (id INTEGER PRIMARY KEY, path);"
	  "CREATE INDEX i ON files (path);" NUMBERED,
	  "id=2 id=3 id=9223372036854775807", true },
	{ "a column for numbers",
	  "CREATE TABLE files (id INTEGER PRIMARY KEY, path NUMERIC);"
	  "CREATE INDEX i ON files (path);" NUMBERED,
	  "id=2 id=3 id=9223372036854775807", true },
	{ "a strict table",
	  "CREATE TABLE files (id INTEGER PRIMARY KEY, path ANY) STRICT;"
	  "CREATE INDEX i ON files (path);" NUMBERED,
	  "id=2 id=3 id=9223372036854775807", true },
	{ "UTF-16",
	  "PRAGMA encoding='UTF-16le'; CREATE TABLE files (id INTEGER PRIMARY KEY, path TEXT);"
	  "CREATE INDEX i ON files (path);" NUMBERED,
	  "id=2 id=3 id=9223372036854775807", true },
	{ "a write-ahead log",
	  "PRAGMA journal_mode=WAL; CREATE TABLE files (id INTEGER PRIMARY KEY, path TEXT);"
	  "CREATE INDEX i ON files (path);" NUMBERED,
	  "id=2 id=3 id=9223372036854775807", true },
};
#define KINDS ((int)(sizeof(kinds) / sizeof(kinds[0])))

static void open_kind(int i)
{
	app(kinds[i].sql);
	open_plugin();
}

START_TEST(says_whether_an_index_serves)
{
	struct database_facts facts = { .fact_count = 0 };

	open_kind(_i);
	ck_ok(database_describe(f.session, &facts));
	ck_assert_msg(!!(facts.d.flags & MIGRATE_INDEXED) == kinds[_i].indexed, "%s",
		      kinds[_i].name);
	ck_assert_uint_eq(facts.d.sessions_max, 1);
	database_facts_release(&facts);
}
END_TEST

START_TEST(scans_each_row_once)
{
	struct rows whole, paged;
	uint64_t count;

	open_kind(_i);
	scan_all(&whole, 100);
	ck_assert_msg(whole.n == 6, "%s: %zu", kinds[_i].name, whole.n);
	ck_ok(database_count(f.session, &count));
	ck_assert_uint_eq(count, 6);
	for (uint32_t limit = 1; limit < 4; limit++) {
		scan_all(&paged, limit);
		ck_assert_uint_eq(paged.n, whole.n);
		for (size_t i = 0; i < whole.n; i++) {
			ck_assert(bytes_equal(whole.items[i].identity, paged.items[i].identity));
			ck_assert(bytes_equal(whole.items[i].value, paged.items[i].value));
		}
		arena_release(&paged.arena);
	}
	arena_release(&whole.arena);
}
END_TEST

START_TEST(finds_by_bytes)
{
	const struct migrate_bytes values[] = { BYTES("x/none"), BYTES("x/a"), BYTES("x/nor") };
	struct rows rows;

	open_kind(_i);
	for (uint32_t limit = 1; limit < 5; limit++) {
		find_all(&rows, values, 3, limit);
		ck_assert_str_eq(texts(&rows), kinds[_i].texts);
		arena_release(&rows.arena);
	}
}
END_TEST

START_TEST(swaps_and_takes_back)
{
	const struct migrate_bytes old = BYTES("x/a"), new = BYTES("y/new");
	struct migrate_change c[3];
	struct rows rows;

	open_kind(_i);
	find_all(&rows, &old, 1, 10);
	for (size_t i = 0; i < 3; i++)
		c[i] = change_of(&rows.items[i], new);
	ck_ok(rewrite(c, 3));
	for (size_t i = 0; i < 3; i++)
		ck_assert_int_eq(c[i].outcome, MIGRATE_ROW_CHANGED);
	ck_ask("SELECT group_concat(t, ' ') FROM (SELECT typeof(path) t FROM files WHERE "
	       "path = 'y/new' COLLATE BINARY OR path = x'792f6e6577' ORDER BY t)",
	       "blob text text");
	ck_ask("SELECT count(*) FROM files WHERE path = 'X/A' COLLATE BINARY", "1");
	ck_ask("SELECT count(*) FROM files WHERE path = 'x/a  ' COLLATE BINARY", "1");
	ck_ok(rewrite(c, 3)); /* the answer was lost: ask again */
	for (size_t i = 0; i < 3; i++) {
		ck_assert_int_eq(c[i].outcome, MIGRATE_ROW_ALREADY);
		c[i].after = old;
		c[i].before = new;
	}
	ck_ok(rewrite(c, 3));
	arena_release(&rows.arena);
	find_all(&rows, &old, 1, 10);
	ck_assert_str_eq(texts(&rows), kinds[_i].texts);
	arena_release(&rows.arena);
}
END_TEST

#define HOLDS_OLD "(path = 'x/a' COLLATE BINARY OR path = x'782f61')"

START_TEST(leaves_what_somebody_else_changed)
{
	const struct migrate_bytes old = BYTES("x/a"), new = BYTES("y/new");
	struct migrate_change c[3];
	struct rows rows;

	open_kind(_i);
	find_all(&rows, &old, 1, 10);
	for (size_t i = 0; i < 3; i++)
		c[i] = change_of(&rows.items[i], new);
	app("UPDATE files SET path = 'X/A' WHERE id = (SELECT id FROM files WHERE " HOLDS_OLD
	    " ORDER BY id LIMIT 1)");
	app("DELETE FROM files WHERE id = (SELECT id FROM files WHERE " HOLDS_OLD
	    " ORDER BY id DESC LIMIT 1)");
	ck_ok(rewrite(c, 3));
	ck_assert_int_eq(c[0].outcome, MIGRATE_ROW_CONFLICT);
	ck_assert_int_eq(c[1].outcome, MIGRATE_ROW_CHANGED);
	ck_assert_int_eq(c[2].outcome, MIGRATE_ROW_GONE);
	ck_ask("SELECT count(*) FROM files WHERE path = 'X/A' COLLATE BINARY", "2");
	arena_release(&rows.arena);
}
END_TEST

/* ---- names and keys ---- */

START_TEST(any_name_is_quoted)
{
	struct rows rows;

	app("CREATE TABLE \"sel\"\"ect; --\" (\"gr''o\"\"up by\" TEXT, \"or'der\" INTEGER, "
	    "\"a b\" TEXT, PRIMARY KEY (\"or'der\", \"a b\"));"
	    "CREATE INDEX \"in\"\"dex\" ON \"sel\"\"ect; --\" (\"gr''o\"\"up by\");"
	    "INSERT INTO \"sel\"\"ect; --\" VALUES ('x/1', 7, 'k')");
	f.config.table = "SEL\"ect; --";
	f.config.column = "gr''o\"up by";
	f.config.where = "1 -- a comment";
	open_plugin();
	scan_all(&rows, 1);
	ck_assert_str_eq(texts(&rows), "or'der=7,a b=k");
	arena_release(&rows.arena);
	ck_assert_int_eq(swap_one(BYTES("x/1"), BYTES("y'1")), MIGRATE_ROW_CHANGED);
	ck_ask("SELECT \"gr''o\"\"up by\" FROM \"sel\"\"ect; --\"", "y'1");
}
END_TEST

START_TEST(wrong_names_get_a_hint)
{
	app("CREATE TABLE files (id INTEGER PRIMARY KEY, path TEXT, g AS (path || 'x'));"
	    "CREATE VIEW seen AS SELECT * FROM files");
	f.config.table = "fils";
	ck_refused("did you mean 'files'?");
	f.config.table = "seen";
	ck_refused("view");
	f.config.table = "files";
	f.config.column = "pth";
	ck_refused("did you mean 'path'?");
	f.config.column = "g";
	ck_refused("generated");
	f.config.column = "id";
	ck_refused("rowid");
	f.config.column = "path";
	f.config.key = (struct migrate_strings){ 1, (const char *const[]){ "idd" } };
	ck_refused("did you mean 'id'?");
	f.config.key = (struct migrate_strings){ 1, (const char *const[]){ "path" } };
	ck_refused("changed by the job");
	f.config.key = (struct migrate_strings){ 0, NULL };
	f.config.where = "deleted_at is null";
	ck_refused("where: no such column");
	f.config.where = "id = ?1";
	ck_refused("where: parameters");
	f.config.where = "1) OR (1";
	f.config.where = "1; DROP TABLE files";
	ck_refused("where:");
	ck_ask("SELECT count(*) FROM files", "0");
}
END_TEST

START_TEST(a_key_must_be_unique)
{
	app("CREATE TABLE files (id INTEGER PRIMARY KEY, a TEXT, b TEXT, c TEXT, path TEXT);"
	    "CREATE UNIQUE INDEX ab ON files (a, b);"
	    "CREATE UNIQUE INDEX c ON files (c) WHERE c > 5;"
	    "INSERT INTO files VALUES (1, 'x', 'y', 'z', 'p')");
	f.config.key = (struct migrate_strings){ 1, (const char *const[]){ "a" } };
	ck_refused("key: no unique index");
	f.config.key = (struct migrate_strings){ 1, (const char *const[]){ "c" } };
	ck_refused("key: no unique index");
	f.config.key = (struct migrate_strings){ 2, (const char *const[]){ "b", "a" } };
	open_plugin();
	ck_assert_int_eq(swap_one(BYTES("p"), BYTES("q")), MIGRATE_ROW_CHANGED);
	f.config.key = (struct migrate_strings){ 1, (const char *const[]){ "rowid" } };
	open_plugin();
}
END_TEST

START_TEST(a_row_without_a_key_is_an_error)
{
	struct migrate_scan r = { .limit = 10 };

	app("CREATE TABLE files (id TEXT PRIMARY KEY, path TEXT);"
	    "INSERT INTO files VALUES ('a', 'x'), (NULL, 'y')");
	open_plugin();
	ck_status(database_scan(f.session, &r, &f.page), MIGRATE_INVALID);
	ck_assert_ptr_nonnull(strstr(session_message(f.session), "key"));
}
END_TEST

START_TEST(a_key_that_the_job_changes_is_not_used)
{
	app("CREATE TABLE files (path TEXT PRIMARY KEY, n INT);"
	    "INSERT INTO files VALUES ('x', 1)");
	open_plugin();
	ck_assert_int_eq(swap_one(BYTES("x"), BYTES("y")), MIGRATE_ROW_CHANGED);
	ck_assert_int_eq(swap_one(BYTES("y"), BYTES("x")), MIGRATE_ROW_CHANGED);
	app("DROP TABLE files; CREATE TABLE files (path TEXT PRIMARY KEY) WITHOUT ROWID");
	ck_refused("changed by the job");
}
END_TEST

START_TEST(a_table_has_one_identity)
{
	char link[128], *one, *two, *three;

	snprintf(link, sizeof(link), "%s/link.db", f.folder);
	ck_assert(!symlink("app.db", link));
	app("CREATE TABLE files (id INTEGER PRIMARY KEY, path TEXT, thumb TEXT)");
	open_plugin();
	ck_ok(end_identity(f.session, &one));
	f.config.path = link;
	f.config.table = "FILES";
	open_plugin();
	ck_ok(end_identity(f.session, &two));
	f.config.column = "thumb";
	open_plugin();
	ck_ok(end_identity(f.session, &three));
	ck_assert_str_eq(one, two);
	ck_assert_str_ne(one, three);
	free(one);
	free(two);
	free(three);
}
END_TEST

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
	ck_status(end_probe(f.session, true), MIGRATE_UNAVAILABLE);
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
		"id INTEGER PRIMARY KEY, path TEXT, at DATETIME NOT NULL, size INT NOT NULL, "
		"kind TEXT NOT NULL DEFAULT 'avatar'",
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

int main(void)
{
	Suite *s = suite_create("sqlite");
	SRunner *r = srunner_create(s);
	int failed;

	ADD(s, "every kind of table", KINDS, says_whether_an_index_serves, scans_each_row_once,
	    finds_by_bytes, swaps_and_takes_back, leaves_what_somebody_else_changed);
	ADD(s, "names and keys", 1, any_name_is_quoted, wrong_names_get_a_hint,
	    a_key_must_be_unique, a_row_without_a_key_is_an_error,
	    a_key_that_the_job_changes_is_not_used, a_table_has_one_identity);
	ADD(s, "files", 1, a_missing_file_is_not_made, another_file_is_no_database,
	    a_replaced_file_ends_the_run, a_job_that_only_reads_cannot_write);
	ADD(s, "beside an application", 1, a_busy_application_only_delays,
	    busy_at_commit_changes_nothing, two_columns_of_one_file_go_side_by_side,
	    a_cancelled_wait_ends);
	ADD(s, "schemas", 1, a_unique_value_is_the_rows_fault, replace_on_conflict_deletes_nothing,
	    a_check_is_the_rows_fault, a_trigger_may_refuse, a_trigger_may_not_ignore_silently,
	    a_trigger_may_not_write_something_else, text_does_not_become_a_number,
	    utf16_holds_what_is_utf8, any_bytes_are_a_value, numbers_are_no_values,
	    foreign_keys_follow, functions_of_the_application_are_missed_early,
	    a_dropped_table_ends_the_run);
	ADD(s, "set", 1, set_columns_change_and_come_back, set_columns_alone, nonsense_is_refused);
	ADD(s, "many rows", 1, a_value_of_many_rows_comes_in_pages, where_keeps_the_index,
	    seeds_any_table);
	srunner_set_tap(r, "-");
	srunner_run_all(r, CK_SILENT);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
