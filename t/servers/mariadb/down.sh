#!/bin/sh
# SPDX-License-Identifier: MIT
# down.sh FOLDER [SIGNAL]: stop the server that up.sh started there. TERM: cleanly;
# KILL (the default): without a word, as a crash does.
set -eu

[ -s "$1/pid" ] || exit 0
pid=$(cat "$1/pid")

# Gone, or a zombie that nobody waits for.
is_gone() {
	[ ! -e "/proc/$1" ] || grep -q '^State:.*Z' "/proc/$1/status" 2>/dev/null
}

case $(cat "/proc/$pid/comm" 2>/dev/null || :) in
mariadbd) ;;
*)
	rm -f "$1/pid"
	exit 0
	;;
esac
kill -"${2:-KILL}" "$pid"
waited=0
until is_gone "$pid"; do
	waited=$((waited + 1))
	[ "$waited" -lt 600 ] || { kill -KILL "$pid"; exit 1; }
	sleep 0.05
done
rm -f "$1/pid" "$1/sock"
