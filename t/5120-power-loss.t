#!/bin/sh
# SPDX-License-Identifier: MIT
# The power fails at a sync point, and what was not synced is gone. Journal, database
# and destination live on that file system. The next run finishes, and no row points
# to anything that is not there, or not whole.

. "${srcdir:-.}/t/lib.sh"
. "$srcdir/t/faults/lib.sh"

needs python3 sqlite3
needs_killat
needs_mounts
echo "# SEED=$SEED SWEEP=$SWEEP"

make_master() {
	new_image master.img 96 && mount_image master.img disk &&
		new_world disk/w --seed "$SEED" "$@" && unmount disk
}

fresh_disk() {
	! mountpoint -q disk || unmount disk || return 1
	cp --sparse=always master.img disk.img && mount_image disk.img disk
}

# The machine comes up again, with what the disk really holds.
power_returns() {
	unmount disk && mount_image disk.img disk
}

count_syncs() {
	fresh_disk && struck disk/w --count --only sync && calls=$struck &&
		[ "$struck_status" -eq 0 ] && invariants disk/w --exit 0
}

survives() { # N OPTION...: twice, then left alone
	t_n=$1
	shift
	fresh_disk || return 1
	struck disk/w --only sync --run "$power $PWD/disk" --at "$t_n" "$@" || return 1
	first=$struck
	power_returns || return 1
	invariants disk/w --power-lost || { echo "after '$first'"; return 1; }
	random "$calls"
	struck disk/w --only sync --run "$power $PWD/disk" --at "$random" "$@" || return 1
	power_returns || return 1
	invariants disk/w --power-lost || { echo "after '$first', then '$struck'"; return 1; }
	comes_to_an_end disk/w || { echo "after '$first', then '$struck'"; return 1; }
}

# A finished run is durable: nothing of it is lost when the power fails right behind it.
stays_finished() {
	fresh_disk && migrate-run --progress=none disk/w/job.yml >"$t_out/stdout" 2>&1 &&
		"$power" disk && power_returns && invariants disk/w --exit 0
}

sweep_syncs() {
	point=1
	while [ "$point" -le "$calls" ]; do
		check "the power fails before sync $point" survives "$point"
		check "the power fails after sync $point" survives "$point" --after
		point=$((point + step))
	done
}

for mode in '' --wal; do
	# shellcheck disable=SC2086
	check "a disk with a world on it ${mode:+(the database keeps a log)}" make_master $mode
	check 'an undisturbed run does everything, once' count_syncs
	check 'and syncs what it did' test "$calls" -gt 10
	echo "# $calls sync points"
	check 'what a finished run did outlives the power' stays_finished
	some=$(by_sweep "$calls" 3 2)
	step=$(((calls + some - 1) / some))
	sweep_syncs
done

finish
