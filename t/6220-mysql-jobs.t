#!/bin/sh
# SPDX-License-Identifier: MIT
# Rows of MariaDB tables follow their objects, whatever the tables look like.

. "${srcdir:-.}/t/lib.sh"
. "$srcdir/t/servers/mariadb.sh"
T_TIMEOUT=60
mariadb_needed
# A server that reads quotes and backslashes otherwise than most do.
my_options='--sql-mode=ANSI_QUOTES,NO_BACKSLASH_ESCAPES,PAD_CHAR_TO_FULL_LENGTH --collation-server=utf8mb4_unicode_ci'
mariadb_up || { echo 'Bail out! the server does not start'; exit 99; }

fresh() {
	rm -rf old new job.journal*
	mkdir -p old/image new
	for i in 1 2 3 4 5 6 7 8 9; do
		write_file "old/image/$i.png" "image $i"
	done
	my 'DROP DATABASE app; CREATE DATABASE app; DROP DATABASE IF EXISTS other; CREATE DATABASE other'
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
		$(printf '%s\n' "$@" | sed 's/^/  - {plugin: mysql, connection: "${mysql_uri}", /; s/$/}/')
	END
}

fill() { # TABLE COLUMNS EXPRESSIONS over seq = 1..9
	my "INSERT INTO $1 ($2) SELECT $3 FROM seq_1_to_9"
}

old_path="concat('image/', seq, '.png')"

# ---- Tables of all kinds in one job ------------------------------------------------

fresh
my "CREATE TABLE plain (id serial, path varchar(100), INDEX (path));
	CREATE TABLE other.\`with \"quotes\" and 'more'\` (id varchar(20) PRIMARY KEY, path text);
	CREATE TABLE pairs (id int, b varchar(9), path varchar(99), thumb varchar(30), PRIMARY KEY (id, b), INDEX (path));
	CREATE TABLE several (id bigint AUTO_INCREMENT PRIMARY KEY, path varchar(100) COLLATE utf8mb4_general_ci, INDEX (path));
	CREATE TABLE bytes (id binary(16) PRIMARY KEY, path varbinary(50), INDEX (path(10)));
	CREATE TABLE documents (id serial, data json);
	CREATE TABLE parts (id int PRIMARY KEY, path varchar(100), INDEX (path)) PARTITION BY HASH (id) PARTITIONS 3;
	CREATE TABLE latin (id serial, path varchar(100) CHARACTER SET latin1, INDEX (path));
	CREATE TABLE \`order\` (id serial, path varchar(100), \`values\` int)"
fill plain path "$old_path"
fill "other.\`with \"quotes\" and 'more'\`" 'id, path' "concat('k''', seq), $old_path"
fill pairs 'id, b, path, thumb' "seq div 2, concat('b', seq), $old_path, $old_path"
fill several path "$old_path"
fill several path "$old_path"
fill several path "upper($old_path)" # these name no object
fill several path "concat('image/', seq, '.png ')"
fill bytes 'id, path' "unhex(md5(seq)), $old_path"
fill documents data "json_object('id', seq, 'avatar', json_object('url', $old_path, 'w', 10), 'a \"b\\\\c,{}', null)"
fill parts 'id, path' "seq, $old_path"
fill latin path "$old_path"
fill "\`order\`" "path, \`values\`" "$old_path, seq"
for table in plain pairs several bytes documents parts latin order; do
	my_audit $table
done
job 'table: plain, column: path' "table: 'other.with \"quotes\" and ''more''', column: path" \
	'table: pairs, column: path' 'table: pairs, column: thumb, key: [id, b]' \
	'table: several, column: path' 'table: app.bytes, column: path' \
	'table: documents, column: data, json_path: $.avatar.url' \
	'table: parts, column: path' 'table: latin, column: path' \
	'table: order, column: path, set: {values: 7}'

check 'a job with ten columns of nine tables runs' exits_with 0 migrate-run job.yml
check 'integer keys' my_says "SELECT count(*) FROM plain WHERE path = concat('avatar/', id, '.png')" 9
check 'another database, and names that need quotes' my_says \
	"SELECT count(*) FROM other.\`with \"quotes\" and 'more'\` WHERE path LIKE 'avatar/_.png'" 9
check 'two columns of a composite key' my_says \
	"SELECT count(*) FROM pairs WHERE path LIKE 'avatar/%' AND thumb = path" 9
check 'several rows for one object, and none that only looks alike to the collation' my_says \
	"SELECT concat_ws(' ', sum(path LIKE BINARY 'avatar/_.png'), sum(path LIKE BINARY 'IMAGE/%'),
	sum(path LIKE BINARY 'image/_.png ')) FROM several" '18 9 9'
check 'bytes' my_says "SELECT count(*) FROM bytes WHERE path LIKE 'avatar/_.png'" 9
check 'a place in a document, and the rest of it as it was' my_says \
	"SELECT count(*) FROM documents WHERE json_compact(data) = json_compact(json_object('id', id, 'avatar',
	json_object('url', concat('avatar/', id, '.png'), 'w', 10), 'a \"b\\\\c,{}', null))" 9
check 'partitions' my_says "SELECT count(*) FROM parts WHERE path = concat('avatar/', id, '.png')" 9
check 'another character set' my_says "SELECT count(*) FROM latin WHERE path = concat('avatar/', id, '.png')" 9
check 'columns of set: too' my_says "SELECT DISTINCT \`values\` FROM \`order\`" 7
audit_is() {
	my_says "SELECT group_concat(about, ' ', n ORDER BY about SEPARATOR ', ') FROM (SELECT about,
		count(*) AS n FROM audit GROUP BY 1) AS a" "$1"
}
check 'each row was updated once for each of its columns' audit_is \
	'bytes 9, documents 9, latin 9, order 9, pairs 18, parts 9, plain 9, several 18'
check 'the same job again' exits_with 0 migrate-run job.yml
check 'updates nothing' my_says 'SELECT count(*) FROM audit' 90
check 'it can be verified' exits_with 0 migrate-verify job.yml
check 'nothing is left open in the server' my_says \
	"SELECT count(*) FROM information_schema.processlist WHERE user = 'test'" 0

# ---- Values ------------------------------------------------------------------------

fresh
my 'CREATE TABLE avatars (id serial, path varchar(60) COLLATE utf8mb4_unicode_ci, INDEX (path));
	CREATE TABLE narrow (id serial, path varchar(60) CHARACTER SET latin1, INDEX (path))'
# shellcheck disable=SC2016 # a sign, not a variable
awkward() { # one name a line
	printf '%s\n' "it's" 'back\slash' 'per%cent' 'under_score' '"quoted"' 'trailing  ' ' leading' \
		"$(printf '\360\237\230\200.png')" "$(printf 'e\314\201')" "$(printf '\303\251')" \
		'{brace,}' 'NULL' '$1' "x'41'" 'UPPER' 'upper' 'upper ' '`' '?' "\\"
}
awkward | while IFS= read -r name; do
	write_file "old/image/$name" "$name"
	printf "INSERT INTO avatars (path) VALUES (x'%s');\n" "$(printf 'image/%s' "$name" | od -An -tx1 | tr -d ' \n')"
