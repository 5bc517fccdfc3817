#!/bin/sh
# SPDX-License-Identifier: MIT
# The jobs in migrate-s3(7) are not only valid: each is run, with servers behind the names in it.
# shellcheck disable=SC2015,SC2154 # s3d_up sets NAME_url and the like

. "${srcdir:-.}/t/lib.sh"
. "$srcdir/t/servers/s3.sh"
T_TIMEOUT=60
[ -f "$builddir/plugins/.libs/s3.so" ] || skip_all 's3 was not built'
s3d_needed

aws_regions='us-east-1 eu-central-1'
names="DNS:minio.example.com,DNS:rgw.example.com,DNS:rgw2.example.com,DNS:storage.googleapis.com,IP:127.0.0.1"
for region in $aws_regions; do
	names="$names,DNS:s3.$region.amazonaws.com,DNS:*.s3.$region.amazonaws.com"
done
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj '/CN=a CA of this test' \
	-addext 'basicConstraints=critical,CA:TRUE' -keyout ca.key -out authority.pem 2>openssl.log &&
	openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj /CN=server -keyout key.pem \
		-out server.csr 2>>openssl.log &&
	echo "subjectAltName=$names" >ext &&
	openssl x509 -req -in server.csr -CA authority.pem -CAkey ca.key -CAcreateserial -days 2 -extfile ext \
		-out cert.pem 2>>openssl.log || { cat openssl.log; echo 'Bail out! no certificates'; exit 99; }
SSL_CERT_FILE=$PWD/authority.pem
S3_CA=authority.pem
export SSL_CERT_FILE S3_CA

# server NAME DIALECT BUCKET...
server() {
	name=$1 dialect=$2
	shift 2
	if [ "$dialect" = aws ]; then
		s3d_up "$name" --tls cert.pem key.pem --region us-east-1 --region eu-central-1 \
			--domain s3.us-east-1.amazonaws.com --domain s3.eu-central-1.amazonaws.com
	else
		s3d_up "$name" --tls cert.pem key.pem --dialect "$dialect"
	fi || return 1
	eval "t_port=\$${name}_port"
	"$srcdir/t/servers/s3-tool" "https://127.0.0.1:$t_port" make "$@"
}
fill() { # PORT BUCKET PREFIX: 20 objects
	"$srcdir/t/servers/s3-tool" "https://127.0.0.1:$1" fill "$2" 20 "$3"
}
server aws aws old-media new-media production && server minio minio uploads legacy &&
	server ceph ceph archive && server ceph2 ceph archive && server gcs gcs pictures &&
	fill "$aws_port" old-media a/ && fill "$minio_port" uploads b/ && fill "$minio_port" legacy image/ &&
	fill "$ceph_port" archive c/ && fill "$gcs_port" pictures d/ ||
	{ echo 'Bail out! no servers'; exit 99; }

mkdir connectd
cat >connectd/hosts <<END
*s3.us-east-1.amazonaws.com 127.0.0.1:$aws_port
*s3.eu-central-1.amazonaws.com 127.0.0.1:$(sed -n 2p "$t_top/aws/port")
minio.example.com 127.0.0.1:$minio_port
rgw.example.com 127.0.0.1:$ceph_port
rgw2.example.com 127.0.0.1:$ceph2_port
storage.googleapis.com 127.0.0.1:$gcs_port
END
start connectd python3 "$srcdir/t/servers/connectd/connectd.py" connectd
wait_until 10 test -s connectd/port || { echo 'Bail out! no proxy'; exit 99; }
https_proxy=http://127.0.0.1:$(cat connectd/port)
no_proxy=127.0.0.1
MINIO_KEY=$s3_access_key CEPH_KEY=$s3_access_key GCS_HMAC_KEY=$s3_access_key AWS_ACCESS_KEY_ID=$s3_access_key
MINIO_SECRET=$s3_secret_key CEPH_SECRET=$s3_secret_key GCS_HMAC_SECRET=$s3_secret_key
AWS_SECRET_ACCESS_KEY=$s3_secret_key
export https_proxy no_proxy MINIO_KEY MINIO_SECRET CEPH_KEY CEPH_SECRET GCS_HMAC_KEY GCS_HMAC_SECRET \
	AWS_ACCESS_KEY_ID AWS_SECRET_ACCESS_KEY
mkdir "$HOME/.aws" uploads
printf '[%s]\naws_access_key_id = %s\naws_secret_access_key = %s\n' \
	old "$s3_access_key" "$s3_secret_key" new "$s3_access_key" "$s3_secret_key" >"$HOME/.aws/credentials"

# The literal blocks of the page that begin a job, each in a file of its name.
awk '/^\.Bd -literal/ { inside = 1; text = ""; next }
	/^\.Ed/ { inside = 0; if (name) { printf "%s", text >name; close(name); print name } name = ""; next }
	inside && /^job: / { name = $2 ".yml" }
	inside { text = text $0 "\n" }' "$srcdir/plugins/s3/migrate-s3.7" >list
chmod 600 ./*.yml
check 'the page has jobs for AWS, MinIO, Ceph and GCS' test "$(tr '\n' ' ' <list)" = \
	'avatars.yml accounts.yml fetch.yml zones.yml clouds.yml '
while read -r job; do
	check "$job passes migrate-check" exits_with 0 migrate-check "$job"
	check "$job does what it says" exits_with 0 migrate-run "$job"
	check "$job: with all there is" status_counts "$job" done=20 failed=0
done <list

finish
