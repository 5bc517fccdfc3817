#!/bin/sh
# SPDX-License-Identifier: MIT
# Whatever happens to us, to the server or to the line between: each row is changed
# once, or not at all and said so.

. "${srcdir:-.}/t/lib.sh"
. "$srcdir/t/servers/postgres.sh"
T_TIMEOUT=90
postgres_needed
FSYNC=on
export FSYNC
postgres_up || { echo 'Bail out! the server does not start'; exit 99; }
pg_proxy || { echo 'Bail out! the proxy does not start'; exit 99; }
n=3000

# The same objects each time; rows and the journal anew. Every second row is nobody's.
mkdir -p old/image
i=1
while [ $i -le $n ]; do
	echo $i >"old/image/$i"
	i=$((i + 1))
done

fresh() { # CONNECTION [MORE]
	rm -rf new job.journal*
	mkdir new
	pg "DROP TABLE IF EXISTS avatars, audit CASCADE;
		CREATE TABLE avatars (id serial PRIMARY KEY, path text, note text DEFAULT 'mine');
		INSERT INTO avatars (path) SELECT CASE WHEN i % 2 = 0 THEN 'image/' ELSE 'other/' END || i / 2
			FROM generate_series(2, 2 * $n + 1) AS i;
		CREATE INDEX ON avatars (path)"
	pg_audit avatars
	pg_plan
	: >"$t_top/pgproxy/log"
	write_job job.yml <<-END
		source: {plugin: posix, root: old}
		destination: {plugin: posix, root: new}
		rename: [{prefix: image/, to: avatar/}]
		batch: 250
		patience: 40s
		databases:
		  - {plugin: postgres, connection: '$1', table: avatars, column: path${2:+, $2}}
	END
}

all_is_well() {
	pg_says "SELECT count(*) FILTER (WHERE path = 'avatar/' || (id + 1) / 2 AND id % 2 = 1) || ' ' ||
		count(*) FILTER (WHERE path = 'other/' || id / 2 AND id % 2 = 0) || ' ' ||
		count(DISTINCT note) || ' ' || count(*) FROM avatars" "$n $n 1 $((2 * n))"
}

changed_once() {
	pg_says "SELECT count(*) || ' ' || count(DISTINCT who) FROM audit" "$n $n"
}

# well STATUS: a run that was started as `run` ends so, and everything is as it shall be.
well() {
	ends_with 0 run && all_is_well && changed_once
}

# A COMMIT whose answer was lost is found to be made already, by a locked look.
knows_all() {
	status_says job.yml '.rows.changed + .rows.already' $n
}

# ---- The line breaks at COMMIT -------------------------------------------------------

for what in before after 'late 1'; do
	fresh "$pg_proxy_uri"
	pg_plan pass pass "$what" pass "$what" pass
	start run migrate-run --progress=none job.yml
	check "the line is cut at COMMIT ($what), twice: each row is changed once" well
	check 'it was' pg_proxy_did "$what"
	check 'the journal knows all of them' knows_all
	check 'the next run has nothing to do' exits_with 0 migrate-run job.yml
	check 'and changes nothing' changed_once
done

fresh "$pg_proxy_uri"
pg_plan pass pass after
start run migrate-run --progress=none job.yml
check 'the answer to a COMMIT is lost' wait_until 30 pg_proxy_did after
signals run KILL
check 'and so are we, at once' ends_with 137 run
check 'the next run looks before it changes' exits_with 0 migrate-run job.yml
check 'each row is right' all_is_well
check 'and was changed once' changed_once

# ---- We are killed -------------------------------------------------------------------

fresh "$pg_uri"
rows_at_least() {
	[ "$(pg "SELECT count(*) FROM avatars WHERE path LIKE 'avatar/%'")" -ge "$1" ]
}
for more in 1 800 1700; do
	start run migrate-run --progress=none job.yml
	wait_until 30 rows_at_least $more
	signals run KILL
	ends_with 137 run >/dev/null
