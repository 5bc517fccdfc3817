#!/bin/sh
# SPDX-License-Identifier: MIT
# Wherever keys for S3 come from they work, and nobody sees them again.
# shellcheck disable=SC2015,SC2016,SC2154,SC2119 # ${SECRET} is for the job file; the servers set NAME_url and the like

. "${srcdir:-.}/t/lib.sh"
. "$srcdir/t/servers/s3.sh"
. "$srcdir/t/servers/keysd.sh"
T_TIMEOUT=60
[ -f "$builddir/plugins/.libs/s3.so" ] || skip_all 's3 was not built'
s3d_needed
for variable in $(env | sed -n 's/^\(AWS_[A-Z0-9_]*\)=.*/\1/p'); do
	unset "$variable"
done
AWS_EC2_METADATA_DISABLED=true
export AWS_EC2_METADATA_DISABLED

s3d_up server --session-token "$(session_tokens 400)" && keysd_up || { echo 'Bail out! no servers'; exit 99; }
S3_TOKEN=session-token-400
export S3_TOKEN
"$srcdir/t/servers/s3-tool" "$server_url" make bucket &&
	"$srcdir/t/servers/s3-tool" "$server_url" fill bucket 12 || { echo 'Bail out! no bucket'; exit 99; }

number=0
# job [OPTION]: down.yml gets everything from the bucket into a fresh folder
job() {
	number=$((number + 1))
	rm -rf down down-*.journal* && mkdir down
	write_job down.yml <<-END
		job: down-$number
		source: {plugin: s3, endpoint: '$server_url', bucket: bucket${1:+, $1}}
		destination: {plugin: posix, root: down}
		copy: {concurrency: 4}
		patience: ${patience:-20s}
	END
}
# gets_it OPTION VARIABLE=VALUE...: the job works in that environment
gets_it() {
	job "$1" && shift && exits_with 0 env "$@" migrate-run down.yml && holds_files down 12 &&
		last_output_lacks "$s3_secret_key"
}
# refused TEXT OPTION VARIABLE=VALUE...: status 2, in one line that has the text and no secret
refused() {
	text=$1
	job "$2" && shift 2 && exits_with 2 env "$@" migrate-run down.yml && last_output_has "$text" &&
		last_output_lacks "$s3_secret_key" || return 1
	t_got=$(wc -l <"$t_out/stderr")
	[ "$t_got" -eq 1 ] || { echo "said in $t_got lines"; return 1; }
}
config() { # the shared config file; credentials: the other one
	mkdir -p "$HOME/.aws" && cat >"$HOME/.aws/config"
}
credentials() {
	mkdir -p "$HOME/.aws" && cat >"$HOME/.aws/credentials"
}
pair="AWS_ACCESS_KEY_ID=$s3_access_key AWS_SECRET_ACCESS_KEY=$s3_secret_key"
held="AWS_SESSION_TOKEN=session-token-400"

# ---- Nobody gives any ---------------------------------------------------------------------

check 'without keys anywhere' refused 'there are no credentials' ''
check 'nor where no metadata service is' refused 'there are no credentials' '' \
	AWS_EC2_METADATA_DISABLED=false AWS_EC2_METADATA_SERVICE_ENDPOINT=http://127.0.0.1:1
check 'a profile that nobody knows' refused "profile: neither shared file says how 'nobody' comes by keys" \
	'profile: nobody'
check 'an access key without its secret' refused 'the secret key is missing' "access_key: $s3_access_key"
check 'a key with a line end' refused 'the access key holds a blank' '' \
	"AWS_ACCESS_KEY_ID=$s3_access_key
" "AWS_SECRET_ACCESS_KEY=$s3_secret_key"

# ---- The environment and the shared files ----------------------------------------------------

# shellcheck disable=SC2086 # several words
check 'keys of the environment' gets_it '' $pair $held
check 'but for the job file' gets_it "access_key: $s3_access_key, secret_key: '\${S}', session_token: '\${T}'" \
	AWS_ACCESS_KEY_ID=AKIDOTHER AWS_SECRET_ACCESS_KEY=other "S=$s3_secret_key" T=session-token-400
credentials <<END
[default]
aws_access_key_id = $s3_access_key
aws_secret_access_key = $s3_secret_key
aws_session_token = session-token-400
[old]
aws_access_key_id = AKIDOLD
aws_secret_access_key = old
END
check 'the default profile' gets_it ''
check 'not where the environment has keys' refused InvalidAccessKeyId '' \
	AWS_ACCESS_KEY_ID=AKIDOTHER AWS_SECRET_ACCESS_KEY=other
