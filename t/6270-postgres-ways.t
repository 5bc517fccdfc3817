#!/bin/sh
# SPDX-License-Identifier: MIT
# Ways to a PostgreSQL server: through a pooler, over TLS, by a service or a file of
# passwords.

. "${srcdir:-.}/t/lib.sh"
. "$srcdir/t/servers/postgres.sh"
. "$srcdir/t/servers/tls.sh"
T_TIMEOUT=60
postgres_needed
postgres_up || { echo 'Bail out! the server does not start'; exit 99; }
n=300
mkdir -p old/image
seq $n | while read -r i; do echo "$i" >"old/image/$i"; done

fresh() {
	rm -rf new job.journal*
	mkdir new
	pg "DROP TABLE IF EXISTS avatars, audit CASCADE;
		CREATE TABLE avatars (id serial PRIMARY KEY, path text, seen timestamptz DEFAULT '2020-01-01');
		INSERT INTO avatars (path) SELECT 'image/' || i FROM generate_series(1, $n) AS i;
		CREATE INDEX ON avatars (path)"
	pg_audit avatars
}

job() { # CONNECTION [MORE]
	write_job job.yml <<-END
		source: {plugin: posix, root: old}
		destination: {plugin: posix, root: new}
		rename: [{prefix: image/, to: avatar/}]
		batch: 50
		patience: 30s
		databases:
		  - {plugin: postgres, connection: "$1", table: avatars, column: path${2:+, $2}}
	END
}

each_once() {
	pg_says "SELECT count(*) FROM avatars WHERE path = 'avatar/' || id" $n &&
		pg_says 'SELECT count(*) FROM audit' $n
}

works() { # CONNECTION [MORE]
	fresh && job "$@" && exits_with 0 migrate-run --progress=none job.yml && each_once
}

refused() { # MESSAGE CONNECTION [MORE]
	t_message=$1
	shift
	job "$@"
	rm -f job.journal*
	exits_with 2 migrate-run --progress=none job.yml && last_stderr_has "$t_message"
}

# ---- A pooler ------------------------------------------------------------------------------

# What a transaction of ours left behind would be the next client's.
clean_servers() {
	for _ in 1 2 3 4 5 6; do
		t_got=$(psql -X -q -A -t -c "SELECT current_setting('lock_timeout') || ' ' ||
			current_setting('statement_timeout') || ' ' || current_setting('jit') || ' ' ||
			current_setting('client_encoding') || ' ' || current_setting('bytea_output')" \
			"$pg_pooled_uri") || return 1
		[ "$t_got" = "$before" ] || { echo "a server has '$t_got' instead of '$before'"; return 1; }
	done
}

if command -v pgbouncer >/dev/null; then
	pg "ALTER DATABASE postgres SET bytea_output = 'escape'"
	pg_bouncer transaction 2 || { echo 'Bail out! the pooler does not start'; exit 99; }
	before='0 0 on UTF8 escape'
	check 'a pooler that lends servers for a transaction starts clean' clean_servers
	check 'a job through it changes each row once' works "$pg_pooled_uri"
	check 'it is noticed' last_output_has 'connection leads to a pooler'
	check 'and no setting stays on its servers' clean_servers
	check 'the same job again' exits_with 0 migrate-run --progress=none job.yml
	check 'changes nothing' each_once
	fresh
	pg 'DROP INDEX avatars_path_idx'
	check 'so does one that reads the whole table' exits_with 0 migrate-run --new-journal --progress=none job.yml
	check 'and finds all rows' each_once
	check 'migrate-check' exits_with 0 migrate-check job.yml
	check 'migrate-verify' exits_with 0 migrate-verify job.yml
	signals pgbouncer TERM
	fresh
	pg_bouncer session 20
	check 'one that lends them for a session' works "$pg_pooled_uri"
	signals pgbouncer TERM
	pg 'ALTER DATABASE postgres RESET bytea_output'
else
	skip 'a job through a pooler' 'pgbouncer is not installed'
fi

# ---- Files of passwords and services ---------------------------------------------------------

here="host=127.0.0.1 port=$PGPORT dbname=postgres user=test"
pgpass=$HOME/.pgpass
(umask 077 && echo "127.0.0.1:$PGPORT:*:test:test-password" >"$pgpass")
unset PGPASSWORD
check 'a file of passwords' works "$here"
chmod 644 "$pgpass"
check 'one that others can read is not used' refused 'give a password' "$here"
chmod 600 "$pgpass"
printf '[app]\nhost=127.0.0.1\nport=%s\ndbname=postgres\nuser=test\npassword=test-password\n' "$PGPORT" \
	>"$HOME/.pg_service.conf"
check 'a service, with the password in its file' works service=app
rm "$pgpass"
check 'a service that is not there' refused 'service' service=none
rm "$HOME/.pg_service.conf"

# ---- TLS -------------------------------------------------------------------------------------

uri() { # HOST PARAMETERS
	echo "postgresql://test:test-password@$1:$PGPORT/postgres?$2"
}
with_tls() {
	tls_authority ca && tls_authority other && tls_certificate ca server elsewhere.test 127.0.0.1 &&
		cp server.pem server.key "$pg_dir/data/" &&
		{ [ "$(id -u)" -ne 0 ] || chown postgres "$pg_dir/data/server.key"; } &&
		chmod 600 "$pg_dir/data/server.key" &&
		pg "ALTER SYSTEM SET ssl_cert_file = 'server.pem'" && pg 'ALTER SYSTEM SET ssl = on' &&
		pg 'SELECT pg_reload_conf()' >/dev/null && wait_until 10 pg_says 'SHOW ssl' on
}
if with_tls; then
	check 'a server that proves who it is' works \
		"$(uri 127.0.0.1 "sslmode=verify-full&sslrootcert=$PWD/ca.pem")"
	check 'one of an authority that is not ours' refused 'name the right authority with sslrootcert' \
		"$(uri 127.0.0.1 "sslmode=verify-full&sslrootcert=$PWD/other.pem")"
	check 'one that is somebody else' refused 'name the server as its certificate does' \
		"$(uri localhost "sslmode=verify-full&sslrootcert=$PWD/ca.pem")"
	# another machine, as far as the plugin can see: nothing is said of sslmode
	t_far="postgresql://test:test-password@elsewhere.test:$PGPORT/postgres?hostaddr=$(hostname -I | cut -d' ' -f1)"
	pg "ALTER SYSTEM SET listen_addresses = '*'"
	echo 'host all all all scram-sha-256' >>"$pg_dir/data/pg_hba.conf"
	postgres_down INT && postgres_up
	if PGCONNECT_TIMEOUT=5 psql -X -q -c 'SELECT 1' "$t_far&sslmode=require" >/dev/null 2>&1; then
		check 'another machine must prove it when nothing is said' refused sslrootcert "$t_far"
		check 'TLS alone is no proof, unless the job says that it will do' works "$t_far&sslmode=require"
		check 'with the authority it is one' works "$t_far&sslrootcert=$PWD/ca.pem"
		check 'an authority that is another one' refused 'name the right authority' \
			"$t_far&sslrootcert=$PWD/other.pem"
	else
		skip 'another machine must prove who it is' 'this one has no address but the loopback'
	fi
else
	skip 'TLS' 'the server was built without it, or openssl is not installed'
fi

finish
