#!/bin/sh
# SPDX-License-Identifier: MIT
# A probe of a bucket tells what its server does, and leaves nothing; without it nothing is written.
# shellcheck disable=SC2016,SC2154 # ${SECRET} is for the job file; s3d_up sets server_url

. "${srcdir:-.}/t/lib.sh"
. "$srcdir/t/servers/s3.sh"
T_TIMEOUT=60
s3_needed

s3() { # BUCKET [OPTIONS]
	echo "{plugin: s3, endpoint: '$server_url', bucket: $1, access_key: $s3_access_key," \
		"secret_key: '\${SECRET}'${2:+, $2}}"
}

# up DIALECT [OPTION...]: another server, with two buckets and a job between them
up() {
	t_dialect=$1
	shift
	rm -f job.journal*
	s3d_up server --dialect "$t_dialect" "$@" && tool make from target && tool fill from 3 image/ || return 1
	printf 'source: %s\ndestination: %s\n' "$(s3 from)" "$(s3 target)" | write_job job.yml
}
down() {
	signals server TERM && ends_with 143 server
}

# finds VERDICT NAME...: each of these findings in the last --json
finds() {
	t_verdict=$1
	shift
	for t_name; do
		t_got=$(last_stdout | jq -r --arg name "$t_name" \
			'.probe.findings[] | select(.name == $name) | .verdict')
		[ "$t_got" = "$t_verdict" ] ||
			{ echo "'$t_name' is '$t_got' instead of '$t_verdict'"; return 1; }
	done
}

# writes BUCKET: how many requests there would have changed something
writes() {
	jq -rs --arg b "$1" '[.[] | select(.bucket == $b and
		(.op | test("^(Put|Copy|Create|Upload|Complete|Abort|Delete)")))] | length' "$t_top/server/log"
}
writes_nothing_more() {
	t_got=$(writes target)
	[ "$t_got" = "$t_before" ] || { echo "$t_got writes instead of $t_before"; return 1; }
}
nothing_is_left() {
	tool show target >left && tool uploads target >>left || return 1
	is_empty left || return 1
}
only_scratch() {
	s3d_log_says server '[.[] | select(.bucket == "target" and .key != "" and
		(.key | test("^[.]migrate-[0-9a-f]{16}-scratch-[0-9a-f]{8}-") | not))] | length' 0
}

# ---- AWS -------------------------------------------------------------------------------------

check 'a server of AWS, as far as it can be told' up aws
t_before=$(writes target)
check 'a look at the job' exits_with 0 migrate-check job.yml
check 'writes nothing' writes_nothing_more
check 'but warns that conditions were not tried' last_stderr_has 'without --probe it is not known'
check 'a dry run' exits_with 0 migrate-run --dry-run job.yml
check 'writes nothing either' writes_nothing_more
check 'a probe' exits_with 0 migrate-check --probe --json job.yml
check 'finds all conditions heeded' finds yes 'put: only where nothing is' \
	'copy: only where nothing is' 'parts: only where nothing is' 'remove: only what is known' \
	'If-None-Match: PutObject' 'If-None-Match: CopyObject' 'If-Match: DeleteObject' \
	'If-None-Match: CompleteMultipartUpload' 'copy-source-if-match'
check 'all sums checked' finds yes 'Content-MD5 is checked' 'x-amz-checksum-sha256 is checked' \
	'x-amz-checksum-crc32c is checked' 'x-amz-checksum-crc64nvme is checked'
check 'etags of both kinds' finds yes "etag is the content's MD5" 'etag of parts is the MD5 of theirs'
check 'listings' finds yes 'ListObjectsV2' 'ListObjectsV2: start-after' 'encoding-type=url' \
	'list: page by page' 'list: in byte order' 'list: after a key'
check 'no secret in it' last_output_lacks "$s3_secret_key"
check 'it wrote scratch objects only' only_scratch
check 'and none is left' nothing_is_left
check 'for people' exits_with 0 migrate-check --probe job.yml
check 'it is a card' last_stdout_has 'destination, tried with ' 'in the words of s3:' \
	'If-None-Match: PutObject           yes'
