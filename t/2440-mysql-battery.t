#!/bin/sh
# SPDX-License-Identifier: MIT
# The plugin mysql keeps the contract of migrate-plugin(3) with tables of all kinds.

. "${srcdir:-.}/t/lib.sh"
. "$srcdir/t/servers/mariadb.sh"
mariadb_needed
mariadb_up || { echo 'Bail out! the server does not start'; exit 99; }

# kind PROMISE DDL OPTIONS [TABLE]: the battery runs over a table, which is dropped.
kind() {
	my "$2" || { echo "Bail out! cannot make: $2"; exit 99; }
	t_table=${4:-t}
	printf '%s\n' "connection: \${mysql_uri}" "table: '$t_table'" "$3" >battery.yml
	check "$1" keeps_the_contract
	my "DROP TABLE \`$(printf '%s' "$t_table" | sed 's/[`]/&&/g')\`"
}

keeps_the_contract() {
	exits_with 0 migrate-plugin check mysql battery.yml ||
		{ last_stdout | grep -A1 '^not ok'; return 1; }
	[ "$(last_stdout | grep -c '^ok')" -ge 14 ]
}

plain='column: path
set: {service: amazon}'

kind 'a bigint unsigned key' \
	'CREATE TABLE t (id bigint unsigned AUTO_INCREMENT PRIMARY KEY, path varchar(255), service text, INDEX (path))
		AUTO_INCREMENT = 9223372036854775900' "$plain"
kind 'a negative key of int' \
	'CREATE TABLE t (id int PRIMARY KEY, path varchar(255), service text, INDEX (path));
	INSERT INTO t VALUES (-10, NULL, NULL)' "$plain"
kind 'a binary(16) key and a unique varbinary' \
	"CREATE TABLE t (id binary(16) PRIMARY KEY, path varbinary(100) UNIQUE, service varchar(20))" "$plain"
kind 'a uuid key, and a unique varchar compared as bytes' \
	'CREATE TABLE t (id uuid DEFAULT uuid() PRIMARY KEY,
		path varchar(100) COLLATE utf8mb4_nopad_bin UNIQUE, service text)' "$plain"
kind 'a varchar key for which case does not count, no index on the column' \
	'CREATE TABLE t (id varchar(40) COLLATE utf8mb4_general_ci PRIMARY KEY, path text NOT NULL, service text)' \
	"$plain"
kind 'a composite key and a blob with an index over its beginning' \
	'CREATE TABLE t (a int, b varchar(40), path blob NOT NULL, service varchar(20), PRIMARY KEY (a, b),
		INDEX (path(60)))' "$plain"
kind 'a key of three columns, of which one is a point in time' \
	'CREATE TABLE t (a date, b datetime(6), c decimal(20,3), path varchar(99), service char(10),
		PRIMARY KEY (a, b, c), INDEX (path))' "$plain"
kind 'a key of a timestamp' \
	'CREATE TABLE t (id timestamp(6) PRIMARY KEY, path varchar(99), service char(10), INDEX (path))' "$plain"
for collation in utf8mb4_bin utf8mb4_unicode_ci utf8mb4_unicode_520_ci utf8mb4_general_nopad_ci uca1400_ai_ci; do
	kind "a column of $collation" \
		"CREATE TABLE t (id serial, path varchar(200) CHARACTER SET utf8mb4 COLLATE $collation,
			service text COLLATE $collation, INDEX (path))" "$plain"
done
kind 'a text with an index over its beginning' \
	'CREATE TABLE t (id serial, path text, service text, INDEX (path(50)))' "$plain"
kind 'partitions' \
	'CREATE TABLE t (id int, region int, path varchar(100), service text, PRIMARY KEY (region, id), INDEX (path))
		PARTITION BY RANGE (region) (PARTITION a VALUES LESS THAN (10), PARTITION b VALUES LESS THAN MAXVALUE)' \
	"$plain"
kind 'a path in json, by an index over a column made of it' \
	"CREATE TABLE t (id serial, data json, service int,
		url varchar(100) AS (json_unquote(json_extract(data, '\$.avatar.url'))) VIRTUAL, INDEX (url))" \
	'column: data
json_path: $.avatar.url
set: {service: "7"}'
kind 'an odd path in json, without one' \
	'CREATE TABLE t (id serial, data json, service int)' \
	'column: data
json_path: $.images[0]."the url"
set: {service: "7"}'
kind 'a unique index instead of a primary key' \
	'CREATE TABLE t (a int NOT NULL, b varchar(36) NOT NULL, path text, service text, UNIQUE (b, a))' \
	"$plain
key: [a, b]"
kind 'other columns of all types' \
	"CREATE TABLE t (id serial, path varchar(100), n decimal(8,2), d datetime(3), f float, g double, e enum('a','it''s'),
		b bit(4), y year, v varbinary(5), u uuid, l varchar(9) CHARACTER SET latin1, j json, x tinyint, INDEX (path))" \
	"column: path
set: {n: '7', d: '2026-01-02 03:04:05', f: '1.1', g: '0.1', e: it's, b: '5', y: '2026', v: abc,
	u: 123E4567-e89b-12d3-a456-426614174000, l: ä, j: '{\"a\": 1}', x: '-3'}"
kind 'what an application must fill' \
	"CREATE TABLE t (id int PRIMARY KEY, path varchar(100), n int NOT NULL, s varchar(5) NOT NULL, d date NOT NULL,
		e enum('x''y','z') NOT NULL, j json NOT NULL, b binary(3) NOT NULL, u uuid NOT NULL, c timestamp NOT NULL)" \
	'column: path'
kind 'a table and columns with quotes and keywords' \
	"CREATE TABLE \`or\`\`der\` (\`group\` serial, \`va\"l\`\`u'e\` varchar(100), \`select\` text, INDEX (\`va\"l\`\`u'e\`))" \
	"$(printf 'column: va"l`u'\''e\nset: {select: amazon}')" 'or`der'

my "CREATE TABLE t (id serial, path text); INSERT INTO t (path) VALUES ('mine')"
printf '%s\n' "connection: \${mysql_uri}" 'table: t' 'column: path' >battery.yml
check 'a table that is not empty is refused' \
	exits_with 2 migrate-plugin check mysql battery.yml
check 'and left alone' my_says 'SELECT count(*) FROM t' 1

finish
