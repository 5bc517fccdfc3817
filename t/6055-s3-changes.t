#!/bin/sh
# SPDX-License-Identifier: MIT
# Objects and buckets that change while they are copied, on servers that heed conditions and on
# those that do not; and servers that know only the first version of listings.
# shellcheck disable=SC2015,SC2016,SC2154 # ${SECRET} is for the job file; s3d_up sets server_url

. "${srcdir:-.}/t/lib.sh"
. "$srcdir/t/servers/s3.sh"
T_TIMEOUT=60
s3_needed
if ! s3d_up aws || ! s3d_up ceph --dialect ceph || ! s3d_up r2 --dialect r2 ||
	! s3d_up swift --dialect swift || ! s3d_up old --set list-v2=no; then
	echo 'Bail out! s3d does not start'
	exit 99
fi

at() { # SERVER
	eval "url=\$$1_url"
}

tool() { # SERVER WORD...
	at "$1"
	shift
	"$srcdir/t/servers/s3-tool" "$url" "$@"
}

end() { # SERVER BUCKET [OPTIONS]
	at "$1"
	echo "{plugin: s3, endpoint: '$url', bucket: $2, access_key: $s3_access_key," \
		"secret_key: '\${SECRET}'${3:+, $3}}"
}

job() { # NAME SOURCE DESTINATION [LINE...]
	job_name=$1
	{
		printf 'source: %s\ndestination: %s\n' "$2" "$3"
		shift 3
		[ $# -eq 0 ] || printf '%s\n' "$@"
	} | write_job "$job_name.yml"
}

head -c 5500000 /dev/urandom >large
head -c 400 /dev/urandom >small

# fill SERVER BUCKET: 8 small objects, one that was uploaded in parts, and one that will be copied so
fill() {
	tool "$1" make "$2" "$2-to" && tool "$1" fill "$2" 8 && tool "$1" put "$2" large large &&
		tool "$1" put-parts "$2" parts large
}

# equal SERVER BUCKET OTHER
equal() {
	tool "$1" show "$2" | cut -d ' ' -f 1-3 >one && tool "$1" show "$3" | cut -d ' ' -f 1-3 >two &&
		[ -s one ] && diff one two
}

no_uploads() { # SERVER
	at "$1"
	t_got=$(curl -s "$url/.s3d/stats" | jq .uploads)
	[ "$t_got" = 0 ] || { echo "$t_got uploads are left"; return 1; }
}

# ---- Overwritten while it is copied -----------------------------------------------------

number=0
# copes SERVER OPTIONS RULE...: what is copied is in the end what the source holds
copes() {
	number=$((number + 1))
	server=$1 bucket=changing$number options=$2
	shift 2
	fill "$server" "$bucket" || return 1
	job "$bucket" "$(end "$server" "$bucket")" "$(end "$server" "$bucket-to" "$options")"
	s3d_faults "$server" "$@"
	exits_with 0 migrate-run --set copy.part_size=5MiB "$bucket.yml" || { s3d_faults "$server"; return 1; }
	at "$server"
	[ $# -eq 0 ] || were_hit 1 "$url/.s3d/script" || { s3d_faults "$server"; return 1; }
	s3d_faults "$server"
	equal "$server" "$bucket" "$bucket-to" && no_uploads "$server"
}

for server in aws ceph r2; do
	check "$server: a source is overwritten just before the server copies it" copes $server '' \
		'CopyObject o* 3 swap' 'CopyObject o* 5 swap 300' 'CopyObject parts 1 swap 5500000'
	check "$server: between two parts of it" copes $server 'copy_max: 1MiB' \
		'UploadPartCopy large 2 swap 5500000' 'UploadPartCopy parts 1 swap 5400000'
	check "$server: a copy's answer is lost" copes $server '' 'CopyObject o* 3 reset-committed' \
		'CopyObject parts 1 reset-committed'
	check "$server: and that of an upload" copes $server 'copy_max: 1MiB' \
		'CompleteMultipartUpload parts 1 reset-committed' \
		'CompleteMultipartUpload large 1 status-committed 500 InternalError'
done

check 'swift: what was uploaded in parts meets no condition, and is copied all the same' copes swift \
	'copy_max: 1MiB'
check 'swift: also where the server would copy it whole' copes swift ''

# streams SERVER RULE...: the same by way of us, to another server
streams() {
	number=$((number + 1))
	server=$1 bucket=changing$number
	shift
	fill "$server" "$bucket" && mkdir "$bucket" || return 1
	job "$bucket" "$(end "$server" "$bucket")" "{plugin: posix, root: $bucket}"
	s3d_faults "$server" "$@"
	run migrate-run --set copy.part_size=5MiB "$bucket.yml"
	s3d_faults "$server"
	tool "$server" show "$bucket" | cut -d ' ' -f 1,3 >one
	(cd "$bucket" && md5sum -- *) | awk '{ print $2, $1 }' >two
	[ -s one ] && diff one two
}
check 'overwritten while we read it' streams aws 'GetObject o* 3 swap' 'GetObject parts 2 swap 5500000'
check 'also on a server that heeds few conditions' streams ceph 'GetObject o* 3 swap' \
	'GetObject parts 2 swap 5500000'

# ---- Removed -----------------------------------------------------------------------------

fill aws gone
job gone "$(end aws gone)" "$(end aws gone-to)"
s3d_faults aws 'CopyObject o* 4 remove'
check 'an object that was removed before it is copied' exits_with 0 migrate-run gone.yml
s3d_faults aws
check 'is gone, and the others are there' status_counts gone.yml done=9 gone=1
check 'where they should be' equal aws gone gone-to

# A bucket that is emptied and removed while the job runs is everything's trouble.
fill aws lost
job lost "$(end aws lost)" "$(end aws lost-to)" 'patience: 2s'
s3d_faults aws 'CopyObject o* 4+ status 404 NoSuchBucket' 'ListObjectsV2 * 6+ status 404 NoSuchBucket'
check 'a bucket that disappears is waited for' exits_with 9 migrate-run lost.yml
check 'and said to be missing' last_output_has NoSuchBucket
s3d_faults aws
check 'when it is back' exits_with 0 migrate-run lost.yml
check 'the job is done' equal aws lost lost-to

# ---- What is there already ------------------------------------------------------------------

for server in aws ceph; do
	fill $server taken-$server
	for key in o00001 o00004 parts large; do
		tool $server put taken-$server-to $key small
	done
	tool $server put taken-$server-to o00007 small x-amz-meta-of:somebody
	job taken-$server "$(end $server taken-$server)" "$(end $server taken-$server-to 'copy_max: 1MiB')"
	check "$server: other bytes under the same keys" exits_with 3 migrate-run taken-$server.yml
	check "$server: are conflicts" status_counts taken-$server.yml done=5 failed=5
	kept() {
		tool "$server" show "taken-$server-to" | grep -c ' 400 ' | grep -qx 5
	}
	check "$server: and stay" kept
	check "$server: no upload is left" no_uploads $server
done
# It ignores conditions on what is written from the first request on; that is measured.
fill aws careless
tool aws put careless-to o00003 small
job careless "$(end aws careless)" "$(end aws careless-to)"
s3d_faults aws '* * * ignore-conditions'
check 'a server that ignores conditions' exits_with 3 migrate-run careless.yml
s3d_faults aws
check 'overwrites nothing' status_counts careless.yml done=9 failed=1

# ---- The first version of listings ----------------------------------------------------------------

tool old make many many-to awkward awkward-to
tool old fill many 2300
job many "$(end old many)" "$(end old many-to)"
check 'a server that knows only the first version of listings' exits_with 0 migrate-run many.yml
check 'is listed whole' status_counts many.yml total=2300 done=2300
check 'in as many requests as it takes' s3d_log_says old \
	'[.[] | select(.bucket == "many" and .op == "ListObjects" and (.query | test("max-keys=1000")))] | length' 3
tool old awkward awkward
job awkward "$(end old awkward)" "$(end old awkward-to)" 'batch: 7'
check 'whatever its keys are' exits_with 0 migrate-run awkward.yml
check 'to the byte' equal old awkward awkward-to

# One that cannot say the first key without being asked for an encoding.
tool swift make weird weird-to
tool swift awkward weird
job weird "$(end swift weird)" "$(end swift weird-to)"
check 'a server that XML fails' exits_with 0 migrate-run weird.yml
check 'is asked so that it can answer' equal swift weird weird-to

finish
