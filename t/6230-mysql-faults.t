#!/bin/sh
# SPDX-License-Identifier: MIT
# Whatever happens to us, to the server or to the line between: each row is changed
# once, or not at all and said so.

. "${srcdir:-.}/t/lib.sh"
. "$srcdir/t/servers/mariadb.sh"
T_TIMEOUT=90
mariadb_needed
FSYNC=on
export FSYNC
mariadb_up || { echo 'Bail out! the server does not start'; exit 99; }
my_proxy || { echo 'Bail out! the proxy does not start'; exit 99; }
n=2000

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
	my "DROP TABLE IF EXISTS avatars, audit;
		CREATE TABLE avatars (id int AUTO_INCREMENT PRIMARY KEY, path varchar(100), note varchar(9) DEFAULT 'mine',
			INDEX (path));
		INSERT INTO avatars (path) SELECT concat(if(seq % 2 = 0, 'image/', 'other/'), seq div 2)
			FROM seq_2_to_$((2 * n + 1))"
	my_audit avatars
	my_plan
	: >"$t_top/myproxy/log"
	write_job job.yml <<-END
		source: {plugin: posix, root: old}
		destination: {plugin: posix, root: new}
		rename: [{prefix: image/, to: avatar/}]
		batch: 250
		patience: 40s
		attempts: 20
		databases:
		  - {plugin: mysql, connection: '$1', table: avatars, column: path${2:+, $2}}
	END
}

all_is_well() {
	my_says "SELECT concat_ws(' ', sum(path = concat('avatar/', (id + 1) div 2) AND id % 2 = 1),
		sum(path = concat('other/', id div 2) AND id % 2 = 0), count(DISTINCT note), count(*)) FROM avatars" \
		"$n $n 1 $((2 * n))"
}

