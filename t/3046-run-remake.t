#!/bin/sh
# SPDX-License-Identifier: MIT
# Copies that somebody removed from the destination are made again when that is asked for.

. "${srcdir:-.}/t/lib.sh"
T_TIMEOUT=60

write() { # [LINE...]
	{
		echo 'source: {plugin: posix, root: src}'
		echo 'destination: {plugin: posix, root: dst}'
		echo 'rename: [{prefix: image/, to: avatar/}]'
		echo 'databases: [{plugin: sqlite, path: app.db, table: t, column: path}]'
		echo 'batch: 3'
		for t_line; do echo "$t_line"; done
	} | write_job job.yml
}

fresh() { # [LINE...]: seven objects, six of which are copied with their rows; one stays as it is
	rm -rf src dst app.db* job.journal*
	mkdir dst
	for t_i in 1 2 3 4 5 6; do
		write_file "src/image/$t_i" "image $t_i"
	done
	write_file src/image/deep/er/7 'image 7'
	sql app.db "CREATE TABLE t (id INTEGER PRIMARY KEY, path TEXT); CREATE INDEX i ON t (path);
		INSERT INTO t SELECT value, 'image/' || value FROM json_each('[1,2,3,4,5,6]')"
	write "$@"
	exits_with 0 migrate-run job.yml
}

runs() { # STATUS COPIED [OPTION...]
	t_status=$1 t_copied=$2
	shift 2
	exits_with "$t_status" migrate-run "$@" job.yml && last_output_has "copied $t_copied objects"
}

holds() { # N TEXT
	contains_exactly "dst/avatar/$1" "$2"
}

fresh
check 'nothing is gone: nothing is copied' runs 0 0 --remake
check 'which is said' last_output_has '0 copies are gone from the destination and are made again'
rm -f dst/avatar/2 dst/avatar/5 dst/avatar/deep/er/7
echo 'other' >dst/avatar/3
check 'a further pass leaves alone what is gone' runs 0 0
check 'verify finds it' exits_with 10 migrate-verify job.yml
check 'and says what to do' last_stdout_has 'migrate-run --remake'
check 'it is made again' runs 0 3 --remake
check 'by number' last_output_has '3 copies are gone from the destination and are made again'
check 'as it was' holds 2 'image 2'
check 'each' holds deep/er/7 'image 7'
check 'what somebody wrote over a copy stays' holds 3 'other
'
check 'objects are counted once' status_counts job.yml total=7 done=7 rows.changed=6
check 'rows are as they were' sql_says app.db "SELECT count(*) FROM t WHERE path LIKE 'avatar/%'" 6
check 'verify is left with what was written over' exits_with 10 migrate-verify job.yml
check 'and with that alone' last_stdout_has '1 differences'
check 'a second time there is nothing to do' runs 0 0 --remake

fresh
rm -rf dst/avatar
check 'a destination that was emptied' runs 0 7 --remake
check 'is what it was' exits_with 0 migrate-verify job.yml

# The source has moved on meanwhile.
fresh
rm -f dst/avatar/1 dst/avatar/2 src/image/1
write_file src/image/2 'a newer 2'
sql app.db "INSERT INTO t VALUES (20, 'image/2')"
check 'a copy whose object is lost as well fails' runs 3 1 --remake
check 'by name' exits_with 0 migrate-status --failed job.yml
check 'as missing' last_stdout_has 'image/1' missing 'and the object from the source'
check 'another is made of what the source holds now' holds 2 'a newer 2'
check 'its new row follows' sql_says app.db 'SELECT path FROM t WHERE id = 20' avatar/2
write_file src/image/1 'image 1 again'
check 'an object that is back is copied' runs 0 1
check 'and no failure any more' status_counts job.yml done=7 failed=0

# What a run makes of a file that is there: nobody's, or ours.
fresh
rm -f dst/avatar/4 dst/avatar/6
check 'with --only=copy, too' runs 0 2 --remake --only=copy
check 'the rows are left' last_output_has 'rows are left'
check 'and then done' runs 0 0
check 'all is well' exits_with 0 migrate-verify job.yml

at_any_instant() {
	for t_at in 2 5 8 11 14; do
		fresh
		rm -f dst/avatar/1 dst/avatar/2 dst/avatar/6
		"$killat" --go --report "$t_out/killat" --only sync --path '*.journal*' --at "$t_at" -- \
			migrate-run --progress=none --remake job.yml >"$t_out/stdout" 2>"$t_out/stderr"
		if ! exits_with 0 migrate-run --remake job.yml || ! exits_with 0 migrate-verify job.yml ||
			! status_counts job.yml total=7 done=7 rows.changed=6; then
			echo "killed before sync $t_at"
			return 1
		fi
	done
}
killat=$builddir/t/faults/killat
if "$killat" --count --report "$t_out/killat" true; then
	check 'killed, it is made by the next run' at_any_instant
else
	skip 'killed, it is made by the next run' 'killat cannot trace here'
fi

fresh 'journal: {keep: failures}'
check 'a journal that kept nothing cannot know' exits_with 2 migrate-run --remake job.yml
check 'and says so' last_stderr_has '--remake needs journal.keep: all'
fresh
check 'rows alone are no copies' exits_with 2 migrate-run --remake --only=rows job.yml
check 'nor is a dry run' exits_with 2 migrate-run --remake --dry-run job.yml
check 'which names what tells' last_stderr_has migrate-verify

# What cannot be listed is not known to be gone.
fresh
rm dst/avatar/1
chmod 311 dst/avatar/deep
[ "$(id -u)" -ne 0 ] || chown -R 65534:65534 .
check 'a folder that cannot be listed ends it' exits_with 2 as_nobody migrate-run --remake job.yml
check 'and is named' last_stderr_has 'looking for copies at the destination' avatar/deep
check 'nothing is made' missing dst/avatar/1
chmod 755 dst/avatar/deep
check 'once it can be' exits_with 0 as_nobody migrate-run --remake job.yml
check 'it is' exists dst/avatar/1

finish
