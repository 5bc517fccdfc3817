#!/bin/sh
# SPDX-License-Identifier: MIT
# Buckets of S3 are found where they are: regions, redirects, styles of addresses, TLS. Nobody else
# sees a request of ours.
# shellcheck disable=SC2015,SC2016,SC2154 # ${SECRET} is for the job file; s3d_up sets NAME_url and the like

. "${srcdir:-.}/t/lib.sh"
. "$srcdir/t/servers/s3.sh"
T_TIMEOUT=60
s3_needed

# ---- An authority, certificates, servers ------------------------------------------------------

# certificate NAME AUTHORITY SUBJECTALTNAMES [OPTION...]: NAME.pem and NAME.key
certificate() {
	cert=$1 by=$2
	echo "subjectAltName=$3" >"$cert.ext"
	shift 3
	openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout "$cert.key" -out "$cert.csr" \
		-subj /CN=server 2>>openssl.log &&
		openssl x509 -req -in "$cert.csr" -CA "$by.pem" -CAkey "$by.key" -CAcreateserial \
			-extfile "$cert.ext" -out "$cert.pem" "$@" 2>>openssl.log
}
authority() {
	openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj "/CN=authority $1" \
		-addext 'basicConstraints=critical,CA:TRUE' -keyout "$1.key" -out "$1.pem" 2>>openssl.log
}
us=s3.us-east-1.amazonaws.com eu=s3.eu-west-1.amazonaws.com
authority ours && authority other &&
	certificate aws ours "DNS:$us,DNS:*.$us,DNS:$eu,DNS:*.$eu,IP:127.0.0.1" -days 2 &&
	certificate world ours 'DNS:*.example.com,DNS:*.amazonaws.com,DNS:*.s3.us-east-1.amazonaws.com.example.com' -days 2 &&
	certificate here ours 'IP:127.0.0.1,DNS:localhost,DNS:*.localhost' -days 2 &&
	certificate old ours IP:127.0.0.1 -days -1 &&
	certificate elsewhere ours DNS:elsewhere.example.com -days 2 ||
	{ cat openssl.log; echo 'Bail out! no certificates'; exit 99; }

s3d_up aws --region us-east-1 --region eu-west-1 --domain "$us" --domain "$eu" --tls aws.pem aws.key &&
	s3d_up thief --domain "$us" --tls world.pem world.key ||
	{ echo 'Bail out! no servers'; exit 99; }
