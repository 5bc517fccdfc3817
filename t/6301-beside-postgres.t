#!/bin/sh
# SPDX-License-Identifier: MIT
# Beside an application that writes, in PostgreSQL: it holds locks while a run waits for them, and
# commits something else. What is then in the row counts, not what was found.

. "${srcdir:-.}/t/lib.sh"
. "$srcdir/t/servers/postgres.sh"
. "$srcdir/t/servers/beside.sh"
T_TIMEOUT=90
postgres_needed
postgres_up || { echo 'Bail out! the server does not start'; exit 99; }
sources 20
database="plugin: postgres, connection: '$pg_uri', lock_timeout: 30s"

db() {
	pg "$1"
}

client() {
	exec psql -X -q -A -t -f say
}

fresh() {
	rm -rf new job.journal*
	mkdir new
	pg "DROP TABLE IF EXISTS t, hidden CASCADE; ${1:-CREATE TABLE t (id int PRIMARY KEY, path text, service text,
		deleted bool DEFAULT false)}; CREATE INDEX ON t (path);
		INSERT INTO t (id, path, service) SELECT i, 'image/' || i, 'old' FROM generate_series(1, $n) i"
}

blocked() {
	[ "$(pg "SELECT count(*) > 0 FROM pg_locks WHERE NOT granted")" = t ]
}

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

columns_of_set_are_compared plain collated composite parts

fresh "$(ddl collated)"
job 'column: path, set: {service: new}'
check 'a twin by the collation is another value' beside 3 "UPDATE t SET service = 'OLD' WHERE id = 5"
check 'and stays' pg_says 'SELECT path, service FROM t WHERE id = 5' 'image/5|OLD'

# ---- where:, texts and lists -----------------------------------------------------------------

where_is_asked_again
texts_are_compared

fresh 'CREATE TABLE t (id int PRIMARY KEY, path text, service text, paths text[])'
pg "UPDATE t SET paths = ARRAY['image/' || id, NULL, 'image/1', '{\"x\\']"
job 'column: paths, set: {service: new}' 'batch: 3'
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
job 'column: path, where: NOT deleted'
check 'a trigger that writes something else afterwards' exits_with 3 migrate-run job.yml
check 'fails its row' status_counts job.yml rows.failed=1 rows.changed=$((n - 1))
check 'which says why' last_output_has 'id=5: failed: a trigger'
check 'and stays' rows_are "path = 'image/5'" 1

fresh
pg "CREATE CONSTRAINT TRIGGER a AFTER UPDATE ON t DEFERRABLE INITIALLY DEFERRED FOR EACH ROW WHEN (new.id = 5)
	EXECUTE FUNCTION shout()"
job 'column: path, where: NOT deleted'
check 'so does one that waits for the end of the transaction' exits_with 3 migrate-run job.yml
check 'its row stays' rows_are "path = 'image/5'" 1
check 'the others are changed' rows_are "path = 'avatar/' || id" $((n - 1))

fresh
makes rule "new.service := 'mine'; RETURN new;"
pg "CREATE TRIGGER a BEFORE UPDATE ON t FOR EACH ROW WHEN (new.id = 5) EXECUTE FUNCTION rule()"
job 'column: path, set: {service: new}'
check 'so does one that writes something else to a column of set:' exits_with 3 migrate-run job.yml
check 'its row stays' pg_says 'SELECT path, service FROM t WHERE id = 5' 'image/5|old'
check 'the others are changed' rows_are "path = 'avatar/' || id AND service = 'new'" $((n - 1))

fresh "$(ddl parts)"
pg "CREATE TRIGGER a AFTER UPDATE ON t_1 FOR EACH ROW WHEN (new.id = $(pg 'SELECT min(id) FROM t_1')) EXECUTE FUNCTION shout()"
job 'column: path, where: NOT deleted'
check 'so does one of a partition' exits_with 3 migrate-run job.yml
check 'one row stays' rows_are "path = 'image/' || id" 1

fresh
pg 'CREATE UNIQUE INDEX ON t (path); CREATE TABLE hidden (path text REFERENCES t (path) ON UPDATE CASCADE);
	INSERT INTO hidden SELECT path FROM t WHERE id = 5'
makes follow "UPDATE t SET path = 'x/' || path WHERE path = new.path; RETURN new;"
pg "CREATE TRIGGER a AFTER UPDATE ON hidden FOR EACH ROW WHEN (new.path LIKE 'avatar/%') EXECUTE FUNCTION follow()"
job 'column: path, where: NOT deleted'
check 'so does one of a table that a foreign key carries the change to' exits_with 3 migrate-run job.yml
check 'its row stays' rows_are "path = 'image/5'" 1

# ---- Encodings -------------------------------------------------------------------------------

texts='Grüße 😀 日本 image/1, image/2'
for way in role environment option; do
	fresh
	pg "UPDATE t SET path = '$texts'"
	job 'column: path, match: contains'
	case $way in
	role) pg "ALTER ROLE test SET client_encoding = 'LATIN1'" ;;
	environment) export PGCLIENTENCODING=LATIN1 ;;
	option) sed -i "s|connection: '[^']*'|connection: '$pg_uri?client_encoding=LATIN1'|" job.yml ;;
	esac
	check "texts survive another encoding of the session ($way)" exits_with 0 migrate-run job.yml
	unset PGCLIENTENCODING
	pg "ALTER ROLE test RESET client_encoding"
	check 'to the byte' rows_are "path = 'Grüße 😀 日本 avatar/1, avatar/2'" "$n"
done

if command -v pgbouncer >/dev/null; then
	pg_bouncer transaction 2 || { echo 'Bail out! the pooler does not start'; exit 99; }
	fresh
	pg "UPDATE t SET path = '$texts'; ALTER ROLE test SET client_encoding = 'LATIN1'"
	job 'column: path, match: contains'
	sed -i "s|connection: '[^']*'|connection: '$pg_pooled_uri'|" job.yml
	check 'behind a pooler, too' exits_with 0 migrate-run job.yml
	pg "ALTER ROLE test RESET client_encoding"
	check 'to the byte' rows_are "path = 'Grüße 😀 日本 avatar/1, avatar/2'" "$n"
else
	skip 'behind a pooler' 'pgbouncer is not installed'
fi

finish
