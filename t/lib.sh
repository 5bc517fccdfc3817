# SPDX-License-Identifier: MIT
# shellcheck shell=sh
#
# The words that shell tests are written in; t/README says how to use them.
# Reading this file puts the test into a fresh folder of its own, which is
# removed at its end, with the programs of the build first in PATH.

: "${srcdir:=.}"
: "${builddir:=$PWD}"
srcdir=$(cd "$srcdir" && pwd) || exit 99
if [ ! -d "$builddir/core/cmd" ] && [ -d "$builddir/build/core/cmd" ]; then
	builddir=$builddir/build
fi

# ---- The place ------------------------------------------------------------------

# MIGRATE_STUB=STATUS: every program of the build does nothing, and ends with that; see t/stubs.
t_stub=${MIGRATE_STUB:-}
t_name=$(basename "$0" .t)
t_top=$(mktemp -d "${TMPDIR:-/tmp}/migrate-$t_name.XXXXXX") || exit 99
t_out=$t_top/output
t_count=0
t_failures=0
t_ended=
mkdir "$t_top/work" "$t_top/home" "$t_top/output" "$t_top/pids" || exit 99

t_set_paths() { # FOLDER with the layout of a build
	t_programs=$1/core/cmd/.libs
	[ -d "$t_programs" ] || t_programs=$1/core/cmd
	[ -z "$t_stub" ] || t_programs=$t_top/stubs
	PATH=$t_programs:${t_path:=$PATH}
	LD_LIBRARY_PATH=$1/core/.libs
	MIGRATE_PLUGIN_PATH=$1/plugins/.libs
	export PATH LD_LIBRARY_PATH MIGRATE_PLUGIN_PATH
}

t_make_stubs() { # of all programs that the build has
	mkdir "$t_top/stubs" || exit 99
	for t_program in "$builddir"/core/cmd/migrate-*; do
		printf '#!/bin/sh\nexit %d\n' "$t_stub" >"$t_top/stubs/${t_program##*/}" || exit 99
	done
	chmod 755 "$t_top/stubs"/*
}

t_set_environment() {
	for t_variable in $(env | sed -n 's/^\(MIGRATE_[A-Z_]*\)=.*/\1/p'); do
		unset "$t_variable"
	done
	unset CDPATH XDG_CONFIG_HOME
	HOME=$t_top/home
	LC_ALL=C.UTF-8
	TZ=UTC
	# A finding of a sanitizer is never mistaken for an exit status of ours.
	ASAN_OPTIONS=exitcode=99:detect_stack_use_after_return=1:verify_asan_link_order=0
	LSAN_OPTIONS=exitcode=99
	UBSAN_OPTIONS=print_stacktrace=1:exitcode=99
	TSAN_OPTIONS=exitcode=99:second_deadlock_stack=1
	export HOME LC_ALL TZ ASAN_OPTIONS LSAN_OPTIONS UBSAN_OPTIONS TSAN_OPTIONS
	umask 022
	# what takes long to make, and is the same for all tests: servers' data before their first start
	T_TEMPLATES=$builddir/t/templates
	export T_TEMPLATES
	t_set_paths "$builddir"
}

# kills_ours PID: unless it has ended long ago, and the number is somebody else's by now
kills_ours() {
	case $(readlink "/proc/$1/cwd" 2>/dev/null) in
	"$t_top"*) ;;
	*) cat "/proc/$1/cmdline" "/proc/$1/environ" 2>/dev/null | grep -qaF "$t_top" || return 0 ;;
	esac
	kill -9 "$1" 2>/dev/null
}

