#!/bin/sh
# SPDX-License-Identifier: MIT
# Rows of PostgreSQL tables follow their objects, whatever the tables look like.

. "${srcdir:-.}/t/lib.sh"
. "$srcdir/t/servers/postgres.sh"
T_TIMEOUT=60
postgres_needed
postgres_up || { echo 'Bail out! the server does not start'; exit 99; }

fresh() {
	rm -rf old new job.journal*
	mkdir -p old/image new
	for i in 1 2 3 4 5 6 7 8 9; do
		write_file "old/image/$i.png" "image $i"
	done
	pg 'DROP SCHEMA IF EXISTS public, app CASCADE; CREATE SCHEMA public; CREATE SCHEMA app'
}

# shellcheck disable=SC2016 # variables of job files are theirs
# job DATABASES: as YAML, each with the plugin and the connection in front.
job() {
	write_job job.yml <<-END
		source: {plugin: posix, root: old}
		destination: {plugin: posix, root: new}
		rename: [{prefix: image/, to: avatar/}]
		patience: 20s
		databases:
		$(printf '%s\n' "$@" | sed 's/^/  - {plugin: postgres, connection: "${pg_uri}", /; s/$/}/')
	END
}

fill() { # TABLE COLUMNS EXPRESSIONS over i = 1..9
	pg "INSERT INTO $1 ($2) SELECT $3 FROM generate_series(1, 9) AS i"
}

old_path="'image/' || i || '.png'"

# ---- Tables of all kinds in one job ------------------------------------------------

fresh
pg "CREATE TABLE plain (id serial PRIMARY KEY, path text);
	CREATE INDEX ON plain (path);
	CREATE TABLE app.\"with \"\"quotes\"\" and 'more'\" (id text PRIMARY KEY, path text);
	CREATE TABLE pairs (id int, b text, path text, thumb varchar(30), PRIMARY KEY (id, b));
	CREATE INDEX ON pairs (path);
	CREATE TABLE several (id bigserial PRIMARY KEY, path text);
	CREATE TABLE bytes (id uuid PRIMARY KEY DEFAULT gen_random_uuid(), path bytea);
	CREATE TABLE documents (id serial PRIMARY KEY, data jsonb);
	CREATE TABLE lists (id serial PRIMARY KEY, paths text[]);
	CREATE TABLE parts (id int, path text, PRIMARY KEY (id)) PARTITION BY HASH (id);
	CREATE TABLE parts_0 PARTITION OF parts FOR VALUES WITH (MODULUS 2, REMAINDER 0);
	CREATE TABLE parts_1 PARTITION OF parts FOR VALUES WITH (MODULUS 2, REMAINDER 1);
	CREATE INDEX ON parts (path);
	CREATE TABLE \"order\" (id serial PRIMARY KEY, path text, \"values\" int)"
fill plain path "$old_path"
fill "app.\"with \"\"quotes\"\" and 'more'\"" 'id, path' "'k''' || i, $old_path"
fill pairs 'id, b, path, thumb' "i / 2, 'b' || i, $old_path, $old_path"
fill several path "$old_path"
fill several path "$old_path"
fill several path "upper($old_path)" # these name no object
fill bytes path "convert_to($old_path, 'UTF8')"
fill documents data "jsonb_build_object('id', i, 'avatar', jsonb_build_object('url', $old_path, 'w', 10))"
pg "INSERT INTO lists (paths) SELECT ARRAY['image/' || i || '.png', NULL, 'a \"b\\c,{}', '',
	'image/' || i % 9 + 1 || '.png'] FROM generate_series(1, 9) AS i"
fill parts 'id, path' "i, $old_path"
fill '"order"' 'path, "values"' "$old_path, i"
for table in plain pairs several bytes documents lists parts '"order"'; do
	pg_audit "$table"
done
job 'table: plain, column: path' "table: 'app.with \"quotes\" and ''more''', column: path" \
	'table: pairs, column: path' 'table: pairs, column: thumb, key: [id, b]' \
	'table: several, column: path' 'table: public.bytes, column: path' \
	'table: documents, column: data, json_path: $.avatar.url' \
	'table: lists, column: paths' 'table: parts, column: path' \
	'table: order, column: path, set: {values: 7}'

