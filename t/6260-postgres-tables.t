#!/bin/sh
# SPDX-License-Identifier: MIT
# Columns and tables of PostgreSQL that are easily got wrong: types that compare in
# ways of their own, encodings, indexes that serve nothing, triggers, conflicts of
# uniqueness on the way; and nothing changes but what a job is about.

. "${srcdir:-.}/t/lib.sh"
. "$srcdir/t/servers/postgres.sh"
T_TIMEOUT=60
postgres_needed
postgres_up || { echo 'Bail out! the server does not start'; exit 99; }

objects() { # NAME...
	rm -rf old new job.journal*
	mkdir -p old/image new
	for t_name; do
		echo "$t_name" >"old/image/$t_name"
	done
}

job() { # DATABASE... , the options of each
	write_job job.yml <<-END
		source: {plugin: posix, root: old}
		destination: {plugin: posix, root: new}
		rename: [{prefix: image/, to: avatar/}]
		databases:
		$(printf "  - {plugin: postgres, connection: '${pg_to:-$pg_uri}', %s}\n" "$@")
	END
}

# ---- Types that compare in their own way ---------------------------------------------------

objects A a 'blank ' 'two  '
pg "CREATE EXTENSION citext;
	CREATE TABLE twins (id serial PRIMARY KEY, path citext, fixed char(20), code char(12) UNIQUE);
	CREATE INDEX ON twins (path); CREATE INDEX ON twins (fixed);
	INSERT INTO twins (path, fixed) VALUES ('image/A', 'image/A'), ('image/a', 'image/a'),
		('IMAGE/a', 'IMAGE/A'), ('image/blank', 'image/blank'), ('image/blank ', 'image/none')"
job 'table: twins, column: path' 'table: twins, column: fixed'
check 'citext and char(n)' run migrate-run job.yml
check 'case twins of citext are told apart' pg_says \
	"SELECT string_agg(path::text, '|' ORDER BY id) FROM twins" \
	'avatar/A|avatar/a|IMAGE/a|image/blank|avatar/blank '
check 'and of char(n), whose blanks at the end are no part of the value' pg_says \
	"SELECT string_agg(fixed::text, '|' ORDER BY id) FROM twins" \
	'avatar/A|avatar/a|IMAGE/A|image/blank|image/none'
check 'the rows that changed are these' status_counts job.yml rows.changed=5 rows.conflict=0 rows.failed=0
check 'it can be verified' exits_with 0 migrate-verify job.yml
check 'the next run finds nothing' exits_with 0 migrate-run job.yml
pg 'DROP TABLE twins'

# ---- Encodings -------------------------------------------------------------------------------

in_encoding() { # DATABASE ENCODING
	pg "CREATE DATABASE $1 ENCODING '$2' LC_COLLATE 'C' LC_CTYPE 'C' TEMPLATE template0"
	PGDATABASE=$1 pg 'CREATE TABLE t (id serial PRIMARY KEY, path text); CREATE INDEX ON t (path)'
}
bytes_in() { # DATABASE: the column's bytes as they are
	PGDATABASE=$1 psql -X -q -A -t -c \
		"SELECT string_agg(encode(path::bytea, 'hex'), ' ' ORDER BY id) FROM t"
}
holds_bytes() { # DATABASE HEX
	t_got=$(bytes_in "$1")
	[ "$t_got" = "$2" ] || { echo "holds $t_got instead of $2"; return 1; }
}
latin=$(printf 'caf\351')
utf=$(printf 'caf\303\251')
objects "$latin" "$utf" plain

in_encoding latin LATIN1
PGDATABASE=latin pg "INSERT INTO t (path) VALUES (U&'image/caf\\00e9'),
	(U&'image/caf\\00c3\\00a9'), ('image/plain')"
pg_to=$(echo "$pg_uri" | sed 's/postgres$/latin/') job 'table: t, column: path'
check 'a database in LATIN1' exits_with 0 migrate-run job.yml
check 'holds the very bytes' holds_bytes latin \
	'6176617461722f636166e9 6176617461722f636166c3a9 6176617461722f706c61696e'

