#!/bin/sh
# SPDX-License-Identifier: MIT
# down.sh FOLDER: stop what up.sh started there, at once: the data are thrown away.
set -eu

is_ours() { # PID
	tr '\0' ' ' <"/proc/$1/cmdline" 2>/dev/null | grep -qE 'swift-[a-z]*-server|^memcached'
}

# The one that begets workers first, then these.
for name in proxy object container account memcached; do
	file=$1/$name.pid
	[ -s "$file" ] || continue
	pid=$(cat "$file")
	rm -f "$file"
	is_ours "$pid" || continue
	workers=$(cat "/proc/$pid/task/$pid/children" 2>/dev/null || :)
	for one in $pid $workers; do
		kill -KILL "$one" 2>/dev/null || :
	done
done
