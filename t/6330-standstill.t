#!/bin/sh
# SPDX-License-Identifier: MIT
# A run that stands still at any message of a transaction, for longer than the server lets it idle:
# rows are free again then, and what the application writes to them stays.

. "${srcdir:-.}/t/lib.sh"
. "$srcdir/t/servers/postgres.sh"
. "$srcdir/t/servers/mariadb.sh"
. "$srcdir/t/servers/beside.sh"
. "$srcdir/t/faults/lib.sh"
T_TIMEOUT=60
STEP=${STEP:-6} # 1: at each message, which takes some minutes
"$killat" --count --report "$t_out/killat" true || skip_all 'killat cannot trace here'
sources 8
export STILL="${STILL:-0}" # seconds longer, by hand

# Stands still until what it has locked is free; then the application writes. It was told OK.
stands_still() { # LAST: of the messages to look at
	at=$1
	lost=
	stood=0
	while [ "$at" -le 60 ]; do
		fresh
		run "$killat" --go --run ./meddle --only "$calls" --at "$at" --program migrate-run --report struck -- \
			migrate-run --progress=none job.yml
		grep -Eq "$calls" struck || break
		stood=$((stood + 1))
		run migrate-run --progress=none job.yml # it may have ended before it began
		rows_are "id = 7 AND path = 'mine'" 1 >/dev/null || lost="$lost $at"
		moved $((n - 1)) >/dev/null || lost="$lost $at"
		at=$((at + STEP))
	done
	echo "lost at:$lost, of $at"
	[ -z "$lost" ] && [ $stood -ge 3 ]
}

meddle() { # its lines
	{
		printf '#!/bin/sh\nsleep "$STILL"\n'
		cat
	} >meddle
	chmod +x meddle
}

# ---- PostgreSQL --------------------------------------------------------------------------------

if t_lacking=$(postgres_lacks); then
	skip 'PostgreSQL' "$t_lacking"
else
	postgres_up || { echo 'Bail out! the server does not start'; exit 99; }
	pg "CREATE ROLE app LOGIN PASSWORD 'test-password' IN ROLE pg_read_all_settings;
		ALTER ROLE app SET idle_in_transaction_session_timeout = '200ms'"
	database="plugin: postgres, connection: '$(echo "$pg_uri" | sed 's|//test:|//app:|')', column: path"
	db() {
		pg "$1"
	}
	fresh() {
		rm -rf new job.journal*
		mkdir new
		pg "DROP TABLE IF EXISTS t; CREATE TABLE t (id int PRIMARY KEY, path text); CREATE INDEX ON t (path);
			INSERT INTO t SELECT i, 'image/' || i FROM generate_series(1, $n) i; GRANT SELECT, UPDATE ON t TO app"
	}
	meddle <<-'END'
		exec psql -X -q -v ON_ERROR_STOP=1 -c "SET lock_timeout = '30s'" -c "UPDATE t SET path = 'mine' WHERE id = 7"
	END
	job 'lock_timeout: 1s'
	calls=sendto
	check 'PostgreSQL: wherever it stands still, the application keeps what it wrote' stands_still 1
fi

# ---- MariaDB -----------------------------------------------------------------------------------

if t_lacking=$(mariadb_lacks); then
	skip 'MariaDB' "$t_lacking"
else
	mariadb_up || { echo 'Bail out! the server does not start'; exit 99; }
	my "CREATE OR REPLACE USER app@'%' IDENTIFIED BY 'test-password'; GRANT ALL ON app.* TO app@'%';
		CREATE OR REPLACE USER app@localhost IDENTIFIED BY 'test-password'; GRANT ALL ON app.* TO app@localhost;
		SET GLOBAL idle_transaction_timeout = 1"
	database="plugin: mysql, connection: 'mysql://app:test-password@127.0.0.1:$mysql_port/app', column: path"
	db() {
		my "$1"
	}
	fresh() {
		rm -rf new job.journal*
		mkdir new
		my "DROP TABLE IF EXISTS t; CREATE TABLE t (id int PRIMARY KEY, path varchar(200)); CREATE INDEX i ON t (path);
			INSERT INTO t SELECT seq, concat('image/', seq) FROM seq_1_to_$n"
	}
	meddle <<-'END'
		exec mariadb --no-defaults -S "$mysql_socket" -u root app -e "SET innodb_lock_wait_timeout = 30; UPDATE t SET path = 'mine' WHERE id = 7"
	END
	job 'lock_timeout: 1s'
	calls=send
	check 'MariaDB: wherever it stands still, the application keeps what it wrote' stands_still 2
fi

# ---- SQLite: nobody frees its lock, so the application may have to go without -----------------------

database="plugin: sqlite, path: app.db, column: path"
db() {
	sqlite3 app.db ".timeout 5000" "$1"
}
fresh() {
	rm -rf new job.journal* app.db* told
	mkdir new
	db "CREATE TABLE t (id INTEGER PRIMARY KEY, path TEXT); CREATE INDEX i ON t (path)"
	for t_i in $(seq "$n"); do
		echo "INSERT INTO t VALUES ($t_i, 'image/$t_i');"
	done | sqlite3 app.db
}
# shellcheck disable=SC2317 # stands_still calls it
rows_are() { # its one use: what it was told
	[ -e told ] || return 0
	t_got=$(db "SELECT count(*) FROM t WHERE $1")
	[ "$t_got" = "$2" ]
}
# shellcheck disable=SC2317
moved() {
	t_got=$(db "SELECT count(*) FROM t WHERE path = 'avatar/' || id")
	[ "$t_got" = "$1" ] || { [ ! -e told ] && [ "$t_got" = "$n" ]; }
}
meddle <<-'END'
	sqlite3 app.db ".timeout 100" "UPDATE t SET path = 'mine' WHERE id = 7" && touch told
END
job 'busy_timeout: 5s'
calls=fdatasync
check 'SQLite: wherever it stands still, the application keeps what it was told to be written' stands_still 1

finish
