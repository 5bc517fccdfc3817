#!/bin/sh
# SPDX-License-Identifier: MIT
# What one run leaves is what the next one begins with: --only=copy, --first, another selection,
# pairs, skipped and failed objects, rows that were refused.

. "${srcdir:-.}/t/lib.sh"
T_TIMEOUT=60

write() { # [LINE...]: a job; a line beginning with keys or rename takes the place of ours
	t_keys='keys: {prefix: image/}'
	t_rename='rename: [{prefix: image/, to: avatar/}]'
	for t_line; do
		case $t_line in
		keys:*) t_keys=$t_line ;;
		rename:*) t_rename=${t_line#rename: none} ;;
		esac
	done
	{
		echo 'source: {plugin: posix, root: src}'
		echo 'destination: {plugin: posix, root: dst}'
		echo 'databases: [{plugin: sqlite, path: app.db, table: t, column: path}]'
		printf '%s\n%s\n' "$t_keys" "$t_rename"
		for t_line; do
			case $t_line in
			keys:* | rename:*) ;;
			*) echo "$t_line" ;;
			esac
		done
	} | sed '/^$/d' | write_job job.yml
}

fresh() { # [LINE...]
	rm -rf src dst app.db* job.journal*
	mkdir dst
	for t_i in 1 2 3 4 5 6; do
		write_file "src/image/$t_i" "image $t_i"
	done
	sql app.db "CREATE TABLE t (id INTEGER PRIMARY KEY, path TEXT); CREATE INDEX i ON t (path);
		INSERT INTO t SELECT value, 'image/' || value FROM json_each('[1,2,3,4,5,6]')"
	write "$@"
}

runs() { # STATUS COPIED [OPTION...]
	t_status=$1 t_copied=$2
	shift 2
	exits_with "$t_status" migrate-run "$@" job.yml && last_output_has "copied $t_copied objects"
}

new_rows() { # N: so many rows name new keys
	sql_says app.db "SELECT count(*) FROM t WHERE path LIKE 'avatar/%'" "$1"
}

state() {
	status_says job.yml .state "$1"
}

# ---- --only=copy, again and again ------------------------------------------------------------

fresh
check 'copies alone' runs 0 6 --only=copy
check 'the last line says what is left' last_stdout_has 'rows are left: migrate-run job.yml'
check 'so does the status' state 'rows left'
check 'in words' exits_with 0 migrate-status job.yml
check 'that say what to do' last_stdout_has 'copied, rows left' 'changes the rows'
check 'verify calls it unfinished' exits_with 4 migrate-verify job.yml
write_file src/image/2 'image 2, changed'
write_file src/image/7 'image 7'
sql app.db "INSERT INTO t VALUES (7, 'image/7')"
check 'the next one takes along what is new and what changed' runs 0 2 --only=copy
check 'over our own copy' contains_exactly dst/avatar/2 'image 2, changed'
check 'and leaves rows alone' new_rows 0
check 'a third finds nothing' runs 0 0 --only=copy
check 'each key is one object' status_counts job.yml total=7 done=7
write_file src/image/3 'image 3, changed'
check 'the run that changes the rows looks at the source, too' runs 0 1
check 'what changed meanwhile is there' contains_exactly dst/avatar/3 'image 3, changed'
check 'all rows name it' new_rows 7
check 'each is counted once' status_counts job.yml total=7 done=7 rows.changed=7 rows.already=0
check 'it is finished' state finished
check 'and true' exits_with 0 migrate-verify --readback job.yml

fresh 'journal: {keep: failures}'
check 'keep: failures: copies alone' runs 0 6 --only=copy
check 'cannot be compared with the source again' exits_with 5 migrate-run --only=copy job.yml
check 'and it says so' last_output_has 'keeps failures only'
check 'but the rows follow' runs 0 0
check 'all of them' new_rows 6

# ---- --first -----------------------------------------------------------------------------------

fresh
check 'the first two' runs 0 2 --first 2
check 'the last line says that there are more' last_stdout_has 'more is left in the source: migrate-run job.yml'
check 'the status tells it from an interruption' state first
check 'the rest' runs 0 4
check 'is all' state finished
rm src/image/1 src/image/2 src/image/3 src/image/6
write_file src/image/4 'image 4, changed'
check 'orphans of a pass in two runs' runs 0 1 --first 1
check 'those up to there' status_says job.yml .orphaned 3
check 'the others' runs 0 0
check 'each is counted once' status_says job.yml .orphaned 4

# ---- Another selection -----------------------------------------------------------------------

