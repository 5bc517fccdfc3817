#!/bin/sh
# SPDX-License-Identifier: MIT
# Rows that others hold are waited for, and hold up nobody else; what one row does wrong is its own,
# in PostgreSQL.

. "${srcdir:-.}/t/lib.sh"
. "$srcdir/t/servers/postgres.sh"
. "$srcdir/t/servers/beside.sh"
T_TIMEOUT=120
postgres_needed
postgres_up || { echo 'Bail out! the server does not start'; exit 99; }
sources 60
database="plugin: postgres, connection: '$pg_uri', column: path"

db() {
	pg "$1"
}

client() {
	exec psql -X -q -A -t -f say
}

blocked() {
	[ "$(pg "SELECT count(*) > 0 FROM pg_locks WHERE NOT granted")" = t ]
}

fresh() {
	rm -rf new job.journal*
	mkdir new
	pg "DROP TABLE IF EXISTS t CASCADE; CREATE TABLE t (id int PRIMARY KEY, path text, service text);
		CREATE INDEX ON t (path);
		INSERT INTO t SELECT i, 'image/' || i, 'old' FROM generate_series(1, $n) i"
}

# ---- Locks -----------------------------------------------------------------------------------

fresh
job 'lock_timeout: 100ms' 'patience: 60s'
holds 'SELECT id FROM t WHERE id IN (7, 23) FOR UPDATE'
start run migrate-run --progress=none job.yml
check 'while two rows are locked, all others are changed' wait_until 60 moved $((n - 2))
check 'and the run goes on' is_running run
check 'the application lets go' lets_go
check 'the run ends well' ends_with 0 run
check 'with all rows' moved "$n"

fresh
job 'lock_timeout: 100ms' 'patience: 2s'
holds 'SELECT id FROM t WHERE id IN (7, 23) FOR UPDATE'
check 'rows that stay locked beyond patience' exits_with 3 migrate-run --progress=none job.yml
check 'fail' status_counts job.yml rows.failed=2 rows.changed=$((n - 2)) rows.conflict=0
check 'which says why' last_output_has 'id=7: failed: locked: ' 'lock_timeout'
check 'all others are changed' moved $((n - 2))
lets_go
check 'once they are free, they follow' exits_with 0 migrate-run --progress=none --retry-failed job.yml
check 'all of them' moved "$n"

fresh
job 'lock_timeout: 100ms' 'patience: 60s'
holds 'LOCK TABLE t IN SHARE MODE'
start run migrate-run --progress=none job.yml
asked() {
	[ "$(pg "SELECT count(*) FROM pg_stat_database WHERE datname = current_database() AND xact_rollback - $1 >= 12")" = 1 ]
}
check 'a locked table is asked for much more often than five times' \
	wait_until 60 asked "$(pg 'SELECT xact_rollback FROM pg_stat_database WHERE datname = current_database()')"
check 'and the run goes on' is_running run
lets_go
check 'until the table is free' ends_with 0 run
check 'all rows are changed' moved "$n"

# A signal is heard although all that is left is to wait for rows, however many.
fresh
job 'lock_timeout: 500ms' 'patience: 10m'
holds 'SELECT id FROM t WHERE id > 10 FOR UPDATE'
start run migrate-run --progress=none job.yml
check 'while many rows are locked' wait_until 60 moved 10
signals run TERM
check 'a run that waits for them is ended by a signal' ends_with 4 run
lets_go
check 'and goes on' exits_with 0 migrate-run --progress=none job.yml
check 'with all of them' moved "$n"

# ---- What others feel ------------------------------------------------------------------------------

fresh
job 'lock_timeout: 30s' 'patience: 60s'
holds 'SELECT id FROM t WHERE id = 7 FOR UPDATE'
start run migrate-run --progress=none job.yml
check 'while a row is waited for' wait_until 60 blocked
check 'all others are changed' moved $((n - 1))
check 'and none of them is locked' \
	pg_says "BEGIN; SELECT count(*) FROM (SELECT 1 FROM t FOR UPDATE SKIP LOCKED) AS s; ROLLBACK" $((n - 1))
lets_go
check 'and the run ends well' ends_with 0 run

