# SPDX-License-Identifier: MIT
# shellcheck shell=sh
# shellcheck disable=SC2154,SC2034 # what t/lib.sh sets, what tests read
#
# S3 servers for one test; read after t/lib.sh. They end with the test.

s3d_program=$builddir/t/servers/s3d/s3d
s3_access_key=AKIDTESTTESTTESTTEST
s3_secret_key=sk/test+secret0123456789abcdefghijklmnop

# s3d_needed: skip the whole test where our server was not built.
s3d_needed() {
	[ -x "$s3d_program" ] || skip_all 's3d was not built (Debian: libexpat1-dev libssl-dev)'
	for t_tool in curl jq openssl python3; do
		command -v "$t_tool" >/dev/null || skip_all "$t_tool is not installed"
	done
}

# What jobs with the plugin s3 need; the secret is in the environment for them.
s3_needed() {
	[ -f "$builddir/plugins/.libs/s3.so" ] || skip_all 's3 was not built'
	s3d_needed
	SECRET=$s3_secret_key
	export SECRET
}

no_s3d() {
	echo 'Bail out! s3d does not start'
	exit 99
}

# A client of the server that is called so.
tool() {
	"$srcdir/t/servers/s3-tool" "$server_url" "$@"
}

# s3d_up NAME [OPTION...]: $NAME_url leads to it, $NAME_port, $NAME_log, $NAME_script.
s3d_up() {
	t_s3d=$1
	shift
	mkdir -p "$t_top/$t_s3d" && : >"$t_top/$t_s3d/script" && rm -f "$t_top/$t_s3d/port"
	start "$t_s3d" "$s3d_program" --port 0 --port-file "$t_top/$t_s3d/port" \
		--log "$t_top/$t_s3d/log" --script "$t_top/$t_s3d/script" "$@"
	wait_for_server 10 test -s "$t_top/$t_s3d/port" || return 1
	t_port=$(head -n 1 "$t_top/$t_s3d/port")
	eval "${t_s3d}_port=$t_port ${t_s3d}_url=http://127.0.0.1:$t_port"
	eval "${t_s3d}_log=\$t_top/$t_s3d/log ${t_s3d}_script=\$t_top/$t_s3d/script"
}

# s3d_faults NAME RULE...: the script from now on; none: no more faults.
s3d_faults() {
	t_s3d=$1
	shift
	[ $# -gt 0 ] || set -- '# no faults'
	printf '%s\n' "$@" >"$t_top/$t_s3d/script.new" &&
		mv "$t_top/$t_s3d/script.new" "$t_top/$t_s3d/script"
}

# were_hit N URL...: each rule of these servers' scripts at least so often, or a promise was none. There are rules.
were_hit() {
	t_least=$1
	shift
	curl -sf "$@" >"$t_out/rules" || { echo "no script: $*"; return 1; }
	[ -s "$t_out/rules" ] || { echo 'there are no rules'; return 1; }
	t_got=$(awk -v n="$t_least" '$2 < n' "$t_out/rules")
	[ -z "$t_got" ] || { echo "too seldom hit: $t_got"; return 1; }
}

# in_the_middle OPERATION: the server called so has met a rule of its script for it.
in_the_middle() {
	curl -s "$server_url/.s3d/script" | grep -q "^[0-9]* [1-9][0-9]* $1 "
}

# The server called so holds no upload that nobody finished.
no_uploads() {
	t_got=$(curl -s "$server_url/.s3d/stats" | jq .uploads)
	[ "$t_got" = 0 ] || { echo "$t_got uploads are left"; return 1; }
}

# s3d_log_says NAME FILTER ANSWER: what jq finds in the log, read as one array.
s3d_log_says() {
	t_got=$(jq -rs "$2" "$t_top/$1/log") || return 1
	[ "$t_got" = "$3" ] || { echo "$2 is '$t_got' instead of '$3'"; return 1; }
}

# radosgw_up: $radosgw_url leads to it. Fails where it is not installed.
radosgw_up() {
	command -v radosgw >/dev/null || return 1
	"$srcdir/t/servers/radosgw/up.sh" "$t_top/radosgw" || return 1
	for t_daemon in mon osd rgw; do
		cp "$t_top/radosgw/$t_daemon.pid" "$t_top/pids/radosgw-$t_daemon" || return 1
	done
	# shellcheck source=/dev/null
	. "$t_top/radosgw/env"
	radosgw_url=$S3_ENDPOINT
}
