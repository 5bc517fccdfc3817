#!/bin/sh
# SPDX-License-Identifier: MIT
# Our own S3 server keeps what S3 promises, as clients see that have nothing to do with it;
# and what it is checked with for that holds for a radosgw too.
# shellcheck disable=SC2154 # s3d_up sets NAME_url and the like

. "${srcdir:-.}/t/lib.sh"
. "$srcdir/t/servers/s3.sh"
s3d_needed
checker=$srcdir/t/servers/s3d/s3d-check
tab=$(printf '\t')

# each KIND WHOSE COMMAND...: one promise for each check of that kind.
each() {
	kind=$1 whose=$2
	shift 2
	"$checker" --list "$kind" >"$t_top/$kind" || return 1
	while IFS=$tab read -r name promise; do
		check "$whose: $promise" "$@" "$name"
	done <"$t_top/$kind"
}

on_s3d() {
	timeout 120 "$checker" "$server_url" "$1" "$second_url"
}

on_radosgw() {
	timeout 120 "$checker" "$radosgw_url" "$1"
}

# ---- s3d ------------------------------------------------------------------------

check 's3d starts and says where it listens' s3d_up server --region us-east-1 --region eu-west-1
second_url=http://127.0.0.1:$(sed -n 2p "$t_top/server/port")
each generic s3d on_s3d
each strict s3d on_s3d

count_requests() {
	lines=$(jq -s length "$server_log")
	requests=$(curl -s "$server_url/.s3d/stats" | jq .requests)
	[ "$lines" -eq "$requests" ] || { echo "$lines lines, $requests requests"; return 1; }
}
check 'its log has one line of JSON for each request' count_requests
check 'the log names the operation and the key, escaped' \
	grep -q '"op":"PutObject","bucket":"[^"]*","key":"a%252Fb"' "$server_log"
check 'the log has the conditions that were sent' \
	grep -q '"x-amz-copy-source-if-match":' "$server_log"
check 'the log has no secret' \
	not grep -q -e '"authorization":' -e '"x-amz-security-token":' -e "$s3_secret_key" "$server_log"

# ---- The dialects, tokens, TLS, the synthetic store ------------------------------

has_dialect() {
	s3d_up "dialect_$1" --dialect "$1" &&
		eval "dialect_url=\$dialect_$1_url" &&
		timeout 60 "$checker" "$dialect_url" attributes &&
		timeout 60 "$checker" "$dialect_url" copies &&
		signals "dialect_$1" TERM
}
for dialect in aws ceph minio gcs swift r2 wasabi b2; do
	check "the dialect $dialect reads, writes and copies" has_dialect "$dialect"
done
check 'a dialect that is not known is refused' exits_with 2 "$s3d_program" --dialect other

# AWS's own form of a request, by another hand than ours.
curl_signed() { # URL [OPTION...]
	curl -s --aws-sigv4 aws:amz:us-east-1:s3 --user "$s3_access_key:$s3_secret_key" "$@"
}
# signed_status STATUS URL [OPTION...]
signed_status() {
	wanted=$1
	shift
	got=$(curl_signed -o "$t_top/answer" -w '%{http_code}' "$@")
	[ "$got" = "$wanted" ] || { echo "$got instead of $wanted"; cat "$t_top/answer"; return 1; }
}
empty='x-amz-content-sha256: e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855'

check 'with a session token it starts' s3d_up token --session-token one,two
check 'a request without the token is refused' signed_status 403 "$token_url/" -H "$empty"
check 'one with an unknown token is refused' \
	signed_status 400 "$token_url/" -H "$empty" -H 'x-amz-security-token: three'
check 'one with the token is answered' \
	signed_status 200 "$token_url/" -H "$empty" -H 'x-amz-security-token: two'
s3d_faults token '* * * expired two'
check 'a token can expire' \
	signed_status 400 "$token_url/" -H "$empty" -H 'x-amz-security-token: two'
check 'while another still holds' \
	signed_status 200 "$token_url/" -H "$empty" -H 'x-amz-security-token: one'

openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=localhost \
	-addext 'subjectAltName=DNS:localhost,DNS:*.s3.localhost,IP:127.0.0.1' \
	-keyout "$t_top/key.pem" -out "$t_top/cert.pem" 2>/dev/null
check 'with a certificate it speaks TLS' s3d_up tls --domain s3.localhost \
	--tls "$t_top/cert.pem" "$t_top/key.pem"
check 'its certificate is the one it was given' \
	signed_status 200 "https://localhost:$tls_port/" -H "$empty" --cacert "$t_top/cert.pem"
