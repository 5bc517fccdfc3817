#!/bin/sh
# SPDX-License-Identifier: MIT
# A dry run tells the whole truth and writes nothing.

. "${srcdir:-.}/t/lib.sh"
T_TIMEOUT=60

fresh() {
	rm -rf src dst app.db* job.journal*
	mkdir dst
	for t_i in 1 2 3 4 5; do
		write_file "src/image/$t_i.png" '0123456789'
	done
	write_file src/image/x.tmp temporary
	sql app.db "CREATE TABLE t (id INTEGER PRIMARY KEY, path TEXT); CREATE INDEX i ON t (path);
		INSERT INTO t VALUES (1, 'image/1.png'), (2, 'image/2.png'), (3, 'image/2.png'),
			(4, 'image/none.png'), (5, 'zebra'), (6, 'image/x.tmp')"
}

job() { # RENAME [LINE...]
	write_job job.yml <<-END
		source: {plugin: posix, root: src}
		destination: {plugin: posix, root: dst}
		keys: {prefix: image/, exclude: ["*.tmp"]}
		rename: $1
		databases: [{plugin: sqlite, path: app.db, table: t, column: path}]
	END
	shift
	[ $# -eq 0 ] || printf '%s\n' "$@" >>job.yml
}

everything() {
	find . -exec stat -c '%n %s %y %z %i' {} + | sort
	find . -type f -exec md5sum {} + | sort
}

# dry STATUS [OPTION...]: a dry run after which everything is as it was
dry() {
	t_status=$1
	shift
	everything >"$t_out/before"
	exits_with "$t_status" migrate-run --dry-run "$@" job.yml || return 1
	everything | diff "$t_out/before" -
}

# says TEXT N: on one line
says() {
	grep -qE "^$1 +$2\$" "$t_out/stdout" || { echo "not said: $1 $2"; return 1; }
}

# ---- What is wrong -----------------------------------------------------------------------------

fresh
write_file src/image/a/1.png collides
job "[{match: '^image/(a/)?(.*)\$', to: 'avatar/\$2'}]"
check 'a dry run finds collisions' dry 3
check 'both keys of one' says 'keys that collide' 2

fresh
write_file src/image/b/1.png b
job "[{match: '^image/b/(.*)\$', to: 'image/\$1'}, {prefix: image/, to: avatar/}]"
check 'and chained names' dry 3
check 'with the advice' last_output_has 'chained names' 'two jobs'

fresh
write_file src/image/odd odd
job "[{match: '^image/(.*[.]png)\$', to: 'avatar/\$1'}]"
check 'and keys that no rule matches' dry 3
check 'by name' last_output_has 'image/odd: unmatched: '
check 'and number' says 'would fail' 1

fresh
job '[{prefix: image/, to: ../}]'
check 'and keys that the destination cannot hold' dry 3
check 'all of them' says 'would fail' 5

fresh
job '[{prefix: image/, to: avatar/}]'
rm -r src
check 'an end that is not there is a mistake of the job file' dry 2
fresh
rm -r dst
check 'but for a folder that a run would make' dry 0
check 'and not made' missing dst

# ---- What is right -----------------------------------------------------------------------------

fresh
job '[{prefix: thumb/, to: small/}, {prefix: image/, to: avatar/}]'
check 'a good job' dry 0
check 'nothing is written, not even a journal' missing job.journal
check 'objects' says 'objects to copy' 5
check 'bytes' says 'bytes to copy' '50 B'
check 'hits of each rule' last_output_has 'rule 1, prefix thumb/ -> small/: 0 keys' \
	'rule 2, prefix image/ -> avatar/: 5 keys'
check 'with samples' last_output_has 'image/1.png -> avatar/1.png'
check 'rows' says 'rows to change' 3
check 'rows without object' says 'rows without object' 1
check 'objects without row' says 'objects without row' 3
check 'what is left out' says 'passed over: rule' 1
cp "$t_out/stdout" first
check 'the run then' exits_with 0 migrate-run job.yml
check 'does what was said' status_counts job.yml total=5 done=5 rows.changed=3
check 'in bytes too' status_says job.yml .bytes.copied 50

fresh
check 'a dry run with another setting' dry 0 --set 'keys.prefix=image/1'
check 'counts what that leaves' says 'objects to copy' 1

# ---- Keys from elsewhere -----------------------------------------------------------------------

fresh
job '[{prefix: image/, to: avatar/}]'
sed -i 's/^keys:.*/keys: {from: database, prefix: image\/, exclude: ["*.tmp"]}/' job.yml
check 'keys from rows' dry 0
check 'objects that rows name' says 'objects to copy' 2
check 'one is missing' says 'named, but not in the source' 1
check 'rows that can follow' says 'rows to change' 3
check 'rows without object' says 'rows without object' 1

fresh
job '[{prefix: image/, to: avatar/}]'
printf 'image/1.png\nimage/none.png\n' >keys.txt
sed -i 's/^keys:.*/keys: {from: file, file: keys.txt}/' job.yml
check 'keys from a file' dry 0
check 'objects' says 'objects to copy' 1
check 'one is missing' says 'named, but not in the source' 1

# ---- Beside a journal, which is only read ------------------------------------------------------

ours() {
	everything | grep -vE '^[.] |[.]journal-(shm|wal)'
}
# beside STATUS [OPTION...]: a dry run after which everything is as it was, the journal too
beside() {
	t_status=$1
	shift
	ours >"$t_out/before"
	exits_with "$t_status" migrate-run --dry-run "$@" job.yml || return 1
	ours | diff "$t_out/before" -
}

fresh
job '[{prefix: image/, to: avatar/}]'
check 'a finished job' exits_with 0 migrate-run job.yml
check 'a dry run beside it' beside 0
check 'has nothing to copy' says 'objects to copy' 0
check 'for all of it is done' says 'done before, and unchanged' 5
check 'nor rows to change' says 'rows to change' 0
write_file src/image/6.png new
write_file src/image/1.png changed
rm src/image/2.png
check 'what is new or changed' beside 0
check 'would be copied' says 'objects to copy' 2
check 'what is not, not' says 'done before, and unchanged' 3
check 'what has gone is told' says 'copies whose object has gone' 1
check 'with another journal all is new' beside 0 --new-journal
check 'of course' says 'objects to copy' 5
check 'what a run refuses it refuses' beside 5 --set 'rename.0.to=other/'
check 'the run does just that' exits_with 0 migrate-run job.yml
check 'and no more' last_output_has 'pass 2: copied 2 objects'

# In one place the copies stand in the listing, and are no input.
fresh
job '[{prefix: image/, to: image/avatar/}]'
sed -i 's/root: dst/root: src/' job.yml
check 'a finished job in one place' exits_with 0 migrate-run job.yml
check 'a dry run there' beside 0
check 'does not take its copies for objects' says 'objects to copy' 0
check 'but says that they are there' says 'passed over: own' 5
check 'and what is done' says 'done before, and unchanged' 5

# Failures of before are left to --retry-failed.
fresh
job '[{prefix: image/, to: avatar/}]'
write_file dst/avatar/3.png other
check 'a job with a failure' exits_with 3 migrate-run job.yml
check 'a dry run of it' beside 0
check 'does not try it again' says 'failed before: --retry-failed' 1
check 'nor the others' says 'done before, and unchanged' 4

# Rows of a finished job, whatever they name.
fresh
write_file src/other 'no rule is for it'
job '[{prefix: image/, to: avatar/}]' 'unmatched: skip'
sed -i '/^keys:/d' job.yml
check 'a finished job that selects everything' exits_with 0 migrate-run job.yml
sql app.db "INSERT INTO t VALUES (10, 'image/3.png')"
check 'a dry run of it' beside 0
check 'knows the rows that were changed' says 'rows as they shall be' 4
check 'those that are left to change' says 'rows to change' 1
check 'and those that name nothing' says 'rows without object' 2
check 'the run' exits_with 0 migrate-run job.yml
check 'changes as many' status_counts job.yml rows.changed=5

fresh
job '[{prefix: image/, to: avatar/}]' 'copy: {on_conflict: skip}' 'unmatched: fail'
sed -i '/^keys:/d' job.yml
write_file src/zebra 'no rule is for it'
write_file dst/avatar/1.png theirs
check 'one is skipped, one fails' exits_with 3 migrate-run job.yml
sql app.db "INSERT INTO t VALUES (10, 'image/1.png')"
check 'a dry run of it' beside 0
check 'says that their rows stay' says 'rows of objects that are not copied' 3
check 'and changes none' says 'rows to change' 0

finish
