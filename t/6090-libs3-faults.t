#!/bin/sh
# SPDX-License-Identifier: MIT
# What libs3 takes for success, and what an old endpoint does on bad days, costs no object.
# shellcheck disable=SC2016,SC2154 # ${SECRET} is for the job file; s3d_up sets server_url

. "${srcdir:-.}/t/lib.sh"
. "$srcdir/t/servers/s3.sh"
T_TIMEOUT=60
[ -f "$builddir/plugins/.libs/libs3.so" ] || skip_all 'libs3 was not built'
s3d_needed
SECRET=$s3_secret_key
export SECRET
# version 4 is for the tool
s3d_up server --dialect legacy --set sigv4=yes || { echo 'Bail out! s3d does not start'; exit 99; }

tool() {
	"$srcdir/t/servers/s3-tool" "$server_url" "$@"
}

libs3() { # BUCKET
	echo "{plugin: libs3, endpoint: '$server_url', bucket: $1, access_key: $s3_access_key," \
		"secret_key: '\${SECRET}'}"
}

job() { # NAME SOURCE DESTINATION
	printf 'source: %s\ndestination: %s\npatience: 20s\ncopy: {part_size: 5MiB, concurrency: 4}\n' \
		"$2" "$3" | write_job "$1.yml"
}

# was_hit N: each rule at least so often, or the promise was no promise
was_hit() {
	t_got=$(curl -s "$server_url/.s3d/script" | awk -v n="$1" '$2 < n')
	[ -z "$t_got" ] || { echo "too seldom hit: $t_got"; return 1; }
}

tool make source again || { echo 'Bail out! no buckets'; exit 99; }
mkdir files
for i in $(seq 1 20); do
	write_file "files/o$i" "object $i"
done
head -c 9437184 /dev/urandom >files/zlarge
job seed '{plugin: posix, root: files}' "$(libs3 source)"
run migrate-run seed.yml
tool show source >source.txt

number=0
# survives KIND LEAST RULE...: a job ends well although the endpoint does that, each rule LEAST
# times at least. KIND: up (posix to libs3), down (libs3 to posix) or over (libs3 to libs3).
survives() {
	number=$((number + 1))
	name=trial$number kind=$1 least=$2
	shift 2
	case $kind in
	down) mkdir "$name" && job "$name" "$(libs3 source)" "{plugin: posix, root: $name}" ;;
	up) tool make "$name" && job "$name" '{plugin: posix, root: files}' "$(libs3 "$name")" ;;
	over) tool make "$name" && job "$name" "$(libs3 source)" "$(libs3 "$name")" ;;
	esac || return 1
	s3d_faults server "$@"
	exits_with 0 migrate-run "$name.yml" || { s3d_faults server; return 1; }
	was_hit "$least" || return 1
	s3d_faults server
	if [ "$kind" = down ]; then
		same_tree files "$name" || return 1
	else
		tool show "$name" >"$name.txt" && diff source.txt "$name.txt" || return 1
	fi
	exits_with 0 migrate-verify "$name.yml"
}

check 'jobs without faults' survives up 0
check 'in each direction' survives down 0
check 'and from bucket to bucket' survives over 0

# ---- The endpoint is busy, or answers get lost ----------------------------------------

check '503 for a while, uploading' survives up 4 'PutObject o* 5-8 status 503 SlowDown'
check '503 for a while, copying' survives over 4 'CopyObject o* 5-8 status 503 SlowDown'
check '503 for a while, downloading' survives down 4 'GetObject o* 5-8 status 503 SlowDown'
check '503 for a while, looking' survives up 4 'HeadObject o* 5-8 status 503 SlowDown'
check 'an object is written, and the answer lost' survives up 3 'PutObject o* 4-6 reset-committed'
check 'a copy is made, and the answer lost' survives over 3 'CopyObject o* 4-6 reset-committed'
check 'it was done, and the answer says 500' survives up 3 \
	'PutObject o* 4-6 status-committed 500 InternalError'
check 'connections break before and within bodies' survives up 1 \
	'PutObject o* 4 reset-before' 'PutObject z* 1 reset-during 1000000'

# ---- What libs3 takes for success -------------------------------------------------------

check 'an error without a document, uploading' survives up 3 'PutObject o* 4-6 body 500 %20'
check 'or with one that is no XML' survives up 3 'PutObject o* 4-6 body 502 <html><p>Bad%20Gateway'
check '200 without an object, uploading' survives up 3 'PutObject o* 4-6 forget'
check '200 with an error inside, for a copy' survives over 3 'CopyObject o* 4-6 error-200 InternalError'
check '200 with nothing inside, for a copy' survives over 3 'CopyObject o* 4-6 empty-200'
check 'the body of an answer ends early' survives down 2 'GetObject o* 4-5 cut 3'
check 'also by a reset' survives down 2 'GetObject o* 4-5 cut 3 reset'
check 'or in the middle of a large one' survives down 1 'GetObject z* 1 cut 2000000'
check 'a byte of an answer is flipped' survives down 3 'GetObject o* 4-6 flip 2'

tool fill again 2500
# Of listings the first is the look at the source, then come three pages and the end again.
lists_all() { # RULE...
	number=$((number + 1))
	name=trial$number
	tool make "$name" && job "$name" "$(libs3 again)" "$(libs3 "$name")" && s3d_faults server "$@" ||
		return 1
	exits_with 0 migrate-run "$name.yml" || { s3d_faults server; return 1; }
	was_hit 1 || return 1
	s3d_faults server
	status_counts "$name.yml" done=2500 failed=0
}
check 'a page of the listing breaks off' lists_all 'ListObjects * 4 cut 30000'
check 'a page breaks off before its first key' lists_all 'ListObjects * 3 cut 150'
check 'the last page breaks off' lists_all 'ListObjects * 5 cut 20000'
check 'an error in the place of a page' lists_all 'ListObjects * 3 error-200 InternalError'
check 'an error in the place of the last page' lists_all 'ListObjects * 5 error-200 InternalError'
check 'nothing in the place of a page' lists_all 'ListObjects * 4 empty-200'
check 'a page says too early that it is the last' lists_all 'ListObjects * 3 page end'
check '500 on a page' lists_all 'ListObjects * 4 status 500 InternalError'

# ---- Killed -------------------------------------------------------------------------------

tool make killed
job killed '{plugin: posix, root: files}' "$(libs3 killed)"
# killed_at OPERATION N: when the endpoint is in the middle of the Nth such request
killed_at() {
	s3d_faults server "$1 * $2 delay 3"
	start run migrate-run --progress=none killed.yml
	wait_until 20 in_the_middle "$1" || return 1
	signals run KILL
	ends_with 137 run
	t_got=$?
	s3d_faults server
	return "$t_got"
}
in_the_middle() {
	curl -s "$server_url/.s3d/script" | grep -q "^[0-9]* 1 $1 "
}
check 'a run is killed while it writes' killed_at PutObject 5
check 'and while it looks at what it wrote' killed_at HeadObject 12
check 'the next one finishes' exits_with 0 migrate-run killed.yml
nothing_lost() {
	tool show killed >killed.txt && diff source.txt killed.txt
}
check 'and each object has the right bytes' nothing_lost

finish
