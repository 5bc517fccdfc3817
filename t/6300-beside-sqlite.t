#!/bin/sh
# SPDX-License-Identifier: MIT
# Beside an application that writes: columns of set:, where:, triggers, in SQLite. A trigger of a
# row that is changed before plays the application, inside our transaction.

. "${srcdir:-.}/t/lib.sh"
[ -f "$builddir/plugins/.libs/sqlite.so" ] || skip_all 'the plugin sqlite was not built'

n=9
mkdir -p src/image
for i in $(seq $n); do
	write_file "src/image/$i" "image $i"
done

# fresh DDL: and rows 1..9 in the table t
fresh() {
	rm -rf dst app.db job.journal*
	mkdir dst
	sql app.db "$1"
	sql app.db "INSERT INTO t (id, path, service) SELECT value, 'image/' || value, 'old' FROM generate_series(1, $n)"
}

job() { # MORE
	write_job job.yml <<-END
		source: {plugin: posix, root: src}
		destination: {plugin: posix, root: dst}
		rename: [{prefix: image/, to: avatar/}]
		databases:
		  - {plugin: sqlite, path: app.db, table: t, $1}
	END
}

# meddle ROW WHAT: once row 1 is changed, the application does that to the row
meddle() {
	sql app.db "CREATE TRIGGER meddle AFTER UPDATE ON t WHEN CAST(new.id AS INTEGER) = 1
		BEGIN UPDATE t SET $2 WHERE id = $1; END"
}

row_is() { # ROW ANSWER
	sql_says app.db "SELECT path, service FROM t WHERE id = $1" "$2"
}

# What a revert would put back: the journal's own form of TEXT ends with two NULs.
journal_keeps() { # ROW SERVICE
	t_got=$(sqlite3 job.journal "SELECT hex(extra) FROM row WHERE text = 'id=$1' AND outcome IS NOT 6")
	t_want=04$(printf '%s' "$2" | od -An -tx1 | tr -d ' \n' | tr '[:lower:]' '[:upper:]')0000
	[ "$t_got" = "$t_want" ] || { echo "$t_got instead of $t_want"; return 1; }
}

# A table of that kind.
ddl() {
	case $1 in
	plain) echo 'CREATE TABLE t (id INTEGER PRIMARY KEY, path TEXT, service TEXT, deleted INT DEFAULT 0); CREATE INDEX i ON t (path)' ;;
	folded) echo 'CREATE TABLE t (id INTEGER PRIMARY KEY, path TEXT, service TEXT COLLATE NOCASE, deleted INT DEFAULT 0); CREATE INDEX i ON t (path)' ;;
	without) echo 'CREATE TABLE t (id TEXT PRIMARY KEY, path TEXT, service TEXT, deleted INT DEFAULT 0) WITHOUT ROWID; CREATE INDEX i ON t (path)' ;;
	composite) echo 'CREATE TABLE t (id INT, b TEXT DEFAULT "x", path TEXT, service TEXT, deleted INT DEFAULT 0, PRIMARY KEY (id, b)); CREATE INDEX i ON t (path)' ;;
	utf16) echo "PRAGMA encoding = 'UTF-16le'; $(ddl plain)" ;;
	esac
}

# ---- set: ------------------------------------------------------------------------------------

for kind in plain folded without composite utf16; do
	fresh "$(ddl $kind)" >/dev/null
	job "column: path, where: \"service IN ('old', 'new')\", set: {service: new}"
	meddle 5 "service = 'archive'"
	check "a column of set: that the application wrote ($kind)" exits_with 3 migrate-run job.yml
	check 'is a conflict' status_counts job.yml rows.conflict=1 rows.changed=8 rows.failed=0
	check 'and stays, as its value does' row_is 5 'image/5|archive'
	check 'what the row holds is said' last_output_has "conflict: it was changed meanwhile: path = 'image/5', service = 'archive'"
	check 'the others are changed' row_is 6 'avatar/6|new'
	check 'the journal says so, too' exits_with 0 migrate-status --failed job.yml
	check 'with the same words' last_output_has "service = 'archive'"
done

fresh "$(ddl folded)"
job 'column: path, set: {service: new}'
meddle 5 "service = 'OLD'"
check 'a twin by the collation is another value' exits_with 3 migrate-run job.yml
check 'and stays' row_is 5 'image/5|OLD'

fresh "$(ddl plain)"
job 'column: path, set: {service: new}'
meddle 5 'service = NULL'
check 'so is NULL' exits_with 3 migrate-run job.yml
check 'which is said' last_output_has 'service = NULL'
check 'and stays' row_is 5 'image/5|'