check 'without a word of overwriting' last_output_lacks 'to refuse to overwrite'

# ---- Not one request more than needed ----------------------------------------------------------

# asks OPERATION...: just these requests since the log had that many lines
asks() {
	tail -n "+$((t_before + 1))" "$t_top/server/log" | jq -r '"\(.op) \(.bucket)"' >asked
	printf '%s\n' "$@" | diff - asked
}
printf 'source: %s\ndestination: %s\n' "$(s3 from)" "$(s3 target 'conditions: yes')" | write_job exact.yml
t_before=$(jq -s length "$t_top/server/log")
check 'a run' exits_with 0 migrate-run exact.yml
check 'looks once at each bucket, lists, and copies' asks 'ListObjectsV2 from' 'ListObjectsV2 target' \
	'ListObjectsV2 from' 'CopyObject target' 'CopyObject target' 'CopyObject target'
for i in 1 2 3; do
	tool remove target "image/0000$i"
done
mkdir medium && head -c 3145728 /dev/zero >medium/3MiB
printf 'source: {plugin: posix, root: medium}\ndestination: %s\ncopy: {part_size: 1MiB}\n' \
	"$(s3 target 'conditions: yes')" | write_job medium.yml
t_before=$(jq -s length "$t_top/server/log")
check 'what is smaller than a part may be' exits_with 0 migrate-run medium.yml
check 'goes in one piece' asks 'ListObjectsV2 target' 'PutObject target'
tool remove target 3MiB

# ---- Keys of two servers ---------------------------------------------------------------------

write_job strangers.yml <<-END
	source: {plugin: s3, endpoint: '$server_url', bucket: from}
	destination: {plugin: s3, endpoint: 'http://127.0.0.1:1', bucket: target}
END
strangers() {
	AWS_ACCESS_KEY_ID=$s3_access_key AWS_SECRET_ACCESS_KEY=$s3_secret_key run migrate-check strangers.yml
}
t_before=$(jq -s length "$t_top/server/log")
strangers
check 'keys of the environment are not for two servers' last_stderr_has 'source and destination would both' \
	'AWS_ACCESS_KEY_ID' "'endpoint' differs"
check 'neither of which is asked' s3d_log_says server length "$t_before"

# ---- Trouble ---------------------------------------------------------------------------------

s3d_faults server 'DeleteObject* *-scratch-* * status 403 AccessDenied' \
	'DeleteObjects * * status 403 AccessDenied'
check 'what cannot be removed' exits_with 2 migrate-check --probe job.yml
check 'is named' last_stderr_has 'cannot remove .migrate-'
s3d_faults server
check 'the next probe' exits_with 0 migrate-check --probe job.yml
check 'says that it was there' last_stderr_has 'had left behind'
check 'and removes it' nothing_is_left

echo image/00001 >names
s3d_faults server 'ListObjectsV2 * * status 403 AccessDenied' 'ListMultipartUploads * * status 403 AccessDenied'
check 'where nothing may be listed' exits_with 0 migrate-check --probe --set keys.from=file \
	--set keys.file=names job.yml
check 'a probe says so' last_stdout_has 'list: page by page                 unknown denied'
s3d_faults server
check 'and leaves nothing all the same' nothing_is_left

s3d_faults server 'PutObject * * status 403 AccessDenied'
check 'a bucket that cannot be written to' exits_with 2 migrate-check --probe job.yml
check 'is a problem of the destination' last_stderr_has 'destination: ' denied

# hit SIGNAL STATUS OPERATION COMMAND...: the signal comes in the middle of such a request
hit() {
	t_signal=$1 t_status=$2 t_operation=$3
	s3d_faults server "$3 *-scratch-* 1 delay 3"
	shift 3
	start one "$@"
	wait_until 20 in_the_middle "$t_operation" && signals one "$t_signal" && ends_with "$t_status" one
	t_got=$?
	s3d_faults server
	return "$t_got"
}
check 'SIGINT ends a probe' hit INT 4 UploadPartCopy migrate-check --probe job.yml
check 'which leaves nothing' nothing_is_left
check 'one that is killed may' hit KILL 137 UploadPartCopy migrate-check --probe job.yml
check 'until the next' exits_with 0 migrate-check --probe job.yml
check 'has cleaned up' nothing_is_left

