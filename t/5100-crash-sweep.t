#!/bin/sh
# SPDX-License-Identifier: MIT
# Killed at any call that changes something, and again while it recovers, a run is
# always finished by the next one, and nothing is ever wrong in between.
#
# SWEEP=full tries every point, SWEEP=few only some; SEED=N another sample.

. "${srcdir:-.}/t/lib.sh"
. "$srcdir/t/faults/lib.sh"

needs python3 sqlite3
needs_killat
echo "# SEED=$SEED SWEEP=$SWEEP"

check 'a world to break' new_world one --seed "$SEED"
check 'and one whose database keeps a write-ahead log' new_world two --seed "$((SEED + 1))" --wal

# One point: killed at call N in that way, again at call M of the recovery, then left alone.
survives() { # MASTER N M OPTION...
	fresh_world w "$1" || return 1
	t_n=$2
	t_m=$3
	shift 3
	struck w --at "$t_n" "$@" || return 1
	first=$struck
	invariants w --interrupted || { echo "after '$first'"; return 1; }
	struck w --at "$t_m" "$@" || return 1
	invariants w --interrupted || { echo "after '$first', then '$struck'"; return 1; }
	comes_to_an_end w || { echo "after '$first', then '$struck'"; return 1; }
}

# How many calls an undisturbed run makes, into $calls
count_calls() { # OPTION...
	fresh_world w one && struck w --count "$@" && calls=$struck &&
		[ "$struck_status" -eq 0 ] && invariants w --exit 0
}

try_point() { # N WORDS OPTION...
	t_point=$1
	t_words=$2
	shift 2
	random 2
	[ "$random" -eq 1 ] && master=one || master=two
	t_rest=$((calls > t_point ? calls - t_point + 30 : 30))
	random "$t_rest"
	check "killed $t_words call $t_point, and call $random of the recovery" \
		survives "$master" "$t_point" "$random" "$@"
}

sample() { # HOW-MANY WORDS OPTION...
	left=$1
	shift
	while [ "$left" -gt 0 ]; do
		random "$calls"
		try_point "$random" "$@"
		left=$((left - 1))
	done
}

sweep() { # HOW-MANY WORDS OPTION...
	if [ "$SWEEP" != full ]; then
		sample "$@"
		return
	fi
	shift
	point=0
	first=
	until was_not_reached "$first" || [ "$point" -gt $((calls * 2)) ]; do
		point=$((point + 1))
		try_point "$point" "$@"
	done
	check "there is no call $point any more" was_not_reached "$first"
}

check 'an undisturbed run does everything, once' count_calls
check 'there are enough calls to be killed at' test "$calls" -gt 100
echo "# $calls calls"
sweep "$(by_sweep 0 7 4)" before
sweep "$(by_sweep 0 5 3)" after --after
check 'writes are there to be torn' count_calls --only write,copy
check 'and many' test "$calls" -gt 30
sweep "$(by_sweep 0 5 3)" 'in the middle of writing' --torn

finish
