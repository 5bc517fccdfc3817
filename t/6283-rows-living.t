#!/bin/sh
# SPDX-License-Identifier: MIT
# What rows of PostgreSQL and MariaDB hold now is read by identity, many at a time, whatever the
# kind of their key and of the place in them; migrate-verify judges by it.

. "${srcdir:-.}/t/lib.sh"
. "$srcdir/t/servers/postgres.sh"
. "$srcdir/t/servers/mariadb.sh"
T_TIMEOUT=60
n=2500
mkdir -p old/image new
seq $n | while read -r i; do echo "$i" >"old/image/$i"; done

job() { # DATABASE...
	{
		printf 'source: {plugin: posix, root: old}\ndestination: {plugin: posix, root: new}\n'
		printf 'rename: [{prefix: image/, to: avatar/}]\ndatabases:\n'
		for t_database; do
			printf '  - {%s}\n' "$t_database"
		done
	} | write_job job.yml
	rm -rf new job.journal* && mkdir new
}

says() { # STATUS TEXT...: numbers without their commas
	t_wanted_status=$1
	shift
	exits_with "$t_wanted_status" migrate-verify job.yml || return 1
	sed -i 's/\([0-9]\),\([0-9]\)/\1\2/g' "$t_out/stdout"
	last_output_has "$@"
}

lost() { # N
	t_got=$(grep -c "$(printf '\trow-lost\t')" "$t_out/stdout")
	[ "$t_got" -eq "$1" ] || { echo "$t_got rows are lost"; return 1; }
}

# ---- PostgreSQL ----------------------------------------------------------------------------------

with_postgres() {
	pg "CREATE TABLE plain (name text, at timestamptz, path text, shown bool DEFAULT true, PRIMARY KEY (name, at));
		INSERT INTO plain SELECT 'n' || i, 'epoch'::timestamptz + i * '1.000001 s'::interval, 'image/' || i FROM generate_series(1, $n) AS i;
		CREATE INDEX ON plain (path);
		CREATE TABLE doc (id uuid PRIMARY KEY, data jsonb);
		INSERT INTO doc SELECT md5(i::text)::uuid, jsonb_build_object('picture', 'image/' || i) FROM generate_series(1, 40) AS i;
		CREATE TABLE list (id int PRIMARY KEY, paths text[]);
		INSERT INTO list SELECT i, ARRAY['image/' || i, 'image/' || i + 1, 'other'] FROM generate_series(1, 40) AS i"
	t_pg="plugin: postgres, connection: '$pg_uri'"
	job "$t_pg, table: plain, column: path, where: shown" "$t_pg, table: doc, column: data, json_path: '\$.picture'" \
		"$t_pg, table: list, column: paths"
	check 'rows in PostgreSQL' exits_with 0 migrate-run job.yml
	check 'all of them' says 0 "$n objects and $((n + 120)) rows looked at: all of it is true"
	pg "DELETE FROM plain WHERE path LIKE 'avatar/1%'"
	t_gone=$((n + 120 - $(pg 'SELECT count(*) FROM plain') - 120))
	check 'rows that are gone' says 0 "$t_gone rows removed or emptied"
	pg "UPDATE plain SET shown = false"
	check 'rows that where: leaves out' says 0 "$((n + 120 - t_gone)) rows looked at" "$t_gone rows removed"
	pg "UPDATE doc SET data = data - 'picture' WHERE data->>'picture' = 'avatar/3';
		UPDATE doc SET data = '{\"picture\": null}' WHERE data->>'picture' = 'avatar/4';
		UPDATE doc SET data = '{\"picture\": \"avatar/7\"}' WHERE data->>'picture' = 'avatar/5'"
	check 'places in documents' says 0 "$((t_gone + 2)) rows removed or emptied" '1 rows changed again, to another new value'
	pg "UPDATE list SET paths = paths[1:1] WHERE id = 8; UPDATE list SET paths[1] = 'avatar/9' WHERE id = 10;
		UPDATE list SET paths[2] = NULL WHERE id = 11; UPDATE list SET paths[2] = 'x\"y\\\\' WHERE id = 12"
	check 'elements of lists' says 10 "$((t_gone + 4)) rows removed or emptied" '2 rows changed again, to another new value'
	check 'and one that names nothing' lost 1
	check 'is shown' last_stdout_has "but 'x\"y"
}
if lacking=$(postgres_lacks); then
	skip 'rows in PostgreSQL' "$lacking"
else
	postgres_up || { echo 'Bail out! PostgreSQL does not start'; exit 99; }
	with_postgres
fi

# ---- MariaDB ---------------------------------------------------------------------------------------

questions() {
	my "SHOW GLOBAL STATUS LIKE 'Questions'" | awk '{ print $2 }'
}

with_mariadb() {
	my "CREATE TABLE plain (a varchar(20) COLLATE utf8mb4_general_ci, b bigint unsigned, path varchar(100), PRIMARY KEY (a, b), KEY (path));
		INSERT INTO plain SELECT concat('Name', seq), 18446744073709551615 - seq, concat('image/', seq) FROM seq_1_to_$n;
		CREATE TABLE doc (id int PRIMARY KEY, data json);
		INSERT INTO doc SELECT seq, json_object('picture', concat('image/', seq)) FROM seq_1_to_40"
	t_my="plugin: mysql, connection: '$mysql_uri'"
	job "$t_my, table: plain, column: path" "$t_my, table: doc, column: data, json_path: '\$.picture'"
	check 'rows in MariaDB' exits_with 0 migrate-run job.yml
	check 'all of them' says 0 "$n objects and $((n + 40)) rows looked at: all of it is true"
	t_before=$(questions)
	check 'once more' says 0 'all of it is true'
	t_usual=$(($(questions) - t_before))
	my "DELETE FROM plain WHERE path LIKE 'avatar/1%'; UPDATE plain SET path = NULL WHERE path LIKE 'avatar/2%'"
	t_gone=$(($(my "SELECT $n - count(path) FROM plain")))
	t_before=$(questions)
	check 'rows that are gone, or empty' says 0 "$t_gone rows removed or emptied"
	t_more=$(($(questions) - t_before - t_usual))
	check "$t_gone of them" test "$t_gone" -gt 1500
	check "are read a thousand at a time, not one by one ($t_more statements more)" test "$t_more" -lt 60
	my "UPDATE doc SET data = json_remove(data, '\$.picture') WHERE id = 3;
		UPDATE doc SET data = json_object('picture', 'avatar/30') WHERE id = 4;
		UPDATE plain SET path = 'avatar/300 ' WHERE path = 'avatar/300';
		UPDATE plain SET path = 'AVATAR/301' WHERE path = 'avatar/301'"
	check 'places in documents, and what a collation takes for the same' says 10 \
		"$((t_gone + 1)) rows removed or emptied" '1 rows changed again, to another new value'
	check 'of these two are different' lost 2
	check 'to the byte' last_output_has "but 'avatar/300 '" "but 'AVATAR/301'"
}
if lacking=$(mariadb_lacks); then
	skip 'rows in MariaDB' "$lacking"
else
	mariadb_up || { echo 'Bail out! MariaDB does not start'; exit 99; }
	with_mariadb
fi

finish