check 'a job with ten columns of nine tables runs' exits_with 0 migrate-run job.yml
check 'integer keys' pg_says "SELECT count(*) FROM plain WHERE path = 'avatar/' || id || '.png'" 9
check 'a schema, and names that need quotes' pg_says \
	"SELECT count(*) FROM app.\"with \"\"quotes\"\" and 'more'\" WHERE path LIKE 'avatar/_.png'" 9
check 'two columns of a composite key' pg_says \
	"SELECT count(*) FROM pairs WHERE path LIKE 'avatar/%' AND thumb = path" 9
check 'several rows for one object, and none that only looks alike' pg_says \
	"SELECT count(*) || ' ' || count(*) FILTER (WHERE path LIKE 'IMAGE/%') FROM several
	WHERE path LIKE 'avatar/%' OR path LIKE 'IMAGE/%'" '27 9'
check 'bytes' pg_says "SELECT count(*) FROM bytes WHERE convert_from(path, 'UTF8') LIKE 'avatar/%'" 9
check 'a place in a document, and the rest of it as it was' pg_says \
	"SELECT count(*) FROM documents WHERE data = jsonb_build_object('id', id, 'avatar',
	jsonb_build_object('url', 'avatar/' || id || '.png', 'w', 10))" 9
check 'elements of lists, and the others as they were' pg_says \
	"SELECT count(*) FROM lists WHERE paths = ARRAY['avatar/' || id || '.png', NULL, 'a \"b\\c,{}',
	'', 'avatar/' || id % 9 + 1 || '.png']" 9
check 'partitions' pg_says "SELECT count(*) FROM parts WHERE path = 'avatar/' || id || '.png'" 9
check 'columns of set: too' pg_says 'SELECT DISTINCT "values" FROM "order"' 7
audit_is() {
	pg_says "SELECT string_agg(who || ' ' || n, ', ' ORDER BY who) FROM (SELECT split_part(about, '_', 1)
		AS who, count(*) AS n FROM audit GROUP BY 1) AS a" "$1"
}
check 'each row was updated once for each of its columns' audit_is \
	'bytes 9, documents 9, lists 9, order 9, pairs 18, parts 9, plain 9, several 18'
check 'the same job again' exits_with 0 migrate-run job.yml
check 'updates nothing' pg_says 'SELECT count(*) FROM audit' 90
check 'it can be verified' exits_with 0 migrate-verify job.yml
check 'nothing is left open in the server' pg_says \
	"SELECT count(*) FROM pg_stat_activity WHERE application_name LIKE 'migrate %'" 0

# ---- Values ------------------------------------------------------------------------

fresh
pg 'CREATE TABLE avatars (id serial PRIMARY KEY, path text); CREATE INDEX ON avatars (path)'
# shellcheck disable=SC2016 # a sign, not a variable
awkward() { # one name a line
	printf '%s\n' "it's" 'back\slash' 'per%cent' 'under_score' '"quoted"' 'trailing  ' ' leading' \
		"$(printf '\360\237\230\200.png')" "$(printf 'e\314\201')" "$(printf '\303\251')" \
		'{brace,}' 'NULL' '$1' "E'\\x41'" 'UPPER' 'upper'
}
awkward | while IFS= read -r name; do
	write_file "old/image/$name" "$name"
	printf 'image/%s\n' "$name"
done | PGOPTIONS='' psql -X -q -c "\\copy avatars (path) FROM STDIN (FORMAT csv, DELIMITER E'\\x01', QUOTE E'\\x02')"
rm -f old/image/?.png
write_file "old/image/$(printf 'latin-\351')" 'this can be no text'
job 'table: avatars, column: path'
awkward | sed 's|^|avatar/|' | sort >wanted
run migrate-run job.yml
check 'names with quotes, blanks, accents and signs, and one that is no text' last_output_has 'rows'
changed() {
	pg 'SELECT path FROM avatars' | sort >got
	cmp wanted got
}
check 'are written to the byte' changed
check 'what can stand in no row is copied all the same' exists "new/avatar/$(printf 'latin-\351')"

# ---- Selection, patterns, set: -----------------------------------------------------

fresh
pg "CREATE TYPE state AS ENUM ('local', 'moved');
	CREATE TABLE avatars (id serial PRIMARY KEY, url text, deleted_at timestamptz, n numeric(6,2), s state);
	CREATE INDEX ON avatars (url)"
