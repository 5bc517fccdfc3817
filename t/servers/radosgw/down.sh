#!/bin/sh
# SPDX-License-Identifier: MIT
# down.sh FOLDER [SIGNAL]: stop what up.sh started there, by default at once (KILL),
# for the data are thrown away; TERM keeps those of bluestore whole.
set -eu

is_gone() {
	[ ! -e "/proc/$1" ] || grep -q '^State:.*Z' "/proc/$1/status" 2>/dev/null
}

for name in rgw osd mon; do
	file=$1/$name.pid
	[ -s "$file" ] || continue
	pid=$(cat "$file")
	case $(cat "/proc/$pid/comm" 2>/dev/null || :) in
	radosgw | ceph-osd | ceph-mon) ;;
	*)
		rm -f "$file"
		continue
		;;
	esac
	kill -"${2:-KILL}" "$pid"
	waited=0
	until is_gone "$pid"; do
		waited=$((waited + 1))
		[ "$waited" -lt 400 ] || kill -KILL "$pid" 2>/dev/null || :
		sleep 0.05
	done
	rm -f "$file"
done
