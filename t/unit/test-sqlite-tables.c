/* SPDX-License-Identifier: MIT */
#include "sqlite-fixture.h"

#include "tap.h"

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

int main(void)
{
	Suite *s = suite_create("sqlite tables");

	ADD(s, "every kind of table", KINDS, says_whether_an_index_serves, scans_each_row_once,
	    finds_by_bytes, swaps_and_takes_back, leaves_what_somebody_else_changed);
	ADD(s, "names and keys", 1, any_name_is_quoted, wrong_names_get_a_hint,
	    a_key_must_be_unique, a_row_without_a_key_is_an_error,
	    a_key_that_the_job_changes_is_not_used, a_table_has_one_identity);
	return run_tap(s);
}
