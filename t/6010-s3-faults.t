#!/bin/sh
# SPDX-License-Identifier: MIT
# What a server of S3 does on bad days costs no object, no row and no secret.
# shellcheck disable=SC2016,SC2154 # ${SECRET} is for the job file; s3d_up sets server_url

. "${srcdir:-.}/t/lib.sh"
. "$srcdir/t/servers/s3.sh"
T_TIMEOUT=60
command -v openssl >/dev/null || skip_all 'openssl, which makes certificates, is not installed'
s3_needed
s3d_up server || no_s3d

s3() { # BUCKET [OPTIONS]
	echo "{plugin: s3, endpoint: '$server_url', bucket: $1, access_key: $s3_access_key," \
		"secret_key: '\${SECRET}'${2:+, $2}}"
}

copying='copy: {part_size: 5MiB, concurrency: 4}'
# job NAME SOURCE DESTINATION
job() {
	printf 'source: %s\ndestination: %s\npatience: 20s\n%s\n' "$2" "$3" "$copying" | write_job "$1.yml"
}

# was_hit N RULE: at least so often, or the promise was no promise
was_hit() {
	were_hit "$1" "$server_url/.s3d/script"
}

# The source: 30 small objects, one of two parts and a bit, on both kinds of stores.
tool make source again || { echo 'Bail out! no buckets'; exit 99; }
mkdir files
for i in $(seq 1 30); do
	write_file "files/o$i" "object $i"
done
head -c 12582912 /dev/urandom >files/zlarge
job seed '{plugin: posix, root: files}' "$(s3 source)"
run migrate-run seed.yml
tool show source >source.txt

number=0
# survives KIND LEAST RULE...: a job ends well although the server does that, each rule LEAST
# times at least. KIND: up (posix to S3), down (S3 to posix) or over (S3 to S3).
survives() {
	number=$((number + 1))
	name=trial$number kind=$1 least=$2
	shift 2
	case $kind in
	down) mkdir "$name" && job "$name" "$(s3 source)" "{plugin: posix, root: $name}" ;;
	up) tool make "$name" && job "$name" '{plugin: posix, root: files}' "$(s3 "$name")" ;;
	over) tool make "$name" && job "$name" "$(s3 source)" "$(s3 "$name" 'copy_max: 6MiB')" ;;
	esac || return 1
	s3d_faults server "$@"
	exits_with 0 migrate-run "$name.yml" || { s3d_faults server; return 1; }
	[ "$least" -eq 0 ] || was_hit "$least" || return 1
	s3d_faults server
	if [ "$kind" = down ]; then
		same_tree files "$name" || return 1
	else
		tool show "$name" >"$name.txt" && diff source.txt "$name.txt" && no_uploads || return 1
	fi
	run migrate-verify "$name.yml"
}

check 'a job without faults' survives up 0
check 'and one from bucket to bucket' survives over 0

# What single requests meet is in t/6030.

tool make rotten
job rotten '{plugin: posix, root: files}' "$(s3 rotten)"
s3d_faults server 'PutObject o7 * flip-stored 2'
check 'a byte that the store itself flips' exits_with 3 migrate-run --set copy.verify=readback rotten.yml
check 'is seen when everything is read back' status_counts rotten.yml done=30 failed=1
check 'and the object is not called moved' last_output_has 'o7: mismatch'
s3d_faults server

# ---- Listings --------------------------------------------------------------------------

tool fill again 2500
# The pages come after the looks at both ends; how many these are is seen in a job without faults.
before=$(wc -l <"$server_log")
tool make plain && job plain "$(s3 again)" "$(s3 plain)" && run migrate-run plain.yml
page=$(tail -n +$((before + 1)) "$server_log" | jq -s '[.[] | select(.op == "ListObjectsV2") | .query
	| test("max-keys=1000")] | index(true) + 2')
# lists_all FAULT...: a job copies all 2,500, although that befalls the second page of three
lists_all() {
	number=$((number + 1))
	name=trial$number
	tool make "$name" && job "$name" "$(s3 again)" "$(s3 "$name")" &&
		s3d_faults server "ListObjectsV2 * $page $*" || return 1
	if exits_with 0 migrate-run "$name.yml" && was_hit 1; then
		s3d_faults server
		status_counts "$name.yml" total=2500 done=2500
	else
		s3d_faults server
		return 1
	fi
}
check 'a page that is cut in the middle' lists_all cut 20000
check 'a page that is lost to a reset' lists_all reset-before
check 'a page that is 503' lists_all status 503 SlowDown
check 'a page with keys twice' lists_all page double
check 'a page without keys that is not the last' lists_all page empty
check 'a page that comes twice' lists_all page repeat
check 'a page in the wrong order' lists_all page reverse
check 'a wrong token of the next page' lists_all token wrong
check 'a page without a token though there is more' lists_all token none
# Nobody can tell that a page was passed over; it must not stay so.
finds_later() {
	not lists_all "$@" && [ -s "$name.journal" ] && exits_with 0 migrate-run "$name.yml" &&
		status_counts "$name.yml" total=2500 failed=0
}
check 'what a lost page named is found by the next run' finds_later page lose
check 'so is what a listing that ended early left out' finds_later page end

# ---- Those that only look wait as runs do ----------------------------------------------------

