#!/bin/sh
# SPDX-License-Identifier: MIT
# Rows of SQLite databases follow their objects, whatever the tables look like.

. "${srcdir:-.}/t/lib.sh"
T_TIMEOUT=40

fresh() {
	rm -rf old new job.journal* app.db*
	mkdir -p old/image new
	for i in 1 2 3 4 5 6 7 8 9; do
		write_file "old/image/$i.png" "image $i"
	done
}

# job DATABASES: as YAML, each with 'plugin: sqlite, path: app.db' in front.
job() {
	write_job job.yml <<-END
		source: {plugin: posix, root: old}
		destination: {plugin: posix, root: new}
		rename: [{prefix: image/, to: avatar/}]
		patience: 20s
		databases:
		$(printf '%s\n' "$@" | sed 's/^/  - {plugin: sqlite, path: app.db, /; s/$/}/')
	END
}

fill() { # TABLE COLUMNS EXPRESSIONS over i = 1..9
	sql app.db "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 9)
		INSERT INTO $1 ($2) SELECT $3 FROM n"
}

# audit TABLE: how often each of its rows is updated, from now on.
audit() {
	sql app.db "CREATE TABLE IF NOT EXISTS audit (about TEXT);
		CREATE TRIGGER \"audit of $1\" AFTER UPDATE ON \"$1\"
		BEGIN INSERT INTO audit VALUES (new.path); END"
}

database_is_sound() {
	sql_says app.db 'PRAGMA integrity_check' ok
}

old_path="'image/' || i || '.png'"

# ---- Tables of all kinds in one job ------------------------------------------------

fresh
sql app.db "CREATE TABLE plain (id INTEGER PRIMARY KEY, path TEXT);
	CREATE INDEX plain_path ON plain (path);
	CREATE TABLE \"with \"\"quotes\"\" and 'more'\" (\"key\" TEXT PRIMARY KEY, path TEXT);
	CREATE TABLE pairs (a INTEGER, b TEXT, path TEXT, thumb TEXT, PRIMARY KEY (a, b)) WITHOUT ROWID;
	CREATE INDEX pairs_path ON pairs (path);
	CREATE TABLE bare (path TEXT);
	CREATE TABLE bytes (id BLOB PRIMARY KEY, path BLOB) WITHOUT ROWID;
	CREATE TABLE nocase (id INTEGER PRIMARY KEY, path TEXT COLLATE NOCASE);
	CREATE INDEX nocase_path ON nocase (path);
	CREATE TABLE \"order\" (\"group\" INTEGER PRIMARY KEY, path TEXT, \"values\" TEXT)"
fill plain path "$old_path"
fill "\"with \"\"quotes\"\" and 'more'\"" 'key, path' "'k''' || i, $old_path"
fill pairs 'a, b, path, thumb' "i / 2, 'b' || i, $old_path, $old_path"
fill bare path "$old_path"
fill bare path "$old_path" # two rows for each
fill bytes 'id, path' "randomblob(8), CAST($old_path AS BLOB)"
fill nocase path "$old_path"
fill nocase path "upper($old_path)" # these name no object
fill '"order"' 'path, "values"' "$old_path, i"
for table in plain "with \"quotes\" and 'more'" pairs bare bytes nocase order; do
	[ "$table" = "with \"quotes\" and 'more'" ] || audit "$table"
done
job 'table: plain, column: path' "table: 'with \"quotes\" and ''more''', column: path, key: key" \
	'table: pairs, column: path' 'table: pairs, column: thumb, key: [a, b]' \
	'table: bare, column: path' 'table: bytes, column: path' 'table: nocase, column: path' \
	'table: order, column: path, set: {values: moved}'

check 'a job with eight columns of seven tables runs' exits_with 0 migrate-run job.yml
check 'integer keys' sql_says app.db "SELECT count(*) FROM plain WHERE path = 'avatar/' || id || '.png'" 9
check 'names that need quotes' sql_says app.db \
	"SELECT count(*) FROM \"with \"\"quotes\"\" and 'more'\" WHERE path LIKE 'avatar/_.png'" 9
check 'two columns of a composite key' sql_says app.db \
	"SELECT count(*) FROM pairs WHERE path LIKE 'avatar/%' AND thumb = path" 9
check 'no key, and several rows for one object' sql_says app.db \
	"SELECT count(*) FROM bare WHERE path LIKE 'avatar/%'" 18
check 'bytes stay bytes' sql_says app.db \
	"SELECT count(*) FROM bytes WHERE typeof(path) = 'blob' AND path >= CAST('avatar/' AS BLOB)
	AND path < CAST('avatar0' AS BLOB)" 9
check 'what differs in case is another name' sql_says app.db \
	"SELECT group_concat(n) FROM (SELECT count(*) n FROM nocase
	GROUP BY substr(path, 1, 6) COLLATE BINARY ORDER BY substr(path, 1, 6) COLLATE BINARY)" 9,9
check 'columns of set: too' sql_says app.db "SELECT DISTINCT \"values\" FROM \"order\"" moved
check 'each row was updated once' sql_says app.db 'SELECT count(*) FROM audit' 72
check 'the same job again' exits_with 0 migrate-run job.yml
check 'updates nothing' sql_says app.db 'SELECT count(*) FROM audit' 72
check 'the database is sound' database_is_sound

# ---- Selection, patterns, set: -----------------------------------------------------

fresh
sql app.db "CREATE TABLE avatars (id INTEGER PRIMARY KEY, url TEXT, deleted_at TEXT, n INTEGER);
	CREATE INDEX i ON avatars (url)"