done
check 'a run that was killed three times ends well' exits_with 0 migrate-run job.yml
check 'each row is right' all_is_well
check 'and was changed once' changed_once

# ---- The server stops ----------------------------------------------------------------

for signal in QUIT INT KILL; do
	fresh "$pg_uri"
	start run migrate-run --progress=none job.yml
	wait_until 30 rows_at_least 1
	postgres_down $signal
	check "the server stops ($signal) and starts again" postgres_up
	check 'the run goes on: each row is right and was changed once' well
done

fresh "$pg_uri"
start run migrate-run --progress=none job.yml
wait_until 30 rows_at_least 1
pg "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE application_name LIKE 'migrate %'" >/dev/null
check 'our sessions are terminated: each row is changed once' well

# ---- Others ----------------------------------------------------------------------------

fresh "$pg_uri" 'lock_timeout: 200ms'
mkfifo say
start application psql -X -q -A -t -f say
exec 9>say
echo "BEGIN; UPDATE avatars SET path = 'mine/7' WHERE id = 7; SELECT 'held';" >&9
check 'an application has locked a row' wait_until 10 grep -q held "$t_out/application.stdout"
start run migrate-run --progress=none --log-level debug job.yml
check 'a run waits for it, not longer than lock_timeout' wait_until 30 rows_at_least $((n - 250))
check 'and does not give up' is_running run
echo 'COMMIT; \q' >&9
exec 9>&-
check 'the application ends' ends_with 0 application
check 'the run too, and says that one row holds something else' ends_with 3 run
check 'what the application wrote stands' pg_says 'SELECT path FROM avatars WHERE id = 7' mine/7
check 'everything else was changed' rows_at_least $((n - 1))

fresh "$pg_uri" 'lock_timeout: 30s'
start application psql -X -q -A -t -f say
exec 9>say
echo "BEGIN; SELECT id FROM avatars WHERE id = 401 FOR UPDATE; SELECT 'held';" >&9
wait_until 10 grep -q held "$t_out/application.stdout"
start run migrate-run --progress=none job.yml
blocked() {
	[ "$(pg "SELECT count(*) > 0 FROM pg_locks WHERE NOT granted")" = t ]
}
check 'a run waits for a row behind some that it has locked' wait_until 30 blocked
echo "SELECT count(*) || ' locked' FROM (SELECT id FROM avatars WHERE id = 1 FOR UPDATE) AS x; COMMIT; \\q" >&9
exec 9>&-
run wait "$(pid_of application)"
check 'a deadlock with it ends well: each row is right and was changed once' well
rm -f "$t_top/pids/application"

fresh "$pg_uri" 'lock_timeout: 30s'
start application psql -X -q -A -t -f say
exec 9>say
echo "BEGIN; LOCK TABLE avatars IN SHARE MODE; SELECT 'kept';" >&9
wait_until 10 grep -q kept "$t_out/application.stdout"
start run migrate-run --progress=none job.yml
wait_until 30 blocked
PGOPTIONS='-c default_transaction_read_only=off' psql -X -q -c \
	'ALTER SYSTEM SET default_transaction_read_only = on' -c 'SELECT pg_reload_conf()' >/dev/null
echo 'COMMIT; \q' >&9
exec 9>&-
run wait "$(pid_of application)"
rm -f "$t_top/pids/application"
paused() {
	grep -qi 'read-only\|only be read' "$t_out/run.stderr"
}
check 'the server becomes read-only: the run pauses and says so' wait_until 30 paused
PGOPTIONS='-c default_transaction_read_only=off' psql -X -q -c \
	'ALTER SYSTEM RESET default_transaction_read_only' -c 'SELECT pg_reload_conf()' >/dev/null
check 'once it can be written to, the run goes on' well

# ---- Nothing is told -------------------------------------------------------------------

tells_nothing() {
	not grep -rl test-password "$t_out" ./*.journal* 2>/dev/null
}
check 'no password is in what was said, nor in a journal' tells_nothing

finish
