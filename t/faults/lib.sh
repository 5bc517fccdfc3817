# SPDX-License-Identifier: MIT
# shellcheck shell=sh
#
# Words for the tests that break things. Read after t/lib.sh.
# shellcheck disable=SC2154,SC2034 # what is not set here is set there, and used by the tests
#
# SEED=N repeats a run of a sampled test. SWEEP=full tries every point; SWEEP=few is what
# builds with sanitizers try, where a point takes several times as long.

faults=$srcdir/t/faults
killat=$builddir/t/faults/killat
power=$builddir/t/faults/power
: "${SEED:=20260101}"
case ${SANITIZERS:-no} in
no) : "${SWEEP:=sample}" ;;
*) : "${SWEEP:=few}" ;;
esac
MIGRATE_TEST_SECRET=canary-7f3a91c2
export MIGRATE_TEST_SECRET

needs() { # COMMAND...: or the whole test is skipped
	for t_command; do
		command -v "$t_command" >/dev/null || skip_all "$t_command is not installed"
	done
}

needs_killat() {
	"$killat" --count --report "$t_out/killat" true || skip_all 'killat cannot trace here'
}

# random MODULUS: the next number of the seed's sequence, from 1, into $random.
random_state=$SEED
random() {
	random_state=$(((random_state * 1103515245 + 12345) % 2147483648))
	random=$(((random_state / 65536) % $1 + 1))
}

# by_sweep FULL SAMPLE FEW: the one that this sweep asks for
by_sweep() {
	case $SWEEP in
	full) echo "$1" ;;
	few) echo "$3" ;;
	*) echo "$2" ;;
	esac
}

# choose WORD...: $chosen is all of them in a full sweep, else one by chance
choose() {
	chosen=$*
	[ "$SWEEP" != full ] || return 0
	random $#
	shift $((random - 1))
	chosen=$1
}

# judge_played N STATUS: the lines that t/faults/sequence or t/model/stories printed for each of N, in
# $t_out/played, and what it said, in $t_out/said
judge_played() {
	while read -r t_line; do
		case $t_line in
		[0-9]*': well') check "${t_line%: well}" true ;;
		[0-9]*': FAILED: '*) check "$t_line" false ;;
		*) echo "# $t_line" ;;
		esac
	done <"$t_out/played"
	check 'all were played' test "$(grep -c '^[0-9]*: [a-z0-9]*:[0-9]' "$t_out/played")" -eq "$1"
	[ "$2" -le 1 ] || cat "$t_out/said"
	check 'and none was broken' test "$2" -le 1
}

# judge_spoilt SPOIL N: it plants N wrongs or more, each of which is noticed
judge_spoilt() {
	"$1" --build "$builddir" >"$t_out/spoilt" 2>"$t_out/said" || cat "$t_out/said"
	while IFS=: read -r t_verdict t_wrong t_said; do
		check "noticed:$t_wrong:$t_said" test "$t_verdict" = well
	done <"$t_out/spoilt"
	check 'all was tried' test "$(grep -c '^well: ' "$t_out/spoilt")" -ge "$2"
}

# new_world FOLDER OPTION...: see t/faults/world
new_world() {
	mkdir -p "$1" && "$faults/world" "$@"
}

# fresh_world FOLDER MASTER: a copy that nothing happened to yet
fresh_world() {
	rm -rf "$1" && cp -a "$2" "$1"
}

# invariants FOLDER OPTION...
invariants() {
	"$faults/invariants" "$@"
}

# struck FOLDER KILLAT-OPTION...: run the job of a world with disaster in it. The
# status of migrate-run is in $struck_status, what was struck in $struck. Fails
# when migrate-run ended in a way that no disaster explains.
struck() {
	struck_world=$1
	shift
	"$killat" --report "$t_out/struck" "$@" -- \
		timeout --foreground -k 5 120 migrate-run --progress=none "$struck_world/job.yml" \
		>"$t_out/stdout" 2>"$t_out/stderr"
	struck_status=$?
	struck=$(cat "$t_out/struck")
	case $struck_status in
	125 | 99 | 124) echo "status $struck_status after '$struck'"; cat "$t_out/stderr"; return 1 ;;
	134 | 139) echo "it crashed after '$struck'"; cat "$t_out/stderr"; return 1 ;;
	esac
}

