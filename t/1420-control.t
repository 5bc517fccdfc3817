#!/bin/sh
# SPDX-License-Identifier: MIT
# migrate-control changes a running job within a second, and later ones too.

. "${srcdir:-.}/t/lib.sh"

mkdir -p src dst
for i in $(seq 600); do
	echo "object $i" >"src/$i"
done
write_job job.yml <<'END'
source: {plugin: posix, root: src}
destination: {plugin: posix, root: dst}
limits: {requests: 20/s}
batch: 20
END

control() { # STATUS WORD...
	t_status_wanted=$1
	shift
	exits_with "$t_status_wanted" migrate-control job.yml "$@"
}

done_is() {
	migrate-status --json job.yml | jq .objects.done
}

is_state() {
	status_says job.yml .state "$1"
}

samples_reach() { # N: a run writes one a second
	[ "$(sql job.journal 'SELECT count(*) FROM sample')" -ge "$1" ]
}

stands_still() { # from one sample to the third after it
	is_running one && t_samples=$(sql job.journal 'SELECT count(*) FROM sample') &&
		wait_until 20 samples_reach $((t_samples + 1)) && t_then=$(find dst -type f | wc -l) &&
		wait_until 20 samples_reach $((t_samples + 4)) && holds_files dst "$t_then"
}

comes_to_rest() {
	stands_still || stands_still || stands_still || stands_still
}

event_says() {
	migrate-status job.yml | grep -q "$1"
}

check 'before the first run there is nothing to control' control 2 pause
check 'and nothing is written' missing job.journal-control

start one migrate-run job.yml
check 'a run begins' wait_until 20 is_state running

check 'an unknown verb gets a hint' control 2 puase
check 'the nearest one' last_stderr_has "did you mean 'pause'"
check 'an unknown setting gets a hint' control 2 set limits.row=5
check 'the nearest one too' last_stderr_has "did you mean 'limits.rows'"
check 'a value must be one' control 2 set limits.rows=many
check 'concurrency is at least 1' control 2 set copy.concurrency=0
check 'set needs something' control 2 set
check 'one wrong setting sets none' control 2 set limits.rows=5 copy.concurrency=x
check 'nothing was set so far' control 0 show
check 'and that is said' last_stdout_has 'job: nothing'

check 'pause' control 0 pause
check 'the status shows it' wait_until 10 event_says paused
check 'the run waits, once what was in flight is done' comes_to_rest
check 'it is still there' is_running one
check 'the journal knows of it' wait_until 10 event_says 'paused'
check 'resume' control 0 resume
goes_on() {
	[ "$(find dst -type f | wc -l)" -gt "$((t_then + 2))" ]
}
t_then=$(find dst -type f | wc -l)
check 'the run goes on' wait_until 10 goes_on

check 'the file is for its owner alone' test "$(stat -c %a job.journal-control)" = 600
check 'stop' control 0 stop
check 'the run ends as when it was asked to' ends_with 4 one

check 'a new run is not stopped by the old request' control 0 set limits.requests=0 limits.bandwidth=1GiB/s
check 'it goes to the end, at the new speed' exits_with 0 migrate-run job.yml
check 'all is there' same_tree src dst
check 'settings stay' control 0 show
check 'until they are taken back' last_stdout_has 'limits.bandwidth=1073741824B/s, limits.requests=0/s'
check 'reset' control 0 reset
check 'nothing is left' last_stdout_has 'job: nothing'

write_file job.journal-control 'nonsense'
check 'a damaged file is told of' control 2 show
check 'with what to do' last_stderr_has 'remove it'
check 'the status shows it as well' event_says 'remove it'

finish