aws_url=https://127.0.0.1:$aws_port
eu_port=$(sed -n 2p "$t_top/aws/port")
tool() {
	S3_CA=ours.pem "$srcdir/t/servers/s3-tool" "$aws_url" "$@"
}
make_far() { # BUCKET: one in eu-west-1
	printf '%s' '<CreateBucketConfiguration><LocationConstraint>eu-west-1</LocationConstraint>' \
		'</CreateBucketConfiguration>' >where.xml
	[ "$(curl -s --cacert ours.pem -o made -w '%{http_code}' -X PUT --data-binary @where.xml \
		-H "x-amz-content-sha256: $(sha256sum <where.xml | cut -d ' ' -f 1)" \
		--aws-sigv4 aws:amz:eu-west-1:s3 --user "$s3_access_key:$s3_secret_key" \
		"https://127.0.0.1:$eu_port/$1")" = 200 ] || { cat made; return 1; }
}
tool make near dotted.name && tool fill near 5 && make_far far && make_far far2 ||
	{ echo 'Bail out! no buckets'; exit 99; }

# Names of the world lead to our servers, and any other name to the thief.
mkdir connectd
cat >connectd/hosts <<END
*$us 127.0.0.1:$aws_port
*$eu 127.0.0.1:$eu_port
* 127.0.0.1:$thief_port
END
start connectd python3 "$srcdir/t/servers/connectd/connectd.py" connectd
wait_until 10 test -s connectd/port || { echo 'Bail out! no proxy'; exit 99; }
https_proxy=http://127.0.0.1:$(cat connectd/port)
no_proxy=127.0.0.1,localhost
export https_proxy no_proxy

number=0
keys="access_key: $s3_access_key, secret_key: '\${SECRET}', ca_file: ours.pem"
job() { # SOURCE DESTINATION
	number=$((number + 1))
	write_job job.yml <<-END
		job: job-$number
		source: $1
		destination: $2
		patience: 5s
	END
}
at_aws() { # BUCKET [OPTIONS]
	echo "{plugin: s3, bucket: $1, $keys${2:+, $2}}"
}
fetches() { # SOURCE N: a job gets N objects from there
	rm -rf down && mkdir down && job "$1" '{plugin: posix, root: down}' &&
		exits_with 0 migrate-run job.yml && holds_files down "$2"
}
asked() { # NAME: it was asked for
	grep -q -F -e "CONNECT $1:443" connectd/log || { cat connectd/log; return 1; }
}
refused() { # TEXT...: status 2, said in one line that has them, and no secret
	exits_with 2 migrate-run job.yml && last_output_has "$@" && last_output_lacks "$SECRET" || return 1
	t_got=$(wc -l <"$t_out/stderr")
	[ "$t_got" -eq 1 ] || { echo "said in $t_got lines"; return 1; }
}

# ---- AWS -----------------------------------------------------------------------------------------

check 'a bucket at AWS, by its name' fetches "$(at_aws near)" 5
check 'is asked for as a host' asked "near.$us"
check 'one whose name has dots, in the path' fetches "$(at_aws dotted.name)" 0
check 'for which no certificate would do' asked "$us"
: >connectd/log
moves_far() {
	job "$(at_aws near)" "$(at_aws far)" && exits_with 0 migrate-run job.yml &&
		status_counts job.yml done=5 && fetches "$(at_aws far)" 5
}
check 'a bucket of another region is found' moves_far
check 'where it is' asked "far.$eu"
region_of() {
	s3d_log_says aws "[.[] | select(.bucket == \"$1\" and .status == 301)] | length" "$2"
}
check 'by one request to the wrong one, each time' region_of far 2
: >connectd/log
check 'where the job says the region it is asked at once' fetches "$(at_aws far 'region: eu-west-1')" 5
check 'nowhere else' not grep -q -F -e "$us" connectd/log

redirects() { # HOST: AWS answers 307 while objects are read, and the job ends all the same
	s3d_faults aws "GetObject * 2-3 redirect https://$1"
	fetches "$(at_aws near)" 5
	t_got=$?
	s3d_faults aws
	return "$t_got"
}
check 'a redirect to another region of AWS is followed' redirects "near.$us"
for host in near.s3.us-east-1.amazonaws.com.example.com near.example.com \
	ec2-192-0-2-1.compute-1.amazonaws.com near.ec2-192-0-2-1.amazonaws.com \
	s3-near.eu-west-1.elb.amazonaws.com near.s3-x.eu-west-1.elb.amazonaws.com; do
	check "one to $host costs no object" redirects "$host"
	check 'nor does that host hear of us' not asked "$host"
done
downgrades() {
	s3d_faults aws "GetObject * * redirect http://near.$us"
	! fetches "$(at_aws near)" 5 && last_output_has 'redirects to a place that is not followed' && s3d_faults aws
}
check 'TLS is not given up for one' downgrades
check 'nobody else saw a request of ours' is_empty "$thief_log"

# ---- Endpoints of others -------------------------------------------------------------------------

s3d_up west --region us-west-2 --prefix /store/s3
west=http://localhost:$west_port/store/s3
curl -s -o made -X PUT -H 'content-length: 0' --aws-sigv4 aws:amz:us-west-2:s3 \
	-H 'x-amz-content-sha256: e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855' \
	--user "$s3_access_key:$s3_secret_key" "$west/west"
to_west() { # OPTIONS: a job to there and back
	job '{plugin: posix, root: down}' "{plugin: s3, endpoint: '$west', bucket: west, $keys${1:+, $1}}" &&
		exits_with 0 migrate-run job.yml && status_counts job.yml failed=0
}
check 'an endpoint with a path; its region is learnt' to_west
check 'by one request' s3d_log_says west '[.[] | select(.code == "AuthorizationHeaderMalformed")] | length' 1
check 'unless the job says it' to_west 'region: us-west-2'
check 'then by none' s3d_log_says west '[.[] | select(.code == "AuthorizationHeaderMalformed")] | length' 1
check 'the bucket as a host in front of any endpoint' to_west 'path_style: no'
check 'is what the server saw' s3d_log_says west \
	"[.[] | select(.headers.host == \"west.localhost:$west_port\")] | length > 0" true
check 'another path is no S3' not to_west "endpoint: 'http://localhost:$west_port/store'"

# ---- TLS --------------------------------------------------------------------------------------

tls() { # NAME CERTIFICATE
	s3d_up "$1" --tls "$2.pem" "$2.key"
}
over_tls() { # PORT [CA] [HOST]
	job "{plugin: s3, endpoint: 'https://${3:-127.0.0.1}:$1', bucket: near, access_key: $s3_access_key,
		secret_key: '\${SECRET}'${2:+, ca_file: $2}}" '{plugin: posix, root: down}'
}
tls here here && tls old old && tls elsewhere elsewhere
unset https_proxy
over_tls "$here_port" && check 'an authority that nobody knows' refused 'ca_file' 'certificate'
over_tls "$here_port" other.pem && check 'another authority' refused 'ca_file' 'certificate'
over_tls "$old_port" ours.pem && check 'a certificate of yesterday' refused 'expired'
over_tls "$elsewhere_port" ours.pem && check 'a certificate for another name' refused '127.0.0.1' 'name'
over_tls "$west_port" ours.pem && check 'a server without TLS' refused 'else the endpoint is http://'
over_tls "$here_port" here.key && check 'a file without certificates' refused 'no certificates' 'here.key'
over_tls "$here_port" none.pem && check 'a file that is not there' refused 'no certificates' 'none.pem'
check 'none of them got a request' test "$(cat "$here_log" "$old_log" "$elsewhere_log" | wc -l)" -eq 0

