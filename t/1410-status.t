#!/bin/sh
# SPDX-License-Identifier: MIT
# migrate-status tells the truth before, while and after a run, and after kill -9.

. "${srcdir:-.}/t/lib.sh"

make_world() { # N
	mkdir -p src/image dst
	for i in $(seq "$1"); do
		echo "object $i" >"src/image/$i.png"
	done
	sql app.db "CREATE TABLE avatars (id INTEGER PRIMARY KEY, path TEXT);
		WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < $1)
		INSERT INTO avatars SELECT i, 'image/' || i || '.png' FROM n"
}

says() { # TEXT... of the summary
	exits_with 0 migrate-status job.yml && last_output_has "$@"
}

explains() { # KEY TEXT...
	t_key=$1
	shift
	exits_with 0 migrate-status --explain "$t_key" job.yml && last_output_has "$@"
}

is_json() {
	run migrate-status --json "$@" && json_says "$t_out/stdout" '.version == 1'
}

make_world 20
write_job job.yml <<'END'
source: {plugin: posix, root: src}
destination: {plugin: posix, root: dst}
keys: {exclude: ["*.tmp"]}
rename:
  - {prefix: image/, to: avatar/}
databases:
  - {plugin: sqlite, path: "${APP_DATABASE}", table: avatars, column: path}
batch: 5
END

# ---- Wrong usage, and nothing there yet ---------------------------------------------------

check 'no operand is wrong usage' exits_with 2 migrate-status
check 'an unknown flag gets a hint' exits_with 2 migrate-status --jsno job.yml
check 'the nearest one' last_stderr_has "did you mean '--json'"
check 'no such file' exits_with 2 migrate-status none.yml
check 'flags that exclude each other' exits_with 2 migrate-status --failed --find a job.yml
check 'before the first run: not started, and no variable of the environment is needed' says 'job: not started' 'start it with migrate-run'
check 'in JSON as well' status_says job.yml .state 'not started'
check 'there is nothing to explain yet' exits_with 2 migrate-status --explain a job.yml
write_file text.journal 'this is no journal'
check 'a text is not taken for a journal' exits_with 2 migrate-status text.journal

# ---- After a run in which some failed -----------------------------------------------------

export APP_DATABASE=app.db
write_file dst/avatar/7.png 'something else'
write_file "$(printf 'src/image/n\nl')" newline
write_file "$(printf 'src/image/\377')" latin
write_file src/other/1.png unmatched
write_file src/image/1.tmp temporary
check 'a run with failures' exits_with 3 migrate-run job.yml
unset APP_DATABASE

check 'finished, with failures' says 'job: finished, with failures' 'migrate-run --retry-failed'
check 'the classes add up' status_says job.yml \
	'.objects | .total == .done + .same + .skipped + .gone + .failed + .planned' true
check 'every count is right' status_counts job.yml total=23 done=21 same=0 failed=2 planned=0 \
	rows.changed=19
check 'failures are counted by class' status_says job.yml \
	'.failures_by_class | tojson' '{"unmatched":1,"conflict":1}'
check 'what was passed over is counted' status_says job.yml .passed_over.rule 1
check 'the run is told of' status_says job.yml '.run.exit' 3

check '--failed lists' exits_with 0 migrate-status --failed job.yml
check 'key, class and message' sh -c "printf 'image/7.png\tconflict\t' | grep -qFf - '$t_out/stdout'"
check 'one line each' test "$(wc -l <"$t_out/stdout")" -eq 2
check '--failed in JSON' is_json --failed job.yml
check 'lists the same' json_says "$t_out/stdout" '.failed | length == 2'

check '--find finds by a part of the key' exits_with 0 migrate-status --find /13 job.yml
check 'state, key, new key' last_stdout_has "$(printf 'copied\timage/13.png\tavatar/13.png')"
check '--find finds nothing' exits_with 0 migrate-status --find nothing-like-it job.yml
check 'and says nothing' is_empty "$t_out/stdout"
check '--find in JSON' is_json --find .png job.yml

check 'a key is explained' explains image/3.png 'avatar/3.png' 'prefix image/ -> avatar/' copied \
	'id=3' 'image/3.png -> avatar/3.png: changed'
check 'by its new key too' explains avatar/3.png 'image/3.png'
check 'a failed one with its reason' explains image/7.png conflict 'failed'
check 'one that no rule matched' explains other/1.png 'none matches' unmatched
check 'one that was left out' explains image/1.tmp '*.tmp' 'not in the journal'
check 'one that is not there' explains image/999.png 'not in the journal'
check 'a newline in a key, as it is printed' explains 'image/n\x0al' 'avatar/n\x0al' copied
check 'and as it is' explains "$(printf 'image/n\nl')" 'avatar/n\x0al' copied
check 'bytes that are no UTF-8' explains 'image/\xff' 'avatar/\xff' copied
check 'they come as base64 in JSON' is_json --explain 'image/\xff' job.yml
check 'with the text beside it' json_says "$t_out/stdout" '.key.base64 == "aW1hZ2Uv/w=="'

check 'the journal itself may be named' exits_with 0 migrate-status job.journal
check 'the name comes from it' last_stdout_has 'job: finished'

# ---- While it runs, and after it was killed ---------------------------------------------------

is_state() {
	status_says job.yml .state "$1"
}

rm -rf src dst app.db job.journal*
make_world 3000
export APP_DATABASE=app.db
echo 'limits: {requests: 100/s}' >>job.yml
start one migrate-run job.yml
check 'a run is seen while it goes on' wait_until 20 is_state running
check 'by its process' status_says job.yml .run.pid "$(pid_of one)"
moves() {
	status_says job.yml '.objects.done > 20 and .rate.objects > 0' true
}
check 'with its speed' wait_until 30 moves
signals one KILL
check 'it is killed' ends_with 137 one
check 'a run that was killed did not end cleanly' is_state unclean
check 'and what to do is said' says 'did not end cleanly' 'run migrate-run again'
start two migrate-run job.yml
check 'the next one is seen' wait_until 20 is_state running
signals two TERM
check 'it ends when asked to' ends_with 4 two
check 'a run that was asked to end is interrupted' is_state interrupted

reads_only() {
	find . -name 'job.journal*' -exec md5sum {} + | sort >one
	migrate-status job.yml >out && migrate-status --json job.yml >out || return 1
	find . -name 'job.journal*' -exec md5sum {} + | sort >other
	grep 'job.journal$' one >a && grep 'job.journal$' other >b && cmp a b
}
check 'the journal is not changed by looking' reads_only

into_full() {
	migrate-status job.yml >/dev/full
	[ $? -eq 1 ]
}
into_closed_pipe() {
	migrate-status --find png job.yml | :
}
check 'a full output is an error' into_full
check 'a reader that went away is none' into_closed_pipe

finish
