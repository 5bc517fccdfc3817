#!/bin/sh
# SPDX-License-Identifier: MIT
# An application goes on while its rows are migrated, paths and texts: what it was told to be done
# is what the tables hold, and it meets no errors of ours. How long it waits is for t/bench/beside.

. "${srcdir:-.}/t/lib.sh"
. "$srcdir/t/servers/postgres.sh"
. "$srcdir/t/servers/mariadb.sh"
. "$srcdir/t/faults/lib.sh"
T_TIMEOUT=120
"$killat" --count --report "$t_out/killat" true && traces=true || traces=false
rows=200
application=$srcdir/t/servers/application/application
mkdir -p old/image
for i in $(seq $rows); do
	write_file "old/image/$i" "image $i"
done

job() { # DATABASE
	write_job job.yml <<-END
		source: {plugin: posix, root: old}
		destination: {plugin: posix, root: new}
		rename: [{prefix: image/, to: avatar/}]
		batch: 50
		databases:
		  - {$1, table: t, column: path}
		  - {$1, table: t, column: note, match: contains}
	END
}

app() { # WHAT KIND ADDRESS OPTION...
	"$application" "$@" --rows $rows --ledger ledger
}

report() {
	tail -n 1 "$t_out/stdout"
}

# No more than one in a thousand, and none but those that its own transactions cause.
few_errors() { # CODE
	report | python3 -c "import json, sys
r = json.load(sys.stdin)
print(r)
sys.exit(set(r['errors']) - {'$1'} != set() or sum(r['errors'].values()) * 1000 > r['transactions'] or r['transactions'] < 50)"
}

no_errors() {
	few_errors '' && report | grep -q '"errors": {}'
}

all_moved() { # KIND ADDRESS
	t_got=$(app check "$@") || { echo "$t_got"; return 1; }
	case $t_got in
	*' moved, 0 not, 0 notes not, '*' 0 wrong') ;;
	*) echo "$t_got"; return 1 ;;
	esac
}

# killed_beside CALL: at some of these calls of its own, one run after the other.
killed_beside() {
	t_killed=0
	for t_at in 12 25 40 60 85 115 150; do
		run "$killat" --at $t_at --only "$1" --program migrate-run -- migrate-run --progress=none job.yml
		[ $? -eq 137 ] || break
		t_killed=$((t_killed + 1))
	done
	echo "$t_killed were killed"
	[ $t_killed -ge 3 ] && is_running application
}

# beside KIND ADDRESS DATABASE CALL ERRORS...
beside() {
	rm -rf new job.journal* stop
	mkdir new
	job "$3"
	app make "$1" "$2" 2>/dev/null
	start application "$application" run "$1" "$2" --rows $rows --ledger ledger --seconds 60 --clients 8 --rate 250 --stop stop
	if $traces; then
		check "$1: runs that are killed, while an application goes on" killed_beside "$4"
	else
		skip "$1: runs that are killed" 'killat cannot trace here'
	fi
	check 'one that ends' ran_beside
	touch stop
	check 'the application ends well' ends_with 0 application
	shift 4
	check 'without errors of ours' "$@"
}

migrates() { # OPTION...: what the application writes meanwhile may be a conflict
	run migrate-run --progress=none "$@" job.yml
	t_got=$?
	[ $t_got -eq 0 ] || [ $t_got -eq 3 ] || { echo "exit status $t_got"; return 1; }
}

ran_beside() {
	migrates && is_running application && migrates --retry-failed && is_running application
}

settle() { # KIND ADDRESS
	check 'all that it was told to be done is there' app check "$@"
	check 'conflicts are tried again' migrates --retry-failed
	check 'once it has stopped, one more run' exits_with 0 migrate-run --progress=none job.yml
	check 'changes all that is left, and nothing else' all_moved "$@"
}

beside sqlite "$PWD/app.db" 'plugin: sqlite, path: app.db' fdatasync no_errors
settle sqlite "$PWD/app.db"

if t_lacking=$(postgres_lacks); then
	skip 'postgres' "$t_lacking"
else
	postgres_up || { echo 'Bail out! the server does not start'; exit 99; }
	beside postgres "$pg_uri" "plugin: postgres, connection: '$pg_uri'" sendto no_errors
	settle postgres "$pg_uri"
fi

if t_lacking=$(mariadb_lacks); then
	skip 'mysql' "$t_lacking"
else
	mariadb_up || { echo 'Bail out! the server does not start'; exit 99; }
	my_user app 'ALL ON app.*'
	address=127.0.0.1:$mysql_port:app:test-password:app
	beside mysql "$address" \
		"plugin: mysql, connection: 'mysql://app:test-password@127.0.0.1:$mysql_port/app'" send few_errors 1213
	settle mysql "$address"
fi

finish
