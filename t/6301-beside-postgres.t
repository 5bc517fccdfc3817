#!/bin/sh
# SPDX-License-Identifier: MIT
# Beside an application that writes, in PostgreSQL: it holds locks while a run waits for them, and
# commits something else. What is then in the row counts, not what was found.

. "${srcdir:-.}/t/lib.sh"
. "$srcdir/t/servers/postgres.sh"
T_TIMEOUT=90
postgres_needed
postgres_up || { echo 'Bail out! the server does not start'; exit 99; }

n=20
mkdir -p old/image
for i in $(seq $n); do
	write_file "old/image/$i" "image $i"
done

# fresh [DDL]: the table t anew, with the usual columns
fresh() {
	rm -rf new job.journal*
	mkdir new
	pg "DROP TABLE IF EXISTS t, hidden CASCADE; ${1:-CREATE TABLE t (id int PRIMARY KEY, path text, service text,
		deleted bool DEFAULT false)}; CREATE INDEX ON t (path);
		INSERT INTO t (id, path, service) SELECT i, 'image/' || i, 'old' FROM generate_series(1, $n) i"
}

job() { # MORE
	write_job job.yml <<-END
		source: {plugin: posix, root: old}
		destination: {plugin: posix, root: new}
		rename: [{prefix: image/, to: avatar/}]
		databases:
		  - {plugin: postgres, connection: '$pg_uri', table: t, column: path, lock_timeout: 30s, $1}
	END
}

blocked() {
	[ "$(pg "SELECT count(*) > 0 FROM pg_locks WHERE NOT granted")" = t ]
}

# beside STATUS STATEMENTS: a run, which waits for what the application has locked, and ends so
beside() {
	rm -f say
	mkfifo say
	start application psql -X -q -A -t -f say
	exec 9>say
	echo "BEGIN; $2; SELECT 'held';" >&9
	wait_until 20 grep -q held "$t_out/application.stdout" || return 1
	start run migrate-run --progress=none job.yml
	wait_until 30 blocked || return 1
	echo 'COMMIT; \q' >&9
	exec 9>&-
	ends_with 0 application && ends_with "$1" run
}

rows_are() { # CONDITION COUNT
	pg_says "SELECT count(*) FROM t WHERE $1" "$2"
}

# ---- set: ------------------------------------------------------------------------------------

# A table of that kind.
ddl() {
	case $1 in
	plain) echo '' ;;
	collated) echo 'CREATE TABLE t (id int PRIMARY KEY, path text, service text COLLATE folded, deleted bool DEFAULT false)' ;;
	composite) echo 'CREATE TABLE t (id int, b uuid DEFAULT gen_random_uuid(), path text, service text, deleted bool DEFAULT false,
	made text GENERATED ALWAYS AS (path || service) STORED, PRIMARY KEY (b, id))' ;;
	parts) echo 'CREATE TABLE t (id int PRIMARY KEY, path text, service text, deleted bool DEFAULT false) PARTITION BY HASH (id);
	CREATE TABLE t_0 PARTITION OF t FOR VALUES WITH (MODULUS 2, REMAINDER 0);
	CREATE TABLE t_1 PARTITION OF t FOR VALUES WITH (MODULUS 2, REMAINDER 1)' ;;
	esac
}

pg "CREATE COLLATION folded (provider = icu, locale = 'und-u-ks-level2', deterministic = false)"

for kind in plain collated composite parts; do
	fresh "$(ddl $kind)"
	job "where: \"service IN ('old', 'new')\", set: {service: new}"
	check "columns of set: that the application wrote ($kind)" \
		beside 3 "UPDATE t SET service = 'archive' WHERE id BETWEEN 5 AND 9"
	check 'are conflicts' status_counts job.yml rows.conflict=5 rows.changed=$((n - 5)) rows.failed=0
	check 'and stay' rows_are "path = 'image/' || id AND service = 'archive'" 5
	check 'what they hold is said' last_output_has "meanwhile: path = 'image/5', service = 'archive'"
	check 'the others are changed' rows_are "path = 'avatar/' || id AND service = 'new'" $((n - 5))
done

fresh "$(ddl collated)"
job 'set: {service: new}'
check 'a twin by the collation is another value' beside 3 "UPDATE t SET service = 'OLD' WHERE id = 5"
check 'and stays' pg_says 'SELECT path, service FROM t WHERE id = 5' 'image/5|OLD'

