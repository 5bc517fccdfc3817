#!/bin/sh
# SPDX-License-Identifier: MIT
# Servers that encrypt, and replicas that scans go to.

. "${srcdir:-.}/t/lib.sh"
. "$srcdir/t/servers/mariadb.sh"
. "$srcdir/t/servers/tls.sh"
T_TIMEOUT=60
mariadb_needed
command -v openssl >/dev/null || skip_all 'openssl is not installed'

{ tls_authority ours && tls_authority theirs && tls_certificate ours here localhost 127.0.0.1 &&
	tls_certificate ours there elsewhere.invalid; } ||
	{ echo 'Bail out! no certificates'; cat tls.log; exit 99; }
chmod 755 . && chmod 644 ./*.key # the server is another user
my_options="--ssl-ca=$PWD/ours.pem --ssl-cert=$PWD/here.pem --ssl-key=$PWD/here.key --log-bin=log --server-id=1"
mariadb_up || { echo 'Bail out! the server does not start'; exit 99; }
unset my_options # from now on they are in its file

fresh() {
	rm -rf old new job.journal*
	mkdir -p old/image new
	for i in 1 2 3 4 5 6 7 8 9; do
		write_file "old/image/$i.png" "image $i"
	done
	my "CREATE OR REPLACE TABLE avatars (id serial, path varchar(100), INDEX (path));
		INSERT INTO avatars (path) SELECT concat('image/', seq, '.png') FROM seq_1_to_9"
}

job() { # OPTIONS [MORE]
	write_job job.yml <<-END
		source: {plugin: posix, root: old}
		destination: {plugin: posix, root: new}
		rename: [{prefix: image/, to: avatar/}]
		patience: 20s
		${2:-}
		databases: [{plugin: mysql, connection: '$mysql_uri', table: avatars, column: path, $1}]
	END
}

runs() { # OPTIONS
	fresh
	job "$1"
	exits_with 0 migrate-run job.yml &&
		my_says "SELECT count(*) FROM avatars WHERE path LIKE 'avatar/%'" 9
}

refuses() { # OPTIONS TEXT...
	fresh
	job "$1"
	shift
	exits_with 2 migrate-run job.yml && last_output_has "$@" && last_output_lacks test-password &&
		my_says "SELECT count(*) FROM avatars WHERE path LIKE 'image/%'" 9
}

# ---- TLS ---------------------------------------------------------------------------------

my "ALTER USER test@'%' REQUIRE SSL"
check 'a server that wants encryption gets it' runs 'ssl: encrypt'
check 'and none without' refuses 'ssl: off' 'check user and password'
check 'a server is verified' runs 'ssl: verify, ca_file: ours.pem'
check 'one of another authority is not ours' refuses 'ssl: verify, ca_file: theirs.pem' 'ca_file'
check 'nor one that the system does not know' refuses 'ssl: verify' 'ca_file'
uri=$mysql_uri
mysql_uri="$uri?ssl-mode=VERIFY_IDENTITY&ssl-ca=$PWD/ours.pem"
check 'the URI says it as well' runs 'lock_timeout: 2s'
mysql_uri=$uri
mariadb_down TERM
sed -i "s/here\\./there./" "$my_dir/my.cnf"
mariadb_up
check 'a server of another name is not ours' refuses 'ssl: verify, ca_file: ours.pem' 'ca_file'
my "ALTER USER test@'%' REQUIRE NONE"
mariadb_down TERM
sed -i '/^ssl-/d' "$my_dir/my.cnf" && echo skip-ssl >>"$my_dir/my.cnf"
mariadb_up
check 'a server that cannot encrypt is told nothing' refuses 'ssl: encrypt' 'ssl'

# ---- A replica ---------------------------------------------------------------------------

replica() { # STATEMENTS
	mariadb --no-defaults -S "$t_top/replica/sock" -u root -N -B -e "$1"
}
my 'RESET MASTER'
"$my_servers/up.sh" "$t_top/replica" --server-id=2 || { echo 'Bail out! no replica'; exit 99; }
cp "$t_top/replica/pid" "$t_top/pids/replica"
replica "CHANGE MASTER TO master_host = '127.0.0.1', master_port = $mysql_port, master_user = 'test',
	master_password = 'test-password', master_use_gtid = slave_pos; START SLAVE"
scan="scan_connection: 'mysql://test:test-password@127.0.0.1:$(cat "$t_top/replica/port")/app'"
has_all() {
	[ "$(replica 'SELECT count(*) FROM app.avatars' 2>/dev/null)" = 9 ]
}

fresh
check 'a replica follows' wait_until 20 has_all
rows_of_database='keys: {from: database}'
job "$scan" "$rows_of_database"
check 'rows are read from it' exits_with 0 migrate-run job.yml
check 'and changed where they can be' my_says "SELECT count(*) FROM avatars WHERE path LIKE 'avatar/%'" 9

fresh
wait_until 20 has_all
replica 'STOP SLAVE SQL_THREAD'
my "UPDATE avatars SET path = 'image/9.png' WHERE id = 1; INSERT INTO avatars (path) VALUES ('image/1.png')"
job "$scan" "$rows_of_database"
start run migrate-run --progress=none job.yml
waits() {
	[ "$(replica "SELECT count(*) FROM information_schema.processlist WHERE info LIKE '%GTID_WAIT%'
		AND user = 'test'")" = 1 ]
}
check 'a replica that is behind is waited for' wait_until 20 waits
replica 'START SLAVE SQL_THREAD'
check 'until it has all' ends_with 0 run
check 'so that no row is missed' my_says "SELECT count(*) FROM avatars WHERE path LIKE 'avatar/%'" 10

fresh
replica 'STOP SLAVE; RESET SLAVE ALL'
job "$scan" "$rows_of_database"
check 'what is no replica is refused' exits_with 2 migrate-run job.yml
check 'and it is said why' last_output_has 'not a replica'
job "scan_connection: '$mysql_uri'" "$rows_of_database"
check 'the server itself will do' exits_with 0 migrate-run job.yml

finish
