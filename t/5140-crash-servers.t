#!/bin/sh
# SPDX-License-Identifier: MIT
# Killed before or after sending anything to a server with the rows, or before or after writing
# to the journal, and again while it recovers: the next run finishes, and no row is changed twice.
#
# SWEEP=full tries every point, SWEEP=few only some; SEED=N another sample.
# shellcheck disable=SC2154 # what the servers say

. "${srcdir:-.}/t/lib.sh"
. "$srcdir/t/servers/mariadb.sh"
. "$srcdir/t/servers/postgres.sh"
. "$srcdir/t/faults/lib.sh"

needs python3
needs_killat
echo "# SEED=$SEED SWEEP=$SWEEP"

# server NAME: it runs, and $client asks it
server() {
	if [ "$1" = mysql ]; then
		mariadb_up || return 1
		client="mariadb --no-defaults -S $mysql_socket -u root -N -B -r app" DATABASE_URI=$mysql_uri
	else
		postgres_up || return 1
		client=$faults/psql-bytes DATABASE_URI=$pg_uri
	fi
	export DATABASE_URI
}

lacks() { # NAME
	case $1 in
	mysql) mariadb_lacks ;;
	*) postgres_lacks ;;
	esac
}

begin() { # KIND
	fresh_world w "$1" && "$faults/world" w --refill
}

updates() { # KIND
	if [ "$1" = mysql ]; then my 'SELECT count(*) FROM audit'; else pg 'SELECT count(*) FROM audit'; fi
}

finishes() { # KIND
	exits_with 0 migrate-run --progress=none w/job.yml &&
		invariants w --exit 0 --log "$t_out/stdout" "$t_out/stderr" || return 1
	t_updates=$(updates "$1")
	exits_with 0 migrate-run --progress=none w/job.yml && invariants w --exit 0 || return 1
	[ "$(updates "$1")" = "$t_updates" ] || { echo 'a finished job updated rows again'; return 1; }
	exits_with 0 migrate-verify --progress=none w/job.yml
}

# One point: killed at call N in that way, again at call M of the recovery, then left alone.
survives() { # KIND N M OPTION...
	begin "$1" || return 1
	t_kind=$1 t_n=$2 t_m=$3
	shift 3
	struck w --at "$t_n" "$@" || return 1
	first=$struck
	invariants w --interrupted || { echo "after '$first'"; return 1; }
	struck w --at "$t_m" "$@" || return 1
	invariants w --interrupted || { echo "after '$first', then '$struck'"; return 1; }
	finishes "$t_kind" || { echo "after '$first', then '$struck'"; return 1; }
}

count_calls() { # KIND CALLS
	begin "$1" && struck w --count --only "$2" && count=$struck && [ "$struck_status" -eq 0 ] &&
		invariants w --exit 0 && [ "$count" -gt 20 ]
}

try_point() { # KIND CALLS N HOW
	random $((count > $3 ? count - $3 + 10 : 10))
	t_after=
	[ "$4" = before ] || t_after=--after
	# shellcheck disable=SC2086 # an option, or none
	check "$1: killed $4 $2 $3, and $random of the recovery" \
		survives "$1" "$3" "$random" --only "$2" $t_after
}

sweep() { # KIND CALLS
	check "$1: an undisturbed run does everything, once" count_calls "$1" "$2"
	echo "# $count calls of $2"
	choose before after
	for how in $chosen; do
		left=$(by_sweep "$count" 1 1)
		while [ "$left" -gt 0 ]; do
			point=$left
			[ "$SWEEP" = full ] || { random "$count" && point=$random; }
			try_point "$1" "$2" "$point" "$how"
			left=$((left - 1))
		done
	done
}

for kind in mysql postgres; do
	if lacking=$(lacks $kind); then
		skip "rows in $kind" "$lacking"
		continue
	fi
	server $kind || { echo "Bail out! $kind does not start"; exit 99; }
	check "$kind: a world with its rows there" new_world $kind --seed "$SEED" --objects 16 --batch 5 \
		--database $kind --client "$client"
	sweep $kind send
	sweep $kind write
done

finish