in_encoding ascii SQL_ASCII
PGDATABASE=ascii pg "INSERT INTO t (path) VALUES (E'image/caf\\351'), (E'image/caf\\303\\251'),
	('image/plain')"
rm -rf new job.journal* && mkdir new
pg_to=$(echo "$pg_uri" | sed 's/postgres$/ascii/') job 'table: t, column: path'
check 'one that knows no encoding' exits_with 0 migrate-run job.yml
check 'too' holds_bytes ascii '6176617461722f636166e9 6176617461722f636166c3a9 6176617461722f706c61696e'

# ---- Keys ------------------------------------------------------------------------------------

objects 1 2 3
pg "CREATE TABLE keys (a uuid DEFAULT gen_random_uuid(), b bigint, c text, d timestamptz DEFAULT now(),
		path text, PRIMARY KEY (b, c, a, d));
	CREATE INDEX ON keys (path);
	INSERT INTO keys (b, c, path) VALUES (-9223372036854775808, 'a,b=''c\\', 'image/1'),
		(9223372036854775807, '', 'image/2'), (0, E'new\nline', 'image/3')"
job 'table: keys, column: path'
check 'a key of uuid, bigint, text and time, with extremes' exits_with 0 migrate-run job.yml
check 'leads to its rows' pg_says "SELECT string_agg(path, ' ' ORDER BY path) FROM keys" \
	'avatar/1 avatar/2 avatar/3'

# ---- Indexes that serve nothing ------------------------------------------------------------------

serves() { # YES-OR-NO INDEX OPTIONS
	pg "DROP TABLE IF EXISTS t; CREATE TABLE t (id serial PRIMARY KEY, path text, gone bool DEFAULT false,
			data jsonb);
		INSERT INTO t (path, data) SELECT 'image/' || i, jsonb_build_object('url', 'image/' || i)
			FROM generate_series(1, 2000) AS i; CREATE INDEX ON t $2; ANALYZE t" || return 1
	rm -f job.journal*
	job "table: t, $3"
	exits_with 0 migrate-check job.yml || return 1
	if [ "$1" = yes ]; then
		last_output_has 'rows are found by an index'
	else
		last_output_has 'all rows are read once' && last_output_lacks 'rows are found by an index'
	fi
}
check 'an index over some rows does not serve' serves no '(path) WHERE NOT gone' 'column: path'
check 'unless the job is about these rows' serves yes '(path) WHERE NOT gone' 'column: path, where: not gone'
check 'one over an expression does not' serves no '(lower(path))' 'column: path'
check 'one whose second column it is does not' serves no '(gone, path)' 'column: path'
check 'unless the job says what the first one holds' serves yes '(gone, path)' 'column: path, where: not gone'
check 'a summary of the table does not' serves no 'USING brin (path)' 'column: path'
check 'one by hash does' serves yes 'USING hash (path)' 'column: path'
check 'one over the place in the document does' serves yes "((data ->> 'url'))" \
	'column: data, json_path: $.url'
check 'one over another place does not' serves no "((data ->> 'other'))" 'column: data, json_path: $.url'

# ---- Unique on the way ------------------------------------------------------------------------------

# A swap of two names in one statement is unique at its end and not on the way.
objects 1 2 3
pg "DROP TABLE t; CREATE TABLE t (id int PRIMARY KEY, path text UNIQUE);
	INSERT INTO t VALUES (1, 'image/1'), (2, 'image/2'), (3, 'image/3'), (4, 'avatar/2')"
job 'table: t, column: path'
check 'a value that another row holds' exits_with 3 migrate-run job.yml
check 'fails this row and no other' pg_says "SELECT string_agg(path, ' ' ORDER BY id) FROM t" \
	'avatar/1 image/2 avatar/3 avatar/2'
check 'and is named' last_output_has 'id=2: failed' 'duplicate key'
pg 'DELETE FROM t WHERE id = 4'
check 'once it may be' exits_with 0 migrate-run --retry-failed job.yml
check 'it follows' pg_says "SELECT string_agg(path, ' ' ORDER BY id) FROM t" 'avatar/1 avatar/2 avatar/3'