check 'a first run is killed while it measures' hit KILL 137 UploadPart migrate-run job.yml
check 'its journal has nothing to tell yet' exits_with 0 migrate-status job.yml
check 'and fits' exits_with 0 migrate-check job.yml
check 'whatever the job says by now' exits_with 0 migrate-check --set keys.prefix=image/ job.yml
check 'the next one copies' exits_with 0 migrate-run job.yml
all_of_it() {
	tool show target | cut -d ' ' -f 1 >left && printf 'image%%2F%05d\n' 1 2 3 | diff - left && [ -z "$(tool uploads target)" ]
}
check 'and nothing else is there' all_of_it
check 'that server is done' down

# ---- Dialects --------------------------------------------------------------------------------

check 'a server like Ceph' up ceph
check 'its probe' exits_with 0 migrate-check --probe --json job.yml
check 'finds conditions that are heeded' finds yes 'If-None-Match: PutObject' 'If-Match: PutObject' \
	'put: only where nothing is'
check 'and some that are not' finds no 'If-None-Match: CopyObject' 'copy-source-if-match' \
	'If-None-Match: CompleteMultipartUpload' 'If-Match: DeleteObject' 'copy: only where nothing is' \
	'parts: only where nothing is' 'x-amz-checksum-sha256 is checked'
check 'and leaves nothing' nothing_is_left
from_posix() {
	mkdir -p files && printf a >files/a && printf b >files/b &&
		printf 'source: {plugin: posix, root: files}\ndestination: %s\n' "$(s3 target)" |
		write_job posix.yml && t_before=$(jq -s length "$t_top/server/log") &&
		exits_with 0 migrate-run posix.yml
}
check 'a run to it' from_posix
check 'puts without a look, for puts heed the condition' s3d_log_says server \
	'[.[] | select(.op == "HeadObject" and (.key == "a" or .key == "b"))] | length' 0
check 'that server is done, too' down

check 'a server that ignores all conditions' up aws --set put-if-none-match=no --set put-if-match=no \
	--set copy-if=no --set complete-if=no --set delete-if=no --set copy-source-if=no \
	--set checksums=no --set plain-md5=no --set tagging=refuse --set part-copy=refuse
check 'is seen through' exits_with 0 migrate-check --probe --json job.yml
check 'in every way' finds no 'put: only where nothing is' 'copy: only where nothing is' \
	'parts: only where nothing is' 'put: only over what is known' 'remove: only what is known' \
	"etag is the content's MD5" 'look: tells a digest' 'tags' 'parts: made by the store itself'
check 'yet what is copied of is what was meant' finds yes 'copy: only of what is known'
check 'nothing is left there' nothing_is_left
check 'its run overwrites nothing' exits_with 0 migrate-run job.yml
check 'for it looks before it copies' s3d_log_says server \
	'[.[] | select(.bucket == "target" and .op == "HeadObject" and .status == 404 and (.key | startswith("image/")))] | length' 3
check 'and it is done' down

check 'the first years of S3' up minio --set list-v2=no --set encoding-url=no --set delete-objects=refuse \
	--set meta-max=1500
check 'are probed' exits_with 0 migrate-check --probe --json job.yml
check 'for what they are' finds no 'ListObjectsV2' 'encoding-type=url'
largest() {
	t_got=$(last_stdout | jq -r '.probe.findings[] | select(.name == "largest metadata") | .said')
	[ "$t_got" = '1024 bytes' ] || { echo "largest: $t_got"; return 1; }
}
check 'with how much metadata they keep' largest
check 'and nothing is left of it' nothing_is_left

finish
