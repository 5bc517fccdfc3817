#!/bin/sh
# SPDX-License-Identifier: MIT
# down.sh FOLDER [SIGNAL]: stop the server that up.sh started there. INT: cleanly;
# QUIT (the default): at once, as a crash does; KILL: all of it, without a word.
set -eu

file=$1/data/postmaster.pid
[ -s "$file" ] || exit 0
pid=$(head -n 1 "$file")

# Gone, or a zombie that nobody waits for.
is_gone() {
	[ ! -e "/proc/$1" ] || grep -q '^State:.*Z' "/proc/$1/status" 2>/dev/null
}

case $(cat "/proc/$pid/comm" 2>/dev/null || :) in
postgres) ;;
*)
	rm -f "$file"
	exit 0
	;;
esac
children=$(cat "/proc/$pid/task/$pid/children" 2>/dev/null || :)
kill -"${2:-QUIT}" "$pid"
if [ "${2:-QUIT}" = KILL ]; then
	for child in $children; do
		kill -KILL "$child" 2>/dev/null || :
	done
fi
waited=0
until is_gone "$pid"; do
	waited=$((waited + 1))
	[ "$waited" -lt 600 ] || { kill -KILL "$pid"; exit 1; }
	sleep 0.05
done
for child in $children; do
	until is_gone "$child"; do sleep 0.05; done
done
# What it could not clean up itself; its number may be a zombie's for a while.
[ "${2:-QUIT}" != KILL ] || rm -f "$file" "$1"/.s.PGSQL.*