check 'or names another profile' refused InvalidAccessKeyId '' AWS_PROFILE=old
check 'a profile that the job names comes before the environment' gets_it 'profile: default' \
	AWS_ACCESS_KEY_ID=AKIDOTHER AWS_SECRET_ACCESS_KEY=other
mv "$HOME/.aws/credentials" elsewhere
check 'files that stand elsewhere' gets_it '' AWS_SHARED_CREDENTIALS_FILE="$PWD/elsewhere"
rm elsewhere

# ---- A program ------------------------------------------------------------------------------

cat >give-keys <<END
#!/bin/sh
echo '{"Version": 1, "AccessKeyId": "$s3_access_key", "SecretAccessKey": "$s3_secret_key",'
echo '"SessionToken": "session-token-400", "Expiration": "2199-01-01T00:00:00+02:00"}'
END
config <<END
[profile program]
credential_process = sh $PWD/give-keys "with words"
[profile fails]
credential_process = sh $PWD/give-keys; exit 3
[profile dies]
credential_process = kill -TERM \$\$
[profile chatters]
credential_process = yes
[profile babbles]
credential_process = echo hello
[profile lingers]
credential_process = sh $PWD/give-keys; echo \$\$ >$PWD/lingers.pid; exec >&-; sleep 50; echo
[profile hangs]
credential_process = echo \$\$ >$PWD/hangs.pid; sleep 50; echo
END
check 'a program that prints keys' gets_it 'profile: program'
check 'one that ends badly' refused "of profile 'fails': it ended with status 3" 'profile: fails'
check 'by a signal' refused 'it ended with signal 15' 'profile: dies'
check 'one that prints without end' refused 'it prints too much' 'profile: chatters'
check 'one that prints something else' refused 'is no JSON with AccessKeyId' 'profile: babbles'
is_gone() {
	! kill -0 "$1" 2>/dev/null
}
ends_the_program() {
	job 'profile: hangs' && start hanging migrate-run down.yml && wait_until 10 test -s hangs.pid &&
		signals hanging TERM && ends_with 4 hanging && last_output_has interrupted &&
		wait_until 5 is_gone "$(cat hangs.pid)"
}
check 'one that hangs ends with us' ends_the_program
lingering() {
	job 'profile: lingers' && start lingering migrate-run down.yml && wait_until 10 test -s lingers.pid &&
		signals lingering TERM && ends_with 4 lingering && wait_until 5 is_gone "$(cat lingers.pid)"
}
check 'so does one that closed its output and goes on' lingering
head -c 1100000 /dev/zero | tr '\0' '#' >huge
check 'a file of profiles without end' refused 'is no file of profiles: it is longer than 1 MiB' '' \
	AWS_CONFIG_FILE="$PWD/huge"
check 'also one that is a device' refused 'is no file of profiles' '' AWS_SHARED_CREDENTIALS_FILE=/dev/zero

# ---- Roles ----------------------------------------------------------------------------------

credentials <<END
[base]
aws_access_key_id = $s3_access_key
aws_secret_access_key = $s3_secret_key
[itself]
aws_access_key_id = $s3_access_key
aws_secret_access_key = $s3_secret_key
[wrong]
aws_access_key_id = $s3_access_key
aws_secret_access_key = wrong
END
config <<END
[profile role]
role_arn = arn:aws:iam::1:role/mover
source_profile = base
external_id = a b&c
role_session_name = night
duration_seconds = 900
[profile again]
role_arn = arn:aws:iam::1:role/second
source_profile = role
[profile itself]
role_arn = arn:aws:iam::1:role/own
source_profile = itself
[profile surroundings]
role_arn = arn:aws:iam::1:role/env
credential_source = Environment
[profile wrong]
role_arn = arn:aws:iam::1:role/x
source_profile = wrong
[profile web]
role_arn = arn:aws:iam::1:role/web
web_identity_token_file = $PWD/web-token
END
sts="AWS_ENDPOINT_URL_STS=$keysd"
printf 'a.web/token+1\n' >web-token
cp web-token "$keysd_folder/web-token"

keysd_plan
check 'a role, taken with the keys of another profile' gets_it 'profile: role' "$sts"
check 'with what the profile says of it' \
	keysd_was 'asked sts AssumeRole arn:aws:iam::1:role/mover night a b&c 900 -' 1
