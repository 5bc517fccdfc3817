#!/bin/sh
# SPDX-License-Identifier: MIT
# Nothing to do, limits that hold, and output that no key can speak through.

. "${srcdir:-.}/t/lib.sh"
T_TIMEOUT=60

fresh() {
	rm -rf src dst app.db* ./*.journal*
	mkdir -p src dst
	sql app.db 'CREATE TABLE t (id INTEGER PRIMARY KEY, path TEXT); CREATE INDEX i ON t (path)'
}

job() { # [LINE...]
	write_job job.yml <<-END
		source: {plugin: posix, root: src}
		destination: {plugin: posix, root: dst}
		rename: [{prefix: image/, to: avatar/}]
		databases: [{plugin: sqlite, path: app.db, table: t, column: path}]
	END
	[ $# -eq 0 ] || printf '%s\n' "$@" >>job.yml
}

many() { # N BYTES: objects and rows
	mkdir -p src/image
	for t_i in $(seq "$1"); do
		head -c "$2" /dev/zero >"src/image/$t_i"
	done
	sql app.db "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < $1)
		INSERT INTO t SELECT i, 'image/' || i FROM n"
}

# ---- Nothing -----------------------------------------------------------------------------------

fresh
job
check 'an empty source is no failure' exits_with 0 migrate-run job.yml
check 'of nothing' status_counts job.yml total=0 done=0 failed=0
check 'the job is finished' status_says job.yml .state finished
check 'again' exits_with 0 migrate-run job.yml
check 'a dry run too' exits_with 0 migrate-run --dry-run job.yml
write_file src/image/1 'came later'
check 'what comes later is copied' exits_with 0 migrate-run job.yml
check 'as always' contains_exactly dst/avatar/1 'came later'

fresh
write_file src/image/1 one
job 'keys: {include: ["*.png"]}'
check 'a selection that takes nothing' exits_with 0 migrate-run job.yml
check 'counts it' status_says job.yml .passed_over.rule 1
check 'and copies nothing' holds_files dst 0

fresh
: >keys.txt
job 'keys: {from: file, file: keys.txt}'
check 'an empty file of keys' exits_with 0 migrate-run job.yml
fresh
job 'keys: {from: database}'
check 'a table without rows' exits_with 0 migrate-run job.yml

# ---- Progress as JSON, no output at all ------------------------------------------------------------

fresh
many 30 10
write_file src/photo/1 unmatched
job
check 'progress as JSON' exits_with 3 migrate-run --progress=json job.yml
one_object_a_line() {
	while IFS= read -r t_line; do
		printf '%s\n' "$t_line" >line
		json_says line 'type == "object" and .version == 1' || return 1
	done <"$t_out/stdout"
	[ -s "$t_out/stdout" ]
}
check 'standard output holds one object a line and nothing else' one_object_a_line
tail -1 "$t_out/stdout" >last
check 'the last one has the result' json_says last '.objects.done == 31 and .objects.failed == 1'
check 'log as JSON' exits_with 3 migrate-run --retry-failed --log-format=json --progress=json job.yml
check 'is one object a line as well' json_says "$t_out/stderr" '.message != null'

fresh
many 30 10
job
nobody_reads() {
	migrate-run --progress=json job.yml >&- 2>&-
}
check 'closed outputs do not end a run' nobody_reads
check 'all is done' status_counts job.yml total=30 done=30 rows.changed=30

# ---- Limits ----------------------------------------------------------------------------------------

# What was done after a second or so, from the samples: never much more than the limit allows.
at_most() { # COLUMN PER-SECOND: no sample is above 2 seconds' worth plus what its time allows
	sql_says job.journal "SELECT count(*) FROM sample WHERE $1 >
		$2 * (2 + (at - (SELECT min(started) FROM run)) / 1000000000.0)" 0 &&
		sql_says job.journal 'SELECT count(*) > 1 FROM sample' 1
}

throttled() { # LIMITS COLUMN PER-SECOND
	fresh
	many 60 100000
	job "limits: $1" 'batch: 5' 'copy: {concurrency: 4, part_size: 64KiB}'
	exits_with 0 migrate-run job.yml && status_counts job.yml total=60 done=60 rows.changed=60 &&
		at_most "$2" "$3"
}
check 'requests are limited' throttled '{requests: 20/s}' objects 20
check 'bytes are limited' throttled '{bandwidth: 2MB/s}' bytes 2000000
check 'rows are limited' throttled '{rows: 20/s}' rows 20

# ---- Keys that would speak to the terminal -----------------------------------------------------------

fresh
nasty=$(printf 'image/n\nl \033[2Jclear \377 \342\200\256rtl \\x')
write_file "src/$nasty" ours
write_file "dst/$(printf '%s' "$nasty" | sed 's,^image,avatar,')" theirs
write_file "src/$(printf 'photo/\033]0;title\007')" unmatched
sql app.db "INSERT INTO t VALUES (1, CAST(x'$(printf '%s' "$nasty" | od -An -tx1 | tr -d ' \n')' AS TEXT))"
job

# Nothing but printable characters, in what any program said.
is_calm() {
	cat "$t_out/stdout" "$t_out/stderr" >"$t_out/both"
	! LC_ALL=C grep -n '[[:cntrl:]]' "$t_out/both" | grep -v '	' || return 1
	iconv -f UTF-8 -t UTF-8 "$t_out/both" >/dev/null || return 1
	not grep -q "$(printf '\342\200\256')" "$t_out/both"
}
calm() { # STATUS COMMAND...
	exits_with "$@" && is_calm
}
escaped='image/n\x0al \x1b[2Jclear \xff \xe2\x80\xaertl \x5cx'
check 'a dry run escapes keys' calm 3 migrate-run --dry-run job.yml
check 'and shows them so' last_output_has "$escaped"
check 'a run does' calm 3 migrate-run --log-level=debug job.yml
check 'in what it says of failures' last_output_has "$escaped: conflict: " 'photo/\x1b]0;title\x07: unmatched: '
check 'migrate-status does' calm 0 migrate-status job.yml
check 'its list of failures does' calm 0 migrate-status --failed job.yml
check 'with the same words' last_output_has "$escaped" "'avatar/n\x0al \x1b[2Jclear"
check 'what it finds as well' calm 0 migrate-status --find image job.yml
check 'a key can be asked for as it was shown' calm 0 migrate-status --explain "$escaped" job.yml
check 'and is explained' last_output_has conflict

rm -rf src/* dst/* ./*.journal*
write_file "src/$nasty" ours
check 'a key of any bytes is copied' calm 0 migrate-run job.yml
check 'with its row' sql_says app.db "SELECT substr(path, 1, 8) FROM t" "$(printf 'avatar/n')"
check 'migrate-verify does as well' calm 0 migrate-verify job.yml
rm "src/$nasty"
check 'and a run that tells of a vanished source' calm 0 migrate-run job.yml
check 'by name' last_output_has "orphaned: '$escaped'"

finish
