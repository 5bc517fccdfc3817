#!/bin/sh
# SPDX-License-Identifier: MIT
# A part of the job at a time, and what may change between runs.

. "${srcdir:-.}/t/lib.sh"
T_TIMEOUT=60

fresh() {
	rm -rf src dst app.db ./*.journal*
	mkdir dst
	for t_i in 01 02 03 04 05 06 07 08 09 10; do
		write_file "src/image/$t_i" "image $t_i"
	done
	sql app.db "CREATE TABLE t (id INTEGER PRIMARY KEY, path TEXT); CREATE INDEX i ON t (path);
		CREATE TABLE u (id INTEGER PRIMARY KEY, path TEXT); CREATE INDEX j ON u (path)"
	for t_table in t u; do
		sql app.db "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 10)
			INSERT INTO $t_table SELECT i, printf('image/%02d', i) FROM n"
	done
}

job() { # [LINE...]
	write_job job.yml <<-END
		source: {plugin: posix, root: src}
		destination: {plugin: posix, root: dst}
		rename: [{prefix: image/, to: avatar/}]
		batch: 4
		databases:
		  - {plugin: sqlite, path: app.db, table: t, column: path}
	END
	[ $# -eq 0 ] || printf '%s\n' "$@" >>job.yml
}

runs() { # STATUS COPIED [OPTION...]
	t_status=$1 t_copied=$2
	shift 2
	exits_with "$t_status" migrate-run "$@" job.yml && last_output_has "copied $t_copied objects"
}

moved() { # TABLE N
	sql_says app.db "SELECT count(*) FROM $1 WHERE path LIKE 'avatar/%'" "$2"
}

# ---- --first ---------------------------------------------------------------------------------

fresh
job
check 'a few first' runs 0 3 --first 3
check 'in the order of the plan' exists dst/avatar/03
check 'and no more' missing dst/avatar/04
check 'whole: with their rows' moved t 3
check 'a few more' runs 0 3 --first 3
check 'with theirs' moved t 6
check 'then the rest' runs 0 4
check 'of all' status_counts job.yml total=10 done=10 rows.changed=10
check 'in one pass' status_says job.yml .pass 1
check 'then nothing' runs 0 0
check '--first needs a number' exits_with 2 migrate-run --first x job.yml
check 'of one or more' exits_with 2 migrate-run --first 0 job.yml

# ---- --only ----------------------------------------------------------------------------------

fresh
job
check 'only rows, with no copies there' runs 3 0 --only rows
check 'fails every object' status_counts job.yml total=10 failed=10
check 'and says why' last_output_has 'no copy at the destination'
check 'no row is sent to nothing' moved t 0
check 'nothing was written' holds_files dst 0
check 'with copies' runs 0 10 --retry-failed
check 'all is done' moved t 10

fresh
job
check 'only copies' runs 0 10 --only copy
check 'are made' holds_files dst/avatar 10
check 'no row is touched' moved t 0
check 'again' runs 0 0 --only copy
check 'then only rows' runs 0 0 --only rows
check 'all of them' moved t 10
check 'the job is finished' status_counts job.yml total=10 done=10 rows.changed=10
check 'nothing is left to do' runs 0 0
sql app.db "INSERT INTO t VALUES (20, 'image/03')"
write_file src/image/11 'new, but not asked for'
check 'only rows, of a finished job' runs 0 0 --only rows
check 'are those written since' moved t 11
check 'and no object is planned' status_counts job.yml total=10 done=10 rows.changed=11

fresh
job
mkdir dst/avatar
cp src/image/* dst/avatar/
printf 'image 0X' >dst/avatar/05
check 'copies that somebody else made' runs 3 0 --only rows
check 'are taken when they are equal' status_counts job.yml same=9 failed=1
check 'rows follow these alone' moved t 9
check 'the other is named' last_output_has 'image/05: conflict: '

fresh
job
sed -i '/^databases:/,$d' job.yml
check 'only copies, of a job without rows' runs 0 10 --only copy
check 'is all there is to do' runs 0 0
check 'and done' status_says job.yml .state finished

# ---- --set, --new-journal ----------------------------------------------------------------------

fresh
job
check 'another value for a setting' runs 0 10 --set destination.root=dst --set copy.concurrency=1
check 'a setting that does not exist' exits_with 2 migrate-run --set copy.concurency=1 job.yml
check 'gets a hint' last_output_has "did you mean 'concurrency'"
check 'one without a value is wrong usage' exits_with 2 migrate-run --set copy job.yml
mkdir other
check 'another place does not fit the journal' exits_with 5 migrate-run --set destination.root=other job.yml
check 'both are named' last_output_has root other
check 'nothing was copied there' holds_files other 0
check 'a new journal takes it' runs 0 10 --new-journal --set destination.root=other
check 'all is copied' holds_files other/avatar 10
old_ones() {
	for t_file in job.journal.*; do
		case $t_file in
		*-wal | *-shm | *-lock | *-control) continue ;;
		esac
		sql_says "$t_file" 'SELECT count(*) FROM object' 10 || return 1
		t_seen=$t_file
	done
	[ -n "${t_seen:-}" ]
}
check 'the old one is kept, whole' old_ones

# ---- What may change ---------------------------------------------------------------------------

fresh
job
check 'a job' runs 0 10
job 'copy: {concurrency: 3}' 'limits: {rows: 1000/s}' 'patience: 1m' 'attempts: 2' 'max_failures: 7'
check 'what is tunable may change at any time' runs 0 0
job 'keys: {exclude: ["*.tmp"]}'
check 'the selection only when told so' exits_with 5 migrate-run job.yml
check 'with the difference' last_output_has '+ ' '*.tmp' --accept-change
check 'and then' runs 0 0 --accept-change
check 'it is remembered' runs 0 0
job 'keys: {exclude: ["*.tmp", "*/03"]}'
check 'a copy that is not selected any more' runs 0 0 --accept-change
check 'is not said to have lost its source' last_output_lacks orphaned
sql app.db "INSERT INTO t (path) VALUES ('image/03')"
check 'a row that names it by its old name is looked for all the same' runs 0 0
check 'and changed: what is done stays done' sql_says app.db \
	"SELECT count(*) FROM t WHERE path = 'image/03' OR path = 'avatar/03'" 2
check 'to the new name' sql_says app.db "SELECT count(*) FROM t WHERE path = 'avatar/03'" 2
check 'so that all is true' exits_with 0 migrate-verify job.yml
sql app.db "DELETE FROM t WHERE id > 10"
job 'keys: {exclude: ["*.tmp", "*/03"]}' 'unmatched: keep'
check 'what keys become may not change' exits_with 5 migrate-run --accept-change job.yml
check 'and the difference is shown' last_output_has '- ' 'unmatched' --new-journal
job '  - {plugin: sqlite, path: app.db, table: u, column: path}' 'keys: {exclude: ["*.tmp"]}'
check 'a table more is a change' exits_with 5 migrate-run job.yml
check 'of the selection' last_output_has --accept-change
check 'which can be accepted' runs 0 0 --accept-change
check 'its rows follow' moved u 10
check 'no other row was touched' status_counts job.yml rows.changed=21 total=10 done=10

# Only between two passes: what is done already was done without it.
fresh
job
check 'a pass that is not finished' runs 0 4 --first 4
job '  - {plugin: sqlite, path: app.db, table: u, column: path}'
check 'takes no table more' exits_with 5 migrate-run --accept-change job.yml
check 'and says when it will' last_stderr_has 'pass 1 is not finished'
job
check 'it is finished without it' runs 0 6
job '  - {plugin: sqlite, path: app.db, table: u, column: path}'
check 'then its rows follow' runs 0 0 --accept-change
check 'all of them' moved u 10
mv app.db old.db
cp old.db app.db
check 'another file under the old name is another database' exits_with 5 \
	migrate-run --accept-change job.yml
check 'and is named' last_stderr_has 'list of databases is not the place it was'

# ---- --retry-failed ----------------------------------------------------------------------------

# The source is another version by then, though its bytes are the same.
fresh
write_file dst/avatar/04 theirs
write_file dst/avatar/09 theirs
job
check 'two fail' runs 3 8
rm dst/avatar/04 dst/avatar/09
chmod 600 src/image/04 src/image/09
check 'they are tried again' runs 0 2 --retry-failed
check 'once' status_counts job.yml total=10 done=10 same=0 failed=0 rows.changed=10
write_file src/image/04 'image 04, changed'
check 'later versions of them' runs 0 1
check 'replace what is ours' contains_exactly dst/avatar/04 'image 04, changed'
check 'and nothing is in the way' status_counts job.yml total=10 done=10 failed=0

# Failures of a batch that was not finished are tried again too.
fresh
write_file dst/avatar/01 theirs
job 'max_failures: 0' 'batch: 20'
sed -i '/^batch: 4/d' job.yml
check 'the first failure ends the run' exits_with 11 migrate-run job.yml
rm dst/avatar/01
sed -i 's/^max_failures: 0/max_failures: 1/' job.yml
check 'it is tried again with what was left' exits_with 0 migrate-run --retry-failed job.yml
check 'nothing is left of it' status_counts job.yml total=10 done=10 failed=0 rows.changed=10

# ---- keep, max_failures ------------------------------------------------------------------------

fresh
write_file dst/avatar/04 theirs
job 'journal: {path: job.journal, keep: failures}'
check 'keep: failures' runs 3 9
check 'keeps the failure alone' sql_says job.journal 'SELECT count(*) FROM object' 1
check 'the counts are those of all' status_counts job.yml total=10 done=9 failed=1
job 'journal: {path: job.journal, keep: all}'
check 'what is forgotten cannot be kept from now on' exits_with 5 migrate-run --accept-change job.yml
job 'journal: {path: job.journal, keep: failures}'
check 'a delta pass has nothing to compare with' exits_with 5 migrate-run job.yml
check 'and says so' last_output_has 'keeps failures only'
rm dst/avatar/04
check 'but what failed can be tried again' runs 0 1 --retry-failed
check 'with its row' moved t 10
check 'and the counts are right' status_counts job.yml total=10 done=10 failed=0 rows.changed=10

fresh
for i in 01 02 03 04 05; do
	write_file "dst/avatar/$i" theirs
done
job 'max_failures: 3'
check 'too many failures end the run' exits_with 11 migrate-run job.yml
check 'and say so' last_output_has max_failures
job 'max_failures: 5'
check 'as many as are allowed do not' exits_with 3 migrate-run job.yml
check 'nothing is lost by it' status_counts job.yml total=10 done=5 failed=5

# Counted as they happen, and each that was counted is in the journal.
rm -rf src dst job.journal* && mkdir -p src/image dst/avatar
for i in $(seq 200); do
	echo "ours $i" >"src/image/$i"
	echo theirs >"dst/avatar/$i"
done
job 'max_failures: 10' 'copy: {concurrency: 4}'
sed -i 's|^batch: 4|batch: 100|' job.yml
ends_soon() { # each of the four may have taken sixteen by then
	exits_with 11 migrate-run job.yml && t_failed=$(migrate-status --json job.yml | jq .objects.failed) &&
		echo "$t_failed failed" && [ "$t_failed" -ge 11 ] && [ "$t_failed" -le 80 ]
}
check 'hundreds that would fail end the run soon after the eleventh' ends_soon
told=$(grep -c conflict: "$t_out/stderr")
can_be_looked_at() {
	[ "$told" -ge 11 ] && exits_with 0 migrate-status --failed job.yml &&
		[ "$(last_stdout | grep -c conflict)" -eq "$told" ]
}
check 'each that it told of can be looked at' can_be_looked_at

finish