fresh
pg 'UPDATE t SET service = NULL'
job 'set: {service: new}'
check 'an empty text is not the NULL that was found' beside 3 "UPDATE t SET service = '' WHERE id = 5"
check 'it stays' pg_says 'SELECT path, service IS NULL FROM t WHERE id = 5' 'image/5|f'
check 'NULL became what the job says' rows_are "service = 'new'" $((n - 1))

fresh
job 'set: {service: new}'
check 'one that the application set to what the job says is well' beside 0 "UPDATE t SET service = 'new' WHERE id = 5"
check 'the row is changed' rows_are "path = 'avatar/' || id AND service = 'new'" $n
check 'a revert would put back what it held under the lock' \
	test "$(sqlite3 job.journal "SELECT hex(extra) FROM row WHERE text = 'id=5'")" = 01000000036E6577
check 'and of others what they held' \
	test "$(sqlite3 job.journal "SELECT hex(extra) FROM row WHERE text = 'id=6'")" = 01000000036F6C64

fresh
job 'set: {service: new}'
check 'a value that the application changed alone is not the change' \
	beside 3 "UPDATE t SET path = 'avatar/5' WHERE id = 5; UPDATE t SET path = 'avatar/6', service = 'new' WHERE id = 6"
check 'and is left alone' pg_says 'SELECT path, service FROM t WHERE id = 5' 'avatar/5|old'
check 'both are, and count as made already' status_counts job.yml rows.conflict=1 rows.already=1 rows.gone=0

# ---- where: ----------------------------------------------------------------------------------

fresh
job 'where: NOT deleted'
check 'rows that where: leaves out meanwhile' beside 3 'UPDATE t SET deleted = true WHERE id > 10'
check 'are left alone' rows_are "path = 'image/' || id" 10
check 'which is said' last_output_has "path = 'image/11'; where is not true of it any more"
check 'the others are changed' rows_are "path = 'avatar/' || id AND NOT deleted" 10

fresh
pg 'CREATE TABLE hidden (id int)'
job 'where: "id NOT IN (SELECT id FROM hidden)"'
check 'rows that another table leaves out, too' \
	beside 3 "SELECT id FROM t WHERE id = 5 FOR UPDATE; INSERT INTO hidden VALUES (5)"
check 'are left alone' rows_are "path = 'image/5'" 1

fresh
job 'where: NOT deleted'
check 'a row that was deleted meanwhile is gone, and no failure' beside 0 'DELETE FROM t WHERE id = 5'
check 'it is counted' status_counts job.yml rows.gone=1 rows.changed=$((n - 1))

# ---- Texts and lists -----------------------------------------------------------------------------

fresh
pg "UPDATE t SET path = 'see image/' || id || '!'"
job 'match: contains, where: NOT deleted, set: {service: new}'
check 'texts: rows that are deleted softly meanwhile' \
	beside 0 "UPDATE t SET deleted = true WHERE id = 5; UPDATE t SET service = 'archive' WHERE id = 6"
check 'stay' pg_says 'SELECT path, service FROM t WHERE id = 5' 'see image/5!|old'
check 'what the application wrote to others is known when they are read again' \
	pg_says 'SELECT path, service FROM t WHERE id = 6' 'see avatar/6!|new'
check 'and would be put back' \
	test "$(sqlite3 job.journal "SELECT hex(extra) FROM row WHERE text = 'id=6' AND outcome IS NOT 6")" = 010000000761726368697665

fresh 'CREATE TABLE t (id int PRIMARY KEY, path text, service text, paths text[])'
pg "UPDATE t SET paths = ARRAY['image/' || id, NULL, 'image/1', '{\"x\\']"
write_job job.yml <<-END
	source: {plugin: posix, root: old}
	destination: {plugin: posix, root: new}
	rename: [{prefix: image/, to: avatar/}]
	batch: 3
	databases:
	  - {plugin: postgres, connection: '$pg_uri', table: t, column: paths, lock_timeout: 30s, set: {service: new}}
END
check 'lists: elements of one row in several batches' \
	beside 3 "UPDATE t SET service = 'archive' WHERE id = 20"
check 'are all changed' rows_are "paths = ARRAY['avatar/' || id, NULL, 'avatar/1', '{\"x\\'] AND service = 'new'" $((n - 1))
check 'but for the row that the application wrote' \
	rows_are "paths = ARRAY['image/20', NULL, 'image/1', '{\"x\\'] AND service = 'archive'" 1

# ---- Triggers --------------------------------------------------------------------------------

