#!/bin/sh
# SPDX-License-Identifier: MIT
# Rows that others hold are waited for, and hold up nobody else; what one row does wrong is its own,
# in MariaDB.

. "${srcdir:-.}/t/lib.sh"
. "$srcdir/t/servers/mariadb.sh"
. "$srcdir/t/servers/beside.sh"
T_TIMEOUT=120
mariadb_needed
mariadb_up || { echo 'Bail out! the server does not start'; exit 99; }
sources 30
my_user app 'SELECT, UPDATE ON app.*'
database="plugin: mysql, connection: 'mysql://app:test-password@127.0.0.1:$mysql_port/app', column: path"

db() {
	my "$1"
}

client() {
	exec mariadb --no-defaults -S "$mysql_socket" -u root -N -B -n app <say
}

fresh() {
	rm -rf new job.journal*
	mkdir new
	my "SET SESSION TRANSACTION ISOLATION LEVEL REPEATABLE READ; DROP TABLE IF EXISTS t;
		CREATE TABLE t (id int PRIMARY KEY, path varchar(200), service varchar(20));
		CREATE INDEX i ON t (path);
		INSERT INTO t SELECT seq, concat('image/', seq), 'old' FROM seq_1_to_$n"
}

# ---- Locks -----------------------------------------------------------------------------------

fresh
job 'lock_timeout: 30s' 'patience: 60s'
holds 'SELECT id FROM t WHERE id = 7 FOR UPDATE'
start run migrate-run --progress=none job.yml
check 'while a row is locked, all others are changed' wait_until 60 moved $((n - 1))
check 'and the run goes on' is_running run
check 'no other is locked by us' my_says \
	'BEGIN; SELECT count(*) FROM (SELECT id FROM t FOR UPDATE SKIP LOCKED) AS s; ROLLBACK' $((n - 1))
lets_go
check 'it ends well' ends_with 0 run
check 'with all rows' moved "$n"

# It takes the path's index first, and then the row: we take the row first.
fresh
job 'lock_timeout: 30s' 'patience: 60s'
holds "SELECT path FROM t FORCE INDEX (i) WHERE path = 'image/7' LOCK IN SHARE MODE"
start run migrate-run --progress=none job.yml
check 'an entry of the index alone is not waited for either' wait_until 60 moved $((n - 1))
echo "UPDATE t SET service = 'x'; SELECT 'updated';" >&9
check 'the application is no victim of a deadlock' wait_until 30 grep -q updated "$t_out/application.stdout"
lets_go
check 'and the run ends well' ends_with 0 run
check 'with all rows' rows_are "path = concat('avatar/', id) AND service = 'x'" "$n"

fresh
job 'lock_timeout: 1s' 'patience: 3s'
holds 'SELECT id FROM t WHERE id IN (7, 23) FOR UPDATE'
check 'rows that stay locked beyond patience' exits_with 3 migrate-run --progress=none job.yml
check 'fail' status_counts job.yml rows.failed=2 rows.changed=$((n - 2)) rows.conflict=0
check 'which says why' last_output_has 'id=7: failed: locked: '
lets_go
check 'once they are free, they follow' exits_with 0 migrate-run --progress=none --retry-failed job.yml
check 'all of them' moved "$n"

# ---- All is locked ------------------------------------------------------------------------------

fresh
job 'lock_timeout: 1s' 'patience: 60s'
holds 'FLUSH TABLES WITH READ LOCK'
start run migrate-run --progress=none job.yml
check 'a server that is locked when a job begins is waited for' \
	wait_until 60 grep -q 'waiting: .*lock' "$t_out/run.stderr"
check 'by a run that goes on' is_running run
check 'and does not speak of a row' not grep 'the row' "$t_out/run.stderr"
echo 'UNLOCK TABLES;' >&9
check 'until it is free' ends_with 0 run
lets_go
check 'all rows are changed' moved "$n"

# ---- What one row does -----------------------------------------------------------------------------

for number in 1142 1053 1040 1927 1290 1064; do
	fresh
	my "DELIMITER //
		CREATE TRIGGER a BEFORE UPDATE ON t FOR EACH ROW IF new.id = 5 THEN SIGNAL SQLSTATE '08006'
		SET MYSQL_ERRNO = $number, MESSAGE_TEXT = 'not this one'; END IF //"
	job 'lock_timeout: 5s' 'patience: 10s' 'attempts: 2'
	check "a row whose trigger says $number" exits_with 3 migrate-run --progress=none job.yml
	check 'fails alone' status_counts job.yml rows.failed=1 rows.changed=$((n - 1))
	check 'with what it says' last_output_has 'id=5: failed: ' 'not this one'
done

# ---- Privileges ------------------------------------------------------------------------------------

fresh
my_user clerk 'SELECT, UPDATE (path) ON app.t'
clerk() {
	my "$1 ON app.t $2 clerk@'%'; $1 ON app.t $2 clerk@localhost"
}
job 'set: {service: new}, lock_timeout: 30s' 'patience: 60s'
sed -i 's|//app:|//clerk:|' job.yml
for program in migrate-check 'migrate-run --dry-run' migrate-run; do
	# shellcheck disable=SC2086 # words
	check "$program: a column of set: that the user may not change is refused" exits_with 2 $program job.yml
	check 'which says so' last_output_has "the user may not change 't'"
done
clerk 'GRANT UPDATE (service)' TO
holds 'SELECT id FROM t WHERE id IN (7, 8) FOR UPDATE'
start run migrate-run --progress=none job.yml
check 'while rows are waited for' wait_until 60 moved $((n - 2))
clerk 'REVOKE UPDATE (service)' FROM
echo 'COMMIT;' >&9
check 'and a privilege vanishes, the run pauses' wait_until 60 grep -q 'paused: .*GRANT SELECT, UPDATE' "$t_out/run.stderr"
check 'and goes on' is_running run
clerk 'GRANT UPDATE (service)' TO
check 'once it is there again' ends_with 0 run
check 'with all rows' rows_are "path = concat('avatar/', id) AND service = 'new'" "$n"
lets_go

# ---- Logs of statements -----------------------------------------------------------------------------

mariadb_down TERM
my_options='--log-bin --binlog-format=STATEMENT --transaction-isolation=READ-UNCOMMITTED'
mariadb_up || { echo 'Bail out! the server does not start again'; exit 99; }
fresh
job 'lock_timeout: 5s'
check 'sessions that would be READ UNCOMMITTED beside a log of statements' exits_with 0 migrate-run job.yml
check 'change all rows' moved "$n"

finish