fill avatars 'url, deleted_at, n, s' \
	"'https://old/image/' || i || '.png', CASE WHEN i > 6 THEN timestamptz '2026-01-01' END, i, 'local'"
job 'table: avatars, column: url, value: "https://old/{key}", new_value: "https://new/{key}", where: "avatars.deleted_at IS NULL -- not these", set: {n: "7", s: moved, deleted_at: null}'
pg_dump -a -t avatars | grep -v '^.restrict\|^.unrestrict' >before
check 'a dry run' run migrate-run --dry-run job.yml
pg_dump -a -t avatars | grep -v '^.restrict\|^.unrestrict' >after
check 'changes nothing' cmp before after
check 'a job with where, value and set runs' exits_with 0 migrate-run job.yml
check 'rows of where changed, and other columns with them' pg_says \
	"SELECT count(*) FROM avatars WHERE url LIKE 'https://new/avatar/%' AND n = 7 AND s = 'moved'" 6
check 'others did not' pg_says \
	"SELECT count(*) FROM avatars WHERE url LIKE 'https://old/image/%' AND n > 6 AND s = 'local'
	AND deleted_at IS NOT NULL" 3
check 'the same job again' exits_with 0 migrate-run job.yml

# ---- What a schema refuses ---------------------------------------------------------

fresh
pg "CREATE TABLE avatars (id serial PRIMARY KEY, path text UNIQUE);
	CREATE TABLE notes (path text REFERENCES avatars (path) ON UPDATE CASCADE);
	INSERT INTO avatars VALUES (100, 'avatar/5.png')"
fill avatars path "$old_path"
fill notes path "$old_path"
job 'table: avatars, column: path'
check 'a row that would not be unique fails' exits_with 3 migrate-run job.yml
check 'it alone' pg_says "SELECT string_agg(path, ',') FROM avatars WHERE path LIKE 'image/%'" image/5.png
check 'foreign keys followed' pg_says 'SELECT count(*) FROM notes JOIN avatars USING (path)' 9
check 'and no row was lost' pg_says 'SELECT count(*) FROM avatars' 10

fresh
pg "CREATE TABLE avatars (id serial PRIMARY KEY, path text CHECK (path <> 'avatar/4.png'), other varchar(11));
	CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS
	\$\$ BEGIN IF new.path = 'avatar/3.png' THEN RAISE EXCEPTION 'three stays'; END IF;
	IF new.path = 'avatar/2.png' THEN RETURN NULL; END IF;
	IF new.path = 'avatar/1.png' THEN new.path := 'avatar/one.png'; END IF; RETURN new; END \$\$;
	CREATE TRIGGER refuse BEFORE UPDATE OF path ON avatars FOR EACH ROW EXECUTE FUNCTION refuse()"
fill avatars 'path, other' "$old_path, $old_path"
job 'table: avatars, column: path' 'table: avatars, column: other'
check 'rows that a check or a trigger refuses, ignores or changes, and names that are too long' \
	exits_with 3 migrate-run job.yml
check 'stay as they were' pg_says \
	"SELECT string_agg(path, ',' ORDER BY id) FROM avatars WHERE path LIKE 'image/%'" \
	image/1.png,image/2.png,image/3.png,image/4.png
check 'too long ones too' pg_says "SELECT count(*) FROM avatars WHERE other LIKE 'image/%'" 9
pg 'DROP TRIGGER refuse ON avatars; ALTER TABLE avatars DROP CONSTRAINT avatars_path_check,
	ALTER other TYPE text'
run migrate-run --retry-failed job.yml
check 'and are changed once they may be' pg_says \
	"SELECT count(*) FROM avatars WHERE path LIKE 'avatar/%' AND other = path" 9

# ---- What cannot be: one message that says what to do, status 2, nothing touched -------

fresh
pg "CREATE TABLE avatars (id serial PRIMARY KEY, path text, doubled text GENERATED ALWAYS AS (path || path) STORED);
	CREATE TABLE bare (path text); CREATE VIEW seen AS SELECT * FROM avatars;
	CREATE TABLE numbers (id serial PRIMARY KEY, n int, d jsonb, maybe int UNIQUE);
	DROP ROLE IF EXISTS reader; CREATE ROLE reader LOGIN PASSWORD 'reader-password';
	GRANT USAGE ON SCHEMA public TO reader; GRANT SELECT ON avatars TO reader"