fresh 'keys: {prefix: image/, exclude: ["*/1", "*/2"]}'
check 'the first of some' runs 0 1 --first 1
write 'keys: {prefix: image/, exclude: ["*/1"]}'
check 'more are selected in the middle of a pass' runs 0 4 --accept-change
check 'also one that the listing had passed by' contains_exactly dst/avatar/2 'image 2'
check 'with its row' new_rows 5
check 'keys passed over are counted once' status_says job.yml .passed_over.rule 1
check 'the status says what changed' exits_with 0 migrate-status job.yml
check 'and only that' last_stdout_has 'the job file changed:' '+ keys.exclude = ["*/1"]'
check 'not the whole job' last_output_lacks 'rename.'
check 'a further run' runs 0 0
check 'counts them once as well' status_says job.yml .passed_over.rule 1

fresh 'keys: {prefix: image/, exclude: ["*/1", "*/2"]}' 'journal: {keep: failures}'
check 'keep: failures: the first of some' runs 0 1 --first 1
write 'keys: {prefix: image/, exclude: ["*/1"]}' 'journal: {keep: failures}'
check 'what was passed by cannot be found again' exits_with 5 migrate-run --accept-change job.yml
check 'and it says what to do' last_output_has 'finish the pass without the change first'
write 'keys: {prefix: image/, exclude: ["*/1", "*/2"]}' 'journal: {keep: failures}'
check 'without the change it goes on' runs 0 3

# Many settings at once do not fit into a message, and are refused all the same.
fresh
check 'a job' runs 0 6
long=$(printf 'x%.0s' $(seq 300))
write "keys: {prefix: image/, exclude: [$(for i in $(seq 40); do printf '"%s%s", ' "$long" "$i"; done)\"y\"]}"
check 'a change that is longer than a message' exits_with 5 migrate-run job.yml
check 'is refused' last_output_has '--accept-change'

# ---- Pairs of a file -----------------------------------------------------------------------------

pairs='keys: {from: file, file: pairs.csv, format: csv}'
fresh "$pairs" 'rename: none'
printf 'image/1,n/1\nimage/2,n/2\nimage/1,n/x\n' >pairs.csv
check 'one key with two new ones' exits_with 2 migrate-run job.yml
check 'both are named' last_output_has "'image/1'" "'n/1'" "'n/x'"
check 'nothing was copied' holds_files dst 0
check 'a dry run says so too' exits_with 2 migrate-run --dry-run job.yml
printf 'image/1,n/1\nimage/2,n/2\nimage/1,n/1\n' >pairs.csv
check 'the same pair twice is one' runs 0 2
printf 'image/1,n/1\nimage/2,other\nimage/3,n/3\n' >pairs.csv
check 'a pair that changed once its object was moved' exits_with 5 migrate-run job.yml
check 'is named, then and now' last_output_has "'image/2'" "'n/2'" "'other'"
check 'nothing else was done' missing dst/n/3
check 'a dry run says so too' exits_with 5 migrate-run --dry-run job.yml
printf 'image/1,n/1\nimage/2,n/2\nimage/3,n/3\n' >pairs.csv
check 'more pairs are none of that' runs 0 1
write 'keys: {prefix: image/}' 'rename: none'
check 'pairs cannot be given up for rules' exits_with 5 migrate-run --accept-change job.yml
fresh "$pairs" 'rename: none'
write_file dst/n/1 theirs
printf 'image/1,n/1\nimage/2,n/2\n' >pairs.csv
check 'a pair that was a conflict' runs 3 1
printf 'image/1,n/one\nimage/2,n/2\n' >pairs.csv
touch -d '2020-01-01' src/image/1
check 'may be another one' runs 0 1
check 'its row follows' sql_says app.db 'SELECT path FROM t WHERE id = 1' n/one
check 'and nothing is left of the first' status_counts job.yml total=2 done=2 failed=0

# ---- Another name ----------------------------------------------------------------------------------

fresh
check 'a finished job' runs 0 6
write 'job: renamed'
check 'under another name it is another job' runs 0 0
check 'which says that there is one already' last_output_has 'job.journal is the journal of a job with the same source'
check 'once' runs 0 0
check 'not in each run' last_output_lacks 'the journal of a job'
rm -f renamed.journal*

# ---- Skipped and failed before --------------------------------------------------------------------

fresh 'copy: {on_conflict: skip}'
write_file dst/avatar/2 theirs
check 'one is skipped' runs 0 5
check 'explain says why' exits_with 0 migrate-status --explain image/2 job.yml
check 'in a word' last_stdout_has 'skipped' 'other content is at the destination'
rm dst/avatar/2
check 'a later pass leaves it alone' runs 0 0
check '--retry-failed tries it again' runs 0 1 --retry-failed
check 'with its row' new_rows 6
fresh 'copy: {on_conflict: skip}'
write_file dst/avatar/2 theirs
check 'one is skipped' runs 0 5
write 'copy: {on_conflict: overwrite}'
check 'the job overwrites now' runs 0 1 --accept-change
check 'and does so' contains_exactly dst/avatar/2 'image 2'
check 'all rows' new_rows 6

