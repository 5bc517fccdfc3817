# SPDX-License-Identifier: MIT
# shellcheck shell=sh
# shellcheck disable=SC2154 # what t/lib.sh sets
#
# A Redis server for one test; read after t/lib.sh. It ends with the test.

redis_dir=$t_top/redis
redis_servers=$srcdir/t/servers/redis

# redis_lacks: says what is not installed of all that it takes; fails where nothing is lacking.
redis_lacks() {
	if [ ! -f "$builddir/plugins/.libs/redis.so" ]; then
		echo 'the plugin redis was not built'
	elif ! command -v redis-server >/dev/null; then
		echo 'redis-server is not installed'
	elif ! command -v redis-cli >/dev/null; then
		echo 'redis-cli is not installed'
	else
		return 1
	fi
}

# redis_needed: skip the whole test where there is no server or no plugin.
redis_needed() {
	! t_lacking=$(redis_lacks) || skip_all "$t_lacking"
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