fill avatars path "$old_path"
refuses() { # OPTIONS TEXT...
	job "$1"
	shift
	exits_with 2 migrate-run job.yml && last_output_has "$@" && last_output_lacks test-password
}
check 'an unknown table' refuses 'table: avatar, column: path' "did you mean 'avatars'?"
check 'an unknown schema' refuses 'table: ap.avatars, column: path' "no table 'ap.avatars'"
check 'an unknown column' refuses 'table: avatars, column: paht' "did you mean 'path'?"
check 'an unknown key' refuses 'table: avatars, column: path, key: idd' "no column 'idd'"
check 'a key that is not unique' refuses 'table: avatars, column: path, key: [id, doubled]' 'may be NULL'
check 'a key that may be NULL' refuses 'table: numbers, column: d, json_path: $.x, key: maybe' 'may be NULL'
check 'a table without a key' refuses 'table: bare, column: path' 'no primary key'
check 'a view' refuses 'table: seen, column: path' 'is a view'
check 'a generated column' refuses 'table: avatars, column: doubled' 'generated'
check 'a number' refuses 'table: numbers, column: n' 'holds no names'
check 'jsonb without a path' refuses 'table: numbers, column: d' 'json_path'
check 'a path that is none' refuses 'table: numbers, column: d, json_path: "$.a[*]"' 'is not one place'
check 'a condition that is none' refuses 'table: avatars, column: path, where: "deletd is null"' 'deletd'
check 'two statements for a condition' refuses \
	'table: avatars, column: path, where: "true) or (true; drop table avatars; --"' 'where'
check 'a value that a column of set: cannot hold' refuses \
	'table: numbers, column: d, json_path: $.x, set: {n: many}' "set: 'n'" 'many'

uri=$pg_uri
refuses_at() { # CONNECTION TEXT...
	pg_uri=$1 && shift
	job 'table: avatars, column: path'
	exits_with 2 migrate-run job.yml && last_output_has "$@" && last_output_lacks secret test-password
}
host=${uri##*@}
check 'a wrong password' refuses_at "postgresql://test:se-secret-cret@$host" 'password authentication failed'
check 'a wrong database' refuses_at "$uri-not-there" 'does not exist'
check 'nobody there' refuses_at 'postgresql://test:secret@127.0.0.1:1/postgres' 'refused'
check 'a password with an @ in it, and nobody of that name' \
	refuses_at "postgresql://test:x@secret@$host" '%40'
check 'a text that is no connection' refuses_at 'password=my secret x' 'libpq'
check 'a privilege that is missing' refuses_at "postgresql://reader:reader-password@$host" GRANT
check 'a server without TLS somewhere else' refuses_at \
	"postgresql://test:secret@somewhere.invalid/postgres" 'somewhere.invalid'
pg 'ALTER DATABASE postgres SET default_transaction_read_only = on'
check 'a server that can only be read from' refuses_at "$uri" 'read-only'
PGOPTIONS='-c default_transaction_read_only=off' psql -X -q -c \
	'ALTER DATABASE postgres RESET default_transaction_read_only'
pg 'ALTER TABLE avatars ENABLE ROW LEVEL SECURITY; GRANT UPDATE ON avatars TO reader'
check 'rows that are hidden from the user' refuses_at \
	"postgresql://reader:reader-password@$host" 'row-level security'
pg_uri=$uri
check 'nothing was changed by all that' pg_says "SELECT count(*) FROM avatars WHERE path LIKE 'image/%'" 9

write_file "$HOME/.pgpass" "127.0.0.1:*:*:reader:reader-password"
chmod 600 "$HOME/.pgpass"
pg 'ALTER TABLE avatars DISABLE ROW LEVEL SECURITY'
pg_uri="host=127.0.0.1 port=$PGPORT user=reader dbname=postgres"
job 'table: avatars, column: path'
check 'the file .pgpass is read' exits_with 0 migrate-run job.yml
write_file pg_service.conf "[mine]
host=$PGHOST
port=$PGPORT
user=test
dbname=postgres
"
pg_uri='service=mine' PGSERVICEFILE=$PWD/pg_service.conf
export PGSERVICEFILE
check 'and so is a service' exits_with 0 migrate-run job.yml
check 'all rows are changed' pg_says "SELECT count(*) FROM avatars WHERE path LIKE 'avatar/%'" 9

finish