t_clean_up() {
	t_status=$?
	trap - EXIT
	for t_pid in "$t_top"/pids/*; do
		[ -f "$t_pid" ] && kills_ours "$(cat "$t_pid")"
	done
	jobs -p >"$t_out/jobs" 2>/dev/null
	while read -r t_pid; do
		kill -9 "$t_pid" 2>/dev/null
	done <"$t_out/jobs"
	wait 2>/dev/null
	if [ -z "$t_ended" ]; then
		echo "Bail out! the test ended before 'finish'"
		t_status=99
	fi
	cd / || exit 99
	if [ -n "${T_KEEP:-}" ]; then
		echo "# kept: $t_top"
	else
		chmod -R u+rwx "$t_top" 2>/dev/null
		rm -rf "$t_top"
	fi
	exit "$t_status"
}

t_set_environment
[ -z "$t_stub" ] || t_make_stubs
trap t_clean_up EXIT
trap 'exit 99' HUP INT TERM
cd "$t_top/work" || exit 99

# ---- Promises -------------------------------------------------------------------

t_diagnose() { # TITLE FILE
	[ -s "$2" ] || return 0
	echo "# $1:"
	head -c 8192 "$2" | sed 's/^/#   /'
	echo
}

# check 'promise' COMMAND...: the promise holds when the command succeeds.
check() {
	t_promise=$1
	shift
	t_count=$((t_count + 1))
	: >"$t_out/check"
	if [ $# -eq 0 ]; then
		echo "no command was given" >"$t_out/check"
	elif "$@" >"$t_out/check" 2>&1; then
		echo "ok $t_count - $t_promise"
		return 0
	fi
	t_failures=$((t_failures + 1))
	echo "not ok $t_count - $t_promise"
	echo "# failed: $*" | head -c 2048 | sed '2,$s/^/#   /'
	echo
	t_diagnose 'said' "$t_out/check"
	t_diagnose 'standard output of the last program' "$t_out/stdout"
	t_diagnose 'standard error of the last program' "$t_out/stderr"
	return 0
}

# skip 'promise' 'reason': this one cannot be tried here, and why.
skip() {
	[ -n "${2:-}" ] || set -- "${1:-}" 'no reason was given, which is a mistake in the test'
	t_count=$((t_count + 1))
	echo "ok $t_count - $1 # SKIP $2"
}

# skip_all 'reason': nothing of this file can be tried here. Ends the test.
skip_all() {
	[ "$t_count" -eq 0 ] || { echo "Bail out! skip_all after the first check"; exit 99; }
	[ -n "${1:-}" ] || { echo 'Bail out! skip_all without a reason'; exit 99; }
	echo "1..0 # SKIP $1"
	t_ended=yes
	exit 0
}

# The last line of every test: it ends there.
finish() {
	t_ended=yes
	if [ "$t_count" -eq 0 ]; then
		echo 'not ok 1 - the test tried nothing'
		t_count=1
		t_failures=1
	fi
	echo "1..$t_count"
	[ "$t_failures" -eq 0 ]
	eval exit # or shellcheck takes what is called by name for unreachable
}

# ---- Running programs -----------------------------------------------------------

# Run a command, its output kept for last_output_has and for diagnostics. A
# program that hangs is ended after T_TIMEOUT seconds.
run() {
	# read from a file: $(...) would be a process more
	t_which=
	command -v -- "$1" >"$t_out/kind" && read -r t_which <"$t_out/kind"
	case $t_which in
	/*) timeout --foreground -k 5 "${T_TIMEOUT:-300}" "$@" >"$t_out/stdout" 2>"$t_out/stderr" ;;
	*) "$@" >"$t_out/stdout" 2>"$t_out/stderr" ;;
	esac
}

# exits_with STATUS COMMAND...
exits_with() {
	t_wanted=$1
	shift
	run "$@"
	t_got=$?
	[ "$t_got" -eq "$t_wanted" ] || { echo "exit status $t_got instead of $t_wanted"; return 1; }
}

# not COMMAND...: it fails. What looks into files and finds none has no answer, which is no "no".
not() {
	"$@"
	t_not=$?
	case $1 in
	grep | cmp | diff | test) [ "$t_not" -eq 1 ] || { echo "status $t_not instead of 1: $*" >&2; return 1; } ;;
	*) [ "$t_not" -ne 0 ] ;;
	esac
}

# start NAME COMMAND...: in the background; killed when the test ends before it, or
# when another one of that name starts.
start() {
	t_job=$1
	shift
	[ ! -f "$t_top/pids/$t_job" ] || kills_ours "$(pid_of "$t_job")"
	"$@" >"$t_out/$t_job.stdout" 2>"$t_out/$t_job.stderr" &
	echo $! >"$t_top/pids/$t_job"
}

pid_of() {
	cat "$t_top/pids/$1"
}

# Not one that ended and waits to be asked how.
is_running() {
	t_state=$(sed -n 's/^State:[[:space:]]*//p' "/proc/$(pid_of "$1")/status" 2>/dev/null)
	case $t_state in
	'' | [ZX]*) return 1 ;;
	esac
}