check 'and plain HTTP gets no answer' not curl -s "http://localhost:$tls_port/"
check 'a bucket is found in the name of the host' \
	signed_status 200 "https://some.s3.localhost:$tls_port/" -X PUT -H "$empty" \
	-H 'content-length: 0' --resolve "some.s3.localhost:$tls_port:127.0.0.1" --cacert "$t_top/cert.pem"
check 'which is the bucket of the path' \
	signed_status 200 "https://localhost:$tls_port/some" -I -H "$empty" --cacert "$t_top/cert.pem"

check 'with a clock that is 20 minutes ahead it starts' s3d_up late --time-skew 1200
check 'and then refuses a request of now' signed_status 403 "$late_url/" -H "$empty"

holds_bytes() { # FILE N
	[ "$(wc -c <"$1")" -eq "$2" ]
}
check 'without a store it starts' s3d_up null --null
lists_synthetic() {
	curl_signed -H "$empty" "$null_url/src-1500-4096?list-type=2" >"$t_top/page" &&
		[ "$(grep -o '<Key>' "$t_top/page" | wc -l)" -eq 1000 ] &&
		curl_signed -H "$empty" "$null_url/src-1500-4096?continuation-token=o0000000999&list-type=2" \
			>"$t_top/page" &&
		[ "$(grep -o '<Key>' "$t_top/page" | wc -l)" -eq 500 ]
}
check 'it lists as many objects as the name of the bucket says' lists_synthetic
check 'it serves them' signed_status 200 "$null_url/src-1500-4096/o0000000007" -H "$empty"
check 'of the size that it says' holds_bytes "$t_top/answer" 4096
check 'and no more of them' signed_status 404 "$null_url/src-1500-4096/o0000001500" -H "$empty"

# ---- Clients of others ----------------------------------------------------------

mkdir tree && for i in 1 2 3; do
	head -c 3000 /dev/urandom >"tree/file $i+é%"
done
head -c 12582912 /dev/urandom >tree/large

with_rclone() {
	(
		# rclone refuses to start with it.
		unset AWS_CA_BUNDLE
		export RCLONE_CONFIG_T_TYPE=s3 RCLONE_CONFIG_T_PROVIDER=Other \
			RCLONE_CONFIG_T_ACCESS_KEY_ID="$s3_access_key" \
			RCLONE_CONFIG_T_SECRET_ACCESS_KEY="$s3_secret_key" \
			RCLONE_CONFIG_T_ENDPOINT="$1" RCLONE_CONFIG_T_FORCE_PATH_STYLE=true \
			RCLONE_CONFIG_T_ACL=bucket-owner-full-control \
			RCLONE_CONFIG_T_UPLOAD_CUTOFF=6Mi RCLONE_CONFIG_T_CHUNK_SIZE=5Mi
		rclone copy tree t:rclone/in && rclone copy t:rclone/in t:rclone/over &&
			rclone copy t:rclone/over back && diff -r tree back &&
			rclone check tree t:rclone/over && rclone purge t:rclone
	)
}

with_s3cmd() {
	cat >s3cfg <<-END
		[default]
		access_key = $s3_access_key
		secret_key = $s3_secret_key
		host_base = ${1#http://}
		host_bucket = ${1#http://}
		bucket_location = us-east-1
		use_https = False
		signature_v2 = $2
	END
	rm -rf back
	mkdir back
	s3cmd -c s3cfg mb s3://s3cmd && s3cmd -c s3cfg --multipart-chunk-size-mb=5 sync tree/ s3://s3cmd/in/ &&
		s3cmd -c s3cfg cp --recursive s3://s3cmd/in/ s3://s3cmd/over/ &&
		s3cmd -c s3cfg sync s3://s3cmd/over/ back/ && diff -r tree back &&
		s3cmd -c s3cfg rb --recursive --force s3://s3cmd
}

for client in rclone s3cmd; do
	if ! command -v "$client" >/dev/null; then
		skip "$client works with s3d" "$client is not installed"
	elif [ "$client" = rclone ]; then
		check 'rclone works with s3d' run with_rclone "$server_url"
	else
		check 's3cmd works with s3d' run with_s3cmd "$server_url" False
		check 'with signatures of version 2 it starts' s3d_up old --dialect ceph
		check 's3cmd works with s3d by signatures of version 2' run with_s3cmd "$old_url" True
	fi
done

# ---- The same checks on a real server --------------------------------------------

if command -v radosgw >/dev/null; then
	check 'a radosgw starts' radosgw_up
	each generic radosgw on_radosgw
else
	skip 'a radosgw keeps the same promises' 'radosgw is not installed (Debian: radosgw ceph-mon ceph-osd)'
fi

finish
