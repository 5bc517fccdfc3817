#!/bin/sh
# SPDX-License-Identifier: MIT
# A second fault meets the recovery from the first: what no run has journalled as synced is
# looked at again however many runs lie between, each object and row is counted once, and
# one journal has one run.

. "${srcdir:-.}/t/lib.sh"
. "$srcdir/t/faults/lib.sh"

needs python3 sqlite3 jq
needs_killat

# new_job NAME OBJECTS [LINE...]: files image/NNNN, a row each, and a job that moves them to
# avatar/ at a hundred objects a second, in one batch, without haste at the destination.
new_job() {
	rm -rf "$1" && mkdir -p "$1/src/image" "$1/dst" || return 1
	t_name=$1
	python3 - "$1" "$2" <<'END' || return 1
import os, sqlite3, sys
folder, n = sys.argv[1], int(sys.argv[2])
db = sqlite3.connect(folder + "/app.db")
db.execute("CREATE TABLE t (id INTEGER PRIMARY KEY, path TEXT, kind TEXT,"
           " CHECK (kind IS NOT 'refused' OR path NOT LIKE 'avatar/%'))")
db.execute("CREATE INDEX t_path ON t (path)")
for i in range(n):
    with open("%s/src/image/%04d" % (folder, i), "w") as f:
        f.write("object %d " % i * 500)
    db.execute("INSERT INTO t (path) VALUES (?)", ("image/%04d" % i,))
db.commit()
END
	shift 2
	{
		echo "source: {plugin: posix, root: $t_name/src}"
		echo "destination: {plugin: posix, root: $t_name/dst}"
		echo "journal: $t_name/job.journal"
		echo 'rename: [{prefix: image/, to: avatar/}]'
		echo "databases: [{plugin: sqlite, path: $t_name/app.db, table: t, column: path}]"
		echo 'patience: 1s'
		printf '%s\n' "$@"
	} | write_job "$t_name.yml"
}

slowly='limits: {requests: 100}'

