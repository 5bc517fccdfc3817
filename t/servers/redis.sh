# SPDX-License-Identifier: MIT
# shellcheck shell=sh
# shellcheck disable=SC2154 # what t/lib.sh sets
#
# A Redis server for one test; read after t/lib.sh. It ends with the test.

redis_dir=$t_top/redis
redis_servers=$srcdir/t/servers/redis

# redis_needed: skip the whole test where there is no server or no plugin.
redis_needed() {
	[ -f "$builddir/plugins/.libs/redis.so" ] || skip_all 'the plugin redis was not built'
	command -v redis-server >/dev/null || skip_all 'redis-server is not installed'
	command -v redis-cli >/dev/null || skip_all 'redis-cli is not installed'
}

# redis_up: start it, or start it again, with the server's options in $redis_options; $redis_url
# leads to it.
redis_up() {
	# shellcheck disable=SC2086 # words
	"$redis_servers/up.sh" "$redis_dir" ${redis_options:-} || return 1
	# shellcheck source=/dev/null
	. "$redis_dir/env"
	tr -d ' \n' <"$redis_dir/pid" >"$t_top/pids/redis"
	redis_url=redis://127.0.0.1:$REDIS_PORT
	export redis_url REDIS_PORT REDIS_SOCKET
}

# redis_down [SIGNAL]
redis_down() {
	"$redis_servers/down.sh" "$redis_dir" "${1:-KILL}" && rm -f "$t_top/pids/redis"
}

# redis_signals SIGNAL: to the server itself.
redis_signals() {
	kill -"$1" "$(tr -d ' \n' <"$redis_dir/pid")"
}

# rcli WORD...
rcli() {
	redis-cli --no-auth-warning -s "$REDIS_SOCKET" "$@"
}

# redis_says ANSWER WORD...
redis_says() {
	t_want=$1
	shift
	t_got=$(rcli "$@") || return 1
	[ "$t_got" = "$t_want" ] || { echo "answered '$t_got' instead of '$t_want'"; return 1; }
}
