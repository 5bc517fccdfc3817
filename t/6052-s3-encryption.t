#!/bin/sh
# SPDX-License-Identifier: MIT
# Encryption that S3 is asked for, keys of our own, buckets whose owner others pay for.
# shellcheck disable=SC2015,SC2016,SC2154 # ${SECRET} is for the job file; s3d_up sets NAME_url and the like

. "${srcdir:-.}/t/lib.sh"
. "$srcdir/t/servers/s3.sh"
T_TIMEOUT=60
[ -f "$builddir/plugins/.libs/s3.so" ] || skip_all 's3 was not built'
s3d_needed
SECRET=$s3_secret_key
SSE=$(printf '0123456789abcdef0123456789ABCDEF' | base64)
OTHER='fedcba98 bytes as they are: 32 !'
export SECRET SSE OTHER
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN=localhost \
	-addext 'subjectAltName=IP:127.0.0.1' -keyout key.pem -out cert.pem 2>openssl.log
s3d_up tls --tls cert.pem key.pem && s3d_up plain || no_s3d
tls_url=https://127.0.0.1:$tls_port
S3_CA=cert.pem
export S3_CA
tool() {
	"$srcdir/t/servers/s3-tool" "$tls_url" "$@"
}
tool make secret copied kms asked far || { echo 'Bail out! no buckets'; exit 99; }
mkdir files
for i in 1 2 3 4 5 6; do
	write_file "files/o$i" "object $i"
done
: >files/none
head -c 11534336 /dev/urandom >files/zlarge

number=0
s3() { # BUCKET [OPTIONS]
	echo "{plugin: s3, endpoint: '$tls_url', bucket: $1, access_key: $s3_access_key," \
		"secret_key: '\${SECRET}', ca_file: cert.pem${2:+, $2}}"
}
posix() {
	echo "{plugin: posix, root: $1}"
}
job() { # SOURCE DESTINATION
	number=$((number + 1))
	printf 'job: job-%s\nsource: %s\ndestination: %s\npatience: 5s\ncopy: {part_size: 5MiB, concurrency: 2}\n' \
		"$number" "$1" "$2" | write_job job.yml
	: >"$tls_log"
}
goes() { # SOURCE DESTINATION: all of it, and what was written is looked at again
	job "$1" "$2" && exits_with 0 migrate-run job.yml && status_counts job.yml done=8 failed=0 &&
		exits_with 0 migrate-verify job.yml
}
# sent FILTER OP...: each request of these operations has it, but for scratch objects, and there are some
sent() {
	filter=$1
	shift
	for t_op; do
		s3d_log_says tls "[.[] | select(.op == \"$t_op\" and (.key | startswith(\".migrate-\") | not))]
			| length > 0 and all($filter)" true ||
			{ echo "$t_op"; return 1; }
	done
}
of_key='.headers["x-amz-server-side-encryption-customer-key-md5"]'
of_source='.headers["x-amz-copy-source-server-side-encryption-customer-key-md5"]'
sse='sse_c_key: "${SSE}"'
other='sse_c_key: "${OTHER}"'

# ---- SSE-C ------------------------------------------------------------------------------------

job "$(posix files)" "{plugin: s3, endpoint: '$plain_url', bucket: secret, access_key: $s3_access_key, secret_key: x, $sse}"
check 'a key of our own goes nowhere without TLS' exits_with 2 migrate-run job.yml
check 'which is said' last_output_has 'sse_c_key' 'must be https'
check 'and no request was sent' is_empty "$plain_log"
job "$(posix files)" "$(s3 secret 'sse_c_key: short')"
check 'a key that is none' exits_with 2 migrate-run job.yml
check 'is told' last_output_has 'not 32 bytes'

check 'written with a key of our own' goes "$(posix files)" "$(s3 secret "$sse")"
check 'which goes with all that touches bytes' sent "$of_key" PutObject CreateMultipartUpload UploadPart
check 'read with it' goes "$(s3 secret "$sse")" "$(posix back)"
check 'each time' sent "$of_key" GetObject
check 'to the same bytes' same_tree files back
check 'copied by the server to another key' goes "$(s3 secret "$sse")" "$(s3 copied "$other, copy_max: 6MiB")"
check 'with both' sent "$of_key and $of_source" CopyObject UploadPartCopy
check 'no byte of them passed through us' s3d_log_says tls '[.[] | select(.op == "GetObject")] | length' 0
mkdir again
check 'to the same bytes, too' goes "$(s3 copied "$other")" "$(posix again)"
check 'in fact' same_tree files again
check 'copied by the server, to no key' goes "$(s3 secret "$sse")" "$(s3 far 'copy_max: 6MiB')"

