#!/bin/sh
# SPDX-License-Identifier: MIT
# up.sh FOLDER [OPTION...]: a Redis server of its own in FOLDER, on a free port of
# 127.0.0.1 (the same one when it is started again) and a socket there; what it
# holds is kept in an append-only file. FOLDER/env says where it is.
set -eu
# shellcheck source=t/servers/common.sh
. "$(dirname "$0")/../common.sh"

die() {
	echo "redis: $*" >&2
	exit 1
}

[ $# -ge 1 ] || die 'usage: up.sh FOLDER [OPTION...]'
mkdir -p "$1"
dir=$(cd "$1" && pwd)
shift

is_up() {
	[ -s "$dir/pid" ] && [ -S "$dir/socket" ] &&
		redis-cli -s "$dir/socket" ping 2>&1 | grep -qE '^(PONG|NOAUTH|LOADING|BUSY)'
}

# A free port may be taken when the server comes to it: another one then.
for attempt in 1 2 3 4 5; do
	[ -s "$dir/port" ] || free_port >"$dir/port"
	port=$(cat "$dir/port")
	redis-server --bind 127.0.0.1 --port "$port" --unixsocket "$dir/socket" --dir "$dir" \
		--daemonize yes --pidfile "$dir/pid" --logfile "$dir/log" --save '' \
		--appendonly yes --appendfsync no "$@" >/dev/null || die 'it does not start'
	waited=0
	until is_up || { [ -s "$dir/log" ] && grep -q 'Could not create server' "$dir/log"; }; do
		waited=$((waited + 1))
		[ "$waited" -lt 400 ] || die "it does not answer: $(tail -n 3 "$dir/log")"
		sleep 0.05
	done
	is_up && break
	[ ! -e "$dir/env" ] || die "$(tail -n 1 "$dir/log")" # somebody was told the port
	rm -f "$dir/port" "$dir/log"
	[ "$attempt" -lt 5 ] || die 'no port is free'
done
echo "REDIS_PORT=$port REDIS_SOCKET='$dir/socket'" >"$dir/env"
