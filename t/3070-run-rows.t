#!/bin/sh
# SPDX-License-Identifier: MIT
# Rows follow their objects once, as a whole, and what the application wrote wins.

. "${srcdir:-.}/t/lib.sh"
T_TIMEOUT=60

fresh() { # TABLES
	rm -rf src dst app.db* other.db* job.journal*
	mkdir dst
	for t_i in 1 2 3 4 5 6 7 8 9; do
		write_file "src/image/$t_i" "image $t_i"
	done
	sql app.db "$1"
}

fill() { # DATABASE TABLE
	sql "$1" "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 9)
		INSERT INTO $2 (id, path) SELECT i, 'image/' || i FROM n"
}

job() { # DATABASE...
	write_job job.yml <<-END
		source: {plugin: posix, root: src}
		destination: {plugin: posix, root: dst}
		rename: [{prefix: image/, to: avatar/}]
		databases:
		$(printf '  - {plugin: sqlite, %s}\n' "$@")
	END
}

table='CREATE TABLE t (id INTEGER PRIMARY KEY, path TEXT, service TEXT); CREATE INDEX i ON t (path);'
one='path: app.db, table: t, column: path'

moved() { # DATABASE TABLE N
	sql_says "$1" "SELECT count(*) FROM $2 WHERE path LIKE 'avatar/%'" "$3"
}

# ---- The application wins --------------------------------------------------------------------

# While row 1 is rewritten, the application changes row 5.
fresh "$table"
fill app.db t
sql app.db "CREATE TRIGGER meddle AFTER UPDATE OF path ON t WHEN new.path = 'avatar/1'
	BEGIN UPDATE t SET path = 'upload/new' WHERE id = 5; END"
job "$one"
check 'a row that the application changed meanwhile' exits_with 3 migrate-run job.yml
check 'is a conflict' status_counts job.yml rows.conflict=1 rows.changed=8 rows.failed=0
check 'and stays as the application wants it' sql_says app.db 'SELECT path FROM t WHERE id = 5' upload/new
check 'it is named' last_output_has 'id=5: conflict: '
check 'the others are done' moved app.db t 8
check 'the object is copied all the same' status_counts job.yml total=9 done=9 failed=0
sql app.db 'DROP TRIGGER meddle'
check 'tried again, it names no object of ours' run migrate-run --retry-failed job.yml
check 'and is left alone' sql_says app.db 'SELECT path FROM t WHERE id = 5' upload/new

# While row 1 is rewritten, the application deletes row 5.
fresh "$table"
fill app.db t
sql app.db "CREATE TRIGGER meddle AFTER UPDATE OF path ON t WHEN new.path = 'avatar/1'
	BEGIN DELETE FROM t WHERE id = 5; END"
job "$one"
check 'a row that the application deleted meanwhile is no failure' exits_with 0 migrate-run job.yml
check 'but gone' status_counts job.yml rows.gone=1 rows.changed=8 rows.conflict=0

# ---- One bad row in a chunk --------------------------------------------------------------------

fresh 'CREATE TABLE t (id INTEGER PRIMARY KEY, path TEXT UNIQUE)'
fill app.db t
sql app.db "INSERT INTO t VALUES (100, 'avatar/7')"
job "$one"
check 'a row whose new value another has' exits_with 3 migrate-run job.yml
check 'fails alone' status_counts job.yml rows.failed=1 rows.changed=8
check 'and stays' sql_says app.db 'SELECT path FROM t WHERE id = 7' image/7
check 'it is named, with what the database says' last_output_has 'id=7: failed: ' UNIQUE
check 'the other row too' sql_says app.db 'SELECT path FROM t WHERE id = 100' avatar/7
sql app.db 'DELETE FROM t WHERE id = 100'
check 'once it is out of the way' exits_with 0 migrate-run --retry-failed job.yml
check 'the row follows' sql_says app.db 'SELECT path FROM t WHERE id = 7' avatar/7

fresh "$table"
fill app.db t
sql app.db "CREATE TRIGGER no BEFORE UPDATE ON t WHEN new.id IN (1, 5, 9)
	BEGIN SELECT RAISE(ABORT, 'not these'); END"
