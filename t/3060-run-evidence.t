#!/bin/sh
# SPDX-License-Identifier: MIT
# What a copy is worth: verification levels, and attributes that cannot be kept.

. "${srcdir:-.}/t/lib.sh"
T_TIMEOUT=60

fresh() {
	rm -rf src dst ./*.journal*
	mkdir -p dst
	for t_i in 1 2 3; do
		write_file "src/$t_i" "object $t_i"
	done
	: >src/empty
}

job() { # NAME DESTINATION COPY
	write_job "$1.yml" <<-END
		source: {plugin: posix, root: src}
		destination: $2
		copy: $3
	END
}

# The weakest level of any copy: 1 size, 2 native, 3 hash, 4 readback.
proven() { # JOB LEVEL
	sql_says "$1.journal" 'SELECT min(level) >= '"$2"' FROM object' 1
}

digests() { # JOB N
	sql_says "$1.journal" 'SELECT count(*) FROM object WHERE length(digest) = 32' "$2"
}

disk='{plugin: posix, root: dst}'
for level in size:1 native:2 hash:3 readback:4; do
	fresh
	job disk "$disk" "{verify: ${level%:*}}"
	check "files, verify: ${level%:*}" exits_with 0 migrate-run disk.yml
	check 'are all there' same_tree src dst
	check 'with at least that evidence' proven disk "${level#*:}"
	fresh
	job mem '{plugin: memory, name: m}' "{verify: ${level%:*}, attributes: drop}"
	check "another store, verify: ${level%:*}" exits_with 0 migrate-run mem.yml
	check 'with at least that evidence' proven mem "${level#*:}"
	check 'what passes through us is always hashed' proven mem 3
	check 'and the digest is remembered' digests mem 4
done

fresh
cp -r src/. dst/
job disk "$disk" '{verify: hash}'
check 'copies that were there' exits_with 0 migrate-run disk.yml
check 'are the same' status_counts disk.yml total=4 same=4 done=0
check 'because they were read' proven disk 3

fresh
job disk "$disk" '{verify: nonsense}'
check 'a level that does not exist is refused' exits_with 2 migrate-run disk.yml

# A level that is asked for later holds for what is copied later.
fresh
job disk "$disk" '{verify: size}'
check 'a job with little evidence' exits_with 0 migrate-run disk.yml
job disk "$disk" '{verify: readback}'
write_file src/5 'object 5'
check 'that wants more from now on' exits_with 0 migrate-run --accept-change disk.yml
check 'has it' sql_says disk.journal "SELECT level FROM object WHERE key = CAST('5' AS BLOB)" 4

# ---- Attributes ------------------------------------------------------------------------------

special() {
	fresh
	chmod 640 src/1
	touch -d '2001-02-03 04:05:06.789' src/1
	setfattr -n user.colour -v green src/1 2>/dev/null
}

special
job disk "$disk" '{attributes: fail}'
check 'files keep what files have' exits_with 0 migrate-run disk.yml
check 'mode' test "$(stat -c %a dst/1)" = 640
check 'time, to the nanosecond' test "$(stat -c %y src/1)" = "$(stat -c %y dst/1)"
if getfattr -n user.colour src/1 >/dev/null 2>&1; then
	check 'and extended attributes' test "$(getfattr --only-values -n user.colour dst/1)" = green
else
	skip 'and extended attributes' 'this file system has none, or attr is not installed'
fi
check 'nothing was lost' status_says disk.yml .lost_attributes 0

special
job mem '{plugin: memory, name: m}' '{attributes: fail}'
check 'a store in memory keeps them too' exits_with 0 migrate-run mem.yml

# A file system that knows no extended attributes.
without_xattrs() {
	[ "$(id -u)" -eq 0 ] && getfattr -n user.colour src/1 >/dev/null 2>&1 &&
		mount -t ramfs none dst 2>/dev/null || return 1
	: >dst/x
	! setfattr -n user.colour -v green dst/x 2>/dev/null
}

loses() { # POLICY STATUS
	job disk "$disk" "{attributes: $1}"
	rm -rf dst/* disk.journal*
	exits_with "$2" migrate-run disk.yml
}

special
if without_xattrs; then
	check 'what cannot be kept is a warning' loses warn 0
	check 'with its name' last_output_has "colour' (attributes: warn)"
	check 'and what it is worth' last_output_has 'of 1 objects could not be kept'
	check 'and counted' status_says disk.yml .lost_attributes 1
	check 'all is copied' status_counts disk.yml total=4 done=4
	check 'or a failure, if so wanted' loses fail 3
	check 'of its own class' status_says disk.yml .failures_by_class.attributes 1
	check 'without a copy' missing dst/1
	check 'of that object alone' status_counts disk.yml total=4 done=3 failed=1
	check 'or nothing at all' loses drop 0
	check 'nobody is told' last_output_lacks colour
	check 'nothing is counted' status_says disk.yml .lost_attributes 0
else
	skip 'what cannot be kept' 'no file system without extended attributes can be mounted'
fi
umount dst 2>/dev/null

finish
