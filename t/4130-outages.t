#!/bin/sh
# SPDX-License-Identifier: MIT
# What goes wrong around a run: full and read-only destinations, locked databases, a
# second run, damaged and foreign journals, changed jobs, closed outputs, signals.

. "${srcdir:-.}/t/lib.sh"
. "$srcdir/t/faults/lib.sh"

needs python3 sqlite3 jq mkfifo

job=w/job.yml

holds() {
	invariants w "$@"
}

untouched() { # neither destination nor rows were changed
	holds --interrupted && sql_says w/app.db 'SELECT count(*) FROM audit' 0 &&
		holds_files w/dst "$before"
}

state_is() {
	status_says "$job" .state "$1"
}

says_paused() { # the run that was started as `one`
	wait_until 60 grep -q paused "$t_out/one.stderr"
}

edit_job() { # SED-EXPRESSION
	sed -i "$1" "$job" && chmod 600 "$job"
}

# ---- A database that somebody holds --------------------------------------------------

# The application begins a transaction and does not end it. Not with start(), which
# gives a command no standard input.
start_holder() {
	rm -f hold
	mkfifo hold || return 1
	sqlite3 -batch w/app.db <hold >"$t_out/holder.stdout" 2>&1 &
	echo $! >"$t_top/pids/holder"
	exec 9>hold
	echo "BEGIN IMMEDIATE; UPDATE unrelated SET path = path; SELECT 'held';" >&9
	wait_until 10 grep -q held "$t_out/holder.stdout"
}

stop_holder() {
	echo 'ROLLBACK;' >&9
	exec 9>&-
	t_pid=$(pid_of holder)
	rm -f "$t_top/pids/holder"
	wait "$t_pid"
}

# start_locked OPTION...: `one` runs, and its database is locked while it copies
start_locked() {
	rm -f reached locked
	# shellcheck disable=SC2016 # the shell that killat starts expands it
	start one "$killat" --go --report "$t_out/struck" --only open,mkdir \
		--path "$here/w/dst/avatar*" --run 'touch reached
			for i in $(seq 200); do [ -e locked ] && break; sleep 0.1; done' -- \
		migrate-run --progress=none "$@" "$job"
	wait_until 30 exists reached && start_holder && touch locked
}

here=$(pwd -P)
new_world master --seed "$SEED" --patience 1s || exit 99
before=$(find master/dst -type f | wc -l)

fresh_world w master
start_holder
check 'a database that is locked from the beginning is said at once' exits_with 2 migrate-run "$job"
check 'and named' last_output_has app.db
stop_holder
check 'nothing was changed' untouched

if "$killat" --count --report "$t_out/killat" true; then
	fresh_world w master
	check 'the application locks its database while the job copies' start_locked
	check 'for longer than the patience: given up on' ends_with 9 one
	check 'and named' last_output_has app.db
	check 'nothing is wrong meanwhile' holds --interrupted
	check 'no row failed for it' status_counts "$job" failed=0 rows.failed=0 rows.conflict=0
	check 'the application lets go' stop_holder
	check 'the next run finishes' comes_to_an_end w

	fresh_world w master
	start_locked --set patience=2m
	check 'a run that waits for a locked database says so' says_paused
	check 'and runs, for the status' state_is running
	check 'a second run is refused' exits_with 6 migrate-run "$job"
	check 'and told by whom' last_output_has 'pid '
	check 'reading the status is not' exits_with 0 migrate-status "$job"
	stop_holder
	check 'it goes on by itself when the lock is gone' ends_with 0 one
	check 'and finishes everything' holds --exit 0

	# ---- Signals ----------------------------------------------------------------

	fresh_world w master
	start_locked --set patience=2m
	says_paused
	signals one TERM
	check 'SIGTERM ends a run cleanly' ends_with 4 one
	check 'with nothing wrong' holds --interrupted
	check 'which the status knows' state_is interrupted
	stop_holder
	fresh_world w master
	start_locked --set patience=2m
	says_paused
	signals one TERM
	signals one TERM
	check 'a second signal ends it at once' ends_with 4 one
	check 'with nothing wrong either' holds --interrupted
	stop_holder
	check 'the next run finishes' comes_to_an_end w
else
	skip 'locked databases and signals' 'killat cannot trace here'
fi

# ---- Closed outputs -----------------------------------------------------------------

with_closed_outputs() {
	fresh_world w master && migrate-run "$@" "$job" <&- >&- 2>&-
}

into_closed_pipe() {
	fresh_world w master && { migrate-run --progress=json "$job"; echo $? >ended; } | true
	[ "$(cat ended)" -eq 0 ] || { echo "status $(cat ended)"; return 1; }
}

check 'a run needs no standard streams at all' with_closed_outputs --progress=none
check 'and writes into no file that took their place' holds --exit 0
check 'not even with progress and log' with_closed_outputs --progress=json --log-level debug
check 'all is well then, too' holds --exit 0
check 'a reader that went away is no harm' into_closed_pipe
check 'all is well' holds --exit 0

# ---- Journals -----------------------------------------------------------------------

# A job that stopped in the middle, with open batches.
fresh_half() {
	fresh_world w master && struck w --at 120 && [ "$struck_status" -eq 137 ]
}

overwrite() { # OFFSET COUNT: with garbage
	tr '\0-\377' 'Z' </dev/zero | dd of=w/world.journal bs=1 seek="$1" count="$2" conv=notrunc status=none
}

refuses_damage() {
	cp -a w w.before && exits_with 7 migrate-run "$job" || return 1
	same_tree w/dst w.before/dst && cmp w/app.db w.before/app.db
	t_same=$?
	rm -rf w.before
	return "$t_same"
}

