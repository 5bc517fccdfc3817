#!/bin/sh
# SPDX-License-Identifier: MIT
# Beside an application that writes, in MariaDB: it holds locks while a run waits for them, and
# commits something else. What is then in the row counts, not what was found.

. "${srcdir:-.}/t/lib.sh"
. "$srcdir/t/servers/mariadb.sh"
. "$srcdir/t/faults/lib.sh"
T_TIMEOUT=90
mariadb_needed
mariadb_up || { echo 'Bail out! the server does not start'; exit 99; }

n=20
mkdir -p old/image
for i in $(seq $n); do
	write_file "old/image/$i" "image $i"
done
my "CREATE OR REPLACE USER app@'%' IDENTIFIED BY 'test-password'; GRANT SELECT, UPDATE, TRIGGER ON app.* TO app@'%';
	CREATE OR REPLACE USER app@localhost IDENTIFIED BY 'test-password'; GRANT SELECT, UPDATE, TRIGGER ON app.* TO app@localhost"
app_uri="mysql://app:test-password@127.0.0.1:$mysql_port/app"

# fresh [DDL]: the table t anew, with the usual columns
fresh() {
	rm -rf new job.journal*
	mkdir new
	my "DROP TABLE IF EXISTS t, hidden; ${1:-CREATE TABLE t (id int PRIMARY KEY, path varchar(200), service varchar(20),
		deleted bool DEFAULT false) CHARSET utf8mb4}; CREATE INDEX i ON t (path);
		INSERT INTO t (id, path, service) SELECT seq, concat('image/', seq), 'old' FROM seq_1_to_$n"
}

job() { # MORE
	write_job job.yml <<-END
		source: {plugin: posix, root: old}
		destination: {plugin: posix, root: new}
		rename: [{prefix: image/, to: avatar/}]
		databases:
		  - {plugin: mysql, connection: '$app_uri', table: t, column: path, lock_timeout: 30s, $1}
	END
}

# That table is a picture, taken anew only when nobody looked for 0.1 s.
blocked() {
	my 'DO sleep(0.2)'
	[ "$(my "SELECT count(*) > 0 FROM information_schema.innodb_trx WHERE trx_state = 'LOCK WAIT'")" = 1 ]
}

# beside STATUS STATEMENTS: a run, which waits for what the application has locked, and ends so
beside() {
	rm -f say
	mkfifo say
	# shellcheck disable=SC2016 # its own
	start application sh -c 'exec mariadb --no-defaults -S "$1" -u root -N -B -n app <say' sh "$mysql_socket"
	exec 9>say
	echo "BEGIN; $2; SELECT 'held';" >&9
	wait_until 20 grep -q held "$t_out/application.stdout" || return 1
	start run migrate-run --progress=none job.yml
	wait_until 30 blocked || return 1
	echo 'COMMIT;' >&9
	exec 9>&-
	ends_with 0 application && ends_with "$1" run
}

rows_are() { # CONDITION COUNT
	my_says "SET NAMES utf8mb4; SELECT count(*) FROM t WHERE $1" "$2"
}

# ---- set: ------------------------------------------------------------------------------------

# A table of that kind.
ddl() {
	case $1 in
	plain) echo '' ;;
	composite) echo "CREATE TABLE t (id int, b varchar(9) DEFAULT 'B', path varchar(200), service varchar(20), deleted bool DEFAULT false,
	made varchar(250) AS (concat(path, service)) STORED, PRIMARY KEY (b, id))" ;;
	parts) echo 'CREATE TABLE t (id int PRIMARY KEY, path varchar(200), service varchar(20), deleted bool DEFAULT false)
	PARTITION BY HASH (id) PARTITIONS 3' ;;
	latin) echo 'CREATE TABLE t (id int PRIMARY KEY, path varchar(200), service varchar(20), deleted bool DEFAULT false) CHARSET latin1' ;;
	esac
}

for kind in plain composite parts latin; do
	fresh "$(ddl $kind)"
	job "where: \"service IN ('old', 'new')\", set: {service: new}"
	check "columns of set: that the application wrote ($kind)" \
		beside 3 "UPDATE t SET service = 'archive' WHERE id BETWEEN 5 AND 9"
	check 'are conflicts' status_counts job.yml rows.conflict=5 rows.changed=$((n - 5)) rows.failed=0
	check 'and stay' rows_are "path = concat('image/', id) AND service = 'archive'" 5
	check 'what they hold is said' last_output_has "meanwhile: path = 'image/5', service = 'archive'"
	check 'the others are changed' rows_are "path = concat('avatar/', id) AND service = 'new'" $((n - 5))
