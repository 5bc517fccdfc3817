#!/bin/sh
# SPDX-License-Identifier: MIT
# keys: {from: database}: rows say which objects the job is about.
# shellcheck disable=SC2016 # variables and groups of job files are theirs

. "${srcdir:-.}/t/lib.sh"
T_TIMEOUT=60

fresh() { # OBJECT...
	rm -rf src dst app.db job.journal*
	mkdir -p src dst
	for t_key; do
		write_file "src/$t_key" "bytes of $t_key"
	done
	sql app.db 'CREATE TABLE t (id INTEGER PRIMARY KEY, path TEXT, service TEXT DEFAULT "old");
		CREATE INDEX i ON t (path)'
}

rows() { # VALUE...
	for t_value; do
		sql app.db "INSERT INTO t (path) VALUES ('$t_value')"
	done
}

row_is() { # ID VALUE
	sql_says app.db "SELECT path FROM t WHERE id = $1" "$2"
}

job() { # RENAME DATABASE-OPTIONS [MORE]
	write_job job.yml <<-END
		source: {plugin: posix, root: src}
		destination: {plugin: posix, root: dst}
		keys: {from: database}
		rename: $1
		databases: [{plugin: sqlite, path: app.db, table: t, column: path, $2}]
		$3
	END
}

moves='[{prefix: image/, to: new/}]'

# ---- These objects and no others ----------------------------------------------------------------

fresh image/1 image/2 image/3 other/4
rows /m/image/1 /m/image/2 /m/image/2 /m/image/lost https://elsewhere/x '' 'm/image/3'
job "$moves" 'value: "/m/{key}"'
check 'a dry run' exits_with 0 migrate-run --dry-run job.yml
check 'knows how much there is' last_output_has 'objects to copy                               2' \
	'named, but not in the source                  1' 'rows to change                                3' \
	'rows with other values                        3'
check 'a run' exits_with 0 migrate-run job.yml
check 'copies what rows name' same_tree src/image/1 dst/new/1
check 'and nothing else' holds_files dst 2
check 'a row without object is told' last_output_has "id=4: names '/m/image/lost', which the source does not have"
check 'and stays' row_is 4 /m/image/lost
check 'and is counted' status_counts job.yml total=3 done=2 gone=1 failed=0 rows.changed=3 rows.missing=1
check 'values of another form are counted' last_output_has '3 rows hold values of another form'
check 'and stay' row_is 7 m/image/3
check 'all of it is true' exits_with 0 migrate-verify job.yml

# ---- Later passes ---------------------------------------------------------------------------------

write_file src/image/2 'the bytes of image/2 are others now'
write_file src/image/lost found
rows /m/image/3
check 'a second pass' exits_with 0 migrate-run job.yml
check 'looks at objects whose rows name the new key' same_tree src/image/2 dst/new/2
check 'and at new rows' row_is 8 /m/new/3
check 'and at what was missing' row_is 4 /m/new/lost
check 'each key is counted once' status_counts job.yml total=4 done=4 gone=0 rows.changed=5
check 'a third pass' exits_with 0 migrate-run job.yml
check 'finds nothing to do' last_output_has 'copied 0 objects'
sql app.db "DELETE FROM t WHERE path = '/m/new/1'"
write_file src/image/1 'no row names this any more'
check 'an object that no row names any more' exits_with 0 migrate-run job.yml
check 'is let go' contains_exactly dst/new/1 'bytes of image/1'

# ---- Totals before the first byte -----------------------------------------------------------------

fresh
mkdir -p src/image
for i in $(seq 300); do
	printf '%0100d' "$i" >"src/image/$i"
	printf "INSERT INTO t (path) VALUES ('image/%d');\n" "$i"
done >rows.sql
sqlite3 app.db <rows.sql
job "$moves" 'value: "{key}"' 'limits: {requests: 200/s}'
start run migrate-run --progress=json job.yml
check 'while it runs' ends_with 0 run
known_from_the_start() {
	json_says "$t_out/stdout" '[.[] | select(.objects.done > 0 or .bytes.done > 0)] | length > 0 and
		all(.[]; .total_known and .objects.total == 300 and .bytes.total == 30000)' -s
}
check 'objects and bytes are known from the first copy on' known_from_the_start

