# SPDX-License-Identifier: MIT
# shellcheck shell=sh
# shellcheck disable=SC2154,SC2034 # what t/lib.sh and t/servers/s3.sh set, what tests read
#
# keysd, which gives keys for S3; read after t/lib.sh and t/servers/s3.sh. It ends with the test.

# keysd_up [HOST]: $keysd leads to it, $keysd_folder is where it is told what to do.
keysd_up() {
	keysd_folder=$t_top/keysd
	mkdir -p "$keysd_folder" && rm -f "$keysd_folder/port"
	printf '%s\n%s\n' "$s3_access_key" "$s3_secret_key" >"$keysd_folder/pair"
	start keysd python3 "$srcdir/t/servers/keysd/keysd.py" "$keysd_folder" "$@"
	wait_for_server 10 test -s "$keysd_folder/port" || return 1
	keysd=http://${1:-127.0.0.1}:$(cat "$keysd_folder/port")
}

# keysd_plan LINE...: what it does next; none: what it always does. Forgets its log.
keysd_plan() {
	printf '%s\n' "$@" >"$keysd_folder/plan"
	: >"$keysd_folder/log"
}

# keysd_was PATTERN N: so many lines of its log are like this
keysd_was() {
	t_got=$(grep -c -e "$1" "$keysd_folder/log")
	[ "$t_got" -eq "$2" ] || { echo "$t_got lines like '$1' instead of $2"; cat "$keysd_folder/log"; return 1; }
}

# session_tokens N: the tokens that it will give, for s3d --session-token
session_tokens() {
	seq -f 'session-token-%g' -s , "$1"
}
