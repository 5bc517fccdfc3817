#!/bin/sh
# SPDX-License-Identifier: MIT
# match: contains on PostgreSQL: text, varchar, jsonb and lists, long ones, a bounded page.
# shellcheck disable=SC2016 # variables and groups of job files are theirs

. "${srcdir:-.}/t/lib.sh"
. "$srcdir/t/servers/postgres.sh"
T_TIMEOUT=60
postgres_needed
postgres_up || { echo 'Bail out! the server does not start'; exit 99; }

mkdir -p src/image dst
for i in 1 2 3 10; do
	write_file "src/image/$i" "image $i"
done

job() { # DATABASE...
	write_job job.yml <<-END
		source: {plugin: posix, root: src}
		destination: {plugin: posix, root: dst}
		rename: [{prefix: image/, to: new/image/}]
		databases:
		$(printf '%s\n' "$@" | sed 's/^/  - {plugin: postgres, connection: "${pg_uri}", match: contains, /; s/$/}/')
	END
}

pg "CREATE TABLE posts (id serial PRIMARY KEY, body text, short varchar(40), data jsonb, list text[],
	raw bytea);
	INSERT INTO posts (body, short, data, list, raw) VALUES
	('see image/1, image/10 and old-image/1', 'image/2', '{\"html\": \"<b>image/3</b> image/1\"}',
	 ARRAY['image/1 image/2', 'nothing', 'image/3'], 's:7:\"image/1\";'),
	(repeat('x', 5000000) || ' image/1', NULL, '{\"html\": 5}', NULL, 's:9:\"image/1\";'),
	('nothing', 'image/1 ' || repeat('y', 30), '{}', '{}', ''),
	(repeat('z ', 9000000) || ' image/1', '', NULL, NULL, NULL)"
pg "INSERT INTO posts (body) SELECT CASE i % 3 WHEN 0 THEN 'image/2 ' || i ELSE repeat('text ', 200) || i END
	FROM generate_series(1, 2500) i"
pg_audit posts
job 'table: posts, column: body' 'table: posts, column: short' \
	'table: posts, column: data, json_path: $.html' 'table: posts, column: list' \
	'table: posts, column: raw, codec: php'
check 'check is content' exits_with 0 migrate-check job.yml
check 'a dry run counts' exits_with 3 migrate-run --dry-run job.yml
check 'texts that are too long as well' last_output_has 'texts longer than text_max                    1' \
	'texts that must be left alone                 1'
check 'nothing was written' pg_says 'SELECT count(*) FROM audit' 0
check 'a run' exits_with 3 migrate-run job.yml
check 'changes text' pg_says "SELECT body FROM posts WHERE id = 1" \
	'see new/image/1, new/image/10 and old-image/1'
check 'of megabytes' pg_says "SELECT length(body), right(body, 11) FROM posts WHERE id = 2" \
	'5000012|new/image/1'
check 'not what is above text_max' pg_says "SELECT right(body, 8) FROM posts WHERE id = 4" ' image/1'
check 'which it says' last_output_has '1 texts are longer than text_max'
check 'varchar' pg_says "SELECT short FROM posts WHERE id = 1" new/image/2
check 'one that would become too wide fails alone' pg_says "SELECT left(short, 8) FROM posts WHERE id = 3" \
	'image/1 '
check 'with what the server says' last_output_has 'id=3: failed: '
check 'a string in JSON' pg_says "SELECT data->>'html' FROM posts WHERE id = 1" \
	'<b>new/image/3</b> new/image/1'
check 'elements of a list' pg_says "SELECT list FROM posts WHERE id = 1" \
	'{"new/image/1 new/image/2",nothing,new/image/3}'
check 'bytes' pg_says "SELECT convert_from(raw, 'UTF8') FROM posts WHERE id = 1" 's:11:"new/image/1";'
check 'a malformed value stays' pg_says "SELECT convert_from(raw, 'UTF8') FROM posts WHERE id = 2" \
	's:9:"image/1";'
check 'every row of thousands' pg_says "SELECT count(*) FROM posts WHERE body ~ '^new/image/2 [0-9]+\$'" 833
check 'none is left but the long one' pg_says \
	"SELECT count(*) FROM posts WHERE body ~ '(^| )image/[0-9]' AND length(body) < 16000000" 0
check 'what was changed and what was not is counted' status_counts job.yml rows.changed=840 rows.failed=2
check 'all of it is true' exits_with 10 migrate-verify job.yml
check 'but for the row that could not be changed' last_output_has 'id=3 still holds 1 old values' '1 differences'

pg 'DELETE FROM audit'
check 'a second pass' exits_with 3 migrate-run job.yml
check 'changes nothing' pg_says 'SELECT count(*) FROM audit' 0

# The server goes away while texts are read, and comes back: nothing is lost.
pg "UPDATE posts SET body = replace(body, 'new/image', 'image') WHERE id > 4; DELETE FROM audit"
start run migrate-run job.yml
wait_until 20 sh -c '[ "$(psql -X -A -t -c "SELECT count(*) FROM audit")" -gt 0 ]'
pg "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE pid <> pg_backend_pid()
	AND application_name LIKE 'migrate%'" >/dev/null 2>&1
check 'connections that are cut in the middle' ends_with 3 run
check 'cost nothing' pg_says "SELECT count(*) FROM posts WHERE body ~ '^new/image/2 [0-9]+\$'" 833
check 'no row is changed twice' pg_says \
	'SELECT count(*) FROM (SELECT who FROM audit GROUP BY who HAVING count(*) > 1) x' 0

# In the middle of a page, which is read in a transaction: that one is over, another one reads it.
pg "CREATE TABLE slow (id serial PRIMARY KEY, body text);
	INSERT INTO slow (body) SELECT 'image/1 ' || i FROM generate_series(1, 300) i"
mkdir again
job 'table: slow, column: body, where: "pg_sleep(0.005) IS NOT NULL"'
sed 's|root: dst|root: again|; s|^job: job|job: again|' job.yml >again.yml
start run migrate-run again.yml
wait_until 20 pg_says "SELECT count(*) FROM pg_stat_activity WHERE state = 'active' AND
	backend_xmin IS NOT NULL AND query LIKE '%migrate_rows%' AND application_name LIKE 'migrate%'" 1
pg "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name LIKE 'migrate%'" >/dev/null
check 'a page that is cut' ends_with 0 run
check 'is read again' pg_says "SELECT count(*) FROM slow WHERE body ~ '^new/image/1 [0-9]+$'" 300

finish
