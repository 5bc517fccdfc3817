#!/bin/sh
# SPDX-License-Identifier: MIT
# Memory, descriptors, disk and connections that fail once, at any point: no program crashes, leaks or
# lies, and the next run finishes. A sample of all points by SEED; SWEEP=full: each of them.

. "${srcdir:-.}/t/lib.sh"
. "$srcdir/t/servers/s3.sh"
. "$srcdir/t/faults/lib.sh"

needs python3 sqlite3
[ -f "$builddir/t/faults/.libs/nth.so" ] || skip_all 'nth was not built'
echo "# SEED=$SEED SWEEP=$SWEEP"

survives() { # SCENE KIND...
	t_scene=$1
	shift
	for t_kind; do
		# shellcheck disable=SC2046 # words
		"$srcdir/t/torture" --build "$builddir" --scene "$t_scene" --of "$t_kind" --seed "$SEED" \
			$(by_sweep '' '--sample 3' '--sample 3') || return 1
	done
}

check 'a run without memory, descriptors or disk' survives run alloc open read
check 'a check' survives check alloc open read
check 'a status' survives status alloc open read
check 'a verification' survives verify alloc open read
if [ -f "$builddir/plugins/.libs/s3.so" ] && [ -x "$s3d_program" ]; then
	check 'a run into S3, without connections as well' survives run-s3 alloc open read connect
	check 'its verification' survives verify-s3 alloc connect
else
	skip 'runs into S3' 's3 or s3d was not built'
fi

finish
