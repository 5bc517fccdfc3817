#!/bin/sh
# SPDX-License-Identifier: MIT
# A PostgreSQL server with a replica: long reads go there and miss no row, rows wait
# for it, and when it takes over the job goes on there.

. "${srcdir:-.}/t/lib.sh"
. "$srcdir/t/servers/postgres.sh"
. "$srcdir/t/servers/tls.sh"
T_TIMEOUT=60
postgres_needed
postgres_up || { echo 'Bail out! the server does not start'; exit 99; }
n=300
mkdir -p old/image
seq $n | while read -r i; do echo "$i" >"old/image/$i"; done

fresh() {
	rm -rf new job.journal*
	mkdir new
	pg "DROP TABLE IF EXISTS avatars, audit CASCADE;
		CREATE TABLE avatars (id serial PRIMARY KEY, path text, seen timestamptz DEFAULT '2020-01-01');
		INSERT INTO avatars (path) SELECT 'image/' || i FROM generate_series(1, $n) AS i;
		CREATE INDEX ON avatars (path)"
	pg_audit avatars
}

job() { # CONNECTION [MORE]
	write_job job.yml <<-END
		source: {plugin: posix, root: old}
		destination: {plugin: posix, root: new}
		rename: [{prefix: image/, to: avatar/}]
		batch: 50
		patience: 30s
		databases:
		  - {plugin: postgres, connection: "$1", table: avatars, column: path${2:+, $2}}
	END
}

each_once() {
	pg_says "SELECT count(*) FROM avatars WHERE path = 'avatar/' || id" $n &&
		pg_says 'SELECT count(*) FROM audit' $n
}

works() { # CONNECTION [MORE]
	fresh && job "$@" && exits_with 0 migrate-run --progress=none job.yml && each_once
}

refused() { # MESSAGE CONNECTION [MORE]
	t_message=$1
	shift
	job "$@"
	rm -f job.journal*
	exits_with 2 migrate-run --progress=none job.yml && last_stderr_has "$t_message"
}

replica=$t_top/replica
as_postgres() {
	if [ "$(id -u)" -eq 0 ]; then
		setpriv --reuid=postgres --regid="$(id -g postgres)" --clear-groups env HOME="$pg_dir" "$@"
	else
		"$@"
	fi
}
programs=$(dirname "$(readlink -f "/proc/$(head -n 1 "$pg_dir/data/postmaster.pid")/exe")")
replica_port=$(free_port)

replica_up() {
	mkdir -p "$replica"
	[ "$(id -u)" -ne 0 ] || chown postgres "$replica"
	as_postgres env PGPASSWORD=test-password "$programs/pg_basebackup" -D "$replica/data" -R -X stream \
		-c fast -d "postgresql://test@127.0.0.1:$PGPORT/postgres" >"$t_out/basebackup" 2>&1 || return 1
	as_postgres "$programs/pg_ctl" -D "$replica/data" -w -s -l "$replica/log" \
		-o "-p $replica_port -c unix_socket_directories=$replica -c listen_addresses=127.0.0.1 \
			-c wal_receiver_status_interval=1" start \
		>/dev/null || return 1
	head -n 1 "$replica/data/postmaster.pid" >"$t_top/pids/replica"
}
on_replica() {
	PGPASSWORD=test-password psql -X -q -A -t -c "$1" \
		"postgresql://test@127.0.0.1:$replica_port/postgres"
}
main=$pg_uri
second="postgresql://test:test-password@127.0.0.1:$replica_port/postgres"

grep -q replication "$pg_dir/data/pg_hba.conf" || echo 'host replication all 127.0.0.1/32 scram-sha-256' \
	>>"$pg_dir/data/pg_hba.conf"