# was_not_reached WHAT: the run ended before the point where it should have been struck
was_not_reached() {
	case $1 in
	'not reached'*) ;;
	*) return 1 ;;
	esac
}

# What changes something in a folder: all but syncs, which change nothing.
changing=write,copy,link,rename,unlink,mkdir,open,truncate,attribute
# What publishes, takes away or dresses something there: a probe, which writes a byte
# into a file without a name, does none of it.
publishing=copy,link,rename,unlink,mkdir,truncate,attribute

# changes_nothing FOLDER: another run ends with 0, and touches neither destination nor database.
changes_nothing() {
	"$killat" --count --only "$publishing" --path "$(realpath "$1")/dst*" --report "$t_out/dst" -- \
		migrate-run --progress=none "$1/job.yml" >"$t_out/stdout" 2>"$t_out/stderr" ||
		{ echo "status $?"; cat "$t_out/stderr"; return 1; }
	[ "$(cat "$t_out/dst")" -eq 0 ] ||
		{ echo "$(cat "$t_out/dst") changes at the destination"; return 1; }
}

# comes_to_an_end FOLDER: a run without disaster finishes everything; one more changes nothing.
comes_to_an_end() {
	timeout --foreground -k 5 120 migrate-run --progress=none "$1/job.yml" >"$t_out/stdout" 2>"$t_out/stderr"
	ended=$?
	invariants "$1" --exit "$ended" --log "$t_out/stdout" "$t_out/stderr" ||
		{ cat "$t_out/stderr"; return 1; }
	updates=$(sql "$1/app.db" 'SELECT count(*) FROM audit')
	changes_nothing "$1" || return 1
	[ "$(sql "$1/app.db" 'SELECT count(*) FROM audit')" = "$updates" ] ||
		{ echo 'a finished job updated rows again'; return 1; }
	invariants "$1" --exit 0 || return 1
	migrate-verify --progress=none --readback "$1/job.yml" >"$t_out/stdout" 2>&1 ||
		{ echo "migrate-verify: status $?"; cat "$t_out/stdout"; return 1; }
}

# ---- File systems made for a test ---------------------------------------------------

t_mounts=

unmount_all() {
	for t_mount in $t_mounts; do
		t_try=0
		while mountpoint -q "$t_mount" && [ "$t_try" -lt 100 ]; do
			umount "$t_mount" 2>/dev/null || sleep 0.1
			t_try=$((t_try + 1))
		done
		! mountpoint -q "$t_mount" || umount -l "$t_mount"
	done
}
trap 't_status=$?; unmount_all; (exit "$t_status"); t_clean_up' EXIT

# needs_mounts: root, loop devices and ext4; else the whole test is skipped
needs_mounts() {
	[ "$(id -u)" -eq 0 ] || skip_all 'only root may mount the file systems it is tried on'
	needs mkfs.ext4 mount umount mountpoint
	new_image "$t_out/probe.img" 8 || skip_all 'no file system can be made here'
	mkdir -p "$t_out/probe"
	mount -o loop "$t_out/probe.img" "$t_out/probe" 2>/dev/null ||
		skip_all 'no loop devices here'
	umount "$t_out/probe"
	rm -f "$t_out/probe.img"
}

# new_image FILE MIB
new_image() {
	truncate -s "$2M" "$1" && mkfs.ext4 -q -F -E lazy_itable_init=0 -m 0 "$1" >"$t_out/mkfs" 2>&1
}

# mount_image FILE FOLDER [OPTIONS]
mount_image() {
	mkdir -p "$2" && mount -o "loop${3:+,$3}" "$1" "$2" || return 1
	case " $t_mounts " in
	*" $PWD/$2 "*) ;;
	*) t_mounts="$t_mounts $PWD/$2" ;;
	esac
}

# unmount FOLDER: as soon as nobody holds it
unmount() {
	wait_until 20 umount "$1"
}