done

fresh
job 'set: {service: new}'
check 'a twin by the collation is another value' beside 3 "UPDATE t SET service = 'OLD' WHERE id = 5"
check 'and stays' rows_are "path = 'image/5' AND binary service = 'OLD'" 1

fresh
my 'UPDATE t SET service = NULL'
job 'set: {service: new}'
check 'an empty text is not the NULL that was found' beside 3 "UPDATE t SET service = '' WHERE id = 5"
check 'it stays' rows_are "path = 'image/5' AND service IS NOT NULL" 1
check 'NULL became what the job says' rows_are "service = 'new'" $((n - 1))

fresh
job 'set: {service: new}'
check 'one that the application set to what the job says is well' beside 0 "UPDATE t SET service = 'new' WHERE id = 5"
check 'the row is changed' rows_are "path = concat('avatar/', id) AND service = 'new'" $n
check 'a revert would put back what it held under the lock' \
	test "$(sqlite3 job.journal "SELECT hex(extra) FROM row WHERE text = 'id=5'")" = 01000000036E6577
check 'and of others what they held' \
	test "$(sqlite3 job.journal "SELECT hex(extra) FROM row WHERE text = 'id=6'")" = 01000000036F6C64

fresh
job 'set: {service: new}'
check 'a value that the application changed alone is not the change' \
	beside 3 "UPDATE t SET path = 'avatar/5' WHERE id = 5; UPDATE t SET path = 'avatar/6', service = 'new' WHERE id = 6"
check 'and is left alone' rows_are "path = 'avatar/5' AND service = 'old'" 1
check 'both are, and count as made already' status_counts job.yml rows.conflict=1 rows.already=1 rows.gone=0

# ---- where: ----------------------------------------------------------------------------------

fresh
job 'where: NOT deleted'
check 'rows that where: leaves out meanwhile' beside 3 'UPDATE t SET deleted = true WHERE id > 10'
check 'are left alone' rows_are "path = concat('image/', id)" 10
check 'which is said' last_output_has "path = 'image/11'; where is not true of it any more"
check 'the others are changed' rows_are "path = concat('avatar/', id) AND NOT deleted" 10

fresh
my 'CREATE TABLE hidden (id int)'
job 'where: "id NOT IN (SELECT id FROM hidden)"'
check 'rows that another table leaves out, too' \
	beside 3 "SELECT id FROM t WHERE id = 5 FOR UPDATE; INSERT INTO hidden VALUES (5)"
check 'are left alone' rows_are "path = 'image/5'" 1

fresh
job 'where: NOT deleted'
check 'a row that was deleted meanwhile is gone, and no failure' beside 0 'DELETE FROM t WHERE id = 5'
check 'it is counted' status_counts job.yml rows.gone=1 rows.changed=$((n - 1))

# ---- Texts -----------------------------------------------------------------------------------

fresh
my "UPDATE t SET path = concat('see image/', id, '!')"
job 'match: contains, where: NOT deleted, set: {service: new}'
check 'texts: rows that are deleted softly meanwhile' \
	beside 0 "UPDATE t SET deleted = true WHERE id = 5; UPDATE t SET service = 'archive' WHERE id = 6"
check 'stay' rows_are "path = 'see image/5!' AND service = 'old'" 1
check 'what the application wrote to others is known when they are read again' \
	rows_are "path = 'see avatar/6!' AND service = 'new'" 1
check 'and would be put back' \
	test "$(sqlite3 job.journal "SELECT hex(extra) FROM row WHERE text = 'id=6' AND outcome IS NOT 6")" = 010000000761726368697665

fresh 'CREATE TABLE t (id int PRIMARY KEY, path mediumtext, service varchar(20), FULLTEXT (path)) '
my "ALTER TABLE t DROP INDEX i" 2>/dev/null
my "UPDATE t SET path = concat(repeat('Grüße 😀 ', 40000), 'image/', id)"
job 'match: contains'
check 'long texts are compared in the change itself by a digest' exits_with 0 migrate-run job.yml
check 'and changed to the byte' rows_are "path = concat(repeat('Grüße 😀 ', 40000), 'avatar/', id)" $n