makes() { # NAME BODY: of a trigger's function
	pg "CREATE OR REPLACE FUNCTION $1() RETURNS trigger LANGUAGE plpgsql AS \$\$ BEGIN $2 END \$\$"
}

fresh
makes shout "UPDATE t SET path = upper(path) WHERE id = new.id AND path <> upper(path); RETURN new;"
pg "CREATE TRIGGER a AFTER UPDATE ON t FOR EACH ROW WHEN (new.id = 5) EXECUTE FUNCTION shout()"
job 'where: NOT deleted'
check 'a trigger that writes something else afterwards' exits_with 3 migrate-run job.yml
check 'fails its row' status_counts job.yml rows.failed=1 rows.changed=$((n - 1))
check 'which says why' last_output_has 'id=5: failed: a trigger'
check 'and stays' rows_are "path = 'image/5'" 1

fresh
pg "CREATE CONSTRAINT TRIGGER a AFTER UPDATE ON t DEFERRABLE INITIALLY DEFERRED FOR EACH ROW WHEN (new.id = 5)
	EXECUTE FUNCTION shout()"
job 'where: NOT deleted'
check 'so does one that waits for the end of the transaction' exits_with 3 migrate-run job.yml
check 'its row stays' rows_are "path = 'image/5'" 1
check 'the others are changed' rows_are "path = 'avatar/' || id" $((n - 1))

fresh
makes rule "new.service := 'mine'; RETURN new;"
pg "CREATE TRIGGER a BEFORE UPDATE ON t FOR EACH ROW WHEN (new.id = 5) EXECUTE FUNCTION rule()"
job 'set: {service: new}'
check 'so does one that writes something else to a column of set:' exits_with 3 migrate-run job.yml
check 'its row stays' pg_says 'SELECT path, service FROM t WHERE id = 5' 'image/5|old'
check 'the others are changed' rows_are "path = 'avatar/' || id AND service = 'new'" $((n - 1))

fresh "$(ddl parts)"
pg "CREATE TRIGGER a AFTER UPDATE ON t_1 FOR EACH ROW WHEN (new.id = $(pg 'SELECT min(id) FROM t_1')) EXECUTE FUNCTION shout()"
job 'where: NOT deleted'
check 'so does one of a partition' exits_with 3 migrate-run job.yml
check 'one row stays' rows_are "path = 'image/' || id" 1

fresh
pg 'CREATE UNIQUE INDEX ON t (path); CREATE TABLE hidden (path text REFERENCES t (path) ON UPDATE CASCADE);
	INSERT INTO hidden SELECT path FROM t WHERE id = 5'
makes follow "UPDATE t SET path = 'x/' || path WHERE path = new.path; RETURN new;"
pg "CREATE TRIGGER a AFTER UPDATE ON hidden FOR EACH ROW WHEN (new.path LIKE 'avatar/%') EXECUTE FUNCTION follow()"
job 'where: NOT deleted'
check 'so does one of a table that a foreign key carries the change to' exits_with 3 migrate-run job.yml
check 'its row stays' rows_are "path = 'image/5'" 1

# ---- Encodings -------------------------------------------------------------------------------

texts='Grüße 😀 日本 image/1, image/2'
for way in role environment option; do
	fresh
	pg "UPDATE t SET path = '$texts'"
	job 'match: contains'
	case $way in
	role) pg "ALTER ROLE test SET client_encoding = 'LATIN1'" ;;
	environment) export PGCLIENTENCODING=LATIN1 ;;
	option) sed -i "s|connection: '[^']*'|connection: '$pg_uri?client_encoding=LATIN1'|" job.yml ;;
	esac
	check "texts survive another encoding of the session ($way)" exits_with 0 migrate-run job.yml
	unset PGCLIENTENCODING
	pg "ALTER ROLE test RESET client_encoding"
	check 'to the byte' rows_are "path = 'Grüße 😀 日本 avatar/1, avatar/2'" $n
done

if command -v pgbouncer >/dev/null && pg_bouncer transaction 2; then
	fresh
	pg "UPDATE t SET path = '$texts'; ALTER ROLE test SET client_encoding = 'LATIN1'"
	job 'match: contains'
	sed -i "s|connection: '[^']*'|connection: '$pg_pooled_uri'|" job.yml
	check 'behind a pooler, too' exits_with 0 migrate-run job.yml
	pg "ALTER ROLE test RESET client_encoding"
	check 'to the byte' rows_are "path = 'Grüße 😀 日本 avatar/1, avatar/2'" $n
else
	skip 'behind a pooler' 'pgbouncer is not installed'
fi

finish
