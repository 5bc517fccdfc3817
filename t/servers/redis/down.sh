#!/bin/sh
# SPDX-License-Identifier: MIT
# down.sh FOLDER [SIGNAL]: stop the server that up.sh started there. KILL (the
# default): at once, as a crash does; TERM: cleanly.
set -eu

[ -s "$1/pid" ] || exit 0
pid=$(tr -d ' \n' <"$1/pid")

# Gone, or a zombie that nobody waits for.
is_gone() {
	[ ! -e "/proc/$1" ] || grep -q '^State:.*Z' "/proc/$1/status" 2>/dev/null
}

case $(cat "/proc/$pid/comm" 2>/dev/null || :) in
redis-server) kill -"${2:-KILL}" "$pid" ;;
esac
waited=0
until is_gone "$pid"; do
	waited=$((waited + 1))
	[ "$waited" -lt 200 ] || { kill -KILL "$pid"; exit 1; }
	sleep 0.05
done
rm -f "$1/pid" "$1/socket"