# signals NAME SIGNAL
signals() {
	kill -"$2" "$(pid_of "$1")"
}

# ends_with STATUS NAME: wait for it; its output becomes the last output. 137: killed by KILL.
ends_with() {
	t_pid=$(pid_of "$2") || return 1
	rm -f "$t_top/pids/$2"
	wait "$t_pid"
	t_got=$?
	mv "$t_out/$2.stdout" "$t_out/stdout"
	mv "$t_out/$2.stderr" "$t_out/stderr"
	[ "$t_got" -eq "$1" ] || { echo "exit status $t_got instead of $1"; return 1; }
}

# wait_until SECONDS COMMAND...: try until it succeeds; fails when the time is over.
wait_until() {
	t_seconds=$1
	shift
	# what does nothing is not waited for
	[ -z "$t_stub" ] || t_seconds=0
	wait_for_server "$t_seconds" "$@"
}

# wait_for_server SECONDS COMMAND...: the same, of what is no program of the build
wait_for_server() {
	t_deadline=$(($(date +%s) + $1))
	t_tries=0
	shift
	until "$@" >/dev/null 2>&1; do
		t_tries=$((t_tries + 1))
		# seldom: to ask for the time costs as much as to try
		[ $((t_tries % 8)) -ne 0 ] || [ "$(date +%s)" -lt "$t_deadline" ] ||
			{ echo "still not so: $*"; return 1; }
		# and to ask all the time keeps a processor from what is waited for
		case $t_tries in
		?) sleep 0.02 ;;
		[123]?) sleep 0.05 ;;
		*) sleep 0.1 ;;
		esac
	done
}