done >fill.sql
my "$(cat fill.sql); INSERT INTO narrow (path) SELECT path FROM avatars WHERE path LIKE '%\\\\303%' OR path LIKE '%upper%'"
rm -f old/image/?.png
write_file "old/image/$(printf 'latin-\351')" 'this can be no text'
job 'table: avatars, column: path' 'table: narrow, column: path'
awkward | sed 's|^|avatar/|' | sort >wanted
run migrate-run job.yml
check 'names with quotes, blanks, accents and signs, and one that is no text' last_output_has 'rows'
changed() {
	my 'SELECT path FROM avatars' | sort >got
	cmp wanted got
}
check 'are written to the byte' changed
check 'what can stand in no row is copied all the same' exists "new/avatar/$(printf 'latin-\351')"
check 'case twins of another character set too' my_says \
	"SELECT count(*) FROM narrow WHERE path LIKE BINARY 'avatar/%'" 3

# ---- Selection, patterns, set: -----------------------------------------------------

fresh
my "CREATE TABLE avatars (id serial, url varchar(100), deleted_at datetime, n decimal(6,2), s enum('local', 'moved'),
	touched timestamp(6) DEFAULT CURRENT_TIMESTAMP(6) ON UPDATE CURRENT_TIMESTAMP(6), INDEX (url))"
fill avatars 'url, deleted_at, n, s' \
	"concat('https://old/image/', seq, '.png'), if(seq > 6, '2026-01-01', null), seq, 'local'"
job 'table: avatars, column: url, value: "https://old/{key}", new_value: "https://new/{key}", where: "avatars.deleted_at IS NULL -- not these", set: {n: "7", s: moved, deleted_at: null}'
dump() {
	mariadb-dump --no-defaults -S "$mysql_socket" -u root --skip-comments --order-by-primary app
}
dump >before
check 'a dry run' run migrate-run --dry-run job.yml
dump >after
check 'changes nothing' cmp before after
check 'a job with where, value and set runs' exits_with 0 migrate-run job.yml
check 'rows of where changed, and other columns with them' my_says \
	"SELECT count(*) FROM avatars WHERE url LIKE 'https://new/avatar/%' AND n = 7 AND s = 'moved'" 6
check 'others did not' my_says \
	"SELECT count(*) FROM avatars WHERE url LIKE 'https://old/image/%' AND n > 6 AND s = 'local'
	AND deleted_at IS NOT NULL" 3
