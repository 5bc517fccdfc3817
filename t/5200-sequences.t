#!/bin/sh
# SPDX-License-Identifier: MIT
# Faults that follow faults: small worlds, two to five disasters one after the other, and after
# every run a model that knows what each row and object may be.
#
# SEED=N tries other sequences, SEQUENCES=N more of them; SWEEP=few some, SWEEP=full 600.
# shellcheck disable=SC2154 # what the servers say

. "${srcdir:-.}/t/lib.sh"
. "$srcdir/t/servers/postgres.sh"
. "$srcdir/t/faults/lib.sh"

needs python3 sqlite3
needs_killat
: "${SEQUENCES:=$(by_sweep 600 60 8)}"
: "${JOBS:=2}"
# The leak sanitizer looks at a process from another one, which now and then breaks under such load.
ASAN_OPTIONS=$ASAN_OPTIONS:detect_leaks=0
export ASAN_OPTIONS
worlds=posix,same,rows,texts
[ -x "$builddir/t/servers/s3d/s3d" ] && [ -f "$builddir/plugins/.libs/s3.so" ] && worlds=$worlds,up,down

case $worlds in
*,up,*)
	if ! postgres_lacks >"$t_out/lacking"; then
		postgres_up || { echo 'Bail out! postgres does not start'; exit 99; }
		worlds=$worlds,servers
	fi
	;;
esac
echo "# SEED=$SEED SEQUENCES=$SEQUENCES SWEEP=$SWEEP worlds: $worlds"

"$faults/sequence" --build "$builddir" --seed "$SEED" --count "$SEQUENCES" --world "$worlds" --jobs "$JOBS" \
	>"$t_out/played" 2>"$t_out/said"
judge_played "$SEQUENCES" $?

finish
