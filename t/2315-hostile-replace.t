#!/bin/sh
# SPDX-License-Identifier: MIT
# While a copy of ours is replaced by a newer one, others write under its name: whatever
# they put there is there afterwards, under that name or under one that is told.

. "${srcdir:-.}/t/lib.sh"
. "$srcdir/t/faults/lib.sh"

needs sqlite3
needs_killat
here=$(pwd -P)

# A job that copied 'first' and finds another version of it at its source.
fresh() { # BYTES
	rm -rf src dst steps job.journal* theirs newer newest
	mkdir -p src/image dst
	head -c "$1" /dev/zero | tr '\0' 1 >src/image/a
	migrate-run --progress=none job.yml >"$t_out/stdout" 2>"$t_out/stderr" || exit 99
	head -c "$1" /dev/zero | tr '\0' 2 >src/image/a
	echo theirs >theirs
	echo newer >newer
	echo newest >newest
}

write_job job.yml <<'END'
source: {plugin: posix, root: src}
destination: {plugin: posix, root: dst}
rename: [{prefix: image/, to: avatar/}]
copy: {concurrency: 1, part_size: 64KiB}
END

# steps STATUS COMMAND...: the Nth COMMAND happens before the Nth call that gives or
# takes the name of the copy.
steps() {
	t_wanted=$1 t_n=0
	shift
	{
		# shellcheck disable=SC2016 # for the script
		echo 'n=$(($(cat steps.n) + 1)); echo $n >steps.n; case $n in'
		for t_step; do
			t_n=$((t_n + 1))
			echo "$t_n) $t_step ;;"
		done
		echo 'esac'
	} >steps.sh
	echo 0 >steps.n
	"$killat" --go --forever --run 'sh steps.sh' --only rename --path "$here/dst/avatar/a" \
		--report "$t_out/struck" -- \
		timeout --foreground -k 5 60 sh -c 'echo $$ >run.pid; exec migrate-run --progress=none job.yml' \
		>"$t_out/stdout" 2>"$t_out/stderr"
	t_got=$?
	[ "$(cat steps.n)" -ge "$t_n" ] || { echo "only $(cat steps.n) calls"; return 1; }
	[ "$t_got" -eq "$t_wanted" ] || { echo "status $t_got"; cat "$t_out/stderr"; return 1; }
}

put() { # FILE: as others write: whole, by rename
	echo "mv $1 dst/avatar/a"
}

nothing_else_is_left() { # N files in the folder
	t_got=$(find dst -mindepth 1 ! -type d | wc -l)
	if [ "$t_got" -ne "$1" ] || [ -n "$(find dst -name '.migrate-*')" ]; then
		find dst
		return 1
	fi
}

# The file that is told is there, and holds TEXT.
is_kept() { # TEXT
	t_kept=$(sed -n "s/.*a file of theirs is now '\([^']*\)'.*/\1/p" "$t_out/stderr" | head -n 1)
	[ -n "$t_kept" ] || { cat "$t_out/stderr"; return 1; }
	contains_exactly "dst/$t_kept" "$1
"
}

for t_size in 1000 300000; do # in one piece, in parts
	fresh $t_size
	check "$t_size bytes: nobody comes between" steps 0 :
	check 'it is replaced' cmp src/image/a dst/avatar/a
	check 'and nothing else is left' nothing_else_is_left 1

	fresh $t_size
	check "$t_size bytes: somebody replaces it before we do" steps 3 "$(put theirs)"
	check 'theirs stays' contains_exactly dst/avatar/a 'theirs
'
	check 'and nothing else is left' nothing_else_is_left 1
	check 'it is a conflict' status_says job.yml .failures_by_class.conflict 1

	fresh $t_size
	check "$t_size bytes: and again before theirs is put back" steps 3 "$(put theirs)" "$(put newer)"
	check 'the newer one stays' contains_exactly dst/avatar/a 'newer
'
	check 'the other is kept, and it is told where' is_kept theirs
	check 'nothing else is left' nothing_else_is_left 2

	fresh $t_size
	check "$t_size bytes: and once more" steps 3 "$(put theirs)" "$(put newer)" "$(put newest)"
	check 'of what nobody replaced, nothing is lost' grep -rqx newer dst
	check 'nothing at all' is_kept newest
	check 'and nothing else is left' nothing_else_is_left 2

	fresh $t_size
	check "$t_size bytes: it is removed before theirs is put back" \
		steps 3 "$(put theirs)" 'rm dst/avatar/a'
	check 'theirs stays' contains_exactly dst/avatar/a 'theirs
'
	check 'and nothing else is left' nothing_else_is_left 1

	fresh $t_size
	check "$t_size bytes: a folder takes its place" steps 3 'rm dst/avatar/a; mkdir -p dst/avatar/a/b'
	check 'it stays' exists dst/avatar/a/b
	check 'and nothing else is left' nothing_else_is_left 0

	fresh $t_size
	# shellcheck disable=SC2016 # for the script
	check "$t_size bytes: killed before theirs is put back" \
		steps 137 "$(put theirs)" 'kill -9 "$(cat run.pid)"'
	check 'theirs is not lost' grep -rqx theirs dst
	run migrate-run --progress=none job.yml
	check 'nor by the next run' grep -rqx theirs dst
done

finish
