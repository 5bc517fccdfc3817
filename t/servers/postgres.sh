# SPDX-License-Identifier: MIT
# shellcheck shell=sh
# shellcheck disable=SC2154 # what t/lib.sh sets
#
# A PostgreSQL server for one test; read after t/lib.sh. It ends with the test.

. "$srcdir/t/servers/common.sh"
pg_dir=$t_top/postgres
pg_servers=$srcdir/t/servers/postgres

# postgres_lacks: says what is not installed of all that it takes; fails where nothing is lacking.
postgres_lacks() {
	if [ ! -f "$builddir/plugins/.libs/postgres.so" ]; then
		echo 'the plugin postgres was not built'
	elif ! command -v psql >/dev/null; then
		echo 'psql is not installed'
	elif [ -z "$(ls /usr/lib/postgresql/*/bin/initdb 2>/dev/null)" ] && ! command -v initdb >/dev/null; then
		echo 'no PostgreSQL server is installed'
	elif [ "$(id -u)" -eq 0 ] && ! id postgres >/dev/null 2>&1; then
		echo 'there is no user postgres'
	else
		return 1
	fi
}

# postgres_needed: skip the whole test where there is no server or no plugin.
postgres_needed() {
	! t_lacking=$(postgres_lacks) || skip_all "$t_lacking"
}

# postgres_up: start it; PGHOST, PGPORT, PGUSER, PGDATABASE lead to it, $pg_uri over TCP.
postgres_up() {
	[ "$(id -u)" -ne 0 ] || chmod 711 "$t_top"
	"$pg_servers/up.sh" "$pg_dir" || return 1
	# shellcheck source=/dev/null
	. "$pg_dir/env"
	head -n 1 "$pg_dir/data/postmaster.pid" >"$t_top/pids/postgres"
	export PGHOST PGPORT PGUSER PGDATABASE pg_uri
}

# postgres_down [SIGNAL]
postgres_down() {
	"$pg_servers/down.sh" "$pg_dir" "${1:-QUIT}" && rm -f "$t_top/pids/postgres"
}

# pg STATEMENTS
pg() {
	PGOPTIONS='-c client_min_messages=warning' psql -X -q -A -t -v ON_ERROR_STOP=1 -c "$1"
}

# pg_says STATEMENT ANSWER
pg_says() {
	t_got=$(pg "$1") || return 1
	[ "$t_got" = "$2" ] || { echo "answered '$t_got' instead of '$2'"; return 1; }
}

# pg_audit TABLE: how often each row of it is updated, from now on, in the table audit.
pg_audit() {
	pg "CREATE TABLE IF NOT EXISTS audit (about text, who text);
		CREATE OR REPLACE FUNCTION note_update() RETURNS trigger LANGUAGE plpgsql AS
		\$\$ BEGIN INSERT INTO audit VALUES (TG_TABLE_NAME, to_jsonb(new)->>'id'); RETURN new; END \$\$;
		CREATE TRIGGER audit BEFORE UPDATE ON $1 FOR EACH ROW EXECUTE FUNCTION note_update()" \
		2>/dev/null
}

# pg_proxy: start the proxy; $pg_proxy_uri leads through it. Its plan: pg_plan LINE...
pg_proxy() {
	mkdir -p "$t_top/pgproxy" && rm -f "$t_top/pgproxy"/*
	start pgproxy python3 "$srcdir/t/servers/dbproxy/dbproxy.py" postgres "$t_top/pgproxy" 127.0.0.1 "$PGPORT"
	wait_for_server 10 test -s "$t_top/pgproxy/port" || return 1
	pg_proxy_uri="postgresql://test:test-password@127.0.0.1:$(cat "$t_top/pgproxy/port")/postgres"
	export pg_proxy_uri
}

# pg_bouncer MODE N: a pooler with N servers; $pg_pooled_uri leads through it.
pg_bouncer() {
	mkdir -p "$t_top/pgbouncer" || return 1
	pg_pooled_port=$(free_port)
	cat >"$t_top/pgbouncer/ini" <<-END
		[databases]
		postgres = host=127.0.0.1 port=$PGPORT dbname=postgres user=test password=test-password
		[pgbouncer]
		listen_addr = 127.0.0.1
		listen_port = $pg_pooled_port
		unix_socket_dir =
		auth_type = any
		pool_mode = $1
		default_pool_size = $2
		max_client_conn = 100
		pidfile = $t_top/pgbouncer/pid
		logfile = $t_top/pgbouncer/log
	END
	if [ "$(id -u)" -eq 0 ]; then
		chown -R postgres "$t_top/pgbouncer"
		start pgbouncer setpriv --reuid=postgres --regid="$(id -g postgres)" --clear-groups \
			pgbouncer -q "$t_top/pgbouncer/ini"
	else
		start pgbouncer pgbouncer -q "$t_top/pgbouncer/ini"
	fi
	pg_pooled_uri="postgresql://test@127.0.0.1:$pg_pooled_port/postgres"
	export pg_pooled_uri
	wait_for_server 10 psql -X -q -c 'SELECT 1' "$pg_pooled_uri"
}

pg_plan() {
	printf '%s\n' "$@" >"$t_top/pgproxy/plan.new" && mv "$t_top/pgproxy/plan.new" "$t_top/pgproxy/plan"
}

pg_proxy_did() { # TEXT
	grep -q "$1" "$t_top/pgproxy/log"
}
