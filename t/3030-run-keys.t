#!/bin/sh
# SPDX-License-Identifier: MIT
# Keys that come from a file, or from the rows of a database.

. "${srcdir:-.}/t/lib.sh"
T_TIMEOUT=60

fresh() { # KEY...
	rm -rf src dst app.db job.journal* keys.txt
	mkdir -p src/image dst
	sql app.db 'CREATE TABLE t (id INTEGER PRIMARY KEY, path TEXT); CREATE INDEX i ON t (path)'
	for t_key; do
		write_file "src/$t_key" "bytes of $t_key"
	done
}

job() { # KEYS RENAME (may be empty) [VALUE]
	write_job job.yml <<-END
		source: {plugin: posix, root: src}
		destination: {plugin: posix, root: dst}
		keys: $1
		${2:+rename: $2}
		databases: [{plugin: sqlite, path: app.db, table: t, column: path${3:+, $3}}]
	END
}

rows() { # PATH...
	for t_path; do
		sql app.db "INSERT INTO t (path) VALUES ('$t_path')"
	done
}

rows_are() {
	sql_says app.db "SELECT group_concat(path, ' ') FROM (SELECT path FROM t ORDER BY id)" "$1"
}

moves='[{prefix: image/, to: avatar/}]'

# ---- A file that is wrong ------------------------------------------------------------------

fresh image/1
job '{from: file, file: keys.txt}' "$moves"
check 'a file that is not there' exits_with 2 migrate-run job.yml
check 'is named' last_output_has keys.txt
job '{from: file, file: keys.txt, format: csv}' ''
for wrong in 'image/1' 'image/1,a,b' '"image/1,a' ',a' 'image/1,'; do
	printf '%s\n' "$wrong" >keys.txt
	check "CSV: '$wrong' is refused" exits_with 2 migrate-run job.yml
	check 'with its line' last_output_has 'keys.txt:1: '
done
check 'nothing was copied' holds_files dst 0

# ---- Lines, NULs, pairs --------------------------------------------------------------------

fresh image/1 image/2 image/3
rows image/1 image/2 image/3
printf 'image/2\nimage/1\n\nimage/2\nimage/none' >keys.txt
job '{from: file, file: keys.txt}' "$moves"
check 'keys from lines' exits_with 0 migrate-run job.yml
check 'the same key twice is one object, a missing one is gone' \
	status_counts job.yml total=3 done=2 gone=1 failed=0
check 'only these are copied' holds_files dst/avatar 2
check 'and their rows follow' rows_are 'avatar/1 avatar/2 image/3'
check 'again' exits_with 0 migrate-run job.yml
check 'nothing more' status_counts job.yml total=3 done=2 gone=1
write_file src/image/none 'came since'
check 'a key that has come since' exits_with 0 migrate-run job.yml
check 'is copied' contains_exactly dst/avatar/none 'came since'
check 'and moves to another class' status_counts job.yml total=3 done=3 gone=0

write_file src/image/1 'changed since'
check 'an object that changed since' exits_with 0 migrate-run job.yml
check 'is copied again' contains_exactly dst/avatar/1 'changed since'
check 'the others are not' last_output_has 'copied 1 objects'
rm src/image/1
check 'one that has gone since' exits_with 0 migrate-run job.yml
check 'is told of' last_output_has 'orphaned: 1 copies'

fresh image/1
rows image/1 image/lost
printf 'image/1\nimage/lost\n' >keys.txt
job '{from: file, file: keys.txt}' "$moves"
check 'a key without object that a row names' exits_with 3 migrate-run job.yml
check 'is a failure' status_says job.yml .failures_by_class.missing 1
check 'named' last_output_has 'image/lost: missing: '
check 'its row is left alone' rows_are 'avatar/1 image/lost'
check 'again' exits_with 3 migrate-run job.yml
check 'and not counted twice' status_counts job.yml total=2 done=1 failed=1

fresh
newline=$(printf 'image/a\nb')
write_file "src/$newline" 'two lines'
write_file src/image/c 'one'
printf 'image/c\0image/a\nb\0' >keys.txt
job '{from: file, file: keys.txt, format: nul}' "$moves"
check 'keys that end with NUL' exits_with 0 migrate-run job.yml
check 'may hold newlines' contains_exactly "dst/$(printf 'avatar/a\nb')" 'two lines'

