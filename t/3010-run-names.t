#!/bin/sh
# SPDX-License-Identifier: MIT
# Two keys never become one, no new key is another's old one; what no rule matches.

. "${srcdir:-.}/t/lib.sh"
T_TIMEOUT=60

fresh() { # KEY...
	rm -rf src dst app.db job.journal*
	mkdir src dst
	sql app.db 'CREATE TABLE t (path TEXT); CREATE INDEX i ON t (path)'
	for t_key; do
		write_file "src/$t_key" "bytes of $t_key"
		sql app.db "INSERT INTO t VALUES ('$t_key')"
	done
}

job() { # RENAME [LINE...]
	write_job job.yml <<-END
		source: {plugin: posix, root: src}
		destination: {plugin: posix, root: dst}
		rename: $1
		databases: [{plugin: sqlite, path: app.db, table: t, column: path}]
	END
	shift
	[ $# -eq 0 ] || printf '%s\n' "$@" >>job.yml
}

rows_are() {
	sql_says app.db "SELECT group_concat(path, ' ') FROM (SELECT path FROM t ORDER BY path)" "$1"
}

failed_as() { # CLASS N
	status_says job.yml ".failures_by_class.$1" "$2"
}

# ---- Collisions --------------------------------------------------------------------------

fresh a/1.png b/1.png b/2.png
job "[{match: '^[ab]/(.*)\$', to: 'c/\$1'}]"
check 'two keys that would become one both fail' exits_with 3 migrate-run job.yml
check 'as a collision' failed_as collision 2
check 'they are named' last_output_has 'a/1.png: collision: ' 'b/1.png: collision: '
check 'with what they would become' last_output_has "'c/1.png'"
check 'nothing is copied for them' missing dst/c/1.png
check 'their rows stay' rows_are 'a/1.png b/1.png c/2.png'
check 'the rest is done' contains_exactly dst/c/2.png 'bytes of b/2.png'
check 'each key is in one class' status_counts job.yml total=3 done=1 failed=2
check 'trying again helps nobody' exits_with 3 migrate-run --retry-failed job.yml
check 'nothing is copied' missing dst/c/1.png
write_file src/a/2.png 'came later'
check 'a key that comes later and collides with a copy' exits_with 3 migrate-run job.yml
check 'fails alone' failed_as collision 3
check 'the copy stays what it was' contains_exactly dst/c/2.png 'bytes of b/2.png'

fresh a/1.png b/1.png
job '[{prefix: a/, to: c/}, {prefix: b/, to: c/}]'
check 'prefixes can collide as well' exits_with 3 migrate-run job.yml
check 'both fail' failed_as collision 2
check 'nothing is copied' holds_files dst 0

fresh image/1 avatar/1 avatar/2
job '[{prefix: image/, to: avatar/}]' 'unmatched: keep'
check 'a new key that another keeps is a collision' exits_with 3 migrate-run job.yml
check 'of both' failed_as collision 2
check 'neither is copied' missing dst/avatar/1
check 'the rest is' contains_exactly dst/avatar/2 'bytes of avatar/2'

fresh Image/1 image/1
job "[{match: '(?i)^image/(.*)\$', to: 'avatar/\$1'}]"
check 'a rule that ignores case can collide' exits_with 3 migrate-run job.yml
check 'both fail' failed_as collision 2
fresh image/A image/a
job '[{prefix: image/, to: avatar/}]'
check 'case twins do not' exits_with 0 migrate-run job.yml
check 'each has its bytes' contains_exactly dst/avatar/A 'bytes of image/A'
check 'and its row' rows_are 'avatar/A avatar/a'

# ---- Chains ------------------------------------------------------------------------------

fresh a/1 b/1 z/1
job "[{match: '^a/(.*)\$', to: 'b/\$1'}, {match: '^b/(.*)\$', to: 'c/\$1'}, {prefix: z/, to: y/}]"
check 'chained names are refused' exits_with 2 migrate-run job.yml
check 'with the advice' last_output_has "chained names: 'a/1' becomes 'b/1'" 'two jobs'
check 'before anything was copied' holds_files dst 0
check 'or any row was changed' rows_are 'a/1 b/1 z/1'
check 'the next run says it again' exits_with 2 migrate-run job.yml
check 'and nothing is copied then' holds_files dst 0
job '[{prefix: a/, to: x/}, {prefix: b/, to: c/}, {prefix: z/, to: y/}]'
check 'nothing was done, so the rules may be corrected' exits_with 0 migrate-run job.yml
check 'and all is moved' rows_are 'c/1 x/1 y/1'

fresh a/1 b/1
job "[{match: '^a/(.*)\$', to: 'b/\$1'}, {match: '^b/(.*)\$', to: 'a/\$1'}]"
check 'two keys that change places are a chain too' exits_with 2 migrate-run job.yml
check 'and refused' holds_files dst 0

# What is passed over behind them makes a batch of its own, of nothing.
fresh h x-h
mkdir src/zz
job "[{match: '^(.*)\$', to: 'x-\$1'}]" 'batch: 2'
check 'a chain is one also where the last batch is full' exits_with 2 migrate-run job.yml
check 'and refused before anything failed' missing dst/x-x-h
check 'not only for the time being' exits_with 2 migrate-run job.yml

# A chain that a later pass finds: both ends wait until one is gone, the rest goes on.
fresh b/1 z/1
job "[{match: '^a/(.*)\$', to: 'b/\$1'}, {match: '^b/(.*)\$', to: 'c/\$1'}, {prefix: z/, to: y/}]"
check 'no chain yet' exits_with 0 migrate-run job.yml
write_file src/a/1 'bytes of a/1'
write_file src/z/2 'bytes of z/2'
check 'a key that came since makes one' exits_with 3 migrate-run job.yml
check 'it fails' failed_as collision 1
check 'and says why' last_stderr_has "chained names: 'b/1' is another object's key"
check 'the rest goes on' contains_exactly dst/y/2 'bytes of z/2'
check 'again' exits_with 3 migrate-run job.yml
check 'rows alone' exits_with 3 migrate-run --only rows job.yml
check 'counts it once' status_counts job.yml total=4 done=3 failed=1
rm src/a/1
check 'once it is gone the job is done' exits_with 0 migrate-run job.yml
check 'nothing is failed' status_counts job.yml total=4 done=3 gone=1 failed=0
write_file src/a/1 'bytes of a/1'
check 'there again, it waits again' exits_with 3 migrate-run job.yml
rm src/b/1
check 'also without the other, which was moved: rows that name it follow that one' exits_with 3 migrate-run job.yml
check 'nothing takes its name' missing dst/b/1

# Keys that collide are looked at again in each pass.
fresh a/1 b/1
job "[{match: '^[ab]/(.*)\$', to: 'x/\$1'}]"
check 'two keys become one' exits_with 3 migrate-run job.yml
check 'the next pass says so too' exits_with 3 migrate-run job.yml
check 'and counts them once' status_counts job.yml total=2 failed=2
chmod 600 src/a/1
check 'one that is touched is no other key' exits_with 3 migrate-run job.yml
check 'nothing is copied' holds_files dst 0
check 'each is one object still' status_counts job.yml total=2 failed=2
rm src/b/1
check 'when one is gone' exits_with 0 migrate-run job.yml
check 'the other goes its way' contains_exactly dst/x/1 'bytes of a/1'
check 'and only its row follows' rows_are 'b/1 x/1'
check 'none is failed' status_counts job.yml total=2 done=1 gone=1 failed=0
check 'and nothing more comes of it' exits_with 0 migrate-run job.yml

# --first copies nothing that the rest of the plan is in the way of.
fresh image/a image/x-a
job "[{match: '^image/(.*)', to: 'image/x-\$1'}]" 'copy: {on_conflict: overwrite}'
sed -i 's/root: dst/root: src/' job.yml
check 'a part of a chain' exits_with 2 migrate-run --first 1 job.yml
check 'is named' last_stderr_has "'image/a' becomes 'image/x-a', which is another object"
check 'and no source is lost' contains_exactly src/image/x-a 'bytes of image/x-a'
fresh a/1 b/1 z/1
job "[{match: '^z/(.*)\$', to: 'a/\$1'}, {prefix: a/, to: y/}, {prefix: b/, to: c/}]"
check 'a chain whose other end is left for later' exits_with 2 migrate-run --first 1 job.yml
check 'is told too' last_stderr_has "a key that --first leaves for later becomes 'a/1'"
check 'before anything was copied' holds_files dst 0

fresh a/1 b/1 c/1
job "[{match: '^[ab]/(.*)\$', to: 'x/\$1'}, {prefix: c/, to: z/}]"
check 'a key that one left for later becomes too' exits_with 3 migrate-run --first 1 job.yml
check 'fails' failed_as collision 1
check 'and is not copied' holds_files dst 0
check 'the other fails as well when its turn comes' exits_with 3 migrate-run job.yml
check 'as if all had been planned at once' failed_as collision 2
check 'the rest is there' holds_files dst 1
check 'rows stay with what was not copied' rows_are 'a/1 b/1 z/1'

# ---- Rules and what they do not match ------------------------------------------------------

fresh 'image/thumb-12-a b.png' image/other.png photo/1.png
job "[{match: '^image/thumb-(?<n>\\d+)-(.*)\$', to: 'thumbs/\${n}/\$2'}, {prefix: image/, to: avatar/}]"
check 'the first rule that matches counts' exits_with 3 migrate-run job.yml
check 'groups by name and number' contains_exactly 'dst/thumbs/12/a b.png' 'bytes of image/thumb-12-a b.png'
check 'then the next' exists dst/avatar/other.png
check 'what none matches fails' failed_as unmatched 1
check 'and is named' last_output_has 'photo/1.png: unmatched: '
check 'with its row left alone' rows_are 'avatar/other.png photo/1.png thumbs/12/a b.png'

fresh image/1 photo/1
job '[{prefix: image/, to: avatar/}]' 'unmatched: keep'
check 'unmatched: keep' exits_with 0 migrate-run job.yml
check 'keeps the key' contains_exactly dst/photo/1 'bytes of photo/1'
check 'and the row' rows_are 'avatar/1 photo/1'
check 'all are done' status_counts job.yml total=2 done=2

fresh image/1 photo/1
job '[{prefix: image/, to: avatar/}]' 'unmatched: skip'
check 'unmatched: skip' exits_with 0 migrate-run job.yml
check 'copies nothing of it' missing dst/photo
check 'and counts it' status_says job.yml .passed_over.rule 1
check 'once' exits_with 0 migrate-run job.yml
check 'the totals do not grow' status_counts job.yml total=1 done=1

fresh image/1.png image/1.tmp image/2.gif photo/1.png
job '[{prefix: image/, to: avatar/}]' 'keys: {prefix: image/, include: ["*.png", "*.tmp"], exclude: ["*.tmp"]}'
check 'a selection' exits_with 0 migrate-run job.yml
check 'takes what it names' holds_files dst 1
check 'and counts what it leaves out' status_says job.yml .passed_over.rule 2

finish
