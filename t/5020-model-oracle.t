#!/bin/sh
# SPDX-License-Identifier: MIT
# What judges stories of several runs is awake: each wrong that is planted in a world, and each number that a
# program says wrongly, is noticed, and a world in order is not blamed.

. "${srcdir:-.}/t/lib.sh"
. "$srcdir/t/faults/lib.sh"

needs python3 sqlite3
model=$srcdir/t/model

judge_spoilt "$model/spoil" 80

story_of() {
	"$model/stories" --list --seed 5 --count 20 --first "$1" | head -n 1
}
check 'the same seed is the same story' test "$(story_of 3)" = "$(story_of 3)"
check 'and another number another one' not test "$(story_of 3)" = "$(story_of 4)"
check 'a word that is none is refused' not "$model/stories" --build "$builddir" --play 'posix:1 explode:3'

finish
