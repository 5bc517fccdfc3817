#!/bin/sh
# SPDX-License-Identifier: MIT
# From one server to another, what the source says of its bytes goes with them and is proved at
# the other end.
# shellcheck disable=SC2016,SC2154 # ${SECRET} is for the job file; s3d_up sets one_url, two_url

. "${srcdir:-.}/t/lib.sh"
. "$srcdir/t/servers/s3.sh"
T_TIMEOUT=60
s3_needed
{ s3d_up one && s3d_up two; } || no_s3d

tool() { # URL WORD...
	"$srcdir/t/servers/s3-tool" "$@"
}

s3() { # URL BUCKET
	echo "{plugin: s3, endpoint: '$1', bucket: $2, access_key: $s3_access_key," \
		"secret_key: '\${SECRET}', conditions: yes}"
}

job() { # NAME SOURCE DESTINATION
	write_job "$1.yml" <<-END
		source: $2
		destination: $3
		copy: {part_size: 5MiB}
	END
}

same_at_both() { # BUCKET
	tool "$one_url" show from >from.txt && tool "$two_url" show "$1" >to.txt && [ -s from.txt ] &&
		diff from.txt to.txt
}

was_hit() {
	were_hit 1 "$one_url/.s3d/script"
}

mkdir files
echo small >files/small
head -c 12582912 /dev/urandom >files/whole
{ tool "$one_url" make from && tool "$two_url" make aaa bbb ccc; } ||
	{ echo 'Bail out! no buckets'; exit 99; }
for key in small whole; do
	tool "$one_url" put from "$key" "files/$key" || { echo 'Bail out! no objects'; exit 99; }
done

job across "$(s3 "$one_url" from)" "$(s3 "$two_url" aaa)"
check 'objects go from one server to another' exits_with 0 migrate-run across.yml
check 'and are the same there' same_at_both aaa
check 'one that is larger than a part is sent whole, for its digest is known' \
	s3d_log_says two '[.[] | select(.bucket == "aaa" and .key == "whole") | .op] | map(select(startswith("Head") or startswith("Get") | not)) | unique | join(" ")' PutObject
check 'with that digest' s3d_log_says two \
	'[.[] | select(.bucket == "aaa" and .op == "PutObject") | .headers | has("content-md5")] | all' true
check 'which is evidence enough' status_says across.yml '.failures_by_class | length' 0

s3d_faults one 'GetObject small 1 flip 2' 'GetObject whole 1 flip 8000000'
job broken "$(s3 "$one_url" from)" "$(s3 "$two_url" bbb)"
check 'bytes that break on the way' exits_with 0 migrate-run broken.yml
check 'they did' was_hit
check 'are refused at the other end, and sent again' same_at_both bbb

s3d_faults one 'GetObject small 1 flip 2' 'GetObject whole 1 flip 8000000'
mkdir down
job down "$(s3 "$one_url" from)" '{plugin: posix, root: down}'
check 'bytes that break on the way to files' exits_with 0 migrate-run down.yml
check 'are read again' same_tree files down
s3d_faults one

job back '{plugin: posix, root: files}' "$(s3 "$one_url" from)"
sed -i 's/root: files}/root: parts}/' back.yml
mkdir parts && head -c 12582912 /dev/urandom >parts/parts
check 'an object that came in parts' exits_with 0 migrate-run back.yml
job again "$(s3 "$one_url" from)" "$(s3 "$two_url" ccc)"
check 'goes on its way' exits_with 0 migrate-run again.yml
check 'in parts, for no digest of it is known' s3d_log_says two \
	'[.[] | select(.bucket == "ccc" and .key == "parts") | .op] | index("CompleteMultipartUpload") != null' true
check 'and is the same' same_at_both ccc
check 'no upload is left' test "$(curl -s "$two_url/.s3d/stats" | jq .uploads)" = 0
finish