S3_CA=ours.pem "$srcdir/t/servers/s3-tool" "https://127.0.0.1:$here_port" make many &&
	S3_CA=ours.pem "$srcdir/t/servers/s3-tool" "https://127.0.0.1:$here_port" fill many 800
stats() {
	curl -s --cacert ours.pem "https://127.0.0.1:$here_port/.s3d/stats" >"$1"
}
# many N: a job with N sessions at the source, which trusts many authorities
many() {
	rm -rf down && mkdir down && write_job many.yml <<-END
		job: many-$1
		source: {plugin: s3, endpoint: 'https://127.0.0.1:$here_port', bucket: many, access_key: $s3_access_key,
			secret_key: '\${SECRET}', ca_file: all.pem}
		destination: {plugin: posix, root: down}
		copy: {concurrency: $1}
	END
}
cat ours.pem >all.pem
if [ -s /etc/ssl/certs/ca-certificates.crt ]; then
	cat /etc/ssl/certs/ca-certificates.crt >>all.pem
fi
resumes() {
	many 1 && stats before && exits_with 0 migrate-run many.yml && stats after && holds_files down 800 || return 1
	t_got=$(jq -s '(.[1].handshakes - .[1].resumed) - (.[0].handshakes - .[0].resumed) - 1' before after)
	[ "$t_got" -eq 1 ] || { echo "$t_got long handshakes"; cat before after; return 1; }
	[ "$(jq -s '.[1].resumed - .[0].resumed' before after)" -ge 2 ]
}
check 'sessions of one bucket share the long handshake' resumes

# peak N: KiB of memory at most, with N sessions
peak() {
	many "$1" && python3 -c 'import resource, subprocess, sys
subprocess.run(sys.argv[1:], check=True, capture_output=True)
print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)' migrate-run many.yml
}
costs_little() {
	few=$(peak 4) && s3d_faults here 'GetObject * * delay 0.1' && lots=$(peak 36) || return 1
	each=$(((lots - few) / 32))
	[ "$each" -lt 256 ] || { echo "$each KiB"; return 1; }
}
if ldd "$(command -v migrate-run)" | grep -q -e libasan -e libtsan -e libubsan; then
	skip 'a session over TLS takes less than 256 KiB' 'a sanitizer takes memory of its own'
else
	check 'a session over TLS takes less than 256 KiB' costs_little
fi

finish