keysd_plan
check 'a role that is taken with another role' gets_it 'profile: again' "$sts"
check 'which shows its token' keysd_was 'AssumeRole arn:aws:iam::1:role/second migrate - - session-token-' 1
check 'a role of a profile that is its own source' gets_it 'profile: itself' "$sts"
# shellcheck disable=SC2086 # several words
check 'a role with the keys of the environment' gets_it 'profile: surroundings' $pair "$sts"
check 'a role whose keys are wrong' refused "taking the role 'arn:aws:iam::1:role/x' at 127.0.0.1: SignatureDoesNotMatch" \
	'profile: wrong' "$sts"
check 'a role for a web identity' gets_it 'profile: web' "$sts"
web="AWS_ROLE_ARN=arn:aws:iam::1:role/env AWS_WEB_IDENTITY_TOKEN_FILE=$PWD/web-token"
# shellcheck disable=SC2086 # several words
{
	check 'and one of the environment' gets_it '' $web "$sts"
	keysd_plan 'sts status 503' 'sts status 500'
	check 'though the service is not well at first' gets_it '' $web "$sts"
	keysd_plan 'sts status 403 AccessDenied'
	check 'a role that may not be taken' refused 'AccessDenied: the sts says no (403)' '' $web "$sts"
	keysd_plan 'sts body <html>hello</html>'
	check 'a service that is none' refused 'the access key is missing' '' $web "$sts"
	check 'a service that is not there' refused 'connect to 127.0.0.1' '' $web AWS_ENDPOINT_URL_STS=http://127.0.0.1:1
	check 'a service far away without TLS' refused 'it must be https' '' $web AWS_ENDPOINT_URL_STS=http://sts.example.com
	printf 'other' >"$keysd_folder/web-token"
	check 'a web identity that is refused' refused InvalidIdentityToken '' $web "$sts"
	head -c 70000 /dev/zero | tr '\0' 't' >web-token
	check 'or of any length' refused 'is longer than 65536 bytes' '' $web "$sts"
	rm web-token
	check 'or not there' refused 'cannot be read or is empty' '' $web "$sts"
}

# ---- Containers -----------------------------------------------------------------------------

agent="AWS_CONTAINER_CREDENTIALS_FULL_URI=$keysd/agent/creds"
token="AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE=$PWD/agent-token"
check "the agent of a container" gets_it '' "$agent"
printf 'Bearer agent/secret' >"$keysd_folder/agent-token"
printf 'Bearer agent/secret\n' >agent-token
check 'one that wants to see a token' gets_it '' "$agent" "$token"
check 'and does not' refused 'Unauthorized: the agent says no (401)' '' "$agent"
check 'a token that is not there' refused 'cannot be read or is empty' '' "$agent" \
	AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE=no-such-file
keysd_plan 'agent status 500' 'agent cut'
check 'an agent that is not well at first' gets_it '' "$agent" "$token"
keysd_plan 'agent status 500' 'agent status 500' 'agent status 500'
check 'or stays so' refused 'Broken: the agent says no (500)' '' "$agent" "$token"
check 'is asked three times' keysd_was 'asked agent' 3
keysd_plan 'agent body {"AccessKeyId": "a", "SecretAccessKey": "b", "Expiration": "soon"}'
check 'keys whose end nobody can read' refused 'a time of Expiration' '' "$agent" "$token"
keysd_plan 'agent body {"Code": "x", "Message": "you sent Bearer agent/secret"}'
check 'an agent that repeats what it was shown' refused 'x: you sent ****' '' "$agent" "$token"
check 'does not make us say it' last_output_lacks agent/secret
for what in head body; do
	keysd_plan "agent endless $what" "agent endless $what" "agent endless $what"
	check "an agent with a $what without end" refused 'it answers with more than 65536 bytes' '' "$agent" "$token"
done
keysd_plan
for url in http://192.0.2.1/agent http://127.0.0.1.example.com/agent "http://127.0.0.1@example.com/agent"; do
	check "secrets do not go to $url" refused 'it must be https, or http to this machine' '' \
		"AWS_CONTAINER_CREDENTIALS_FULL_URI=$url" "$token"
done

# ---- The machine ------------------------------------------------------------------------------

