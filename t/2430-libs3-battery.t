#!/bin/sh
# SPDX-License-Identifier: MIT
# libs3 keeps the contract of migrate-plugin(3) where only signatures of version 2 are known.
# shellcheck disable=SC2016,SC2154 # ${SECRET} is for the options file; s3d_up sets server_url

. "${srcdir:-.}/t/lib.sh"
. "$srcdir/t/servers/s3.sh"

[ -f "$builddir/plugins/.libs/libs3.so" ] || skip_all 'libs3 was not built'
s3d_needed
SECRET=$s3_secret_key
export SECRET

options() { # URL BUCKET [LINE...]
	printf 'endpoint: %s\nbucket: %s\naccess_key: %s\nsecret_key: ${SECRET}\n' \
		"$1" "$2" "$s3_access_key"
	shift 2
	[ $# -eq 0 ] || printf '%s\n' "$@"
}

# keeps_the_contract DIALECT LEAST: so many promises were made, and kept.
keeps_the_contract() {
	s3d_up server --dialect "$1" --set sigv4=yes && "$srcdir/t/servers/s3-tool" "$server_url" make battery || return 1
	s3d_set "$server_url" sigv4=no || return 1
	options "$server_url" battery >"$1.yml"
	exits_with 0 migrate-plugin check libs3 "$1.yml" || { last_stdout | grep -A1 '^not ok'; return 1; }
	t_kept=$(last_stdout | grep '^ok' | grep -vc '# SKIP')
	[ "$t_kept" -ge "$2" ] || { echo "$t_kept promises instead of $2"; return 1; }
}

s3d_set() { # URL SWITCH
	curl -sf -o /dev/null --data "$2" "$1/.s3d/set"
}

leaves_nothing() {
	server_left=$(curl -s "$server_url/.s3d/stats" | jq -c '[.objects, .uploads]')
	[ "$server_left" = '[0,0]' ] || { echo "left behind: $server_left"; return 1; }
}

for dialect in legacy ceph swift; do
	check "$dialect, asked in version 2" keeps_the_contract "$dialect" 25
	check 'and nothing is left' leaves_nothing
done
finish