job "$one"
check 'first, middle and last' exits_with 3 migrate-run job.yml
check 'fail alone' status_counts job.yml rows.failed=3 rows.changed=6
check 'they and no others' sql_says app.db "SELECT group_concat(id) FROM t WHERE path LIKE 'image/%'" 1,5,9

# ---- set: and value patterns -------------------------------------------------------------------

# As ActiveStorage: the key stays, the service's name changes.
fresh "$table"
sql app.db "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 9)
	INSERT INTO t SELECT i, 'image/' || i, iif(i = 9, 'amazon', 'local') FROM n;
	CREATE TABLE audit (id); CREATE TRIGGER u AFTER UPDATE ON t BEGIN INSERT INTO audit VALUES (new.id); END"
job "$one, set: {service: amazon}"
sed -i '/^rename:/d' job.yml
check 'keys stay, a column beside them changes' exits_with 0 migrate-run job.yml
check 'in every row' sql_says app.db "SELECT count(*) FROM t WHERE service = 'amazon' AND path = 'image/' || id" 9
check 'that was not so before' sql_says app.db 'SELECT count(*) FROM audit' 8
check 'and is counted' status_counts job.yml rows.changed=8 done=9
check 'again' exits_with 0 migrate-run job.yml
check 'no row is touched' sql_says app.db 'SELECT count(*) FROM audit' 8
sql app.db "INSERT INTO t VALUES (10, 'image/3', 'local')"
check 'a row written since' exits_with 0 migrate-run job.yml
check 'follows' sql_says app.db 'SELECT service FROM t WHERE id = 10' amazon
check 'it alone' sql_says app.db 'SELECT count(*) FROM audit' 9

fresh "$table"
sql app.db "INSERT INTO t (id, path) VALUES (1, 'https://a/image/1?v=2'), (2, 'https://a/image/2'),
	(3, 'HTTPS://A/image/3?v=2'), (4, ''), (5, NULL), (6, 'https://a/image/none?v=2'), (7, 'xhttps://a/image/7?v=2')"
job "$one, value: 'https://a/{key}?v=2', new_value: 'https://b/{key}?{{v=3'"
check 'values with something around the key' exits_with 0 migrate-run job.yml
check 'change as a whole' sql_says app.db 'SELECT path FROM t WHERE id = 1' 'https://b/avatar/1?{v=3'
check 'those that differ in anything are left alone' sql_says app.db \
	"SELECT group_concat(coalesce(path, 'NULL'), ' ') FROM (SELECT path FROM t WHERE id > 1 ORDER BY id)" \
	'https://a/image/2 HTTPS://A/image/3?v=2  NULL https://a/image/none?v=2 xhttps://a/image/7?v=2'
check 'one row is counted' status_counts job.yml rows.changed=1

# ---- Many tables, many rows --------------------------------------------------------------------

fresh "$table CREATE TABLE u (id INTEGER PRIMARY KEY, path TEXT)"
sql other.db 'CREATE TABLE t (id INTEGER PRIMARY KEY, path TEXT)'
fill app.db t
fill app.db u
fill other.db t
job "$one" 'path: app.db, table: u, column: path' 'path: other.db, table: t, column: path'
check 'two tables of one file, and another file' exits_with 0 migrate-run job.yml
check 'the first' moved app.db t 9
check 'the second' moved app.db u 9
check 'the other' moved other.db t 9
check 'all are counted' status_counts job.yml rows.changed=27

for index in 'CREATE INDEX i ON t (path)' 'SELECT 1'; do
	fresh "CREATE TABLE t (id INTEGER PRIMARY KEY, path TEXT); $index"
	sql app.db "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 2500)
		INSERT INTO t SELECT i, 'image/1' FROM n" >/dev/null
	job "$one"
	check "a key that 2,500 rows name ($index)" exits_with 0 migrate-run job.yml
	check 'all follow' moved app.db t 2500
	check 'in more than one transaction' sql_says job.journal 'SELECT count(*) > 2 FROM chunk' 1
done

finish