changed_once() {
	my_says "SELECT concat(count(*), ' ', count(DISTINCT who)) FROM audit" "$n $n"
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
	fresh "$my_proxy_uri"
	my_plan pass pass "$what" pass "$what" pass
	start run migrate-run --progress=none job.yml
	check "the line is cut at COMMIT ($what), twice: each row is changed once" well
	check 'it was' my_proxy_did "$what"
	check 'the journal knows all of them' knows_all
	check 'the next run has nothing to do' exits_with 0 migrate-run job.yml
	check 'and changes nothing' changed_once
done

fresh "$my_proxy_uri"
my_plan pass pass after
start run migrate-run --progress=none job.yml
check 'the answer to a COMMIT is lost' wait_until 30 my_proxy_did after
signals run KILL
check 'and so are we, at once' ends_with 137 run
check 'the next run looks before it changes' exits_with 0 migrate-run job.yml
check 'each row is right' all_is_well
check 'and was changed once' changed_once

fresh "$my_proxy_uri"
my_plan pass stall
start run migrate-run --progress=none job.yml
check 'the line says nothing any more' wait_until 30 my_proxy_did stall
signals run TERM
signals run TERM
check 'a run that waits for an answer ends when it is told to' ends_with 4 run
signals myproxy KILL # and so the transaction ends
sed -i "s|connection: '[^']*'|connection: '$mysql_uri'|" job.yml
check 'the next run ends well' exits_with 0 migrate-run job.yml
check 'each row is right' all_is_well
check 'and was changed once' changed_once

# ---- We are killed -------------------------------------------------------------------

fresh "$mysql_uri"
rows_at_least() {
	[ "$(my "SELECT count(*) FROM avatars WHERE path LIKE 'avatar/%'")" -ge "$1" ]
}
for more in 1 500 1100; do
	start run migrate-run --progress=none job.yml
	wait_until 30 rows_at_least $more
	signals run KILL
	ends_with 137 run >/dev/null
done
check 'a run that was killed three times ends well' exits_with 0 migrate-run job.yml
check 'each row is right' all_is_well
check 'and was changed once' changed_once

# ---- The server stops ----------------------------------------------------------------

for signal in TERM KILL; do
	fresh "$mysql_uri"
	start run migrate-run --progress=none job.yml
	wait_until 30 rows_at_least 1
	mariadb_down $signal
	check "the server stops ($signal) and starts again" mariadb_up
	check 'the run goes on: each row is right and was changed once' well
done

fresh "$mysql_uri"
start run migrate-run --progress=none job.yml
wait_until 30 rows_at_least 1
server=$(cat "$my_dir/pid")
kill -STOP "$server"
sleep 1
kill -CONT "$server"
check 'the server stands still for a while: each row is changed once' well

fresh "$mysql_uri"
start run migrate-run --progress=none job.yml
wait_until 30 rows_at_least 1
for id in $(my "SELECT id FROM information_schema.processlist WHERE user = 'test'"); do
	my "KILL $id" 2>/dev/null
done
check 'our sessions are killed: each row is changed once' well

fresh "$mysql_uri"
start run migrate-run --progress=none job.yml
wait_until 30 rows_at_least 1
most=$(my 'SELECT @@max_connections')
my 'SET GLOBAL max_connections = 10'
for i in 1 2 3 4 5 6 7 8 9 10; do
	start "crowd$i" mariadb --no-defaults -S "$mysql_socket" -u test -ptest-password -e 'DO SLEEP(2)'
done
for id in $(my "SELECT id FROM information_schema.processlist WHERE user = 'test' AND info NOT LIKE '%SLEEP%'"); do
	my "KILL $id" 2>/dev/null
done
check 'there are too many connections for a while: each row is changed once' well
my "SET GLOBAL max_connections = $most"

# ---- Others ----------------------------------------------------------------------------

# application: another session, which is told what to do through the descriptor 9
application() {
	rm -f say && mkfifo say
	# shellcheck disable=SC2016 # its own
	start application sh -c 'exec mariadb --no-defaults -S "$1" -u root -N -B -n app <say' sh "$mysql_socket"
	exec 9>say
}

fresh "$mysql_uri" 'lock_timeout: 1s'
application
echo "BEGIN; UPDATE avatars SET path = 'mine/7' WHERE id = 7; SELECT 'held';" >&9
check 'an application has locked a row' wait_until 10 grep -q held "$t_out/application.stdout"
start run migrate-run --progress=none --log-level debug job.yml
check 'a run waits for it, not longer than lock_timeout' wait_until 30 rows_at_least $((n - 250))
check 'and does not give up' is_running run
echo 'COMMIT;' >&9
exec 9>&-
check 'the application ends' ends_with 0 application
check 'the run too, and says that one row holds something else' ends_with 3 run
check 'what the application wrote stands' my_says 'SELECT path FROM avatars WHERE id = 7' mine/7
check 'everything else was changed' rows_at_least $((n - 1))

fresh "$mysql_uri" 'lock_timeout: 30s'
application
echo "BEGIN; SELECT id FROM avatars WHERE id = 401 FOR UPDATE; SELECT 'held';" >&9
wait_until 10 grep -q held "$t_out/application.stdout"
start run migrate-run --progress=none job.yml
# That table is a picture, taken anew only when nobody looked for 0.1 s.
blocked() {
	my 'DO sleep(0.2)'
	[ "$(my "SELECT count(*) > 0 FROM information_schema.innodb_trx WHERE trx_state = 'LOCK WAIT'")" = 1 ]
}
check 'a run waits for a row behind some that it has locked' wait_until 30 blocked
echo "SELECT id FROM avatars WHERE id = 1 FOR UPDATE; COMMIT;" >&9
exec 9>&-
run wait "$(pid_of application)"
check 'a deadlock with it ends well: each row is right and was changed once' well
rm -f "$t_top/pids/application"

my_user app 'SELECT, UPDATE ON app.*'
fresh "mysql://app:test-password@127.0.0.1:$mysql_port/app"
start run migrate-run --progress=none job.yml
wait_until 30 rows_at_least 1
my 'SET GLOBAL read_only = ON'
paused() {
	grep -qi 'only be read' "$t_out/run.stderr"
}
check 'the server becomes read-only: the run pauses and says so' wait_until 30 paused
my 'SET GLOBAL read_only = OFF'
check 'once it can be written to, the run goes on' well

fresh "$mysql_uri"
my "CREATE UNIQUE INDEX only ON avatars (path)"
my "UPDATE avatars SET path = 'avatar/77' WHERE id = 400"
my "TRUNCATE audit"
run migrate-run --progress=none job.yml
check 'a row that would not be unique is found among its neighbours' my_says \
	"SELECT group_concat(path) FROM avatars WHERE path LIKE 'image/%'" image/77
check 'and the others were changed once' my_says \
	"SELECT concat(count(*), ' ', count(DISTINCT who)) FROM audit" "$((n - 1)) $((n - 1))"

# ---- Nothing is told -------------------------------------------------------------------

tells_nothing() {
	not grep -rl test-password "$t_out" ./*.journal* 2>/dev/null
}
check 'no password is in what was said, nor in a journal' tells_nothing

finish
