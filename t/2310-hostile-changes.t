#!/bin/sh
# SPDX-License-Identifier: MIT
# A source that changes while it is read: no copy is a mixture of two versions, and no
# row is sent to something that is not there.

. "${srcdir:-.}/t/lib.sh"
. "$srcdir/t/faults/lib.sh"

needs sqlite3
needs_killat
here=$(pwd -P)

fresh() {
	rm -rf src dst app.db job.journal*
	mkdir -p dst
	for t_name in a b c; do
		head -c 300000 /dev/zero | tr '\0' "$t_name" >"$t_out/bytes"
		mkdir -p src/image && cp "$t_out/bytes" "src/image/$t_name"
	done
	sql app.db 'CREATE TABLE t (id INTEGER PRIMARY KEY, path TEXT); CREATE INDEX i ON t (path);
		INSERT INTO t VALUES (1, '"'image/a'"'), (2, '"'image/c'"')'
}

write_job job.yml <<'EOF2'
source: {plugin: posix, root: src}
destination: {plugin: posix, root: dst}
rename: [{prefix: image/, to: avatar/}]
databases:
  - {plugin: sqlite, path: app.db, table: t, column: path}
copy: {concurrency: 1}
EOF2

# meanwhile STATUS (0,3: either) SHELL OPTION...: run the job; SHELL happens in the middle of a copy
meanwhile() {
	t_wanted=$1
	t_shell=$2
	shift 2
	"$killat" --go --run "$t_shell" --report "$t_out/struck" --path "$here/dst/avatar*" "$@" -- \
		timeout --foreground -k 5 60 migrate-run --progress=none job.yml >"$t_out/stdout" 2>"$t_out/stderr"
	t_got=$?
	grep -q 'not reached' "$t_out/struck" && { cat "$t_out/struck"; return 1; }
	[ "$t_wanted" = 0,3 ] && [ $((t_got % 3)) -eq 0 ] && [ "$t_got" -le 3 ] && return 0
	[ "$t_got" = "$t_wanted" ] || { echo "status $t_got"; cat "$t_out/stderr"; return 1; }
}

copying=copy,write

fresh
check 'a file that changes while it is copied is copied again' \
	meanwhile 0 'printf changed >src/image/a' --only $copying
check 'in its new version' contains_exactly dst/avatar/a changed
check 'and its row follows' sql_says app.db 'SELECT path FROM t WHERE id = 1' avatar/a

fresh
check 'a file that grows while it is copied is copied again' \
	meanwhile 0 'echo more >>src/image/a' --only $copying
check 'whole' cmp src/image/a dst/avatar/a

fresh
check 'a file that is replaced by another while it is copied is copied again' \
	meanwhile 0 'cp src/image/b src/new && mv src/new src/image/a' --only $copying
check 'whole' cmp src/image/b dst/avatar/a

fresh
check 'a file that is cut while it is copied is copied again' \
	meanwhile 0 ': >src/image/a' --only $copying
check 'as it is now' contains_exactly dst/avatar/a ''

fresh
check 'a file that never stops changing fails' \
	meanwhile 3 "printf x >>src/image/a" --only $copying --forever
check 'as changed' status_says job.yml .failures_by_class.changed 1
check 'no half version is left' missing dst/avatar/a
check 'its row stays' sql_says app.db 'SELECT path FROM t WHERE id = 1' image/a
check 'the others are moved' cmp src/image/c dst/avatar/c
check 'when it comes to rest, it is moved as well' exits_with 0 migrate-run --retry-failed job.yml
check 'whole' cmp src/image/a dst/avatar/a
check 'with its row' sql_says app.db 'SELECT path FROM t WHERE id = 1' avatar/a

fresh
cp job.yml five.yml
echo 'attempts: 2' >>job.yml
check 'one that is tried twice only fails' \
	meanwhile 3 "printf x >>src/image/a" --only $copying --forever
check 'as changed too' status_says job.yml .failures_by_class.changed 1
mv five.yml job.yml

fresh
check 'a file that vanishes before it is copied, and that no row names, is gone' \
	meanwhile 0 'rm -f src/image/b' --only mkdir
check 'and counted as such' status_counts job.yml gone=1 done=2 failed=0
check 'no copy is made up' missing dst/avatar/b

fresh
check 'one that a row names is a failure' meanwhile 3 'rm -f src/image/c' --only mkdir
check 'counted as such' status_says job.yml .failures_by_class.missing 1
run migrate-status --failed job.yml
check 'named' last_output_has image/c
check 'and its row is left alone' sql_says app.db 'SELECT path FROM t WHERE id = 2' image/c

fresh
check 'a file that becomes a folder is not copied' \
	meanwhile 0 'rm -f src/image/b && mkdir src/image/b' --only mkdir
check 'nor made' missing dst/avatar/b

fresh
mkdir outside && write_file outside/b secret
check 'a folder that becomes a link to elsewhere is not followed' \
	meanwhile 0,3 "mv src/image src/old && ln -s '$here/outside' src/image" --only mkdir
check 'nothing from there is copied' not grep -rq secret dst
rm -rf outside

fresh
check "a destination that somebody else writes is not overwritten" \
	meanwhile 3 'echo theirs >dst/avatar/a' --only $copying
check 'theirs stays' contains_exactly dst/avatar/a 'theirs
'
check 'and is a conflict' status_says job.yml .failures_by_class.conflict 1

finish