fresh 'image/1' 'image/with, "quotes"' 'image/3'
rows image/1 image/3
printf 'image/1,one\r\n"image/with, ""quotes""","t/w""o"\n' >keys.txt
job '{from: file, file: keys.txt, format: csv}' ''
check 'pairs' exits_with 0 migrate-run job.yml
check 'old and new as the file says' contains_exactly dst/one 'bytes of image/1'
check 'quotes and commas' contains_exactly 'dst/t/w"o' 'bytes of image/with, "quotes"'
check 'no others' holds_files dst 2
check 'rows as well' rows_are 'one image/3'
sql app.db "INSERT INTO t (path) VALUES ('image/1')"
check 'a row that was written since' exits_with 0 migrate-run job.yml
check 'follows the pair' rows_are 'one image/3 one'

fresh image/1 image/2
printf 'image/1,one\nimage/2,one\n' >keys.txt
job '{from: file, file: keys.txt, format: csv}' ''
check 'pairs that collide' exits_with 3 migrate-run job.yml
check 'both fail' status_says job.yml .failures_by_class.collision 2
check 'and are not copied' holds_files dst 0
fresh image/1 image/2
printf 'image/1,image/2\nimage/2,two\n' >keys.txt
check 'chained pairs' exits_with 2 migrate-run job.yml
check 'are refused' last_output_has 'chained names'

# ---- From the rows -------------------------------------------------------------------------

fresh image/1 image/2 image/unnamed
rows image/1 image/2 image/2 image/missing image/missing other/1
job '{from: database, prefix: image/}' "$moves"
check 'keys from the rows' exits_with 0 migrate-run job.yml
check 'objects that no row names are left' missing dst/avatar/unnamed
check 'rows follow; those of a missing object and of other keys are left' \
	rows_are 'avatar/1 avatar/2 avatar/2 image/missing image/missing other/1'
check 'they are counted' status_counts job.yml total=3 done=2 gone=1 failed=0 rows.changed=3 rows.missing=2
check 'and told' last_output_has '2 named a missing object'
check 'again' exits_with 0 migrate-run job.yml
check 'the counts stay' status_counts job.yml total=3 done=2 gone=1 rows.changed=3 rows.missing=2
write_file src/image/missing 'found'
check 'an object that was found' exits_with 0 migrate-run job.yml
check 'is copied' contains_exactly dst/avatar/missing found
check 'and its rows follow' rows_are 'avatar/1 avatar/2 avatar/2 avatar/missing avatar/missing other/1'

fresh image/1 image/2
rows image/1 image/2 image/2
job '{from: database}' "$moves"
check 'rows that name new keys by now' exits_with 0 migrate-run job.yml
check 'bring no new keys into the next run' exits_with 0 migrate-run job.yml
check 'nor does a vanished row make an orphan' last_output_lacks orphaned
check 'all is as it was' status_counts job.yml total=2 done=2 failed=0 gone=0
rows image/2
check 'a row written since' exits_with 0 migrate-run job.yml
check 'follows' rows_are 'avatar/1 avatar/2 avatar/2 avatar/2'

fresh image/1
rows https://cdn/image/1 https://elsewhere/image/1 image/1
job '{from: database}' "$moves" 'value: "https://cdn/{key}"'
check 'keys in values of another shape' exits_with 0 migrate-run job.yml
check 'what does not match is left alone' rows_are 'https://cdn/avatar/1 https://elsewhere/image/1 image/1'
check 'and is no key' status_counts job.yml total=1 done=1

# Rows name what was there before, and its new version is a conflict.
fresh image/1 image/2
mkdir -p dst/avatar && cp -p src/image/1 dst/avatar/1
rows image/1 image/2
job '{from: database}' "$moves"
check 'an equal copy was there' exits_with 0 migrate-run job.yml
write_file src/image/1 'another text'
rows image/1
check 'the source changed: a conflict' exits_with 3 migrate-run job.yml
check 'and still one in the next run' exits_with 3 migrate-run job.yml
check 'what the rows name is no key of the source' \
	status_counts job.yml total=2 same=0 done=1 failed=1 gone=0 rows.missing=0
check 'and stays' rows_are 'avatar/1 avatar/2 image/1'

finish
