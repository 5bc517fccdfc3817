#!/bin/sh
# SPDX-License-Identifier: MIT
# Source and destination are one place, or one lies inside the other.

. "${srcdir:-.}/t/lib.sh"
T_TIMEOUT=60

fresh() {
	rm -rf root app.db job.journal*
	for t_i in 1 2 3 4 5 6; do
		write_file "root/image/$t_i.png" "image $t_i"
	done
	sql app.db "CREATE TABLE t (id INTEGER PRIMARY KEY, path TEXT); CREATE INDEX i ON t (path);
		INSERT INTO t SELECT value, 'image/' || value || '.png' FROM json_each('[1,2,3,4,5,6]')"
}

job() { # SOURCE DESTINATION RENAME [LINE...]
	write_job job.yml <<-END
		source: {plugin: posix, root: $1}
		destination: {plugin: posix, root: $2}
		rename: $3
		databases: [{plugin: sqlite, path: app.db, table: t, column: path}]
	END
	shift 3
	[ $# -eq 0 ] || printf '%s\n' "$@" >>job.yml
}

picture() { # FOLDER: names, bytes, and who is who
	find "$1" -type f -exec stat -c '%n %i %y' {} + | sort
}

# again STATUS: another run copies nothing and makes nothing
again() {
	picture root >before
	exits_with "$1" migrate-run job.yml || return 1
	last_output_has 'copied 0 objects' || return 1
	picture root | diff before -
}

# ---- One place -----------------------------------------------------------------------------

fresh
job root root '[{prefix: image/, to: avatar/}]'
check 'a job inside one place' exits_with 0 migrate-run job.yml
check 'copies' holds_files root/avatar 6
check 'and leaves the old ones' holds_files root/image 6
check 'rows follow' sql_says app.db "SELECT count(*) FROM t WHERE path LIKE 'avatar/%'" 6
check 'a second run copies nothing: what it made is no input' again 0
check 'and counts it as its own' status_says job.yml '.passed_over | to_entries | map(select(.key | test("own|job"))) | .[0].value' 6
check 'a third one neither' again 0
write_file root/image/7.png 'image 7'
check 'what is new is copied' exits_with 0 migrate-run job.yml
check 'once' holds_files root/avatar 7
check 'and no more after that' again 0
check 'each key is in one class' status_counts job.yml total=7 done=7 failed=0

fresh
job root root '[{prefix: image/, to: later/}]'
check 'new keys behind the old ones in byte order' exits_with 0 migrate-run --first 2 job.yml
check 'begun with a few' holds_files root/later 2
check 'then all' exits_with 0 migrate-run job.yml
check 'the copies of the first run are no input of the next' status_counts job.yml total=6 done=6 failed=0
check 'all are there' holds_files root/later 6
check 'nothing more comes of it' again 0

# keep: failures forgets which copies are its own
fresh
job root root "[{match: '^(.*)image/(.*)\$', to: 'zz/\$1image/\$2'}]" 'journal: {path: job.journal, keep: failures}'
check 'a few first, and a journal that forgets them: refused' exits_with 2 migrate-run --first 2 job.yml
check 'and said what to do' last_stderr_has '--first needs journal.keep: all here'
check 'nothing was written' missing root/zz

fresh
write_file root/avatar/0.png 'in its place'
job root root '[{prefix: image/, to: avatar/}]' 'unmatched: keep'
check 'what stays as it is, is skipped' exits_with 0 migrate-run job.yml
check 'and not copied' status_counts job.yml total=7 done=6 skipped=1
check 'it is untouched' contains_exactly root/avatar/0.png 'in its place'
check 'a second run copies nothing' again 0
check 'and knows it still' status_counts job.yml total=7 done=6 skipped=1

fresh
write_file root/avatar/1.png 'another'
job root root '[{prefix: image/, to: avatar/}]' 'unmatched: keep'
check 'a new key that is taken by another object' exits_with 3 migrate-run job.yml
check 'is refused for the one that would move' status_says job.yml .failures_by_class.collision 1
check 'the other is untouched' contains_exactly root/avatar/1.png another
check 'no row is sent there' sql_says app.db "SELECT path FROM t WHERE id = 1" image/1.png

fresh
job root root '[]'
check 'one place and nothing to rename' exits_with 0 migrate-run job.yml
check 'is nothing to do' status_counts job.yml total=6 done=0 skipped=6

# The same folder by another name.
fresh
ln -s root other
job root other '[{prefix: image/, to: avatar/}]'
check 'a link to the same folder' exits_with 0 migrate-run job.yml
check 'is the same place' again 0

# ---- The destination inside the source -------------------------------------------------------

fresh
mkdir root/moved
job root root/moved '[{prefix: image/, to: avatar/}]'
check 'a destination inside the source' exits_with 0 migrate-run job.yml
check 'gets all' holds_files root/moved/avatar 6
check 'and is no input' status_counts job.yml total=6 done=6 failed=0
check 'not in the next run either' again 0

# ---- The source inside the destination -------------------------------------------------------

fresh
mkdir root/old
mv root/image root/old/image
job root/old root '[{prefix: image/, to: avatar/}]'
check 'a source inside the destination' exits_with 0 migrate-run job.yml
check 'all are copied beside it' holds_files root/avatar 6
check 'the source is as it was' holds_files root/old 6
check 'the next run finds nothing' again 0

fresh
mkdir root/old
mv root/image root/old/image
job root/old root '[{prefix: image/, to: old/image/}]'
check 'keys that end up where they are' exits_with 0 migrate-run job.yml
check 'are skipped' status_counts job.yml total=6 done=0 skipped=6 failed=0
check 'and untouched' contains_exactly root/old/image/1.png 'image 1'

fresh
mkdir root/old
mv root/image root/old/image
job root/old root '[{prefix: image/, to: old/avatar/}]'
check 'copies that would be input again' exits_with 3 migrate-run job.yml
check 'are refused' status_says job.yml .failures_by_class.invalid 6
check 'and not made' missing root/old/avatar

finish