# ---- Nothing else changes -------------------------------------------------------------------------

objects $(seq 1 300)
pg "DROP TABLE t, keys; CREATE TABLE owners (id int PRIMARY KEY, name text);
	INSERT INTO owners SELECT i, 'owner ' || i FROM generate_series(1, 50) AS i;
	CREATE TABLE pictures (id serial PRIMARY KEY, owner int REFERENCES owners, path text, size numeric,
		made timestamptz DEFAULT '2020-02-29 12:00:00.123456+02', tags text[], doc jsonb, raw bytea,
		twice text GENERATED ALWAYS AS (path || path) STORED, ratio float8);
	CREATE INDEX ON pictures (path);
	INSERT INTO pictures (owner, path, size, tags, doc, raw, ratio)
		SELECT i % 50 + 1, CASE WHEN i % 3 = 0 THEN 'upload/' ELSE 'image/' END || i, i / 7.0,
			ARRAY['image/' || i, NULL, 'a\"b', ''], jsonb_build_object('url', 'image/' || i, 'n', 1.50),
			decode(md5(i::text), 'hex'), 1.0 / i FROM generate_series(1, 300) AS i;
	CREATE TABLE log (id serial PRIMARY KEY, what text);
	CREATE FUNCTION on_change() RETURNS trigger LANGUAGE plpgsql AS
		\$\$ BEGIN INSERT INTO log (what) VALUES (old.path || ' ' || new.path); RETURN new; END \$\$;
	CREATE TRIGGER log AFTER UPDATE ON pictures FOR EACH ROW EXECUTE FUNCTION on_change();
	CREATE VIEW seen AS SELECT id, path FROM pictures"
dump() {
	PGPASSWORD=test-password pg_dump --data-only --inserts "$pg_uri" | grep '^INSERT' | grep -v 'INTO public.log '
}
dump | sort >before
job 'table: pictures, column: path, where: id <= 200'
check 'a job about some rows of one column' exits_with 0 migrate-run job.yml
dump | sort >after
as_expected() {
	python3 - <<-'END'
		import re
		want = []
		for line in open('before'):
		    m = re.match(r"INSERT INTO public.pictures VALUES \((\d+), \d+, 'image/(\d+)'", line)
		    if m and int(m[1]) <= 200:
		        line = line.replace("'image/%s', " % m[2], "'avatar/%s', " % m[2], 1)
		    want.append(line)
		got = sorted(open('after'))
		want.sort()
		for a, b in zip(want, got):
		    if a != b:
		        raise SystemExit('instead of %sthere is %s' % (a, b))
		raise SystemExit(len(want) != len(got))
	END
}
check 'changes them and nothing else in the database' as_expected
check 'each of them once' pg_says "SELECT count(*) || ' ' || count(DISTINCT what) FROM log" '134 134'
check 'what is made of the column followed' pg_says \
	"SELECT count(*) FROM pictures WHERE twice = path || path AND path LIKE 'avatar/%'" 134

# ---- Trials ---------------------------------------------------------------------------------------

rm -rf old new job.journal* && mkdir old new
pg "DROP VIEW seen; DROP TABLE pictures, log; CREATE TABLE trial (id uuid DEFAULT gen_random_uuid() PRIMARY KEY,
	data jsonb, n int NOT NULL DEFAULT 7); CREATE INDEX ON trial ((data #>> '{avatar,url}'))"
job 'table: trial, column: data, json_path: $.avatar.url'
check 'rows for a trial' exits_with 0 migrate-seed job.yml 120
check 'are made' pg_says "SELECT count(*) FROM trial WHERE data #>> '{avatar,url}' LIKE 'image/%' AND n = 7" 120
check 'a job over them' exits_with 0 migrate-run job.yml
check 'changes them' pg_says "SELECT count(*) FROM trial WHERE data #>> '{avatar,url}' LIKE 'avatar/%'" 120

finish