fresh 'keys: {}'
write_file src/one 'no rule is for it'
write_file src/two 'nor for this'
check 'two keys that no rule matches' runs 3 6
rm src/one
write 'keys: {exclude: [two]}'
check 'one has gone, one is left out' runs 0 0 --accept-change
check 'none is a failure' status_counts job.yml total=8 done=6 gone=1 skipped=1 failed=0

# ---- Rows ------------------------------------------------------------------------------------------

# A row that is refused, again and again, whatever looks at it.
fresh
sql app.db "CREATE TABLE switch (s); INSERT INTO switch VALUES (1);
	CREATE TRIGGER no BEFORE UPDATE ON t WHEN old.id = 2 AND (SELECT s FROM switch)
	BEGIN SELECT raise(ABORT, 'refused'); END"
check 'a row is refused' runs 3 6
write_file src/image/2 'image 2, changed'
check 'its object is copied again' runs 3 1
check 'the row is counted once' status_counts job.yml rows.failed=1 rows.changed=5
check 'and listed once' test "$(migrate-status --failed job.yml | grep -c 'row failed')" -eq 1
# Wherever a run ends between the row's batch and the scan: one outcome.
killat=$builddir/t/faults/killat
once_at_most() {
	for t_i in 1 2 3 4 5 6 7 8 9 10 11 12; do
		write_file src/image/2 "image 2, version $t_i"
		"$killat" --at "$t_i" --only sync --path '*.journal*' -- \
			migrate-run --progress=none job.yml >"$t_out/killed" 2>&1
		t_n=$(sqlite3 -readonly job.journal 'SELECT count(*) FROM row WHERE outcome = 5')
		[ "$t_n" -le 1 ] || { echo "killed before sync $t_i: $t_n outcomes"; return 1; }
	done
}
if "$killat" --count --report "$t_out/killat" true; then
	check 'killed at any sync of the journal, it is counted once' once_at_most
else
	skip 'killed at any sync of the journal, it is counted once' 'killat cannot trace here'
fi
check 'and in the end' exits_with 3 migrate-run job.yml
check 'still once' status_counts job.yml rows.failed=1
sql app.db 'UPDATE switch SET s = 0'
check 'once it is let' exits_with 0 migrate-run job.yml
check 'it is no failure any more' status_counts job.yml rows.failed=0 rows.changed=6
check 'explain knows the row of each copy' exits_with 0 migrate-status --explain image/2 job.yml
check 'and what became of it' last_stdout_has 'id=2: image/2 -> avatar/2: changed' 'id=2: image/2 -> avatar/2: retried'

# A journal that forgets what is done knows what a refused row is of.
fresh 'journal: {keep: failures}' 'batch: 2'
sql app.db "CREATE TABLE switch (s); INSERT INTO switch VALUES (1);
	CREATE TRIGGER no BEFORE UPDATE ON t WHEN old.id = 2 AND (SELECT s FROM switch)
	BEGIN SELECT raise(ABORT, 'refused'); END"
check 'keep: failures: copies alone' runs 0 6 --only=copy
check 'then the rows, of which one is refused' runs 3 0
check '--retry-failed looks at it again' runs 3 0 --retry-failed
check 'so does --only=rows' runs 3 0 --only=rows
check 'it is counted, once' status_counts job.yml total=6 done=6 rows.changed=5 rows.failed=1
sql app.db 'UPDATE switch SET s = 0'
check 'once it is let' runs 0 0 --retry-failed
check 'it is changed' new_rows 6
check 'and no failure any more' status_counts job.yml rows.failed=0

# One that the application changed between our look and our change, and gave back later.
conflict() {
	for t_at in $(seq 20); do
		fresh
		rm -f struck
		"$killat" --go --report "$t_out/killat" --only sync --path '*.journal*' --at "$t_at" \
			--run "sqlite3 app.db \"UPDATE t SET path = 'mine' WHERE id = 3\"; touch struck" -- \
			migrate-run --progress=none job.yml >"$t_out/stdout" 2>"$t_out/stderr"
		t_status=$?
		[ -e struck ] || break
		[ "$(migrate-status --json job.yml | jq .rows.conflict)" -eq 0 ] || return 0
	done
	echo "no conflict in $t_at instants; the last run ended with $t_status"
	return 1
}
if "$killat" --count --report "$t_out/killat" true; then
	check 'a row that conflicts' conflict
	check 'the last line says what to do' \
		last_stdout_has '1 rows were changed by the application: migrate-run --retry-failed job.yml'
	check 'as long as it is theirs, it is one' runs 3 0
	sql app.db "UPDATE t SET path = 'image/3' WHERE id = 3"
	check 'given back, it follows in the next pass' runs 0 0
	check 'and is no conflict any more' status_counts job.yml rows.conflict=0 rows.changed=6
else
	skip 'a row that conflicts' 'killat cannot trace here'
fi

finish