# ---- Triggers --------------------------------------------------------------------------------

fresh
my "CREATE TRIGGER a BEFORE UPDATE ON t FOR EACH ROW SET new.service = if(new.id = 5, 'mine', new.service)"
job 'set: {service: new}'
check 'a trigger that writes something else to a column of set:' exits_with 3 migrate-run job.yml
check 'fails its row' status_counts job.yml rows.failed=1 rows.changed=$((n - 1))
check 'which says why' last_output_has 'id=5: failed: a trigger'
check 'and stays' rows_are "path = 'image/5' AND service = 'old'" 1
check 'the others are changed' rows_are "path = concat('avatar/', id) AND service = 'new'" $((n - 1))

# ---- A session that ends between the lock and the change ------------------------------------------

# At each message to the server in turn we stand still; the sessions are killed there, and the
# application writes. It was told that this is done: nothing may take it back.
cat >meddle <<'END'
#!/bin/sh
mariadb --no-defaults -S "$mysql_socket" -u root -N -B app -e "SELECT concat('KILL ', id, ';') FROM
	information_schema.processlist WHERE user = 'app'" |
	mariadb --no-defaults -S "$mysql_socket" -u root -f app 2>/dev/null
exec mariadb --no-defaults -S "$mysql_socket" -u root app -e "UPDATE t SET path = 'mine' WHERE id = 7"
END
chmod +x meddle
job 'where: NOT deleted'
at=1
lost=
while [ $at -le 60 ]; do
	fresh
	run "$killat" --go --run ./meddle --only send --at $at --program migrate-run --report struck -- \
		migrate-run --progress=none job.yml
	grep -q send struck || break
	run migrate-run --progress=none job.yml # it may have ended before it began
	rows_are "id = 7 AND path = 'mine'" 1 >/dev/null || lost="$lost $at"
	[ "$(my "SELECT count(*) FROM t WHERE path = concat('avatar/', id)")" = $((n - 1)) ] || lost="$lost $at"
	at=$((at + 3))
done
check 'wherever our session is killed, the application keeps what it wrote' test -z "$lost"
check 'that was tried at several messages' test $at -gt 10

# ---- Character sets ----------------------------------------------------------------------------

texts='Grüße 😀 日本 image/1, image/2'
survive() { # HOW
	fresh
	my "SET NAMES utf8mb4; UPDATE t SET path = '$texts'"
	job 'match: contains'
	check "texts survive another character set of the session ($1)" exits_with 0 migrate-run job.yml
	check 'to the byte' rows_are "binary path = 'Grüße 😀 日本 avatar/1, avatar/2'" $n
	fresh
	my "SET NAMES utf8mb4; UPDATE t SET path = 'image/😀 ü' WHERE id = 1"
	write_file 'old/image/😀 ü' smile
	job 'where: NOT deleted'
	check 'exact values are found' exits_with 0 migrate-run job.yml
	check 'and changed' rows_are "binary path = 'avatar/😀 ü'" 1
	rm 'old/image/😀 ü'
}

for set in utf8mb3 latin1; do
	my "SET GLOBAL init_connect = 'SET NAMES $set'"
	survive "init_connect: $set"
done
my "SET GLOBAL init_connect = ''"
mariadb_down TERM
my_options="--skip-character-set-client-handshake --character-set-server=latin1 --collation-server=latin1_swedish_ci"
mariadb_up || { echo 'Bail out! the server does not start again'; exit 99; }
survive 'of the server'

# 0xED40 and 0xFA5C are one character of Unicode: read as text, they cannot be told apart.
fresh 'CREATE TABLE t (id int PRIMARY KEY, path varchar(200) CHARSET cp932, service varchar(20), deleted bool DEFAULT false)'
my "UPDATE t SET path = concat(x'ED40', ' image/5') WHERE id = 5; UPDATE t SET path = concat(x'FA5C', ' image/6') WHERE id = 6"
job 'match: contains'
run migrate-run job.yml
check 'one of them would be given back as the other: it is left alone' status_counts job.yml rows.failed=1
check 'which is said' last_output_has 'bytes that mean nothing in the character set'
check 'their bytes stay' my_says "SELECT group_concat(hex(left(cast(path AS binary), 2)) ORDER BY id) FROM t
	WHERE id IN (5, 6)" ED40,FA5C

finish