settle_journal() { # the log into the file, so that damage to the file is damage
	sql w/world.journal 'PRAGMA wal_checkpoint(TRUNCATE)' >/dev/null
}

if "$killat" --count --report "$t_out/killat" true; then
	check 'a job stopped in the middle' fresh_half
	settle_journal
	overwrite 0 64
	check 'a journal without its header is refused, and nothing is touched' refuses_damage
	check 'with a word of what it is' last_output_has world.journal
	fresh_half
	settle_journal
	overwrite 4096 4096
	check 'a journal with a damaged page is refused' refuses_damage
	fresh_half
	settle_journal
	truncate -s 8192 w/world.journal
	check 'a journal cut short is refused' refuses_damage
	fresh_half
	sql w/world.journal 'UPDATE batch SET copied = copied + 1000 WHERE id = (SELECT min(id) FROM batch)'
	check 'a journal whose counters were changed is refused' refuses_damage
	fresh_half
	sql w/world.journal 'PRAGMA user_version = 9999'
	check 'a journal of a newer format is refused' exits_with 5 migrate-run "$job"
	check 'and the way out is said' last_output_has newer
else
	skip 'damaged journals' 'killat cannot trace here'
fi
fresh_world w master
write_file w/world.journal 'these are my notes, not a journal of yours'
check 'a file that is no journal is refused' exits_with 7 migrate-run "$job"
check 'and left alone' contains_exactly w/world.journal 'these are my notes, not a journal of yours'
rm w/world.journal
check 'and so is the rest' untouched

# ---- Changed jobs -------------------------------------------------------------------

finished_world() {
	fresh_world w master && exits_with 0 migrate-run --progress=none "$job"
}

refuses_change() { # SED-EXPRESSION: whatever flags are given
	finished_world && edit_job "$1" && exits_with 5 migrate-run "$job" &&
		exits_with 5 migrate-run --accept-change "$job"
}

check 'a finished job' finished_world
edit_job 's/concurrency: 2/concurrency: 3/; s/^patience: .*/patience: 5s/'
check 'what is tunable may change' exits_with 0 migrate-run "$job"
edit_job "s/^batch:/keys: {exclude: ['*.tmp']}\nbatch:/"
check 'a changed selection is refused' exits_with 5 migrate-run "$job"
check 'with the difference' last_output_has '*.tmp' --accept-change
check 'and accepted when told so' exits_with 0 migrate-run --accept-change "$job"
check 'once' exits_with 0 migrate-run "$job"
check 'all is still well' holds --exit 0
check 'changed rename rules are never accepted' refuses_change 's,to: avatar/,to: avatars/,'
check 'with the difference' last_output_has avatars/
check 'nor another value pattern' refuses_change 's,cdn.example.com,cdn.example.org,'
check 'nor another destination' refuses_change 's,root: dst,root: dst/keep,'
check 'nor another column' refuses_change 's/column: path/column: note/'
check 'nor other extra columns' refuses_change 's/service: amazon/service: google/'

# ---- The destination ----------------------------------------------------------------

not_there() {
	fresh_world w master && mv w/src w/gone && exits_with 2 migrate-run "$job"
}

check 'a source that is not there is a mistake of the job file' not_there
check 'and said at once' last_output_has source src
mv w/gone w/src
check 'nothing was changed' untouched

if [ "$(id -u)" -ne 0 ]; then
	skip 'full and read-only file systems' 'only root may mount them'
	finish
fi

# w/dst on a small file system of its own
small_destination() { # MIB
	! mountpoint -q w/dst || unmount w/dst || return 1
	fresh_world w master && new_image small.img "$1" && mv w/dst w/dst.old &&
		mount_image small.img w/dst && rmdir w/dst/lost+found && cp -a w/dst.old/. w/dst/ &&
		rm -rf w/dst.old
}

fill_up() {
	dd if=/dev/zero of=w/dst/keep/ballast bs=4096 status=none 2>/dev/null
	test -s w/dst/keep/ballast
}

make_room() {
	rm w/dst/keep/ballast
}

check 'a small destination' small_destination 32
check 'that is full' fill_up
check 'from the beginning is said at once' exits_with 2 migrate-run "$job"
check 'with a word of what is missing' last_output_has space
make_room
check 'nothing was changed' untouched

# start_full OPTION...: `one` runs, and its destination fills up while it copies
start_full() {
	small_destination 32 || return 1
	start one "$killat" --go --report "$t_out/struck" --only open,mkdir --at 9 \
		--path "$here/w/dst/avatar*" \
		--run 'dd if=/dev/zero of=w/dst/keep/ballast bs=4096 2>/dev/null; true' -- \
		migrate-run --progress=none "$@" "$job"
}

if "$killat" --count --report "$t_out/killat" true; then
	check 'a destination fills up while the job copies' start_full
	check 'and is given up on after the patience' ends_with 9 one
	check 'with a word of what is missing' last_output_has space
	check 'no object failed for it' status_counts "$job" failed=0
	make_room
	check 'and nothing is wrong' holds --interrupted
	check 'with room again the next run finishes' comes_to_an_end w

	start_full --set patience=2m
	check 'a full destination makes a run pause' says_paused
	make_room
	check 'and it goes on by itself' ends_with 0 one
	check 'to the end' holds --exit 0
else
	skip 'a destination that fills up' 'killat cannot trace here'
fi

small_destination 32
mount -o remount,ro w/dst
check 'a destination that cannot be written to is refused at once' exits_with 2 migrate-run "$job"
check 'and says so' last_output_has read-only
mount -o remount,rw w/dst
check 'when it can be, the next run finishes' comes_to_an_end w
unmount w/dst

finish
