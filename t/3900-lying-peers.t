#!/bin/sh
# SPDX-License-Identifier: MIT
# A server that lies, whatever it says: a run ends by itself and says why, within its memory; no row points
# to what is not there, none is counted that was not changed, and the honest server's run finishes the job.
# LIES=N answers of each peer are lies (200 with sanitizers, else 40), SEED=N others; LIE=NAME a certain one
# of t/servers/liard/liard.py, PEERS='postgres mysql redis' some of the servers.

. "${srcdir:-.}/t/lib.sh"
. "$srcdir/t/servers/postgres.sh"
. "$srcdir/t/servers/mariadb.sh"
. "$srcdir/t/servers/redis.sh"
: "${SEED:=20260101}" "${PEERS:=postgres mysql redis}"
PYTHONDONTWRITEBYTECODE=1
export PYTHONDONTWRITEBYTECODE
case ${SANITIZERS:-no} in
no) lies=${LIES:-40} memory=700 ;; # libraries read on while bytes come, into twice as much each time
*) lies=${LIES:-200} memory=1500 ;;
esac
echo "# SEED=$SEED LIES=$lies"

# What client libraries lose when a server breaks off in their middle is not ours.
printf 'leak:libmariadb.so\nleak:libpq.so\n' >"$t_top/suppressions"
LSAN_OPTIONS=$LSAN_OPTIONS:print_suppressions=0:suppressions=$t_top/suppressions
# They ask for as much memory as a server says, and bear it that there is none.
ASAN_OPTIONS=$ASAN_OPTIONS:allocator_may_return_null=1
export LSAN_OPTIONS ASAN_OPTIONS

# lie_to PROTOCOL PORT OPTION...
lie_to() {
	t_protocol=$1 t_port=$2
	shift 2
	rm -rf "$t_protocol" && mkdir "$t_protocol" &&
		python3 "$srcdir/t/servers/liard/lies.py" "$t_protocol" "$t_protocol" 127.0.0.1 "$t_port" \
			--memory $memory "$@"
}

# Of the tables and keys of the trial before nothing is left.
anew() {
	case $1 in
	postgres) pg 'DROP SCHEMA public CASCADE; CREATE SCHEMA public' 2>/dev/null ;;
	mysql) my 'DROP DATABASE app; CREATE DATABASE app CHARACTER SET utf8mb4' ;;
	redis) rcli flushall ;;
	esac
}

# tell PROTOCOL PORT FIXED...: the lies that once did harm, or may cost most, then those of chance
tell() {
	t_peer=$1 t_at=$2
	shift 2
	if [ -n "${LIE:-}" ]; then
		check "$t_peer: a lie that is named" lie_to "$t_peer" "$t_at" --verbose --lie "$LIE"
		return
	fi
	t_fixed=
	for t_one; do t_fixed="$t_fixed --lie $t_one"; done
	if [ -z "${LIES:-}" ]; then
		# shellcheck disable=SC2086 # words
		check "$t_peer: columns that are missing, lengths that are none, answers without an end" \
			lie_to "$t_peer" "$t_at" $t_fixed
		anew "$t_peer" >/dev/null
	fi
	check "$t_peer: $lies lies of chance" lie_to "$t_peer" "$t_at" --seed "$SEED" --lies "$lies"
	grep "^$t_peer:" "$t_out/check" | sed 's/^/# /'
}

is_meant() {
	case " $PEERS " in *" $1 "*) return 0 ;; esac
	return 1
}

for peer in postgres mysql redis; do
	is_meant $peer || continue
	lacking=$(
		case $peer in
		postgres) postgres_lacks ;;
		mysql) mariadb_lacks ;;
		redis) redis_lacks ;;
		esac
	)
	if [ -n "$lacking" ]; then
		skip "$peer: lies" "$lacking"
		continue
	fi
	case $peer in
	postgres)
		postgres_up || { echo 'Bail out! PostgreSQL does not start'; exit 99; }
		tell postgres "$PGPORT" pg_one_column pg_columns-99 pg_nulls pg_declared pg_declared_message \
			pg_copy pg_endless_notes pg_endless_rows pg_endless_row pg_endless_error
		;;
	mysql)
		mariadb_up || { echo 'Bail out! MariaDB does not start'; exit 99; }
		MYSQL_SOCKET=$mysql_socket
		export MYSQL_SOCKET
		tell mysql "$mysql_port" my_one_column my_counts my_nulls my_declared my_declared_message my_ok \
			my_progress my_endless_rows my_endless_row my_endless_columns
		;;
	redis)
		redis_up || { echo 'Bail out! Redis does not start'; exit 99; }
		# an answer has a MiB at most
		[ "${SANITIZERS:-no}" != no ] || memory=150
		tell redis "$REDIS_PORT" re_declared re_nested re_endless_text re_endless_line re_endless_list \
			re_endless_answers
		;;
	esac
done

finish
