#!/bin/sh
# SPDX-License-Identifier: MIT
# Any call that changes something may fail, once or from then on: the run says so in
# its exit status, nothing is wrong, and a later run finishes.

. "${srcdir:-.}/t/lib.sh"
. "$srcdir/t/faults/lib.sh"

needs python3 sqlite3
needs_killat
echo "# SEED=$SEED SWEEP=$SWEEP"

# The statuses that a failing call may lead to; 0 only when all is done in spite of it.
was_honest() {
	case $struck_status in
	0) invariants w --exit 0 ;;
	2 | 3 | 8 | 9 | 11) invariants w --interrupted ;;
	*) echo "status $struck_status"; cat "$t_out/stderr"; return 1 ;;
	esac
}

says_something() {
	[ "$struck_status" -eq 0 ] || [ -s "$t_out/stderr" ] || { echo 'not a word'; return 1; }
}

# Objects that failed for want of a healthy machine are tried again when asked for.
retries_failures() {
	[ "$struck_status" -eq 3 ] || [ "$struck_status" -eq 11 ] || return 0
	migrate-run --progress=none --retry-failed w/job.yml >"$t_out/stdout" 2>"$t_out/stderr"
}

survives() { # N OPTION...
	fresh_world w master || return 1
	t_n=$1
	shift
	struck w --at "$t_n" "$@" || return 1
	if ! was_honest || ! says_something; then
		echo "after '$struck'"
		return 1
	fi
	retries_failures || { echo "not retried after '$struck'"; cat "$t_out/stderr"; return 1; }
	comes_to_an_end w || { echo "after '$struck'"; return 1; }
}

# points ERRNO WORDS OPTION...: some of the calls fail with it
points() {
	t_errno=$1
	t_words=$2
	shift 2
	fresh_world w master && struck w --count "$@" || return 1
	calls=$struck
	t_some=$(by_sweep "$calls" 2 1)
	step=$(((calls + t_some - 1) / t_some))
	random "$step"
	point=$random
	while [ "$point" -le "$calls" ]; do
		check "$t_words $point of $calls: $t_errno once" \
			survives "$point" --fail "$t_errno" "$@"
		check "$t_words $point of $calls: $t_errno from then on" \
			survives "$point" --fail "$t_errno" --forever "$@"
		point=$((point + step))
	done
}

# The calls of one place: the journal, the database, the destination.
check 'a world' new_world master --seed "$SEED" --patience 1s
here=$(pwd -P)
points EIO 'sync' --only sync
points ENOSPC 'change at the destination' --path "$here/w/dst*" --only "$changing"
points EIO 'change at the destination' --path "$here/w/dst*" --only "$changing"
points EROFS 'change at the destination' --path "$here/w/dst*" --only "$changing"
points EIO 'write to the journal' --path "$here/w/world.journal*" --only write
points ENOSPC 'write to the journal' --path "$here/w/world.journal*" --only write
points EIO 'write to the database' --path "$here/w/app.db*" --only write
points ENOSPC 'write to the database' --path "$here/w/app.db*" --only write

# A short write is no failure at all.
short_writes() {
	fresh_world w master && struck w --short --forever "$@" &&
		[ "$struck_status" -eq 0 ] && invariants w --exit 0
}
check 'copies that come short again and again are gone on with' \
	short_writes --only copy,write --path "$here/w/dst*"
check 'writes to the journal that come short' short_writes --only write --path "$here/w/world.journal*"

finish