sed 's/^patience: .*/patience: 1s/' plain.yml >impatient.yml
# gives_up COMMAND... : because of nothing but 503, and says so
gives_up() {
	exits_with 9 "$@" && last_output_has 'gave up after 1 s (patience)' throttled
}
s3d_faults server 'ListObjectsV2 * 3+ status 503 SlowDown'
check 'a dry run gives up on a listing' gives_up migrate-run --dry-run --new-journal impatient.yml
s3d_faults server 'HeadObject * 100+ status 503 SlowDown'
check 'a verification on objects' gives_up migrate-verify impatient.yml
s3d_faults server 'HeadObject * 100-110 status 503 SlowDown'
check 'and waits for what passes' exits_with 0 migrate-verify impatient.yml
s3d_faults server

# ---- What is wrong from the beginning -------------------------------------------------------

refused() { # TEXT...: status 2, said in one line that has them, and no secret
	exits_with 2 migrate-run wrong.yml && last_output_has "$@" &&
		last_output_lacks "$SECRET" || return 1
	t_got=$(wc -l <"$t_out/stderr")
	[ "$t_got" -eq 1 ] || { echo "said in $t_got lines"; return 1; }
}
job wrong '{plugin: posix, root: files}' "$(s3 nowhere)"
check 'a bucket that is not there' refused "there is no 'nowhere'"
SECRET=sk/wrong+secret
job wrong '{plugin: posix, root: files}' "$(s3 again)"
check 'a wrong secret' refused SignatureDoesNotMatch 'look at access_key and secret_key'
SECRET=$s3_secret_key

# ---- Clocks and keys ----------------------------------------------------------------------

# finds_all NAME URL OPTIONS: 30 small objects and a large one go there and come back
finds_all() {
	rm -rf "$1-back" && mkdir "$1-back" || return 1
	end="{plugin: s3, endpoint: '$2', bucket: $1, $3}"
	job "$1" '{plugin: posix, root: files}' "$end"
	job "$1-back" "$end" "{plugin: posix, root: $1-back}"
	exits_with 0 migrate-run "$1.yml" && mv "$t_out/stderr" said && exits_with 0 migrate-run "$1-back.yml" &&
		same_tree files "$1-back"
}
keys="access_key: $s3_access_key, secret_key: '\${SECRET}'"

s3d_up late --time-skew 1200
S3_AHEAD=1200 "$srcdir/t/servers/s3-tool" "$late_url" make late
check 'a clock that is 20 minutes wrong is allowed for' finds_all late "$late_url" "$keys"
check 'and said' grep -q "this machine's clock differs from the server's by 1[0-9]* s" said

s3d_up token --session-token one,two
S3_TOKEN=one "$srcdir/t/servers/s3-tool" "$token_url" make token
cat >give-keys <<-END
	#!/bin/sh
	token=one
	[ ! -e asked ] || token=two
	: >asked
	echo '{"Version": 1, "AccessKeyId": "$s3_access_key", "SecretAccessKey": "$s3_secret_key",'
	echo '"SessionToken": "'\$token'"}'
END
chmod +x give-keys
mkdir "$HOME/.aws"
printf '[profile here]\ncredential_process = sh %s/give-keys\n' "$PWD" >"$HOME/.aws/config"
s3d_faults token 'PutObject o* 5+ expired one' 'UploadPart z* * expired one'
copying="attempts: 1
$copying"
check 'a token that expires in the middle is renewed, and no object fails for it' \
	finds_all token "$token_url" 'profile: here'
check 'it was refused before' s3d_log_says token \
	'[.[] | select(.code == "ExpiredToken" and (.key | test("^[oz]")))] | length > 0' true

# ---- To whom we show ourselves ----------------------------------------------------------------

copying='copy: {part_size: 5MiB, concurrency: 4}'
s3d_up thief
check 'a server redirects to another port, and to another host' survives down 1 \
	"GetObject o* 4 redirect 127.0.0.1:$thief_port" "GetObject o* 9 redirect localhost:$thief_port"
check 'which never see a request of ours' is_empty "$thief_log"

openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj '/CN=a CA of this test' \
	-addext 'basicConstraints=critical,CA:TRUE' -keyout ca.key -out ca.pem 2>/dev/null
openssl req -newkey rsa:2048 -nodes -subj /CN=localhost -keyout server.key -out server.csr 2>/dev/null
printf 'subjectAltName=IP:127.0.0.1\n' >names
openssl x509 -req -in server.csr -CA ca.pem -CAkey ca.key -CAcreateserial -days 2 -extfile names \
	-out server.pem 2>/dev/null
s3d_up tls --tls server.pem server.key
S3_CA=ca.pem "$srcdir/t/servers/s3-tool" "https://127.0.0.1:$tls_port" make secure
check 'with its CA in ca_file a server is trusted' finds_all secure "https://127.0.0.1:$tls_port" \
	"$keys, ca_file: ca.pem"
asked=$(wc -l <"$tls_log")
job wrong '{plugin: posix, root: files}' "{plugin: s3, endpoint: 'https://127.0.0.1:$tls_port', bucket: secure, $keys}"
check 'without it the server is refused' refused certificate
job wrong '{plugin: posix, root: files}' "{plugin: s3, endpoint: 'https://localhost:$tls_port', bucket: secure, $keys, ca_file: ca.pem}"
check 'by a name that the certificate does not have, too' refused localhost
check 'and no request reached it' test "$(wc -l <"$tls_log")" -eq "$asked"

finish