# Programs, library and plugins where every user can reach them.
t_share_build() {
	[ -d "$t_top/build" ] && return 0
	mkdir -p "$t_top/build/core/cmd" "$t_top/build/core/.libs" "$t_top/build/plugins/.libs" &&
		cp -p "$t_programs"/migrate-* "$t_top/build/core/cmd/" &&
		cp -p "$builddir"/core/.libs/libmigrate.so* "$t_top/build/core/.libs/" &&
		cp -p "$builddir"/plugins/.libs/*.so "$t_top/build/plugins/.libs/" &&
		chmod 755 "$t_top" "$t_top/work"
}

# as_nobody COMMAND...: without the rights of root, when there are any.
as_nobody() {
	if [ "$(id -u)" -ne 0 ]; then
		"$@"
		return
	fi
	t_share_build || return 99
	(
		t_set_paths "$t_top/build"
		exec setpriv --reuid=65534 --regid=65534 --clear-groups "$@"
	)
}

# ---- What it said ---------------------------------------------------------------

t_has() { # FILE TEXT
	grep -qF -e "$2" "$1" || { echo "not said: $2"; return 1; }
}

last_stdout_has() {
	t_has "$t_out/stdout" "$1"
}

last_stderr_has() {
	t_has "$t_out/stderr" "$1"
}

# last_output_has TEXT...: each of them, on standard output or standard error.
last_output_has() {
	cat "$t_out/stdout" "$t_out/stderr" >"$t_out/both" || return 1
	for t_text; do
		t_has "$t_out/both" "$t_text" || return 1
	done
}

last_output_lacks() {
	for t_text; do
		if cat "$t_out/stdout" "$t_out/stderr" | grep -F -e "$t_text"; then
			return 1
		fi
	done
}

last_stdout() {
	cat "$t_out/stdout"
}

# ---- Files ----------------------------------------------------------------------

# write_file PATH TEXT: exactly that text, folders included.
write_file() {
	mkdir -p "$(dirname -- "$1")" && printf '%s' "$2" >"$1"
}

# write_job FILE <<EOF: a job file; it is named after the file when it names no job.
write_job() {
	: >"$1"
	chmod 600 "$1"
	cat >"$1" || return 1
	grep -q '^job:' "$1" || sed -i "1i job: $(basename "$1" .yml)" "$1"
}

# contains_exactly FILE TEXT
contains_exactly() {
	printf '%s' "$2" >"$t_out/expected"
	cmp -- "$1" "$t_out/expected"
}

exists() {
	[ -e "$1" ] || { echo "$1 does not exist"; return 1; }
}

# is_empty FILE...: each is there, and nothing is in it.
is_empty() {
	for t_file; do
		exists "$t_file" || return 1
		[ ! -s "$t_file" ] || { echo "$t_file holds:"; head -c 2048 "$t_file"; return 1; }
	done
}

missing() {
	if [ -e "$1" ] || [ -h "$1" ]; then
		echo "$1 exists"
		return 1
	fi
}

# same_tree ONE OTHER: the same names and bytes.
same_tree() {
	diff -r --no-dereference -- "$1" "$2"
}

# holds_files FOLDER N: that many files below it.
holds_files() {
	t_got=$(find "$1" -type f | wc -l)
	[ "$t_got" -eq "$2" ] || { echo "$t_got files in $1 instead of $2"; return 1; }
}

# ---- Databases and status -------------------------------------------------------

# sql DATABASE STATEMENT...
sql() {
	t_database=$1
	shift
	sqlite3 -batch -bail -cmd '.timeout 10000' "$t_database" "$@"
}

# sql_says DATABASE STATEMENT ANSWER
sql_says() {
	t_got=$(sql "$1" "$2") || return 1
	[ "$t_got" = "$3" ] || { echo "answered '$t_got' instead of '$3'"; return 1; }
}

# json_says FILE FILTER [JQ-OPTION...]: there is something in the file, and the filter is true of all of it. jq
# alone is content with nothing.
json_says() {
	t_file=$1
	t_filter=$2
	shift 2
	[ -s "$t_file" ] || { echo "no JSON in $t_file"; return 1; }
	t_got=$(jq "$@" "$t_filter" "$t_file") || return 1
	if [ -z "$t_got" ] || echo "$t_got" | grep -qvx true; then
		echo "$t_filter: $t_got"
		return 1
	fi
}

# What migrate-status --json says. Thousands ask only to look at something else: whether it gives
# back all memory is for its own tests.
t_ask_status() { # JOB
	ASAN_OPTIONS=$ASAN_OPTIONS:detect_leaks=0 migrate-status --json "$1" >"$t_out/status"
}

# status_says JOB FILTER ANSWER: what a jq filter finds in migrate-status --json.
status_says() {
	t_ask_status "$1" || return 1
	t_got=$(jq -r "$2" "$t_out/status") || return 1
	[ "$t_got" = "$3" ] || { echo "$2 is '$t_got' instead of '$3'"; return 1; }
}

# status_counts JOB NAME=N...: counts of objects by class (done, same, ...), of rows as rows.NAME=N.
status_counts() {
	t_ask_status "$1" || return 1
	shift
	t_filter=
	for t_pair; do
		t_counter=${t_pair%%=*}
		case $t_counter in
		*.*) ;;
		*) t_counter=objects.$t_counter ;;
		esac
		t_filter="$t_filter${t_filter:+, }\"${t_pair%%=*}=\\(.$t_counter)\""
	done
	t_got=$(jq -r "$t_filter" "$t_out/status") || return 1
	[ "$t_got" = "$(printf '%s\n' "$@")" ] || { printf '%s\n' 'it counts' "$t_got" 'instead of' "$@"; return 1; }
}
