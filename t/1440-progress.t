#!/bin/sh
# SPDX-License-Identifier: MIT
# What a run shows of its progress: a line on a terminal, calm lines in a log, JSON
# for programs, and never a reason to end.

. "${srcdir:-.}/t/lib.sh"

command -v script >/dev/null || skip_all 'script is not installed'

fresh() {
	rm -rf dst ./*.journal*
	mkdir dst
}

mkdir -p src
for i in $(seq 300); do
	echo "object $i" >"src/$i"
done
write_job job.yml <<'END'
source: {plugin: posix, root: src}
destination: {plugin: posix, root: dst}
batch: 20
limits: {requests: 100/s}
END
write_job bad.yml <<'END'
source: {plugin: posix, root: src}
destination: {plugin: posix, root: dst}
rename: [{prefix: "1", to: "a"}]
END

# A terminal of 100 columns; what it was sent is in `shown`.
on_terminal() { # COMMAND
	TERM=xterm script -qec "stty cols 100; $1" shown </dev/null >"$t_out/stdout" 2>&1
}

has() { # TEXT
	grep -qF -e "$1" shown
}

# Lines between redraws, without colours, never wider than the terminal.
fits() {
	[ "$(tr '\r' '\n' <shown | sed 's/\x1b\[[0-9;]*[mK]//g; s/[█░]/#/g; /^Script/d' |
		awk '{ if (length > max) max = length } END { print max }')" -lt 100 ]
}

# ---- On a terminal -----------------------------------------------------------------------

fresh
check 'a run on a terminal' on_terminal 'migrate-run job.yml'
check 'shows one line, redrawn in place' has "$(printf '\r\033[K')"
check 'with the job, a bar and the counts' has '300/300'
check 'the bar is full at the end' has '100%'
check 'it says how long it will take' has 'ETA '
check 'no line is wider than the terminal' fits
check 'nobody is alarmed' not has "$(printf '\033[31m')"

fresh
check 'a run with failures' not on_terminal 'migrate-run --log-level error bad.yml'
check 'shows them in red' has "$(printf '\033[31m')"
fresh
check 'without colours for who wants none' not on_terminal 'NO_COLOR=1 migrate-run bad.yml'
check 'there are none' not has "$(printf '\033[3')"
fresh
check 'a dumb terminal' on_terminal 'TERM=dumb migrate-run job.yml'
check 'gets plain lines' not has "$(printf '\033[')"
fresh
check 'none when none is wanted' on_terminal 'migrate-run --progress=none job.yml'
check 'there is no line' not has '/300'

# ---- In a log ------------------------------------------------------------------------------

fresh
check 'a run without a terminal' exits_with 0 migrate-run job.yml
check 'has calm lines' sh -c "grep -c 'of 300 objects' '$t_out/stderr' | grep -qE '^[1-5]$'"
check 'on standard error, nothing that moves a cursor' not grep -q "$(printf '[\033\r]')" "$t_out/stderr"

# ---- For programs ------------------------------------------------------------------------------

fresh
check 'JSON' exits_with 0 migrate-run --progress=json job.yml
objects() {
	grep '^{' "$t_out/stdout" >lines && json_says lines "$1"
}
check 'is one object a line, with a version' objects '.version == 1 and .type == "progress"'
check 'about one a second' sh -c "n=\$(grep -c '^{' '$t_out/stdout'); [ \$n -ge 2 ] && [ \$n -le 8 ]"
last() {
	tail -1 lines >last-line && json_says last-line '.final and .objects.done == 300 and .objects.copied == 300'
}
check 'the last one is marked' last

fresh
into_nothing() {
	migrate-run --progress=json job.yml | head -n 1 >/dev/null
	same_tree src dst
}
check 'a reader that goes away does not end the run' into_nothing
fresh
closed() {
	migrate-run --progress=json job.yml >&- 2>&-
}
check 'nor do closed outputs' closed
check 'all is copied' same_tree src dst
check 'and the journal is well' exits_with 0 migrate-verify --journal job.yml

finish
