#!/bin/sh
# SPDX-License-Identifier: MIT
# Killed at a random instant, again and again; a poller beside the runs never sees a
# row that points to nothing.

. "${srcdir:-.}/t/lib.sh"
. "$srcdir/t/faults/lib.sh"

needs python3 sqlite3
worlds=$(by_sweep 67 3 2)
echo "# SEED=$SEED SWEEP=$SWEEP"

# Killed after that many milliseconds, unless it ended before.
killed_after() { # WORLD MILLISECONDS
	timeout -s KILL "$(printf '0.%03d' "$2")" migrate-run --progress=none "$1/job.yml" \
		>"$t_out/stdout" 2>"$t_out/stderr"
	case $? in
	0 | 137) ;;
	*) cat "$t_out/stderr"; return 1 ;;
	esac
}

# How long an undisturbed run takes, in milliseconds and at most 900, into $span.
measure() {
	fresh_world w master || return 1
	t_began=$(date +%s%N)
	migrate-run --progress=none w/job.yml >"$t_out/stdout" 2>"$t_out/stderr" || return 1
	span=$((($(date +%s%N) - t_began) / 1000000 + 1))
	[ "$span" -le 900 ] || span=900
	invariants w --exit 0
}

kill_three_times() { # WORLD
	for _ in 1 2 3; do
		random "$span"
		killed_after "$1" "$random" || return 1
		invariants "$1" --interrupted || return 1
	done
	comes_to_an_end "$1"
}

survives_kills() {
	fresh_world w master || return 1
	rm -f stop
	start poller "$faults/poller" w --until "$PWD/stop"
	kill_three_times w
	t_survived=$?
	touch stop
	ends_with 0 poller || { last_stdout; return 1; }
	return "$t_survived"
}

check 'a world of 400 objects' new_world master --seed "$SEED" --objects 400 --batch 20
check 'an undisturbed run does everything, once' measure
echo "# $span ms"
while [ "$worlds" -gt 0 ]; do
	check "three kills at random instants, world $worlds" survives_kills
	worlds=$((worlds - 1))
done

finish