machine="AWS_EC2_METADATA_DISABLED=false AWS_EC2_METADATA_SERVICE_ENDPOINT=$keysd/"
# shellcheck disable=SC2086 # several words
{
	check 'a machine without a role' refused 'this machine has no role attached' '' $machine
	printf 'a role' >"$keysd_folder/role"
	check 'the role of a machine' gets_it '' $machine
	keysd_plan 'role status 500' 'keys status 503'
	check 'though it is not well at first' gets_it '' $machine
	keysd_plan 'keys body {"Code": "AssumeRoleUnauthorizedAccess", "Message": "no trust"}'
	check 'a role that is not for it' refused 'AssumeRoleUnauthorizedAccess: no trust' '' $machine
	keysd_plan 'token stall'
	check 'a token that does not come so far' refused "raise the machine's hop limit" '' $machine
	keysd_plan 'token status 403'
	check 'a service that is switched off' refused '(403)' '' $machine
	check 'a service far away without TLS' refused 'it must be https' '' $machine \
		AWS_EC2_METADATA_SERVICE_ENDPOINT=http://192.0.2.1
	keysd_plan
	check 'and nobody is asked where that is forbidden' refused 'there are no credentials' '' $machine \
		AWS_EC2_METADATA_DISABLED=true
	check 'in fact' keysd_was asked 0
}

# ---- Addresses that are always the same ------------------------------------------------------------

# Those of a container's agent and of a machine's service are reached in a network of its own.
fixed_addresses() {
	cat >fixed.sh <<-'END'
		. "$srcdir/t/lib.sh"
		. "$srcdir/t/servers/s3.sh"
		. "$srcdir/t/servers/keysd.sh"
		ip link set lo up && ip addr add 169.254.170.2/32 dev lo || exit 1
		s3d_up server --session-token "$(session_tokens 9)" && keysd_up 169.254.170.2 || exit 1
		S3_TOKEN=session-token-9 "$srcdir/t/servers/s3-tool" "$server_url" make bucket || exit 1
		S3_TOKEN=session-token-9 "$srcdir/t/servers/s3-tool" "$server_url" fill bucket 3 || exit 1
		mkdir down
		printf 'job: down\nsource: {plugin: s3, endpoint: "%s", bucket: bucket}\n%s\n' "$server_url" \
			'destination: {plugin: posix, root: down}' >down.yml
		chmod 600 down.yml
		port=$(cat "$keysd_folder/port")
		AWS_CONTAINER_CREDENTIALS_FULL_URI=http://169.254.170.2:$port/agent/x migrate-run down.yml &&
			rm -rf down/* down.journal* || exit 1
		# the agent's own port is 80
		python3 -c 'import socket, sys, threading
		def pump(a, b):
		    while True:
		        d = a.recv(65536)
		        if not d:
		            break
		        b.sendall(d)
		    b.close()
		s = socket.create_server(("169.254.170.2", 80))
		while True:
		    c = s.accept()[0]
		    d = socket.create_connection(("169.254.170.2", int(sys.argv[1])))
		    threading.Thread(target=pump, args=(c, d), daemon=True).start()
		    threading.Thread(target=pump, args=(d, c), daemon=True).start()' "$port" &
		echo $! >"$t_top/pids/forward"
		wait_until 10 curl -s http://169.254.170.2/ -o /dev/null || exit 1
		AWS_CONTAINER_CREDENTIALS_RELATIVE_URI=/agent/y migrate-run down.yml && holds_files down 3 &&
			keysd_was 'asked agent /agent/y' 1
		t_got=$?
		t_ended=yes
		exit "$t_got"
	END
	srcdir=$srcdir builddir=$builddir unshare -n sh fixed.sh
}
if command -v ip >/dev/null && unshare -n true 2>/dev/null; then
	check "the agent's own address" fixed_addresses
else
	skip "the agent's own address" 'no network of its own can be had (unshare -n, ip)'
fi

# ---- What is left behind -------------------------------------------------------------------------

rm -rf "$HOME/.aws" give-keys agent-token fixed.sh # they are the user's, and hold secrets
leaves_no_secret() {
	job '' && s3d_faults server 'GetObject * * status 403 AccessDenied' &&
		exits_with 3 env "$agent" AWS_CONTAINER_AUTHORIZATION_TOKEN='Bearer agent/secret' \
			migrate-run --log-level debug down.yml &&
		migrate-status --json down.yml >status.json
	migrate-status down.yml >status.txt
	cp "$t_out/stdout" out && cp "$t_out/stderr" err && [ -s err ] && [ -s down-$number.journal ] || return 1
	not grep -r -F -e "$s3_secret_key" -e session-token -e agent/secret -e metadata-token .
}
check 'no secret is found in anything that a run left behind' leaves_no_secret

finish