# it holds its rows for a second
slowly() {
	pg 'CREATE OR REPLACE FUNCTION slow() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN PERFORM pg_sleep(1); RETURN new; END $$;
		CREATE TRIGGER a BEFORE UPDATE ON t FOR EACH ROW WHEN (new.id = 5) EXECUTE FUNCTION slow()' 2>/dev/null
}
changing() {
	[ "$(pg "SELECT count(*) > 0 FROM pg_stat_activity WHERE wait_event = 'PgSleep'")" = t ]
}
fresh
pg 'DROP TABLE IF EXISTS child; CREATE TABLE child (t int REFERENCES t (id))'
slowly
job 'lock_timeout: 30s'
start run migrate-run --progress=none job.yml
check 'while rows are being changed' wait_until 60 changing
check 'rows that refer to them are inserted' pg "SET lock_timeout = '300ms'; INSERT INTO child SELECT id FROM t"
check 'and the run ends well' ends_with 0 run
check 'with all rows' moved "$n"

# What the application holds in the middle of our change is not waited for until it is its turn to wait.
fresh
pg 'CREATE UNIQUE INDEX ON t (path)'
job 'lock_timeout: 30s' 'patience: 60s'
holds "INSERT INTO t VALUES (99, 'avatar/9')"
start run migrate-run --progress=none job.yml
check 'a row that needs what another session inserts' wait_until 60 moved $((n - 1))
echo "UPDATE t SET service = 'x';" >&9
lets_go
check 'makes no deadlock' ends_with 3 run
check 'in which the application would be the victim' rows_are "service = 'x'" $((n + 1))
check 'and fails alone' status_counts job.yml rows.failed=1 rows.changed=$((n - 1))

fresh
pg "CREATE RULE quiet AS ON UPDATE TO t WHERE old.id = 5 DO INSTEAD NOTHING"
job 'lock_timeout: 5s'
check 'a rule that does something else instead is refused' exits_with 2 migrate-check job.yml
check 'by its name' last_output_has "the rule 'quiet' of 't'"

# ---- Statements that take too long ----------------------------------------------------------------

fresh
pg 'CREATE FUNCTION slow() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN PERFORM pg_sleep(0.05); RETURN new; END $$;
	CREATE TRIGGER a BEFORE UPDATE ON t FOR EACH ROW EXECUTE FUNCTION slow()' 2>/dev/null
job 'statement_timeout: 1s' 'patience: 60s'
check 'where a thousand rows at once take too long, fewer are changed' exits_with 0 migrate-run --progress=none job.yml
check 'all of them' moved "$n"

# ---- What one row does -----------------------------------------------------------------------------

for state in 42501 40001 57014 XX000 53400 08006 55P03; do
	fresh
	pg "CREATE OR REPLACE FUNCTION no() RETURNS trigger LANGUAGE plpgsql AS
		\$\$ BEGIN RAISE EXCEPTION 'not this one' USING ERRCODE = '$state'; END \$\$;
		CREATE TRIGGER a BEFORE UPDATE ON t FOR EACH ROW WHEN (new.id = 5) EXECUTE FUNCTION no()"
	job 'lock_timeout: 5s' 'patience: 20s'
	check "a row whose trigger says $state" exits_with 3 migrate-run --progress=none job.yml
	check 'fails alone' status_counts job.yml rows.failed=1 rows.changed=$((n - 1))
	check 'with what it says' last_output_has 'id=5: failed: cannot change the rows: not this one'
done

# ---- Privileges ------------------------------------------------------------------------------------

fresh
pg "CREATE ROLE clerk LOGIN PASSWORD 'test-password'; GRANT SELECT ON t TO clerk;
	GRANT UPDATE (path) ON t TO clerk"
job 'set: {service: new}' 'patience: 5s'
sed -i "s|//test:|//clerk:|" job.yml
check 'a column of set: that the user may not change is refused at once' exits_with 2 migrate-run job.yml
check 'which says so' last_output_has 'the user may not change'
check 'and nothing is changed' moved 0
pg 'GRANT UPDATE (service) ON t TO clerk'
check 'once it may, all is well' exits_with 0 migrate-run job.yml

fresh
pg 'GRANT SELECT ON t TO clerk; GRANT UPDATE (path, service) ON t TO clerk'
job 'set: {service: new}, lock_timeout: 30s' 'patience: 60s'
sed -i "s|//test:|//clerk:|" job.yml
holds 'SELECT id FROM t WHERE id IN (7, 8) FOR UPDATE'
start run migrate-run --progress=none job.yml
check 'while rows are waited for' wait_until 60 blocked
pg 'REVOKE UPDATE (service) ON t FROM clerk'
echo 'COMMIT;' >&9
check 'and a privilege vanishes, the run pauses' wait_until 60 grep -q 'paused: .*GRANT SELECT, UPDATE' "$t_out/run.stderr"
check 'and goes on' is_running run
pg 'GRANT UPDATE (service) ON t TO clerk'
check 'once it is there again' ends_with 0 run
check 'with all rows' rows_are "path = 'avatar/' || id AND service = 'new'" "$n"
lets_go

finish
