#!/bin/sh
# SPDX-License-Identifier: MIT
# A run that stands still at any message of a transaction, for longer than the server lets it idle:
# rows are free again then, and what the application writes to them stays.

. "${srcdir:-.}/t/lib.sh"
. "$srcdir/t/servers/postgres.sh"
. "$srcdir/t/servers/mariadb.sh"
. "$srcdir/t/servers/beside.sh"
. "$srcdir/t/faults/lib.sh"
STEP=${STEP:-6} # 1: at each message, which takes some minutes
"$killat" --count --report "$t_out/killat" true || skip_all 'killat cannot trace here'
sources 8
STILL=${STILL:-0} # seconds longer, by hand: 120
T_TIMEOUT=$((60 + STILL))

# What is different in each database: $kind.
db() {
	case $kind in
	postgres) pg "$1" ;;
	mysql) my "$1" ;;
	sqlite) sqlite3 app.db '.timeout 5000' "$1" ;;
	esac
}

fresh() {
	rm -rf new job.journal* told
	mkdir new
	db "DROP TABLE IF EXISTS t; CREATE TABLE t (id int PRIMARY KEY, path varchar(200)); CREATE INDEX i ON t (path)"
	for t_i in $(seq "$n"); do
		echo "INSERT INTO t VALUES ($t_i, 'image/$t_i');"
	done >rows
	db "$(cat rows)"
	[ $kind != postgres ] || pg 'GRANT SELECT, UPDATE ON t TO app'
}

# The row of the application, and the others. Without the lock that nobody frees it has to go without.
is_right() {
	t_mine=mine
	[ -e told ] || t_mine=avatar/7
	rows_are "id = 7 AND path = '$t_mine'" 1 && rows_are "id <> 7 AND path = replace('avatar/N', 'N', CAST(id AS char(9)))" $((n - 1))
}

# Stands still until what it has locked is free; then the application writes, and notes what it was told.
stands_still() { # FIRST CALL
	at=$1
	lost=
	stood=0
	while [ "$at" -le 60 ]; do
		fresh
		run "$killat" --go --run ./meddle --only "$2" --at "$at" --program migrate-run --report struck -- \
			migrate-run --progress=none job.yml
		grep -q "$2" struck || break
		stood=$((stood + 1))
		run migrate-run --progress=none job.yml # it may have ended before it began
		is_right >/dev/null || lost="$lost $at"
		at=$((at + STEP))
	done
	echo "lost at:$lost, of $at"
	[ -z "$lost" ] && [ $stood -ge 3 ]
}

meddle() { # its lines
	{
		echo '#!/bin/sh'
		echo "sleep $STILL"
		cat
	} >meddle
	chmod +x meddle
}

kind=postgres
if t_lacking=$(postgres_lacks); then
	skip 'PostgreSQL' "$t_lacking"
else
	postgres_up || { echo 'Bail out! the server does not start'; exit 99; }
	pg "CREATE ROLE app LOGIN PASSWORD 'test-password'; ALTER ROLE app SET idle_in_transaction_session_timeout = '200ms'"
	database="plugin: postgres, connection: '$(echo "$pg_uri" | sed 's|//test:|//app:|')', column: path"
	meddle <<-'END'
		psql -X -q -v ON_ERROR_STOP=1 -c "SET lock_timeout = '30s'" -c "UPDATE t SET path = 'mine' WHERE id = 7" && touch told
	END
	job 'lock_timeout: 1s'
	check 'PostgreSQL: wherever it stands still, the application keeps what it wrote' stands_still 1 sendto
fi

kind=mysql
if t_lacking=$(mariadb_lacks); then
	skip 'MariaDB' "$t_lacking"
else
	mariadb_up || { echo 'Bail out! the server does not start'; exit 99; }
	my_user app 'ALL ON app.*'
	my 'SET GLOBAL idle_transaction_timeout = 1'
	database="plugin: mysql, connection: 'mysql://app:test-password@127.0.0.1:$mysql_port/app', column: path"
	meddle <<-'END'
		mariadb --no-defaults -S "$mysql_socket" -u root app -e "SET innodb_lock_wait_timeout = 30;
			UPDATE t SET path = 'mine' WHERE id = 7" && touch told
	END
	job 'lock_timeout: 1s'
	check 'MariaDB: wherever it stands still, the application keeps what it wrote' stands_still 2 send
fi

kind=sqlite
database="plugin: sqlite, path: app.db, column: path"
meddle <<-'END'
	sqlite3 app.db '.timeout 100' "UPDATE t SET path = 'mine' WHERE id = 7" && touch told
END
job 'busy_timeout: 5s'
check 'SQLite: wherever it stands still, the application keeps what it was told' stands_still 1 fdatasync

finish
