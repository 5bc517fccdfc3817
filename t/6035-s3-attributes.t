#!/bin/sh
# SPDX-License-Identifier: MIT
# What travels with an object: headers, metadata, tags, access control, storage class; what an
# archive holds; and which checksums are sent to whom.
# shellcheck disable=SC2016,SC2154 # ${SECRET} is for the job file; s3d_up sets server_url

. "${srcdir:-.}/t/lib.sh"
. "$srcdir/t/servers/s3.sh"
T_TIMEOUT=60
s3_needed
if ! s3d_up server --set owner-enforced=no || ! s3d_up other --set owner-enforced=no ||
	! s3d_up strict; then
	echo 'Bail out! s3d does not start'
	exit 99
fi

end() { # URL BUCKET [OPTIONS]
	echo "{plugin: s3, endpoint: '$1', bucket: $2, access_key: $s3_access_key," \
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

kinds='tags acl class'
# same_at URL BUCKET: what stands there bears what that of the source does
same_at() {
	# shellcheck disable=SC2086 # words
	tool tell source $kinds >one && "$srcdir/t/servers/s3-tool" "$1" tell "$2" $kinds >two &&
		[ -s one ] && diff one two
}

asked() { # NAME FILTER ANSWER: of the requests of a server
	s3d_log_says "$1" "$2" "$3"
}

# ---- Everything travels, if it shall ------------------------------------------------------

tool make source copied plain parts canned archive thawed
"$srcdir/t/servers/s3-tool" "$other_url" make streamed infrequent
tool dressed source tags acl
head -c 100 /dev/urandom >small
head -c 5500000 /dev/urandom >large
tool put source ia small x-amz-storage-class:STANDARD_IA
tool put source large large x-amz-storage-class:ONEZONE_IA x-amz-meta-who:me x-amz-tagging:a=b \
	x-amz-acl:public-read content-type:image/tiff
all='tags: true, acl: copy, storage_class: copy'
job copied "$(end "$server_url" source "$all")" "$(end "$server_url" copied "$all")"
check 'copies of the server' exits_with 0 migrate-run copied.yml
check 'bear what their originals do' same_at "$server_url" copied
job parts "$(end "$server_url" source "$all")" "$(end "$server_url" parts "$all, copy_max: 1MiB")"
check 'so do those it makes in parts' exits_with 0 migrate-run --set copy.part_size=5MiB parts.yml
check 'in all they bear' same_at "$server_url" parts
check 'which were two' asked server \
	'[.[] | select(.op == "UploadPartCopy" and .bucket == "parts" and .status == 200)] | length' 2
job streamed "$(end "$server_url" source "$all")" "$(end "$other_url" streamed "$all")"
check 'so do those whose bytes pass through us' exits_with 0 migrate-run streamed.yml
check 'in all they bear, too' same_at "$other_url" streamed
check 'and nothing is said to be lost' last_output_lacks warning

job plain "$(end "$server_url" source)" "$(end "$server_url" plain)"
check 'without the options' exits_with 0 migrate-run plain.yml
classes() { # BUCKET: storage classes and grants, each once
	tool tell "$1" acl class >told || return 1
	[ -s told ] || { echo nothing; return 1; }
	grep -o "'[A-Z_]*_IA'\|AllUsers" told | sort -u | tr '\n' ' '
}
check 'storage class and access control are the bucket'\''s own' test "$(classes plain)" = ''
job canned "$(end "$server_url" source)" \
	"$(end "$server_url" canned 'acl: public-read, storage_class: STANDARD_IA')" 'keys: {prefix: t}'
check 'or what the options say' exits_with 0 migrate-run canned.yml
check 'for all of them' test "$(classes canned)" = "'STANDARD_IA' AllUsers "
job infrequent "$(end "$server_url" source)" "$(end "$other_url" infrequent 'storage_class: STANDARD_IA')" 'keys: {prefix: t}'
check 'also where bytes pass through' exits_with 0 migrate-run infrequent.yml
"$srcdir/t/servers/s3-tool" "$strict_url" make strict
job strict "$(end "$server_url" source)" "$(end "$strict_url" strict 'acl: public-read')" 'keys: {prefix: t}'
check 'a bucket that knows no access control lists' exits_with 3 migrate-run --set attempts=2 strict.yml
check 'says so itself' last_output_has AccessControlListNotSupported

# ---- Archives --------------------------------------------------------------------------------

tool put archive cold/1 small x-amz-storage-class:GLACIER
tool put archive cold/2 small x-amz-storage-class:DEEP_ARCHIVE
tool put archive cold/3 small x-amz-storage-class:GLACIER
tool put archive warm small x-amz-storage-class:GLACIER_IR
tool restore archive cold/3
job archive "$(end "$server_url" archive 'dialect: aws')" "$(end "$server_url" thawed 'dialect: aws')"
check 'what is archived is left out' exits_with 0 migrate-run archive.yml
check 'and said' last_output_has 'passed over: 2 archived'
check 'but not what was restored' status_counts archive.yml total=2 done=2
tool restore archive cold/1
check 'once it is restored' exits_with 0 migrate-run archive.yml
check 'it follows' status_counts archive.yml total=3 done=3
check 'and one is left' last_output_has 'passed over: 1 archived'
rm -f archive.journal*
job archive "$(end "$server_url" archive)" "$(end "$other_url" infrequent)"
check 'where a listing does not tell what was restored' exits_with 3 migrate-run archive.yml
check 'only what is not fails' status_counts archive.yml done=3 failed=1
check 'for that reason' last_output_has 'cold/2: ' 'archived and must be restored'

# ---- Checksums ---------------------------------------------------------------------------------

mkdir files
cp small large files/
sums='[.[] | .headers | keys[] | ascii_downcase | select(test("^x-amz-checksum-.*[0-9]$|trailer"))] | unique | .[]'
check 'no checksum was sent that a server might not know' asked server "$sums" ''
"$srcdir/t/servers/s3-tool" "$strict_url" make sums
job sums '{plugin: posix, root: files}' "$(end "$strict_url" sums 'dialect: aws, sse: kms')"
check 'to AWS, where etags are no digests' exits_with 0 migrate-run --set copy.part_size=5MiB sums.yml
check 'a checksum is sent' asked strict "$sums" x-amz-checksum-sha256
check 'and stored' asked strict \
	'[.[] | select(.op == "PutObject" and .key == "small" and .status == 200)] | length' 1
s3d_faults strict 'PutObject small * flip-stored 0'
check 'all of it can be verified' exits_with 0 migrate-verify sums.yml

finish