check 'a replica is made' replica_up
scanned_there() {
	pg 'DROP INDEX IF EXISTS avatars_path_idx'
	wait_until 20 test "$(on_replica "SELECT count(*) FROM pg_indexes WHERE tablename = 'avatars'")" = 1
	exits_with 0 migrate-run --progress=none job.yml && each_once
}
fresh
job "$main" "scan_connection: '$second'"
check 'long reads go to it, changes do not' scanned_there
was_read() {
	[ "$(on_replica "SELECT seq_scan + idx_scan > 0 FROM pg_stat_user_tables WHERE relname = 'avatars'")" = t ]
}
check 'it was read' wait_until 20 was_read
fresh
pg 'DROP INDEX avatars_path_idx'
on_replica 'SELECT pg_wal_replay_pause()' >/dev/null
pg "INSERT INTO avatars (path) VALUES ('image/1')"
start run migrate-run --progress=none --new-journal job.yml
asks_how_far() {
	[ "$(on_replica "SELECT count(*) > 0 FROM pg_stat_activity WHERE pid <> pg_backend_pid() AND
		query LIKE '%pg_last_wal_replay_lsn() >=%'")" = t ] && is_running run
}
check 'one that is behind is waited for' wait_until 20 asks_how_far
on_replica 'SELECT pg_wal_replay_resume()' >/dev/null
check 'until it has what the first one had' ends_with 0 run
check 'so that no row is missed' pg_says "SELECT count(*) FROM avatars WHERE path LIKE 'avatar/%'" $((n + 1))
pg_lag() {
	on_replica "ALTER SYSTEM SET recovery_min_apply_delay = '$1'" && on_replica 'SELECT pg_reload_conf()' &&
		wait_until 10 test "$(on_replica 'SHOW recovery_min_apply_delay')" = "$1"
}
fresh
job "$main"
sed -i '1a limits: {rows: 40/s, lag: 300ms}' job.yml
pg_lag 2s >/dev/null
start run migrate-run --progress=none job.yml
waits() {
	grep -q 'rows wait: a replica is' "$t_out/run.stderr"
}
check 'rows wait for a replica that is too far behind, and it is said' wait_until 30 waits
pg_lag 0 >/dev/null
check 'they go on when it has caught up' ends_with 0 run
check 'each is changed once' each_once

check 'one that is not there' refused 'scan_connection: connection to server' "$main" \
	"scan_connection: 'postgresql://test@127.0.0.1:1/postgres'"
pg 'CREATE DATABASE other'
check 'another database is no replica' refused 'this is not a replica of the database' "$main" \
	"scan_connection: 'postgresql://test:test-password@127.0.0.1:$PGPORT/other'"

check 'of two servers the one that can be written to is taken' works \
	"postgresql://test:test-password@127.0.0.1:$replica_port,127.0.0.1:$PGPORT/postgres"

# The first server ends, the second takes over.
fresh
wait_until 20 test "$(on_replica 'SELECT count(*) FROM avatars')" = "$n"
job "postgresql://test:test-password@127.0.0.1:$PGPORT,127.0.0.1:$replica_port/postgres"
sed -i '1a limits: {rows: 100/s}' job.yml
start run migrate-run --progress=none job.yml
some_rows() {
	[ "$(on_replica "SELECT count(*) FROM avatars WHERE path LIKE 'avatar/%'")" -ge "$1" ]
}
wait_until 20 some_rows 100
postgres_down INT
paused() {
	grep -q 'paused: databases' "$t_out/run.stderr"
}
check 'the server that is written to goes away: the run pauses' wait_until 20 paused
on_replica 'SELECT pg_promote()' >/dev/null
check 'its replica takes over: the run goes on there' ends_with 0 run
all_there() {
	[ "$(on_replica "SELECT count(*) FROM avatars WHERE path = 'avatar/' || id")" = $n ] &&
		[ "$(on_replica 'SELECT count(*) FROM audit')" = $n ]
}
check 'and each row was changed once' all_there
as_postgres "$programs/pg_ctl" -D "$replica/data" -m immediate -s stop
rm -f "$t_top/pids/replica"

finish
