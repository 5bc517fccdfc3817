#!/bin/sh
# SPDX-License-Identifier: MIT
# What stands at the destination already: fail, skip, overwrite, or the same.

. "${srcdir:-.}/t/lib.sh"
T_TIMEOUT=60

fresh() {
	rm -rf src dst app.db job.journal*
	write_file src/image/a.png 'ours'
	write_file src/image/b.png 'equal'
	write_file src/image/c.png 'new'
	write_file dst/avatar/a.png 'theirs'
	write_file dst/avatar/b.png 'equal'
	sql app.db "CREATE TABLE t (id INTEGER PRIMARY KEY, path TEXT); CREATE INDEX i ON t (path);
		INSERT INTO t VALUES (1, 'image/a.png'), (2, 'image/b.png'), (3, 'image/c.png')"
}

job() { # POLICY
	write_job job.yml <<-END
		source: {plugin: posix, root: src}
		destination: {plugin: posix, root: dst}
		rename: [{prefix: image/, to: avatar/}]
		databases: [{plugin: sqlite, path: app.db, table: t, column: path}]
		copy: {on_conflict: $1}
	END
}

rows_are() { # for a, b, c
	sql_says app.db "SELECT group_concat(path, ' ') FROM (SELECT path FROM t ORDER BY id)" "$1"
}

# ---- fail ------------------------------------------------------------------------------

fresh
job fail
check 'other content is a conflict' exits_with 3 migrate-run job.yml
check 'each key is in one class' status_counts job.yml total=3 done=1 same=1 failed=1 skipped=0
check 'what stood there is untouched' contains_exactly dst/avatar/a.png theirs
check 'its row still names the old key, the others follow' \
	rows_are 'image/a.png avatar/b.png avatar/c.png'
check 'a second run changes nothing and says so again' exits_with 3 migrate-run job.yml
check 'nothing is counted twice' status_counts job.yml total=3 done=1 same=1 failed=1 rows.changed=2
check 'trying again with the conflict in place fails again' exits_with 3 migrate-run --retry-failed job.yml
check 'another class is not tried' exits_with 3 migrate-run --retry-failed=denied job.yml
check 'and said to be none' last_output_has '0 objects that failed or were skipped are tried again'
check 'a class that does not exist is wrong usage' exits_with 2 migrate-run --retry-failed=nonsense job.yml
rm dst/avatar/a.png
check 'once the way is free' exits_with 0 migrate-run --retry-failed=conflict job.yml
check 'it is copied' contains_exactly dst/avatar/a.png ours
check 'and its row follows' rows_are 'avatar/a.png avatar/b.png avatar/c.png'
check 'the totals are those of the keys' status_counts job.yml total=3 done=2 same=1 failed=0

fresh
job fail
write_file dst/avatar/a.png 'ours'
write_file src/image/a.png 'ourz'
check 'the same size is not the same content' exits_with 3 migrate-run job.yml
check 'and stays' contains_exactly dst/avatar/a.png ours

# ---- skip ------------------------------------------------------------------------------

fresh
job skip
check 'skip: no failure' exits_with 0 migrate-run job.yml
check 'counted as skipped' status_counts job.yml total=3 done=1 same=1 failed=0 skipped=1
check 'what stood there is untouched' contains_exactly dst/avatar/a.png theirs
check 'no row is sent to what is not ours' rows_are 'image/a.png avatar/b.png avatar/c.png'
check 'again' exits_with 0 migrate-run job.yml
check 'the same' status_counts job.yml total=3 done=1 same=1 skipped=1
check 'the row neither' rows_are 'image/a.png avatar/b.png avatar/c.png'

# ---- overwrite -------------------------------------------------------------------------

fresh
job overwrite
check 'overwrite: no failure' exits_with 0 migrate-run job.yml
check 'the new bytes are there' contains_exactly dst/avatar/a.png ours
check 'equal bytes are left as they are' status_counts job.yml total=3 done=2 same=1
check 'rows follow' rows_are 'avatar/a.png avatar/b.png avatar/c.png'

fresh
job fail
check 'a policy that changes' exits_with 3 migrate-run job.yml
job overwrite
check 'has to be accepted' exits_with 5 migrate-run --retry-failed job.yml
check 'with the difference' last_output_has on_conflict --accept-change
check 'and is not before' contains_exactly dst/avatar/a.png theirs
check 'and then is' exits_with 0 migrate-run --retry-failed --accept-change job.yml
check 'used' contains_exactly dst/avatar/a.png ours

# ---- A memory store at the other end ------------------------------------------------------

fresh
write_job mem.yml <<'END'
source: {plugin: posix, root: src}
destination: {plugin: memory, name: there}
rename: [{prefix: image/, to: avatar/}]
copy: {attributes: drop}
END
check 'another store, empty' exits_with 0 migrate-run mem.yml
check 'takes all' status_counts mem.yml total=3 done=3 failed=0

finish