fails_all() { # SOURCE TEXT
	rm -rf nothing && mkdir nothing && job "$1" "$(posix nothing)" && exits_with 3 migrate-run job.yml &&
		last_output_has "$2" && status_counts job.yml done=0 failed=8 && holds_files nothing 0
}
check 'without the key nothing is read' fails_all "$(s3 secret)" 'correct parameters must be provided'
check 'with another neither' fails_all "$(s3 secret "$other")" AccessDenied
check 'nor is one given that is not needed' fails_all "$(s3 far "$sse")" 'not applicable'

# ---- SSE-S3 and SSE-KMS --------------------------------------------------------------------------

asks='.headers["x-amz-server-side-encryption"]'
check 'SSE-S3 is asked for' goes "$(posix files)" "$(s3 asked 'sse: s3')"
check 'in what begins an object' sent "$asks == \"AES256\"" PutObject CreateMultipartUpload
check 'and in nothing else' s3d_log_says tls \
	"[.[] | select((.op == \"UploadPart\" or .op == \"CompleteMultipartUpload\" or .op == \"HeadObject\") and $asks)] | length" 0
check 'SSE-KMS with a key' goes "$(posix files)" "$(s3 kms 'sse: kms, sse_kms_key: "arn:aws:kms:x:1:key/k"')"
check 'is asked for' sent \
	"$asks == \"aws:kms\" and .headers[\"x-amz-server-side-encryption-aws-kms-key-id\"] == \"arn:aws:kms:x:1:key/k\"" \
	PutObject CreateMultipartUpload
mkdir from-kms
check 'and read back' goes "$(s3 kms)" "$(posix from-kms)"
check 'to the same bytes' same_tree files from-kms
runs_again() {
	job "$(posix files)" "$(s3 kms 'sse: kms')" && sed -i 's/^job: .*/job: new/' job.yml &&
		exits_with 0 migrate-run job.yml && status_counts job.yml same=8 done=0
}
check 'its etags are taken for no digest: another job finds all the same' runs_again
check 'by reading' s3d_log_says tls '[.[] | select(.op == "GetObject")] | length >= 7' true

# ---- Who pays, and whose it is ----------------------------------------------------------------------

printf '%s' '<RequestPaymentConfiguration><Payer>Requester</Payer></RequestPaymentConfiguration>' >payer.xml
curl -s --cacert cert.pem -X PUT --data-binary @payer.xml --aws-sigv4 aws:amz:us-east-1:s3 \
	-H "x-amz-content-sha256: $(sha256sum <payer.xml | cut -d ' ' -f 1)" \
	--user "$s3_access_key:$s3_secret_key" "$tls_url/far?requestPayment="
job "$(s3 far)" "$(posix nothing)"
check 'a bucket that the requester pays for' exits_with 2 migrate-run job.yml
check 'says no' last_output_has AccessDenied
mkdir paid
check 'unless we agree' goes "$(s3 far 'requester_pays: true')" "$(posix paid)"
check 'for which all is there' same_tree files paid
tool make free
check 'also when the server copies' goes "$(s3 far 'requester_pays: true')" "$(s3 free 'copy_max: 6MiB')"
job "$(posix files)" "$(s3 free "expected_owner: '999999999999'")"
check 'a bucket of somebody else' exits_with 3 migrate-run job.yml
check 'says no, too' last_output_has 'denied'
mkdir owned
check 'and ours does not' goes "$(s3 free "expected_owner: '123456789012'")" "$(posix owned)"

# ---- What is left -------------------------------------------------------------------------------------

leaves_no_key() {
	run migrate-run --log-level debug job.yml
	run migrate-status --json job.yml
	not grep -r -F -l -e "$SSE" -e "$OTHER" -e "$(printf %s "$OTHER" | base64)" -e "$SECRET" . "$t_out"
}
check 'no key is in what was left behind' leaves_no_key

finish
