#!/bin/sh
# SPDX-License-Identifier: MIT
# up.sh FOLDER: a PostgreSQL server of its own in FOLDER, made when it holds none,
# on a free port of 127.0.0.1 and a socket there. FOLDER/env says where it is.
# FSYNC=on for a server that survives a power loss; the data is lost otherwise.
# T_TEMPLATES is a folder for what initdb makes: it runs once, and the others copy that. Such
# clusters have one system identifier.
set -eu
# shellcheck source=t/servers/common.sh
. "$(dirname "$0")/../common.sh"

die() {
	echo "postgres: $*" >&2
	exit 1
}

[ $# -eq 1 ] || die 'usage: up.sh FOLDER'
mkdir -p "$1"
dir=$(cd "$1" && pwd)
fsync=${FSYNC:-off}
user=${RUN_AS:-postgres}

# The newest that is installed; Debian keeps them out of PATH.
for bin in "$(pg_config --bindir 2>/dev/null || :)" /usr/lib/postgresql/*/bin /usr/pgsql-*/bin; do
	[ -x "$bin/initdb" ] && [ -x "$bin/postgres" ] && programs=$bin
done
[ -n "${programs:-}" ] || die 'initdb and postgres are not installed (Debian: postgresql)'

# The server refuses to run as root.
as() {
	if [ "$(id -u)" -eq 0 ]; then
		setpriv --reuid="$user" --regid="$(id -g "$user")" --clear-groups \
			env HOME="$dir" LC_ALL=C.UTF-8 "$@"
	else
		env LC_ALL=C.UTF-8 "$@"
	fi
}

init_data() {
	as "$programs/initdb" -D "$dir/data" -U test --pwfile="$dir/password" -A scram-sha-256 \
		--auth-local=trust -E UTF8 --locale=C.UTF-8 --no-sync --no-instructions \
		>"$dir/initdb.log" 2>&1 || die "initdb failed: $(tail -n 3 "$dir/initdb.log")"
}

template=$(template_of "$("$programs/postgres" --version)" "$user")

make_cluster() {
	[ "$(id -u)" -ne 0 ] || chown "$user" "$dir"
	chmod 755 "$dir"
	(umask 077 && printf 'test-password\n' >"$dir/password")
	[ "$(id -u)" -ne 0 ] || chown "$user" "$dir/password"
	copy_data "$template" "$dir/data" || {
		init_data
		keep_data "$dir/data" "$template"
	}
	cat >>"$dir/data/postgresql.conf" <<-END
		listen_addresses = '127.0.0.1'
		unix_socket_directories = '$dir'
		fsync = $fsync
		full_page_writes = $fsync
		shared_buffers = 64MB
		max_connections = 60
		log_min_messages = warning
	END
	free_port >"$dir/port"
}

# A free port may be taken when the server comes to it: another one then.
start() {
	for attempt in 1 2 3 4 5; do
		if as "$programs/pg_ctl" -D "$dir/data" -l "$dir/data/log" -w -t 60 -s \
			-o "-p $(cat "$dir/port")" start >"$dir/start.log" 2>&1; then
			return 0
		fi
		grep -q 'Address already in use' "$dir/data/log" || break
		[ ! -e "$dir/env" ] || break # somebody was told the port
		free_port >"$dir/port"
	done
	die "cannot start ($attempt): $(tail -n 3 "$dir/data/log")"
}

if [ -s "$dir/data/postmaster.pid" ] && as "$programs/pg_ctl" -D "$dir/data" status >/dev/null 2>&1; then
	exit 0
fi
[ -s "$dir/data/PG_VERSION" ] || make_cluster
start
cat >"$dir/env" <<END
PGHOST='$dir' PGPORT=$(cat "$dir/port") PGUSER=test PGDATABASE=postgres
pg_uri='postgresql://test:test-password@127.0.0.1:$(cat "$dir/port")/postgres'
END