check 'the same job again' exits_with 0 migrate-run job.yml

# ---- Trials, and an index that would not help ---------------------------------------

fresh
rm -rf old && mkdir old
my 'CREATE TABLE avatars (id binary(16) PRIMARY KEY, path text NOT NULL, kind varchar(9) NOT NULL, INDEX (path(9)))'
job 'table: avatars, column: path'
check 'a table can be filled for trials' exits_with 0 migrate-seed job.yml 50
check 'with a row for each object' my_says "SELECT count(DISTINCT id, path) FROM avatars WHERE path LIKE 'image/%'" 50
my 'ANALYZE TABLE avatars' >analysed
check 'an index over beginnings that are the same is of no use' exits_with 0 migrate-run job.yml
check 'which is said' last_output_has "index 'path' holds the beginnings" 'no index'
check 'and all rows are changed' my_says "SELECT count(*) FROM avatars WHERE path LIKE 'avatar/%'" 50

# ---- What a schema refuses ---------------------------------------------------------

fresh
my "CREATE TABLE avatars (id serial, path varchar(100) UNIQUE) COLLATE utf8mb4_general_ci;
	CREATE TABLE notes (id serial, path varchar(100), FOREIGN KEY (path) REFERENCES avatars (path) ON UPDATE CASCADE)
		COLLATE utf8mb4_general_ci;
	INSERT INTO avatars VALUES (100, 'AVATAR/5.png')"
fill avatars path "$old_path"
fill notes path "$old_path"
job 'table: avatars, column: path'
check 'a row that would not be unique fails' exits_with 3 migrate-run job.yml
check 'it alone' my_says "SELECT group_concat(path) FROM avatars WHERE path LIKE 'image/%'" image/5.png
check 'foreign keys followed' my_says 'SELECT count(*) FROM notes JOIN avatars USING (path)' 9
check 'and no row was lost' my_says 'SELECT count(*) FROM avatars' 10

fresh
my "CREATE TABLE avatars (id serial, path varchar(100), other varchar(11), latin varchar(30) CHARACTER SET latin1,
		CONSTRAINT stays CHECK (path <> 'avatar/4.png'));
	DELIMITER //
	CREATE TRIGGER refuse BEFORE UPDATE ON avatars FOR EACH ROW
	IF new.path = 'avatar/3.png' THEN SIGNAL SQLSTATE '02TRG' SET MESSAGE_TEXT = 'three stays';
	ELSEIF new.path = 'avatar/2.png' THEN INSERT INTO avatars (path) VALUES ('no');
	ELSEIF new.path = 'avatar/1.png' THEN SET new.path = 'avatar/one.png'; END IF//
	DELIMITER ;"
fill avatars 'path, other, latin' "$old_path, $old_path, concat('image/', seq, '.png')"
job 'table: avatars, column: path' 'table: avatars, column: other' \
	"table: avatars, column: latin, new_value: '$(printf '\344\270\255'){key}'"
check 'rows that a check or a trigger refuses or changes, and names that do not fit' \
	exits_with 3 migrate-run job.yml
check 'it is said why' last_output_has 'three stays' 'CONSTRAINT' 'too long for the column' 'Incorrect string' \
	'made another value'
check 'they stay as they were' my_says \
	"SELECT group_concat(path ORDER BY id) FROM avatars WHERE path LIKE 'image/%'" \
	image/1.png,image/2.png,image/3.png,image/4.png
check 'too long ones too' my_says "SELECT count(*) FROM avatars WHERE other LIKE 'image/%'" 9
check 'and those that the character set does not have' my_says \
	"SELECT count(*) FROM avatars WHERE latin LIKE 'image/%'" 9
my 'DROP TRIGGER refuse; ALTER TABLE avatars DROP CONSTRAINT stays, MODIFY other text,
	MODIFY latin varchar(30) CHARACTER SET utf8mb4'
run migrate-run --retry-failed job.yml
check 'and are changed once they may be' my_says \
	"SELECT count(*) FROM avatars WHERE path LIKE 'avatar/%' AND other = path AND latin LIKE '_avatar/%'" 9

# ---- What cannot be: one message that says what to do, status 2, nothing touched -------

fresh
my "CREATE TABLE avatars (id serial, path varchar(100), doubled varchar(200) AS (concat(path, path)) STORED);
	CREATE TABLE bare (path text); CREATE VIEW seen AS SELECT * FROM avatars;
	CREATE TABLE old_style (id serial, path varchar(100)) ENGINE=MyISAM;
	CREATE TABLE numbers (id serial, n int, d json, maybe int UNIQUE, f float NOT NULL UNIQUE);
	CREATE OR REPLACE USER reader@'%' IDENTIFIED BY 'reader-password'; GRANT SELECT ON app.* TO reader@'%'"
