#!/bin/sh
# SPDX-License-Identifier: MIT
# What judges sequences of faults is awake: each wrong that is planted in a world is noticed, and
# a world in order is not blamed.

. "${srcdir:-.}/t/lib.sh"
. "$srcdir/t/faults/lib.sh"

needs python3 sqlite3
needs_killat

judge_spoilt "$faults/spoil" 24

steps_of() {
	"$faults/sequence" --list --seed 5 --count 20 --first "$1" | head -n 1
}
check 'the same seed is the same sequence' test "$(steps_of 3)" = "$(steps_of 3)"
check 'and another number another one' not test "$(steps_of 3)" = "$(steps_of 4)"
check 'a step that is none is refused' not "$faults/sequence" --build "$builddir" --play 'posix:1 explode@write:3'

finish