fill avatars 'url, deleted_at, n' "'https://old/image/' || i || '.png', iif(i > 6, 'now', NULL), i"
job 'table: avatars, column: url, value: "https://old/{key}", new_value: "https://new/{key}", where: deleted_at IS NULL -- not these, set: {n: "7", deleted_at: null}'
sed -i "s/where: deleted_at IS NULL -- not these/where: 'deleted_at IS NULL -- not these'/" job.yml
cp app.db before.db
check 'a dry run' run migrate-run --dry-run job.yml
check 'leaves the database as it is, to the byte' cmp before.db app.db
check 'and no file beside it' missing app.db-journal
check 'a job with where, value and set runs' exits_with 0 migrate-run job.yml
check 'rows of where changed, with their number as a number' sql_says app.db \
	"SELECT count(*) FROM avatars WHERE url LIKE 'https://new/avatar/%' AND n = 7 AND typeof(n) = 'integer'" 6
check 'others did not' sql_says app.db \
	"SELECT count(*) FROM avatars WHERE url LIKE 'https://old/image/%' AND n > 6 AND deleted_at = 'now'" 3

# ---- What a schema refuses ---------------------------------------------------------

fresh
sql app.db "CREATE TABLE avatars (id INTEGER PRIMARY KEY, path TEXT UNIQUE ON CONFLICT REPLACE);
	CREATE TABLE notes (path TEXT REFERENCES avatars (path) ON UPDATE CASCADE);
	INSERT INTO avatars VALUES (100, 'avatar/5.png')"
fill avatars path "$old_path"
fill notes path "$old_path"
job 'table: avatars, column: path'
check 'a row that would not be unique fails' exits_with 3 migrate-run job.yml
check 'it alone' sql_says app.db "SELECT group_concat(path) FROM avatars WHERE path LIKE 'image/%'" image/5.png
check 'no other row was deleted for it' sql_says app.db 'SELECT count(*) FROM avatars' 10
check 'foreign keys followed' sql_says app.db "SELECT count(*) FROM notes JOIN avatars USING (path)" 9

fresh
sql app.db "CREATE TABLE avatars (id INTEGER PRIMARY KEY, path TEXT);
	CREATE TRIGGER no BEFORE UPDATE ON avatars WHEN new.path = 'avatar/3.png'
	BEGIN SELECT RAISE(ABORT, 'three stays'); END"
fill avatars path "$old_path"
job 'table: avatars, column: path'
check 'a row that a trigger refuses fails' exits_with 3 migrate-run job.yml
check 'it alone too' sql_says app.db "SELECT group_concat(path) FROM avatars WHERE path LIKE 'image/%'" image/3.png
sql app.db 'DROP TRIGGER no'
run migrate-run --retry-failed job.yml
check 'and is changed once it may be' sql_says app.db "SELECT count(*) FROM avatars WHERE path LIKE 'avatar/%'" 9

# ---- Beside an application ---------------------------------------------------------

fresh
sql app.db "PRAGMA journal_mode=WAL; CREATE TABLE avatars (id INTEGER PRIMARY KEY, path TEXT)" >/dev/null
fill avatars path "$old_path"
job 'table: avatars, column: path'
mkfifo say
exec 9<>say
start reader sh -c 'exec stdbuf -oL sqlite3 -batch app.db <say'
echo "BEGIN; SELECT count(*) || ' rows' FROM avatars;" >&9
check 'an application reads a database in WAL mode' wait_until 10 grep -q '9 rows' "$t_out/reader.stdout"
check 'a run beside it is not held up' exits_with 0 migrate-run job.yml
echo "SELECT count(*) || ' old' FROM avatars WHERE path LIKE 'image/%'; COMMIT;" >&9
echo .quit >&9
exec 9>&-
check 'the application ends' ends_with 0 reader
check 'and saw what it had begun to read' last_output_has '9 old'
check 'the database is still in WAL mode' sql_says app.db 'PRAGMA journal_mode' wal

# ---- Files -------------------------------------------------------------------------

fresh
job 'table: avatars, column: path'
check 'a database that is not there' exits_with 2 migrate-run job.yml
check 'is not made' missing app.db
write_file app.db "$(head -c 4096 /dev/zero | tr '\0' x)"
check 'what is no database is refused' exits_with 2 migrate-run job.yml
check 'and said to be none' last_stderr_has 'is not an SQLite database'

fresh
sql app.db "CREATE TABLE avatars (id INTEGER PRIMARY KEY, path TEXT);
	CREATE TABLE filler (x)"
fill avatars path "$old_path"
sqlite3 -batch app.db >/dev/null 2>&1 <<-'END'
	PRAGMA cache_size = 1;
	BEGIN;
	UPDATE avatars SET path = 'half done';
	WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 3000)
	INSERT INTO filler SELECT randomblob(1000) FROM n;
	.shell kill -9 $PPID
END
job 'table: avatars, column: path'
check 'a crashed application left its journal' exists app.db-journal
check 'a dry run does not roll it back' exits_with 2 migrate-run --dry-run job.yml
check 'but says what is to be done' last_stderr_has 'crashed'
check 'it is still there' exists app.db-journal
check 'a run rolls it back first' exits_with 0 migrate-run job.yml
check 'and changes what was there before' sql_says app.db \
	"SELECT count(*) FROM avatars WHERE path LIKE 'avatar/%'" 9
check 'the database is sound' database_is_sound

finish
