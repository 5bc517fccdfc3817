# SPDX-License-Identifier: MIT
# shellcheck shell=bash
#
# What the benchmarks share: a place of their own that is unmounted and removed again,
# the programs of the build, file systems made for the run. Never timed tests: they
# print medians and ratios to public tools, measured in turns in the same run.
#
#	builddir=build t/bench/posix
#
# Needs root (loop mounts), python3, e2fsprogs; BENCH_DIR names the folder for images.

set -euo pipefail

bench=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
builddir=$(cd "${builddir:-.}" && pwd)
[ -d "$builddir/core/.libs" ] || builddir=$builddir/build
programs=$builddir/core/cmd/.libs
[ -d "$programs" ] || programs=$builddir/core/cmd
export PATH=$programs:$PATH
export LD_LIBRARY_PATH=$builddir/core/.libs
export MIGRATE_PLUGIN_PATH=$builddir/plugins/.libs
export LC_ALL=C.UTF-8 PYTHONDONTWRITEBYTECODE=1 RCLONE_CONFIG=/dev/null

die() {
	printf '%s: %s\n' "${0##*/}" "$*" >&2
	exit 1
}

command -v migrate-run >/dev/null || die "no migrate-run below builddir=$builddir"
[ "$(id -u)" -eq 0 ] || die 'needs root, for file systems made for the run'

place=$(mktemp -d "${BENCH_DIR:-${TMPDIR:-/var/tmp}}/migrate-bench.XXXXXX")
disk=$place/disk
results=$place/results
mkdir "$disk"

clean_up() {
	local file
	trap - EXIT
	if [ -f "$place/pid" ]; then kill -9 "$(cat "$place/pid")" 2>/dev/null || true; fi
	for file in "$place"/*.pid; do
		if [ -s "$file" ]; then kill "$(cat "$file")" 2>/dev/null || true; fi
	done
	wait
	if type stop_servers >/dev/null 2>&1; then stop_servers; fi
	for _ in 1 2 3 4 5 6 7 8 9 10; do
		mountpoint -q "$disk" || break
		umount "$disk" 2>/dev/null || sleep 1
	done
	mountpoint -q "$disk" && umount -l "$disk"
	rm -rf "$place"
}
trap clean_up EXIT
trap 'exit 130' INT TERM HUP

note() {
	printf '# %s\n' "$*"
}

has() {
	command -v "$1" >/dev/null && return 0
	note "$1 is not installed: left out"
	return 1
}

# new_disk SIZE [MKFS-OPTION...]: $disk is a fresh ext4 of that size
new_disk() {
	rm -f "$place/image"
	truncate -s "$1" "$place/image"
	shift
	mkfs.ext4 -q -F -m 0 -E lazy_itable_init=0,lazy_journal_init=0 "$@" "$place/image"
	mount -o loop,noatime "$place/image" "$disk"
}

# keep_disk NAME: what $disk holds now is where later runs begin
keep_disk() {
	umount "$disk"
	mv "$place/image" "$place/$1.image"
}

# begin_with NAME: $disk is what it was then, its source read once so that it is in memory
begin_with() {
	if mountpoint -q "$disk"; then umount "$disk"; fi
	cp --sparse=always "$place/$1.image" "$place/image"
	mount -o loop,noatime "$place/image" "$disk"
	tar -cf - -C "$disk" src | cat >/dev/null
	sync
}

# measure NAME COMMAND...
measure() {
	"$bench/measure" "$results" "$@"
}

describe_machine() {
	note "$(nproc) processors, $(awk '/^MemTotal/ { printf "%d MiB", $2 / 1024 }' /proc/meminfo) of memory, $(uname -sr)"
}
