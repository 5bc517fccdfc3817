#!/bin/sh
# SPDX-License-Identifier: MIT
# Several runs are one story: small jobs, runs with flags, what others do between them, and after every
# run a model, written from the manual pages, that knows each byte, row and number.
#
# SEED=N tries other stories, STORIES=N more of them; SWEEP=few some, SWEEP=full 2000.

. "${srcdir:-.}/t/lib.sh"
. "$srcdir/t/faults/lib.sh"

needs python3 sqlite3
needs_killat
: "${STORIES:=$(by_sweep 2000 24 8)}"
: "${JOBS:=2}"
# The leak sanitizer looks at a process from another one, which now and then breaks under such load.
ASAN_OPTIONS=$ASAN_OPTIONS:detect_leaks=0
export ASAN_OPTIONS
: "${WORLDS:=posix}"
echo "# SEED=$SEED STORIES=$STORIES SWEEP=$SWEEP worlds: $WORLDS"

"$srcdir/t/model/stories" --build "$builddir" --seed "$SEED" --count "$STORIES" --world "$WORLDS" --jobs "$JOBS" \
	>"$t_out/played" 2>"$t_out/said"
judge_played "$STORIES" $?

finish
