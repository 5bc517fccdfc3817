#!/bin/sh
# SPDX-License-Identifier: MIT
# A run ends when it is asked to, whatever it waits for, and says honestly how far it came.

. "${srcdir:-.}/t/lib.sh"
. "$srcdir/t/faults/lib.sh"

needs python3 sqlite3 jq

new_world master --seed "$SEED" --objects 200 --batch 10 || exit 99
job=w/job.yml

# ---- Signals at any time ------------------------------------------------------------

# SIGTERM after that many milliseconds. It ends with 4, or with 0 when it was done before.
ended_after() { # MILLISECONDS
	timeout --foreground -k 30 -s TERM "$(printf '0.%03d' "$1")" migrate-run --progress=none "$job" \
		>"$t_out/stdout" 2>"$t_out/stderr"
	case $? in
	0 | 4 | 124) ;;
	*) echo "after $1 ms"; cat "$t_out/stderr"; return 1 ;;
	esac
}

ends_at_any_time() {
	fresh_world w master || return 1
	for _ in 1 2 3; do
		random 400
		ended_after "$random" && invariants w --interrupted || return 1
	done
	exits_with 0 migrate-run --progress=none "$job" && invariants w --exit 0
}

for t_world in 1 2 3 4; do
	check "three SIGTERMs at random instants, world $t_world" ends_at_any_time
done

# ---- Memory that is not enough for two parts ------------------------------------------

mkdir large
for t_n in 1 2 3 4; do
	head -c 3500000 /dev/urandom >"large/$t_n"
done
write_job large.yml <<'END'
source: {plugin: posix, root: large}
destination: {plugin: memory, name: large}
copy: {part_size: 1MiB, memory: 1MiB, concurrency: 8}
END
T_TIMEOUT=60
check 'workers that help each other do not wait for each other' exits_with 0 migrate-run large.yml
unset T_TIMEOUT

# ---- A part of a pass ---------------------------------------------------------------

pass_is() { # NUMBER STATE
	status_says part.yml .pass "$1" && status_says part.yml .pass_state "$2"
}

make_objects() { # FROM TO
	for t_n in $(seq "$1" "$2"); do
		write_file "from/$t_n.txt" "$t_n" || return 1
	done
}

mkdir from to
make_objects 10 19
# A rule whose results must be checked as a whole before anything is copied.
write_job part.yml <<'END'
source: {plugin: posix, root: from}
destination: {plugin: posix, root: to}
rename: [{match: '^(\d+)\.txt$', to: 'n/$1'}]
END
check 'a job whose plan must be checked first' exits_with 0 migrate-run part.yml
check 'its first pass is done' pass_is 1 'done'
make_objects 20 29
check 'a part of the next pass' exits_with 0 migrate-run --first 4 part.yml
check 'copies that part' holds_files to 14
check 'and does not call the pass done' pass_is 2 listing
check 'the next run goes on' exits_with 0 migrate-run part.yml
check 'with the same pass, to its end' pass_is 2 'done'
check 'and all is there' holds_files to 20

# ---- A journal that cannot grow -------------------------------------------------------

if [ "$(id -u)" -ne 0 ]; then
	skip 'a full disk below the journal' 'only root may mount a small one'
	finish
fi
if ! "$killat" --count --report "$t_out/killat" true; then
	skip 'a full disk below the journal' 'killat cannot trace here'
	finish
fi

here=$(pwd -P)

# `one` runs, and the disk of its journal fills up while it copies
start_full() {
	fresh_world w master && new_image journal.img 16 && mount_image journal.img w/j || return 1
	sed -i 's,^journal:.*,journal: j/world.journal,' "$job"
	start one "$killat" --go --report "$t_out/struck" --only open,mkdir --at 40 \
		--path "$here/w/dst/avatar*" \
		--run 'dd if=/dev/zero of=w/j/ballast bs=4096 2>/dev/null; true' -- \
		migrate-run --progress=none --set patience=10m "$job"
}

check 'the disk of the journal fills up while the job copies' start_full
check 'which is said' wait_until 60 grep -qi 'full\|space' "$t_out/one.stderr"
signals one TERM
check 'SIGTERM is heard meanwhile' wait_until 20 grep -q 'once more' "$t_out/one.stderr"
signals one TERM
check 'and the second one ends the run at once' ends_with 4 one
rm w/j/ballast
check 'with room again the next run finishes' \
	exits_with 0 migrate-run --progress=none "$job"
check 'and all of it is true' exits_with 0 migrate-verify --readback "$job"
unmount w/j

finish
