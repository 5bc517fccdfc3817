#!/bin/sh
# SPDX-License-Identifier: MIT
# Killed before, after or in the middle of sending any request to a server of S3, and again while
# it recovers, a run is finished by the next one, and leaves no upload.
#
# SWEEP=full tries every point, SWEEP=few only some; SEED=N another sample.
# shellcheck disable=SC2154 # s3d_up sets near_url and far_url

. "${srcdir:-.}/t/lib.sh"
. "$srcdir/t/servers/s3.sh"
. "$srcdir/t/faults/lib.sh"

[ -f "$builddir/plugins/.libs/s3.so" ] || skip_all 's3 was not built'
needs sqlite3
s3d_needed
needs_killat
echo "# SEED=$SEED SWEEP=$SWEEP"
S3D_SECRET_KEY=$s3_secret_key
export S3D_SECRET_KEY
# The far one keeps the etags of uploads to itself: what it holds must be looked at.
if ! s3d_up near || ! s3d_up far --set multipart-md5=no --set copy-if=no --set complete-if=no; then
	echo 'Bail out! s3d does not start'
	exit 99
fi

new_worlds() {
	for t_ends in 'up posix s3 near' 'down s3 posix near' 'over s3 s3 near' 'far s3 s3 far'; do
		# shellcheck disable=SC2086 # words
		set -- $t_ends
		t_way=$1 t_from=$2 t_to=$3
		eval "t_far=\$$4_url"
		new_world "$t_way" --seed "$SEED" --objects 16 --batch 5 --source "$t_from" \
			--destination "$t_to" --s3 "$near_url" --far "$t_far" || return 1
	done
}

begin() { # WAY
	fresh_world w "$1" && "$faults/world" w --refill
}

# What was sent to be written, but for scratch objects.
writes() {
	cat "$near_log" "$far_log" | jq -s '[.[] | select(.op | test("^(Put|Copy|Delete)Object$|Upload"))
		| select(.op != "ListMultipartUploads") | select(.key | test("scratch") | not)] | length'
}

finishes() {
	exits_with 0 migrate-run --progress=none w/job.yml &&
		invariants w --exit 0 --log "$t_out/stdout" "$t_out/stderr" || return 1
	t_updates=$(sql w/app.db 'SELECT count(*) FROM audit')
	t_writes=$(writes)
	exits_with 0 migrate-run --progress=none w/job.yml && invariants w --exit 0 || return 1
	[ "$(sql w/app.db 'SELECT count(*) FROM audit')" = "$t_updates" ] ||
		{ echo 'a finished job updated rows again'; return 1; }
	[ "$(writes)" -eq "$t_writes" ] || { echo 'a finished job wrote objects again'; return 1; }
	exits_with 0 migrate-verify --progress=none --readback w/job.yml
}

# One point: killed at call N in that way, again at call M of the recovery, then left alone.
survives() { # WAY N M OPTION...
	begin "$1" || return 1
	t_n=$2
	t_m=$3
	shift 3
	struck w --at "$t_n" "$@" || return 1
	first=$struck
	invariants w --interrupted || { echo "after '$first'"; return 1; }
	struck w --at "$t_m" "$@" || return 1
	invariants w --interrupted || { echo "after '$first', then '$struck'"; return 1; }
	finishes || { echo "after '$first', then '$struck'"; return 1; }
}

calls=send
count_calls() { # WAY
	begin "$1" && struck w --count --only "$calls" && count=$struck && [ "$struck_status" -eq 0 ] &&
		invariants w --exit 0 && [ "$count" -gt 20 ]
}

try_point() { # WAY N HOW
	random $((count > $2 ? count - $2 + 10 : 10))
	case $3 in
	before) set -- "$1" "$2" "$3" --only "$calls" ;;
	after) set -- "$1" "$2" "$3" --only "$calls" --after ;;
	torn) set -- "$1" "$2" "$3" --only "$calls" --torn ;;
	esac
	t_way=$1 t_at=$2 t_how=$3
	shift 3
	check "$t_way: killed $t_how request $t_at, and $random of the recovery" \
		survives "$t_way" "$t_at" "$random" "$@"
}

check 'worlds whose objects go all ways' new_worlds
for way in up down over far; do
	check "$way: an undisturbed run does everything, once" count_calls $way
	echo "# $count requests"
	choose before after torn
	for how in $chosen; do
		left=$(by_sweep "$count" 1 1)
		while [ "$left" -gt 0 ]; do
			point=$left
			[ "$SWEEP" = full ] || { random "$count" && point=$random; }
			try_point $way "$point" "$how"
			left=$((left - 1))
		done
	done
done

finish
