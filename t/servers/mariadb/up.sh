#!/bin/sh
# SPDX-License-Identifier: MIT
# up.sh FOLDER [OPTION...]: a MariaDB server of its own in FOLDER, made when it holds
# none, on a free port of 127.0.0.1 and a socket there. FOLDER/env says where it is.
# FSYNC=on for a server that survives a power loss; the data is lost otherwise. One that
# crashes by itself is started again, as the service managers of its packages do.
# Options are the server's, and are kept for the next start.
# T_TEMPLATES is a folder for what mariadb-install-db makes: it runs once, and the others copy that.
set -eu
# shellcheck source=t/servers/common.sh
. "$(dirname "$0")/../common.sh"

die() {
	echo "mariadb: $*" >&2
	exit 1
}

[ $# -ge 1 ] || die 'usage: up.sh FOLDER [OPTION...]'
mkdir -p "$1"
dir=$(cd "$1" && pwd)
shift
fsync=${FSYNC:-off}
user=${RUN_AS:-mysql}
unset MYSQL_PWD MYSQL_HOST MYSQL_TCP_PORT MYSQL_UNIX_PORT
PATH=$PATH:/usr/sbin:/usr/local/sbin
command -v mariadbd >/dev/null || die 'mariadbd is not installed (Debian: mariadb-server)'

# The server does not like to run as root.
as_user() {
	[ "$(id -u)" -ne 0 ] || echo "--user=$user"
}

template=$(template_of "$(mariadbd --version | sed 's/^[^ ]* *//')" "$user")

install_data() {
	# shellcheck disable=SC2046 # no option, or one
	mariadb-install-db --no-defaults $(as_user) --datadir="$dir/new" --skip-test-db \
		--auth-root-authentication-method=normal --innodb-log-file-size=16M \
		--innodb-flush-log-at-trx-commit=0 --innodb-doublewrite=0 \
		>"$dir/install.log" 2>&1 || die "mariadb-install-db failed: $(tail -n 3 "$dir/install.log")"
	keep_data "$dir/new" "$template"
}

make_data() {
	[ "$(id -u)" -ne 0 ] || chown "$user" "$dir"
	chmod 755 "$dir"
	copy_data "$template" "$dir/new" || install_data
	mv "$dir/new" "$dir/data"
	free_port >"$dir/port"
}

options() {
	cat >"$dir/my.cnf" <<-END
		[mariadbd]
		datadir = $dir/data
		socket = $dir/sock
		pid-file = $dir/pid
		log-error = $dir/log
		bind-address = 127.0.0.1
		port = $(cat "$dir/port")
		skip-name-resolve
		performance-schema = off
		character-set-server = utf8mb4
		innodb-log-file-size = 16M
		innodb-buffer-pool-size = 128M
		innodb-flush-log-at-trx-commit = $([ "$fsync" = on ] && echo 1 || echo 2)
		innodb-doublewrite = $fsync
		$([ "$fsync" = on ] || echo 'innodb-flush-method = nosync')
	END
	for option; do
		printf '%s\n' "${option#--}" >>"$dir/my.cnf"
	done
	chmod 644 "$dir/my.cnf"
}

answers() {
	mariadb --no-defaults -S "$dir/sock" -u root -e 'SELECT 1' >/dev/null 2>&1
}

# A free port may be taken when the server comes to it. The log tells of a crash of its own,
# status 134 or 139; there are at most three.
start() {
	# shellcheck disable=SC2016,SC2046 # the inner shell's
	setsid sh -c 'for again in 1 2 3; do
			"$@"
			case $? in 134 | 139) ;; *) exit ;; esac
		done' mariadb mariadbd --defaults-file="$dir/my.cnf" $(as_user) >"$dir/start.log" 2>&1 </dev/null &
	pid=$!
	tries=0
	until answers; do
		tries=$((tries + 1))
		{ [ "$tries" -lt 600 ] && kill -0 "$pid" 2>/dev/null; } ||
			die "cannot start: $(grep -h ERROR "$dir/log" "$dir/start.log" 2>/dev/null | tail -n 3)"
		sleep 0.05
	done
}

fresh=no
[ -d "$dir/data" ] || { make_data && fresh=yes; }
if [ "$fresh" = yes ] || [ $# -gt 0 ]; then options "$@"; fi
answers || start
[ "$fresh" = no ] || mariadb --no-defaults -S "$dir/sock" -u root -e "
	CREATE DATABASE app CHARACTER SET utf8mb4;
	CREATE USER test@'%' IDENTIFIED BY 'test-password';
	CREATE USER test@localhost IDENTIFIED BY 'test-password';
	GRANT ALL ON *.* TO test@'%' WITH GRANT OPTION;
	GRANT ALL ON *.* TO test@localhost WITH GRANT OPTION" || die 'cannot make the user'
cat >"$dir/env" <<END
mysql_socket='$dir/sock' mysql_port=$(cat "$dir/port")
mysql_uri='mysql://test:test-password@127.0.0.1:$(cat "$dir/port")/app'
END
