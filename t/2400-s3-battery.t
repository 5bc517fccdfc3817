#!/bin/sh
# SPDX-License-Identifier: MIT
# s3 keeps the contract of migrate-plugin(3) on every dialect of S3.
# shellcheck disable=SC2016,SC2154 # ${SECRET} is for the options file; s3d_up sets server_url

. "${srcdir:-.}/t/lib.sh"
. "$srcdir/t/servers/s3.sh"

command -v curl >/dev/null || skip_all 'curl, which makes the buckets, is not installed'
s3_needed

bucket() { # URL NAME
	[ "$(curl -s -o /dev/null -w '%{http_code}' -X PUT --data '' -H 'Content-Type:' \
		-H "x-amz-content-sha256: $(printf '' | sha256sum | cut -d ' ' -f 1)" \
		--aws-sigv4 aws:amz:us-east-1:s3 --user "$s3_access_key:$s3_secret_key" \
		"$1/$2")" = 200 ]
}

options() { # URL BUCKET
	printf 'endpoint: %s\nbucket: %s\naccess_key: %s\nsecret_key: ${SECRET}\n' \
		"$1" "$2" "$s3_access_key"
}

# keeps_the_contract DIALECT LEAST: so many promises were made, and kept.
keeps_the_contract() {
	s3d_up server --dialect "$1" && bucket "$server_url" battery || return 1
	options "$server_url" battery >"$1.yml"
	exits_with 0 migrate-plugin check s3 "$1.yml" || { last_stdout | grep -A1 '^not ok'; return 1; }
	t_kept=$(last_stdout | grep '^ok' | grep -vc '# SKIP')
	[ "$t_kept" -ge "$2" ] || { echo "$t_kept promises instead of $2"; return 1; }
}

leaves_nothing() {
	server_left=$(curl -s "$server_url/.s3d/stats" | jq -c '[.objects, .uploads]')
	[ "$server_left" = '[0,0]' ] || { echo "left behind: $server_left"; return 1; }
}

check 'AWS: with all that may be promised' keeps_the_contract aws 47
check 'and nothing is left, of scratch objects and uploads neither' leaves_nothing
for dialect in ceph minio gcs swift r2 wasabi b2; do
	check "$dialect: with less, and kept" keeps_the_contract "$dialect" 41
done

options "$server_url" nobody >missing.yml
check 'a bucket that is not there is refused' exits_with 2 migrate-plugin check s3 missing.yml
check 'with its name' last_output_has "there is no 'nobody'"
SECRET=wrong
check 'so is a secret that is wrong' exits_with 2 migrate-plugin check s3 b2.yml
check 'with what to look at' last_output_has 'look at access_key and secret_key'

finish