fresh "$(ddl plain)"
sql app.db 'UPDATE t SET service = NULL'
job 'column: path, set: {service: new}'
meddle 5 "service = ''"
check 'and an empty text is not the NULL that was found' exits_with 3 migrate-run job.yml
check 'it stays' sql_says app.db "SELECT path, quote(service) FROM t WHERE id = 5" "image/5|''"
check 'NULL became what the job says' row_is 6 'avatar/6|new'

fresh "$(ddl plain)"
job 'column: path, set: {service: new}'
meddle 5 "service = 'new'"
check 'one that the application set to what the job says is well' exits_with 0 migrate-run job.yml
check 'the row is changed' row_is 5 'avatar/5|new'
check 'a revert would put back what it held under the lock' journal_keeps 5 new
check 'and of others what they held' journal_keeps 6 old

fresh "$(ddl plain)"
job 'column: path, set: {service: new}'
meddle 5 "path = 'avatar/5'"
check 'a value that the application changed alone' exits_with 3 migrate-run job.yml
check 'is not the change' row_is 5 'avatar/5|old'

fresh "$(ddl plain)"
job 'column: path, set: {service: new}'
meddle 5 "path = 'avatar/5', service = 'new'"
check 'both are' exits_with 0 migrate-run job.yml
check 'and count as made already' status_counts job.yml rows.already=1 rows.changed=8

# ---- where: ----------------------------------------------------------------------------------

fresh "$(ddl plain)"
job 'column: path, where: NOT deleted'
meddle 5 'deleted = 1'
check 'a row that where: leaves out meanwhile' exits_with 3 migrate-run job.yml
check 'is left alone' row_is 5 'image/5|old'
check 'which is said' last_output_has "path = 'image/5'; where is not true of it any more"
check 'the others are changed' row_is 6 'avatar/6|old'

fresh "$(ddl plain); CREATE TABLE hidden (id INT)"
job 'column: path, where: "id NOT IN (SELECT id FROM hidden)"'
sql app.db "CREATE TRIGGER meddle AFTER UPDATE ON t WHEN new.id = 1 BEGIN INSERT INTO hidden VALUES (5); END"
check 'one that another table leaves out, too' exits_with 3 migrate-run job.yml
check 'is left alone' row_is 5 'image/5|old'

# ---- Texts -----------------------------------------------------------------------------------

fresh "$(ddl plain)"
sql app.db "UPDATE t SET path = 'see image/' || id || '!'"
job 'column: path, match: contains, where: NOT deleted, set: {service: new}'
sql app.db "CREATE TRIGGER meddle AFTER UPDATE ON t WHEN new.id = 1 BEGIN
	UPDATE t SET deleted = 1 WHERE id = 5; UPDATE t SET service = 'archive' WHERE id = 6; END"
run migrate-run job.yml
check 'texts: the deleted row stays' row_is 5 'see image/5!|old'
check 'the others are changed' row_is 7 'see avatar/7!|new'
check 'the archived one is read again, and changed with what it holds by then' row_is 6 'see avatar/6!|new'
check 'a revert would put that back' journal_keeps 6 archive

# ---- Triggers --------------------------------------------------------------------------------

fresh "$(ddl plain)"
job 'column: path, set: {service: new}'
sql app.db "CREATE TRIGGER louder AFTER UPDATE ON t WHEN new.id = 5
	BEGIN UPDATE t SET service = upper(service) WHERE id = new.id; END"
check 'a trigger that writes something else to a column of set:' exits_with 3 migrate-run job.yml
check 'fails its row' status_counts job.yml rows.failed=1 rows.changed=8
check 'which stays' row_is 5 'image/5|old'

fresh "$(ddl plain)"
job 'column: path'
sql app.db "CREATE TRIGGER later AFTER UPDATE ON t WHEN new.id = 9 AND old.path <> new.path
	BEGIN UPDATE t SET path = 'mine' WHERE id = 2; END"
check 'a trigger of a later row that writes to an earlier one' exits_with 0 migrate-run job.yml
check 'comes after it' sql_says app.db "SELECT path FROM t WHERE id = 2" mine

# ---- Text that does not come back ----------------------------------------------------------------

fresh "$(ddl utf16)" >/dev/null
# half of a surrogate pair, before the key
sql app.db "UPDATE t SET path = CAST(x'00d82000' || CAST('image/5' AS BLOB) AS TEXT) WHERE id = 5"
before=$(sql app.db "SELECT hex(CAST(path AS BLOB)) FROM t WHERE id = 5")
job 'column: path, match: contains'
run migrate-run job.yml
check 'text that is not valid UTF-16 is not written' sql_says app.db \
	"SELECT hex(CAST(path AS BLOB)) FROM t WHERE id = 5" "$before"
check 'the others are changed' row_is 6 'avatar/6|old'

finish