# saved NAME N: so many objects were journalled as copied while their batch is open
saved() {
	t_saved=$(sqlite3 -readonly "$1/job.journal" "SELECT count(*) FROM object o JOIN batch b
		ON b.id = o.batch WHERE b.state = 1 AND o.state = 1") && [ "$t_saved" -ge "$2" ]
}

runs_are() { # NAME N: that many have begun
	t_runs=$(sqlite3 -readonly "$1/job.journal" 'SELECT count(*) FROM run') && [ "$t_runs" -eq "$2" ]
}

# distrusts NAME N: fewer than N are journalled as copied by now
distrusts() {
	saved "$1" 0 && [ "$t_saved" -lt "$2" ]
}

killed_after() { # NAME SAVED
	start run migrate-run --progress=none "$1.yml"
	wait_until 60 saved "$1" "$2" && signals run KILL && ends_with 137 run
}

interrupted_after() { # NAME COMMAND...: SIGTERM once the command succeeds
	start run migrate-run --progress=none "$1.yml"
	shift
	wait_until 60 "$@" && signals run TERM && ends_with 4 run
}

# lose NAME GONE TORN: of the copies that are there, as if the power had failed; times stay
lose() {
	python3 - "$1/dst/avatar" "$2" "$3" <<'END'
import os, sys
folder, gone, torn = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
names = sorted(n for n in os.listdir(folder) if not n.startswith("."))
assert len(names) > gone + torn, len(names)
for name in names[:gone]:
    os.unlink(os.path.join(folder, name))
for i, name in enumerate(names[gone : gone + torn]):
    path = os.path.join(folder, name)
    info = os.stat(path)
    with open(path, "r+b") as f:
        f.truncate(info.st_size // 2 if i % 2 else 0)
        if i % 3 == 0:
            f.truncate(info.st_size)
    os.utime(path, ns=(info.st_atime_ns, info.st_mtime_ns))
END
}

# all_moved NAME OBJECTS: bytes, rows and counters
all_moved() {
	diff -r "$1/src/image" "$1/dst/avatar" &&
		sql_says "$1/app.db" "SELECT count(*) FROM t WHERE path LIKE 'avatar/%'" "$2" &&
		status_counts "$1.yml" done="$2" same=0 failed=0 &&
		status_says "$1.yml" '.rows | .changed + .already' "$2" &&
		exits_with 0 migrate-verify --progress=none --readback --journal "$1.yml"
}

finishes() { # NAME OBJECTS
	exits_with 0 migrate-run --progress=none --set limits.requests=0 "$1.yml" && all_moved "$1" "$2"
}

# ---- What was never synced ------------------------------------------------------------

# fails_to_sync NAME: the destination's sync says EIO, once
fails_to_sync() {
	exits_with 9 "$killat" --fail EIO --at 1 --only syncfs --report "$t_out/struck" -- \
		migrate-run --progress=none "$1.yml" && grep -q 'refused syncfs' "$t_out/struck"
}

new_job eio 250 "$slowly" || exit 99
check 'a sync that fails ends the run with 9' fails_to_sync eio
check 'copies that were saved before, never made durable' saved eio 50
check '40 of them are not on the disk' lose eio 10 30
check 'the next run looks at all of them again' finishes eio 250

new_job again 250 "$slowly" || exit 99
check 'killed with copies in the page cache' killed_after again 100
check 'some of these are lost' lose again 20 20
check 'the next run is paused' migrate-control again.yml pause
check 'and interrupted before it has looked' interrupted_after again runs_are again 2
check 'it may go on' migrate-control again.yml resume
check 'the third looks' finishes again 250

# A number of three digits: what is looked at again is not counted as if it were missing.
said_copies_of_its_own() {
	last_stdout | grep -qE '^pass 1: copied [0-9]{1,3} objects'
}
new_job twice 400 "$slowly" || exit 99
check 'killed, with more than a second saved' killed_after twice 150
saved twice 0
check 'the next run looks at them again, and is interrupted' interrupted_after twice \
	distrusts twice "$t_saved"
check 'and counts what it copied' said_copies_of_its_own
check 'one more is killed while it does' killed_after twice 120
check 'the journal is sound, the job ends' finishes twice 400

# A finished pause between: a clean stop is synced, and believed.
new_job clean 250 "$slowly" || exit 99
check 'stopped after some copies' interrupted_after clean saved clean 100
saved_then=$t_saved
check 'what a clean stop has synced is journalled so' \
	sql_says clean/job.journal 'SELECT count(*) FROM batch WHERE state = 1 AND NOT durable' 0
check 'it is not copied and not read again' exits_with 0 \
	"$killat" --count --list --only open --path "*clean/dst/avatar*" --report opens -- \
	migrate-run --progress=none --set limits.requests=0 clean.yml
check 'and all is there' all_moved clean 250
check 'only what was left was written' test "$(wc -l <opens)" -le $((2 * (250 - saved_then) + 20))

# ---- Equal copies that somebody else has just written ---------------------------------

new_job same 50 || exit 99
mkdir -p same/dst/avatar && cp -p same/src/image/* same/dst/avatar/
check 'every sync fails' exits_with 9 "$killat" --fail EIO --forever --only syncfs -- \
	migrate-run --progress=none same.yml
check 'so no row names a copy that was there before' \
	sql_says same/app.db "SELECT count(*) FROM t WHERE path LIKE 'avatar/%'" 0
check 'once they can be synced, all do' exits_with 0 migrate-run --progress=none same.yml
check 'and they are same, for we did not make them' status_counts same.yml done=0 same=50

# ---- Rows are counted once ------------------------------------------------------------

# One object that 4,000 rows name, every hundredth of which the database refuses.
new_job rows 5 'limits: {rows: 1000}' || exit 99
sql rows/app.db "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 4000)
	INSERT INTO t (path, kind) SELECT 'image/0000', CASE WHEN i % 100 = 0 THEN 'refused' END FROM n"

settled() { # NAME N: so many chunks have an outcome
	t_settled=$(sqlite3 -readonly "$1/job.journal" \
		'SELECT count(*) FROM chunk WHERE settled IS NOT NULL') && [ "$t_settled" -ge "$2" ]
}

start run migrate-run --progress=none rows.yml
check 'killed after two of four chunks' wait_until 60 settled rows 2
signals run KILL
check 'so it was' ends_with 137 run
start run migrate-run --progress=none rows.yml
check 'and again after the next' wait_until 60 settled rows 3
signals run KILL
check 'indeed' ends_with 137 run
check 'the rest ends with 3' exits_with 3 migrate-run --progress=none --set limits.rows=0 rows.yml
rows_are() { # CHANGED FAILED MISSING
	status_says rows.yml '.rows | .changed + .already' "$1" &&
		status_says rows.yml .rows.failed "$2" && status_says rows.yml .rows.missing "$3"
}
check 'each refused row is counted once' rows_are 3965 40 0
check 'a later pass finds them again, and counts none twice' exits_with 3 \
	migrate-run --progress=none --set limits.rows=0 rows.yml
check 'so they stay forty' rows_are 3965 40 0
named_once() {
	exits_with 0 migrate-status --failed rows.yml &&
		t_got=$(last_stdout | grep -c 'refused\|constraint\|CHECK') && [ "$t_got" -le 41 ]
}
check 'and are named once' named_once
sql rows/app.db "UPDATE t SET kind = NULL"
check 'once nothing refuses them' exits_with 0 migrate-run --progress=none --set limits.rows=0 rows.yml
check 'none is failed any more' rows_are 4005 0 0

# Rows that name what is not there, found by the rows themselves.
new_job missing 20 'limits: {rows: 300}' 'keys: {from: database}' || exit 99
sql missing/app.db "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 400)
	INSERT INTO t (path) SELECT 'image/none-' || (i / 10) FROM n"
sql missing/app.db "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 2500)
	INSERT INTO t (path) SELECT 'image/0000' FROM n"
check 'interrupted in the middle of the rows' interrupted_after missing settled missing 1
run migrate-run --progress=none --set limits.rows=0 missing.yml
check 'rows that name a missing object are counted once' status_says missing.yml .rows.missing 400

# The table of a column without an index is read once, perhaps before all of that is resolved
# which an earlier run had left open.
new_job bare 80 'batch: 10' "$slowly" || exit 99
sql bare/app.db 'DROP INDEX t_path'
mkfifo hold
open_intents() {
	t_open=$(sqlite3 -readonly bare/job.journal 'SELECT count(DISTINCT batch) FROM chunk
		WHERE settled IS NULL') && [ "$t_open" -ge 2 ]
}
leaves_open() {
	start run migrate-run --progress=none --set limits.requests=10 bare.yml
	wait_until 30 exists bare/dst/avatar/0000 || return 1
	start application python3 -c 'import sqlite3, sys
db = sqlite3.connect(sys.argv[1], isolation_level=None, timeout=30)
db.execute("BEGIN IMMEDIATE")
open("hold").read()' bare/app.db
	wait_until 30 open_intents && signals run KILL && ends_with 137 run && echo >hold &&
		ends_with 0 application
}
check 'killed with rows of several batches intended, none of them changed' leaves_open
resolves_slowly() {
	exits_with 0 migrate-run --progress=none --set limits.requests=0 --set limits.rows=40/s bare.yml
}
check 'the next run resolves them one after the other' resolves_slowly
check 'each row is counted once' all_moved bare 80

# One file takes the place of another in one step: killed behind it, the old one has our name.
new_job swap 3 || exit 99
check 'copied' exits_with 0 migrate-run --progress=none swap.yml
echo 'another text' >swap/src/image/0001
left_over() {
	test "$(find swap/dst -name '.migrate-*' -type f | wc -l)" -eq "$1"
}
check 'killed while a copy is replaced' exits_with 137 "$killat" --at 1 --only unlink \
	--path '*swap/dst*' --report "$t_out/struck" -- migrate-run --progress=none swap.yml
check 'what it replaced is still there' left_over 1
check 'the next run finishes' exits_with 0 migrate-run --progress=none swap.yml
check 'and removes it' left_over 0
check 'the new one is there' contains_exactly swap/dst/avatar/0001 'another text
'

# A copy that could not be read back is tried again: it was ours all the time.
new_job proof 3 'copy: {verify: readback}' || exit 99
check 'a copy cannot be proved at first' exits_with 0 "$killat" --fail EIO --at 1 --only sync \
	--path '*proof/dst/avatar/*' --report "$t_out/struck" -- migrate-run --progress=none proof.yml
check 'because of the disk' grep -q 'refused fdatasync' "$t_out/struck"
check 'and is a copy of this job' status_counts proof.yml done=3 same=0

# ---- One journal, one run -------------------------------------------------------------

# A run that came to nothing removes its journal; just then another one begins.
new_job one 20 || exit 99
sed 's|root: one/src|root: one/none|' one.yml >nothing.yml
check 'a run that comes to nothing takes its journal away, and another begins meanwhile' \
	exits_with 2 "$killat" --go --only unlink --path '*one/job.journal' --at 1 --run \
	"migrate-run --progress=none one.yml >other.out 2>other.err; echo \$? >other.status" -- \
	migrate-run --progress=none nothing.yml
check 'that one is told that the journal is held' contains_exactly other.status '6
'
check 'nothing was done' holds_files one/dst 0
check 'the lock stays for whoever waits for it' exists one/job.journal-lock
check 'then its turn comes' exits_with 0 migrate-run --progress=none one.yml

# Whoever reads a journal makes the index of its log, unless it is there.
new_job both 3 || exit 99
check 'another opens the journal just when a run begins' exits_with 0 \
	"$killat" --go --only open --path '*both/job.journal-shm' --at 1 --run ': >both/job.journal-shm' \
	--report "$t_out/struck" -- migrate-run --progress=none both.yml
check 'so it did' grep -q 'job.journal-shm' "$t_out/struck"
check 'and all is there' all_moved both 3

# Killed at each write of the journal until something is planned: nothing is called true, and a
# plan that is refused can still be mended.
never_true() {
	t_at=0 t_tried=0
	until [ "$(sqlite3 -readonly plan/job.journal 'SELECT count(*) FROM batch' 2>&1)" = 1 ]; do
		t_at=$((t_at + 1)) && rm -f plan/job.journal*
		exits_with 137 "$killat" --at $t_at --only write --path '*plan/job.journal-wal' -- \
			migrate-run --progress=none plan.yml || return 1
		run migrate-verify --progress=none plan.yml
		t_status=$?
		[ $t_status -eq 4 ] && t_tried=$((t_tried + 1))
		[ $t_status -eq 4 ] || [ $t_status -eq 2 ] || { echo "at $t_at: verified: $t_status"; return 1; }
	done
	echo "$t_at points, $t_tried of a run that began" && [ $t_tried -ge 1 ]
}
new_job plan 5 || exit 99
check 'a run that was killed before it planned anything is not finished' never_true

chain="rename: [{match: '^image/(.*)\$', to: 'x/\$1'}, {match: '^x/(.*)\$', to: 'y/\$1'}]"
refused_and_mended() {
	sed "s|^rename: .*|$chain|" chain.yml >now.yml
	t_at=0 t_planned=0
	while t_at=$((t_at + 1)) && rm -f chain/job.journal* && exits_with 137 "$killat" --at $t_at --only write \
		--path '*chain/job.journal-wal' -- migrate-run --progress=none now.yml >/dev/null; do
		t_planned=$((t_planned + $(sqlite3 -readonly chain/job.journal 'SELECT count(*) FROM batch' 2>/dev/null || echo 0)))
		exits_with 2 migrate-run --progress=none now.yml && holds_files chain/dst 0 &&
			exits_with 0 migrate-run --progress=none chain.yml && holds_files chain/dst 6 || return 1
		rm -rf chain/dst && mkdir chain/dst && sql chain/app.db \
			"UPDATE t SET path = replace(path, 'avatar/', 'image/')" || return 1
	done
	echo "$t_at points, $t_planned of a plan" && [ $t_planned -ge 1 ]
}
new_job chain 5 'unmatched: keep' || exit 99
mkdir chain/src/x && echo x >chain/src/x/0001
check 'a chain that a killed run had planned is refused, and the rules may be mended' refused_and_mended

set_aside() {
	exits_with 0 migrate-run --progress=none --new-journal one.yml
}
check 'an old journal is set aside' set_aside
check 'so are two more within a moment' set_aside
check 'none of them is lost' set_aside
check 'each has a name of its own' test "$(find one -name 'job.journal.*' | wc -l)" -eq 3

# ---- Signals are heard from the first instant to the last ------------------------------

new_job first 20 || exit 99
for t_signal in TERM INT HUP; do
	check "SIG$t_signal while the journal is opened" exits_with 4 \
		"$killat" --signal "$t_signal" --only open --path '*first/job.journal*' --at 1 -- \
		migrate-run --progress=none first.yml
done
check 'nothing was done' holds_files first/dst 0

# The disk of the journal is full, and patience is long.
new_job full 20 'patience: 600s' || exit 99
sed -i '/^patience: 1s/d' full.yml
check 'how often the log is written' "$killat" --count --only write --path '*full/job.journal-wal' \
	--report writes -- migrate-run --progress=none full.yml
rm -rf full && new_job full 20 'patience: 600s' && sed -i '/^patience: 1s/d' full.yml
start run "$killat" --fail ENOSPC --forever --at "$(($(cat writes) / 2))" --only write \
	--path '*full/job.journal-wal' --report "$t_out/struck" -- migrate-run --progress=none full.yml
check 'a run waits for room' wait_until 60 grep -q 'waiting for up to 600' "$t_out/run.stderr"
check 'it is asked to end' signals run TERM
check 'twice' signals run TERM
check 'and leaves' ends_with 4 run
check 'the next run finishes' exits_with 0 migrate-run --progress=none full.yml
check 'and all is there' all_moved full 20

finish