fill avatars path "$old_path"
refuses() { # OPTIONS TEXT...
	job "$1"
	shift
	exits_with 2 migrate-run job.yml && last_output_has "$@" && last_output_lacks test-password
}
check 'an unknown table' refuses 'table: avatar, column: path' "did you mean 'avatars'?"
check 'an unknown database' refuses 'table: ap.avatars, column: path' "no table 'ap.avatars'"
check 'an unknown column' refuses 'table: avatars, column: paht' "did you mean 'path'?"
check 'an unknown key' refuses 'table: avatars, column: path, key: idd' "no column 'idd'"
check 'a key that is not unique' refuses 'table: avatars, column: path, key: [id, doubled]' 'may be NULL'
check 'a key that may be NULL' refuses 'table: numbers, column: d, json_path: $.x, key: maybe' 'may be NULL'
check 'a key that is not exact' refuses 'table: numbers, column: d, json_path: $.x, key: f' 'cannot identify'
check 'a table without a key' refuses 'table: bare, column: path' 'no primary key'
check 'a view' refuses 'table: seen, column: path' 'is a view'
check 'a table without transactions' refuses 'table: old_style, column: path' 'ENGINE=InnoDB'
check 'a generated column' refuses 'table: avatars, column: doubled' 'generated'
check 'a number' refuses 'table: numbers, column: n' 'holds no names'
check 'a path that is none' refuses 'table: numbers, column: d, json_path: "$.a[*]"' 'is not one place'
check 'a condition that is none' refuses 'table: avatars, column: path, where: "deletd is null"' 'deletd'
check 'two statements for a condition' refuses \
	'table: avatars, column: path, where: "true) or (true; drop table avatars; --"' 'where'
check 'a value that a column of set: cannot hold' refuses \
	'table: numbers, column: d, json_path: $.x, set: {n: many}' "set: 'n'" 'many'
check 'one that is too large for it' refuses \
	'table: numbers, column: d, json_path: $.x, set: {n: "3000000000"}' "set: 'n'"

uri=$mysql_uri
refuses_at() { # CONNECTION TEXT...
	mysql_uri=$1 && shift
	job 'table: avatars, column: path'
	exits_with 2 migrate-run job.yml && last_output_has "$@" && last_output_lacks secret test-password
}
host=${uri##*@}
check 'a wrong password' refuses_at "mysql://test:se-secret-cret@$host" 'check user and password'
check 'a wrong database' refuses_at "$uri-not-there" 'check the name of the database'
check 'nobody there' refuses_at 'mysql://test:secret@127.0.0.1:1/app' "connect"
check 'a password with an @ in it' refuses_at "mysql://test:x@secret@$host" '%40'
check 'no database' refuses_at "mysql://test:secret@${host%/*}" 'no database is named'
check 'a text that is no connection' refuses_at 'password=my secret x' 'mysql://'
check 'a privilege that is missing' refuses_at "mysql://reader:reader-password@$host" GRANT
check 'a server somewhere else' refuses_at 'mysql://test:secret@somewhere.invalid/app' 'somewhere.invalid'
my "SET GLOBAL read_only = ON; GRANT UPDATE ON app.* TO reader@'%'"
check 'a server that can only be read from' refuses_at "mysql://reader:reader-password@$host" 'only be read'
my 'SET GLOBAL read_only = OFF'
mysql_uri=$uri
check 'nothing was changed by all that' my_says "SELECT count(*) FROM avatars WHERE path LIKE 'image/%'" 9

# ---- Other ways to say where the server is -----------------------------------------------

write_file "$HOME/.my.cnf" "[client]
user = reader
password = \"reader-password\"
default-character-set = latin1
local-infile = 1
"
chmod 600 "$HOME/.my.cnf"
write_job job.yml <<END
source: {plugin: posix, root: old}
destination: {plugin: posix, root: new}
rename: [{prefix: image/, to: avatar/}]
databases:
  - {plugin: mysql, host: 127.0.0.1, port: $mysql_port, user: reader, database: app, table: avatars, column: path}
END
check 'options of their own, and the password of ~/.my.cnf' exits_with 0 migrate-run job.yml
write_file server.cnf "[client]
socket=$mysql_socket
user=test
password='test-password'
database = app
[mysqldump]
user=nobody
"
chmod 600 server.cnf
sed -i 's/host: 127.*database: app,/connection_file: server.cnf,/' job.yml
check 'an option file, and a socket' exits_with 0 migrate-run job.yml
chmod 644 server.cnf
check 'one that others may read is refused' exits_with 2 migrate-run job.yml
check 'all rows are changed' my_says "SELECT count(*) FROM avatars WHERE path LIKE 'avatar/%'" 9

finish
