#!/bin/sh
# SPDX-License-Identifier: MIT
# Databases of several kinds in one job: each has its own record of what was meant and
# what came of it, and a batch is done when all of them are settled.

. "${srcdir:-.}/t/lib.sh"
. "$srcdir/t/servers/postgres.sh"
. "$srcdir/t/servers/mariadb.sh"
T_TIMEOUT=60
postgres_needed
postgres_up || { echo 'Bail out! the server does not start'; exit 99; }
with_mariadb=
if [ -f "$builddir/plugins/.libs/mysql.so" ] && command -v mariadbd >/dev/null &&
	mariadb_up >"$t_out/mariadb" 2>&1; then
	with_mariadb=yes
fi
n=300
mkdir -p old/image
seq $n | while read -r i; do echo "$i" >"old/image/$i"; done

fresh() {
	rm -rf new job.journal* app.db*
	mkdir new
	pg "DROP TABLE IF EXISTS avatars, audit CASCADE; CREATE TABLE avatars (id int PRIMARY KEY, path text);
		INSERT INTO avatars SELECT i, 'image/' || i FROM generate_series(1, $n) AS i;
		CREATE INDEX ON avatars (path)"
	pg_audit avatars
	# every second object, twice
	sql app.db "CREATE TABLE notes (id INTEGER PRIMARY KEY, path TEXT); CREATE INDEX i ON notes (path);
		CREATE TABLE audit (id INTEGER);
		WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < $n)
		INSERT INTO notes SELECT i, 'image/' || (i - i % 2) FROM n WHERE i > 1;
		CREATE TRIGGER t AFTER UPDATE ON notes BEGIN INSERT INTO audit VALUES (new.id); END"
	third=
	if [ -n "$with_mariadb" ]; then
		my "DROP TABLE IF EXISTS pictures; CREATE TABLE pictures (id int PRIMARY KEY, path varchar(100), KEY (path));
			INSERT INTO pictures SELECT seq, concat('image/', seq) FROM seq_1_to_$n"
		third="- {plugin: mysql, connection: '$mysql_uri', table: pictures, column: path}"
	fi
	write_job job.yml <<-END
		source: {plugin: posix, root: old}
		destination: {plugin: posix, root: new}
		rename: [{prefix: image/, to: avatar/}]
		batch: 50
		patience: 30s
		limits: {rows: 400/s}
		databases:
		  - {plugin: postgres, connection: '$pg_uri', table: avatars, column: path}
		  - {plugin: sqlite, path: app.db, table: notes, column: path}
		  $third
	END
}

rows=$((2 * n - 1 + (${#with_mariadb} > 0 ? n : 0)))

all_once() {
	pg_says "SELECT count(*) || ' ' || (SELECT count(*) || ' ' || count(DISTINCT who) FROM audit) FROM avatars
		WHERE path = 'avatar/' || id" "$n $n $n" &&
		sql_says app.db "SELECT count(*) || ' ' || (SELECT count(*) || ' ' || count(DISTINCT id) FROM audit)
			FROM notes WHERE path = 'avatar/' || (id - id % 2)" "$((n - 1)) $((n - 1)) $((n - 1))" &&
		{ [ -z "$with_mariadb" ] || my_says \
			"SELECT count(*) FROM pictures WHERE path = concat('avatar/', id)" $n; }
}

pg_rows() { # AT-LEAST
	[ "$(pg "SELECT count(*) FROM avatars WHERE path LIKE 'avatar/%'")" -ge "$1" ]
}

fresh
check "rows in PostgreSQL and SQLite${with_mariadb:+ and MariaDB}" exits_with 0 migrate-run job.yml
check 'follow, each once' all_once
check 'and are counted together' status_counts job.yml rows.changed="$rows" done=$n
each_has_its_own() {
	t_got=$(sqlite3 -readonly job.journal 'SELECT count(DISTINCT database) FROM chunk WHERE settled IS NOT NULL')
	[ "$t_got" -eq $((2 + (${#with_mariadb} > 0))) ] || { echo "chunks of $t_got"; return 1; }
}
check 'each has chunks of its own in the journal' each_has_its_own
check 'what happened to one object is told of each' exits_with 0 migrate-status --explain image/2 job.yml
check 'with its rows' last_output_has 'id=2' 'id=3'
check 'verified' exits_with 0 migrate-verify job.yml

# ---- One is away --------------------------------------------------------------------------------

fresh
start run migrate-run --progress=none job.yml
wait_until 20 pg_rows 60
# shellcheck disable=SC2119
postgres_down
paused() {
	grep -q 'paused: databases\[0\]' "$t_out/run.stderr"
}
check 'one of them goes away: the run pauses' wait_until 20 paused
batches_open() {
	[ "$(sqlite3 -readonly job.journal 'SELECT count(*) FROM batch WHERE state < 4')" -gt 0 ]
}
check 'batches with rows in it are not done' batches_open
postgres_up
check 'when it is back, the run goes on to the end' ends_with 0 run
check 'and each row of all was changed once' all_once

# The second one is locked by an application when it is its turn.
fresh
sql app.db 'PRAGMA journal_mode = DELETE' >/dev/null
python3 - <<-'END' >locker.out &
	import sqlite3, sys, time
	c = sqlite3.connect('app.db', isolation_level=None)
	c.execute('BEGIN EXCLUSIVE')
	print('locked', flush=True)
	time.sleep(3)
	c.execute('ROLLBACK')
END
wait_until 10 grep -q locked locker.out
check 'one that an application holds is waited for' exits_with 0 migrate-run --progress=none job.yml
check 'and each row of all was changed once' all_once

# ---- Killed between two of them ---------------------------------------------------------------------

fresh
start run migrate-run --progress=none job.yml
wait_until 20 pg_rows 80
signals run KILL
ends_with 137 run
check 'a run that was killed in the middle is finished by the next one' exits_with 0 migrate-run job.yml
check 'with each row changed once' all_once

# ---- One refuses ----------------------------------------------------------------------------------

fresh
pg "ALTER TABLE avatars ADD CHECK (path <> 'avatar/7')"
check 'a row that one of them refuses' exits_with 3 migrate-run job.yml
check 'stays as it was' pg_says "SELECT path FROM avatars WHERE id = 7" image/7
check 'those of the others follow' sql_says app.db "SELECT count(*) FROM notes WHERE path LIKE 'avatar/%'" $((n - 1))
check 'it is the only one' status_counts job.yml rows.failed=1 rows.changed=$((rows - 1))

finish
