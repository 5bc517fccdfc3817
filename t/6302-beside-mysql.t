#!/bin/sh
# SPDX-License-Identifier: MIT
# Beside an application that writes, in MariaDB: it holds locks while a run waits for them, and
# commits something else. What is then in the row counts, not what was found.

. "${srcdir:-.}/t/lib.sh"
. "$srcdir/t/servers/mariadb.sh"
. "$srcdir/t/servers/beside.sh"
. "$srcdir/t/faults/lib.sh"
T_TIMEOUT=90
mariadb_needed
mariadb_up || { echo 'Bail out! the server does not start'; exit 99; }
sources 20
my_user app 'SELECT, UPDATE, TRIGGER ON app.*'
database="plugin: mysql, connection: 'mysql://app:test-password@127.0.0.1:$mysql_port/app', lock_timeout: 30s"

db() {
	my "SET NAMES utf8mb4; $1"
}

client() {
	exec mariadb --no-defaults -S "$mysql_socket" -u root -N -B -n app <say
}

fresh() {
	rm -rf new job.journal*
	mkdir new
	my "DROP TABLE IF EXISTS t, hidden; ${1:-CREATE TABLE t (id int PRIMARY KEY, path varchar(200), service varchar(20),
		deleted bool DEFAULT false) CHARSET utf8mb4}; CREATE INDEX i ON t (path);
		INSERT INTO t (id, path, service) SELECT seq, concat('image/', seq), 'old' FROM seq_1_to_$n"
}

# That table is a picture, taken anew only when nobody looked for 0.1 s.
blocked() {
	my 'DO sleep(0.2)'
	[ "$(my "SELECT count(*) > 0 FROM information_schema.innodb_trx WHERE trx_state = 'LOCK WAIT'")" = 1 ]
}

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

columns_of_set_are_compared plain composite parts latin

fresh
job 'column: path, set: {service: new}'
check 'a twin by the collation is another value' beside 3 "UPDATE t SET service = 'OLD' WHERE id = 5"
check 'and stays' rows_are "path = 'image/5' AND binary service = 'OLD'" 1

# ---- where: and texts ------------------------------------------------------------------------

where_is_asked_again
texts_are_compared

fresh 'CREATE TABLE t (id int PRIMARY KEY, path mediumtext, service varchar(20), FULLTEXT (path)) '
my "ALTER TABLE t DROP INDEX i" 2>/dev/null
my "UPDATE t SET path = concat(repeat('Grüße 😀 ', 40000), 'image/', id)"
job 'column: path, match: contains'
check 'long texts are compared in the change itself by a digest' exits_with 0 migrate-run job.yml
check 'and changed to the byte' rows_are "path = concat(repeat('Grüße 😀 ', 40000), 'avatar/', id)" "$n"

# ---- Triggers --------------------------------------------------------------------------------

fresh
my "CREATE TRIGGER a BEFORE UPDATE ON t FOR EACH ROW SET new.service = if(new.id = 5, 'mine', new.service)"
job 'column: path, set: {service: new}'
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
killed_at_each_message() {
	at=1
	lost=
	while [ $at -le 60 ]; do
		fresh
		run "$killat" --go --run ./meddle --only send --at $at --program migrate-run --report struck -- \
			migrate-run --progress=none job.yml
		grep -q send struck || break
		run migrate-run --progress=none job.yml # it may have ended before it began
		rows_are "id = 7 AND path = 'mine'" 1 >/dev/null || lost="$lost $at"
		moved $((n - 1)) >/dev/null || lost="$lost $at"
		at=$((at + 3))
	done
	echo "lost at:$lost, of $at"
	[ -z "$lost" ] && [ $at -gt 10 ]
}
job 'column: path, where: NOT deleted'
if "$killat" --count --report "$t_out/killat" true; then
	check 'wherever our session is killed, the application keeps what it wrote' killed_at_each_message
else
	skip 'sessions that are killed' 'killat cannot trace here'
fi

# ---- Character sets ----------------------------------------------------------------------------

texts='Grüße 😀 日本 image/1, image/2'
survive() { # HOW
	fresh
	my "SET NAMES utf8mb4; UPDATE t SET path = '$texts'"
	job 'column: path, match: contains'
	check "texts survive another character set of the session ($1)" exits_with 0 migrate-run job.yml
	check 'to the byte' rows_are "binary path = 'Grüße 😀 日本 avatar/1, avatar/2'" "$n"
	fresh
	my "SET NAMES utf8mb4; UPDATE t SET path = 'image/😀 ü' WHERE id = 1"
	write_file 'old/image/😀 ü' smile
	job 'column: path, where: NOT deleted'
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
job 'column: path, match: contains'
run migrate-run job.yml
check 'one of them would be given back as the other: it is left alone' status_counts job.yml rows.failed=1
check 'which is said' last_output_has 'bytes that mean nothing in the character set'
check 'their bytes stay' my_says "SELECT group_concat(hex(left(cast(path AS binary), 2)) ORDER BY id) FROM t
	WHERE id IN (5, 6)" ED40,FA5C

finish
