# SPDX-License-Identifier: MIT
# shellcheck shell=sh
# shellcheck disable=SC2154 # what t/lib.sh sets
#
# A MariaDB server for one test; read after t/lib.sh. It ends with the test.

my_dir=$t_top/mariadb
my_servers=$srcdir/t/servers/mariadb

PATH=$PATH:/usr/sbin
export PATH

# mariadb_lacks: says what is not installed of all that it takes; fails where nothing is lacking.
mariadb_lacks() {
	if [ ! -f "$builddir/plugins/.libs/mysql.so" ]; then
		echo 'the plugin mysql was not built'
	elif ! command -v mariadbd >/dev/null; then
		echo 'no MariaDB server is installed'
	elif ! command -v mariadb >/dev/null; then
		echo 'the client mariadb is not installed'
	elif [ "$(id -u)" -eq 0 ] && ! id mysql >/dev/null 2>&1; then
		echo 'there is no user mysql'
	else
		return 1
	fi
}

# mariadb_needed: skip the whole test where there is no server or no plugin.
mariadb_needed() {
	! t_lacking=$(mariadb_lacks) || skip_all "$t_lacking"
}

# mariadb_up: start it, with the server's options in $my_options when it is new; $mysql_uri leads
# to it over TCP, $mysql_socket is its socket.
mariadb_up() {
	[ "$(id -u)" -ne 0 ] || chmod 711 "$t_top"
	# shellcheck disable=SC2086 # words
	"$my_servers/up.sh" "$my_dir" ${my_options:-} || return 1
	# shellcheck source=/dev/null
	. "$my_dir/env"
	ln -sf "$my_dir/pid" "$t_top/pids/mariadb" # another one after a crash
	export mysql_uri mysql_socket mysql_port
}

# mariadb_down [SIGNAL]
mariadb_down() {
	"$my_servers/down.sh" "$my_dir" "${1:-KILL}" && rm -f "$t_top/pids/mariadb"
}

# my STATEMENTS, as root, who may do all
my() {
	mariadb --no-defaults -S "$my_dir/sock" -u root --default-character-set=utf8mb4 -N -B -r app \
		-e "$1"
}

# my_user NAME PRIVILEGES: anew, from wherever it comes, with the password test-password
my_user() {
	for t_host in % localhost; do
		my "CREATE OR REPLACE USER $1@'$t_host' IDENTIFIED BY 'test-password'; GRANT $2 TO $1@'$t_host'" || return 1
	done
}

# my_says STATEMENT ANSWER
my_says() {
	t_got=$(my "$1") || return 1
	[ "$t_got" = "$2" ] || { echo "answered '$t_got' instead of '$2'"; return 1; }
}

# my_audit TABLE [KEY]: how often each row of it is updated, from now on, in the table audit.
my_audit() {
	my "CREATE TABLE IF NOT EXISTS audit (n bigint AUTO_INCREMENT PRIMARY KEY, about varchar(64),
		who varbinary(255)); CREATE TRIGGER \`audit $1\` BEFORE UPDATE ON \`$1\` FOR EACH ROW
		INSERT INTO audit (about, who) VALUES ('$1', new.${2:-id})"
}

# my_proxy: start the proxy; $my_proxy_uri leads through it. Its plan: my_plan LINE...
my_proxy() {
	mkdir -p "$t_top/myproxy" && rm -f "$t_top/myproxy"/*
	start myproxy python3 "$srcdir/t/servers/dbproxy/dbproxy.py" mysql "$t_top/myproxy" 127.0.0.1 "$mysql_port"
	wait_for_server 10 test -s "$t_top/myproxy/port" || return 1
	my_proxy_uri="mysql://test:test-password@127.0.0.1:$(cat "$t_top/myproxy/port")/app"
	export my_proxy_uri
}

my_plan() {
	printf '%s\n' "$@" >"$t_top/myproxy/plan.new" && mv "$t_top/myproxy/plan.new" "$t_top/myproxy/plan"
}

my_proxy_did() { # TEXT
	grep -q "$1" "$t_top/myproxy/log"
}
