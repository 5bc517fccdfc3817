#!/bin/sh
# SPDX-License-Identifier: MIT
# A finished job that is run again: new, changed, vanished, unreadable, and rows
# written since.

. "${srcdir:-.}/t/lib.sh"
T_TIMEOUT=60

fresh() { # [INDEX]
	chmod -R u+rwx src 2>/dev/null
	rm -rf src dst app.db* job.journal*
	for t_i in a b c d; do
		write_file "src/image/$t_i" "image $t_i"
	done
	mkdir dst
	sql app.db "CREATE TABLE t (id INTEGER PRIMARY KEY, path TEXT);
		INSERT INTO t VALUES (1, 'image/a'), (2, 'image/b'), (3, 'image/c'), (4, 'image/d')"
	[ "${1:-}" = bare ] || sql app.db 'CREATE INDEX i ON t (path)'
	sql app.db "CREATE TABLE audit (id);
		CREATE TRIGGER u AFTER UPDATE ON t BEGIN INSERT INTO audit VALUES (new.id); END"
}

write_job job.yml <<'END'
source: {plugin: posix, root: src}
destination: {plugin: posix, root: dst}
rename: [{prefix: image/, to: avatar/}]
databases: [{plugin: sqlite, path: app.db, table: t, column: path}]
batch: 3
END

updates_are() {
	sql_says app.db 'SELECT count(*) FROM audit' "$1"
}

copies() { # N
	last_output_has "copied $1 objects"
}

runs() { # STATUS COPIED [OPTION...]
	t_status=$1 t_copied=$2
	shift 2
	exits_with "$t_status" migrate-run "$@" job.yml && copies "$t_copied"
}

add_up() {
	status_says job.yml '.objects | .total == .done + .same + .skipped + .gone + .failed' true
}

# ---- Nothing, new, changed -------------------------------------------------------------------

fresh
check 'the first pass' runs 0 4
check 'the second finds nothing to do' runs 0 0
check 'and updates nothing' updates_are 4
check 'it is a pass of its own' status_says job.yml .pass 2
write_file src/image/bb 'image bb'
sql app.db "INSERT INTO t VALUES (5, 'image/bb')"
check 'what is new is copied' runs 0 1
check 'with its row' sql_says app.db 'SELECT path FROM t WHERE id = 5' avatar/bb
write_file src/image/b 'image b, changed'
check 'what changed is copied again' runs 0 1
check 'over our own copy' contains_exactly dst/avatar/b 'image b, changed'
check 'and is still one object' status_counts job.yml total=5 done=5
check 'no row was changed for it' updates_are 5
write_file src/image/b 'image b, changed again'
check 'and once more' runs 0 1
check 'over that copy' contains_exactly dst/avatar/b 'image b, changed again'
write_file src/image/b 'image b, the third'
rm dst/avatar/b
check 'when somebody removed our copy' runs 0 1
check 'it is made anew' contains_exactly dst/avatar/b 'image b, the third'
check 'the totals are those of the keys' status_counts job.yml total=5 done=5 failed=0

# ---- A copy that somebody touched --------------------------------------------------------------

fresh
check 'a finished job' runs 0 4
write_file dst/avatar/c 'touched by somebody'
check 'a copy that was touched, its source not, is not looked at' runs 0 0
write_file src/image/c 'image c, changed'
check 'once the source changes it is a conflict' runs 3 0
check 'and stays as it is' contains_exactly dst/avatar/c 'touched by somebody'
check 'in one class' status_counts job.yml total=4 done=3 failed=1
check 'the next run says so too' runs 3 0
rm dst/avatar/c
check 'once it is out of the way' runs 0 1 --retry-failed
check 'the new version is copied' contains_exactly dst/avatar/c 'image c, changed'
check 'all is well again' runs 0 0

# ---- Gone and unreadable -----------------------------------------------------------------------

fresh
check 'a finished job' runs 0 4
rm src/image/a src/image/d
check 'a source that has gone' runs 0 0
check 'is told of' last_output_has 'orphaned: 2 copies' "'image/a' has gone"
check 'and counted' status_says job.yml .orphaned 2
check 'its copy stays' contains_exactly dst/avatar/a 'image a'
check 'it is still told of in the next run' runs 0 0
check 'with the same count' status_says job.yml .orphaned 2
write_file src/image/a 'image a is back'
check 'when it is back it is copied' runs 0 1
check 'over the old copy' contains_exactly dst/avatar/a 'image a is back'
check 'and is no orphan any more' status_says job.yml .orphaned 1
check 'each key is in one class' add_up

fresh
write_file dst/avatar/a 'image a'
check 'a job that finds a copy' runs 0 3
rm src/image/a
check 'which is not ours: it is no orphan' runs 0 0
check 'of this job' status_says job.yml .orphaned 0

closed() { # STATUS
	exits_with "$1" as_nobody migrate-run job.yml
}

if [ "$(id -u)" -eq 0 ]; then
	fresh
	chown -R 65534:65534 .
	check 'a finished job of another user' closed 0
	write_file src/image/b 'image b, changed'
	chown 0:0 src/image/b
	chmod 600 src/image/b
	check 'a source that changed and cannot be read' closed 3
	check 'is a failure of its own class' status_says job.yml .failures_by_class.denied 1
	check 'and the fault of the source' last_output_has 'source: cannot open: Permission denied'
	check 'its old copy stays' contains_exactly dst/avatar/b 'image b'
	write_file src/image/b 'image b, changed twice'
	chmod 644 src/image/b
	check 'readable again, and another version' closed 0
	check 'it replaces our copy' contains_exactly dst/avatar/b 'image b, changed twice'
	chown 0:0 src/image
	chmod 700 src/image
	check 'a folder that cannot be listed' closed 3
	check 'is a failure' status_says job.yml .failures_by_class.unlisted 1
	check 'and nothing below it is taken for gone' status_says job.yml .orphaned 0
	chmod 755 src/image
	check 'listed again' closed 0
	check 'nothing is wrong' status_counts job.yml done=4 failed=0
else
	skip 'a source that cannot be read' 'needs root'
fi

# ---- Rows written since ----------------------------------------------------------------------

for kind in indexed bare; do
	fresh $kind
	check "rows, $kind column: the first pass" runs 0 4
	sql app.db "INSERT INTO t VALUES (10, 'image/a'), (11, 'image/d'), (12, 'image/a'),
		(13, 'image/none'), (14, 'nothing of ours'), (15, NULL)"
	check 'rows written since are found' runs 0 0
	check 'and changed' sql_says app.db \
		"SELECT group_concat(path, ' ') FROM (SELECT path FROM t WHERE id > 9 ORDER BY id)" \
		'avatar/a avatar/d avatar/a image/none nothing of ours'
	check 'each once' updates_are 7
	check 'and counted' status_counts job.yml rows.changed=7 total=4 done=4
	check 'the next run changes nothing' runs 0 0
	check 'at all' updates_are 7
done

finish