# ---- How values are encoded -----------------------------------------------------------------------

fresh 'image/a b.png' 'image/é.png' 'image/c+d.png' image/e/f.png
rows 'https://o/image/a%20b.png' 'https://o/image/%C3%A9.png' 'https://o/image/c%2Bd.png' \
	'https://o/image/e/f.png' 'https://o/image/a+b.png' 'https://o/image/a b.png' \
	'https://o/image/%c3%a9.png' 'https://o/image/e%2Ff.png' 'https://o/image/c+d.png' \
	'https://o/%69mage/e/f.png' 'HTTPS://o/image/e/f.png' 'https://o/image/a%20b.png?v=1'
job '[{prefix: image/, to: "p q/"}]' 'value: "https://o/{key:url}", new_value: "https://n/{key:url}"'
check 'percent-encoded values' exits_with 0 migrate-run job.yml
check 'that have another encoding are counted' last_output_has '8 rows hold values of another form'
check 'those that we would encode so are changed' sql_says app.db \
	"SELECT group_concat(path, ' ') FROM t WHERE id <= 4" \
	'https://n/p%20q/a%20b.png https://n/p%20q/%C3%A9.png https://n/p%20q/c%2Bd.png https://n/p%20q/e/f.png'
check 'the others stay: small digits, a slash that is encoded, a plus' sql_says app.db \
	"SELECT count(*) FROM t WHERE id > 4 AND path LIKE 'https://o/%'" 8

# ---- Chains ---------------------------------------------------------------------------------------

fresh a b
rows a b
job '[{match: "^a$", to: b}, {match: "^b$", to: c}]' 'value: "{key}"'
check 'chained names' exits_with 3 migrate-run --dry-run job.yml
check 'are told by a dry run' last_output_has 'chained names'
check 'and refused by a run' exits_with 2 migrate-run job.yml
check 'with advice' last_output_has 'two jobs'
check 'before anything is copied' holds_files dst 0
check 'or changed' sql_says app.db "SELECT group_concat(path) FROM t" a,b

# ---- Layouts: the column holds a part of the key ----------------------------------------------------

fresh ab/cd/abcdef zz/yy/zzyyxx notes.txt
rows abcdef zzyyxx none00 x
job '[{match: "^../../", to: ""}]' 'layout: "{key:0:2}/{key:2:2}/{key}", set: {service: new}'
check 'a column that holds a part of the key' exits_with 0 migrate-run job.yml
check 'leads to the whole key' contains_exactly dst/abcdef 'bytes of ab/cd/abcdef'
check 'the row keeps its value, and gets what is set' sql_says app.db \
	"SELECT group_concat(path || '=' || service) FROM t" 'abcdef=new,zzyyxx=new,none00=old,x=old'
check 'what can be no such part is counted' last_output_has '1 rows hold values of another form'
check 'all of it is true' exits_with 0 migrate-verify job.yml

# And the other way, into folders.
fresh abcdef
rows abcdef
job '[{match: "^((..)(..).*)$", to: "$2/$3/$1"}]' 'new_layout: "{key:0:2}/{key:2:2}/{key}", set: {service: new}'
check 'a new key of which the column holds a part' exits_with 0 migrate-run job.yml
check 'is made of it' contains_exactly dst/ab/cd/abcdef 'bytes of abcdef'
check 'the row keeps its value' sql_says app.db "SELECT path || service FROM t" abcdefnew

fresh abcdef
rows abcdef
job '[{prefix: a, to: z}]' 'new_layout: "{key:0:2}/{key:2:2}/{key}"'
check 'a new key that has no such form' exits_with 3 migrate-run job.yml
check 'fails' last_output_has 'abcdef: rename: ' 'no value can be made of the new key'
check 'before it is copied' holds_files dst 0
check 'and its row stays' row_is 1 abcdef

finish
