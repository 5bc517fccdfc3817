#!/bin/sh
# SPDX-License-Identifier: MIT
# Keys for S3 that expire are renewed in time, by one session, and no object fails for it.
# shellcheck disable=SC2015,SC2154,SC2119 # the servers set NAME_url and the like

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

s3d_up server --session-token "$(session_tokens 40)" && keysd_up || { echo 'Bail out! no servers'; exit 99; }
S3_TOKEN=session-token-40
export S3_TOKEN
echo "$server_script" >"$keysd_folder/script"
"$srcdir/t/servers/s3-tool" "$server_url" make bucket &&
	"$srcdir/t/servers/s3-tool" "$server_url" fill bucket 64 || { echo 'Bail out! no bucket'; exit 99; }

# job: down.yml gets everything from the bucket into a fresh folder
number=0
job() {
	number=$((number + 1))
	rm -rf down down-*.journal* && mkdir down
	write_job down.yml <<-END
		job: down-$number
		source: {plugin: s3, endpoint: '$server_url', bucket: bucket}
		destination: {plugin: posix, root: down}
		copy: {concurrency: 4}
		patience: ${patience:-20s}
	END
}
gets_it() {
	job && exits_with 0 migrate-run down.yml && holds_files down 64 &&
		last_output_lacks "$s3_secret_key"
}
credentials() { # the shared file
	mkdir -p "$HOME/.aws" && cat >"$HOME/.aws/credentials"
}
AWS_CONTAINER_CREDENTIALS_FULL_URI=$keysd/agent/creds
export AWS_CONTAINER_CREDENTIALS_FULL_URI

# The keys live shorter than the job runs, for each object takes a while. Four sessions need new
# ones, and one sees to them; those that are good still are used meanwhile.
renews_in_time() {
	s3d_faults server 'GetObject * * delay 0.4' && keysd_plan 'agent life 7' 'agent delay 1.4' && job &&
		start going migrate-run down.yml && wait_until 15 keysd_was 'asked agent' 2 || return 1
	served=$(wc -l <"$server_log")
	wait_until 10 keysd_was gave 2 || return 1
	served=$(($(wc -l <"$server_log") - served))
	ends_with 0 going && holds_files down 64 && last_output_lacks "$s3_secret_key"
}
check 'keys are renewed before they expire' renews_in_time
check 'by one session for all' keysd_was 'asked agent' 2
check 'while the others go on' test "$served" -ge 4
check 'so that none was ever refused' s3d_log_says server '[.[] | select(.code == "ExpiredToken")] | length' 0

outlives_an_outage() {
	s3d_faults server 'GetObject * * delay 0.3' && keysd_plan 'agent life 4' 'agent status 500' 'agent status 500' 'agent status 500' \
		'agent status 500' 'agent status 500' 'agent status 500' &&
		gets_it && keysd_was 'asked agent' 8 && status_counts down.yml done=64 failed=0
}
check 'an agent that is away meanwhile is waited for' outlives_an_outage

# The server says so before the keys do.
refuses_early() {
	keysd_plan && s3d_faults server && gets_it &&
		last=$(sed -n 's/gave session-token-//p' "$keysd_folder/log") &&
		s3d_faults server "GetObject * 4+ expired session-token-$((last + 1))" && keysd_plan &&
		gets_it && status_counts down.yml done=64 failed=0
}
check 'keys that are refused early are renewed' refuses_early
check 'once' keysd_was 'gave' 2

# HEAD has no reasons: only 400 or 403.
mkdir files && for i in 1 2 3 4 5 6 7 8; do
	write_file "files/o$i" "object $i"
done
looks_before() { # STATUS: each object is looked at before it is written
	number=$((number + 1))
	"$srcdir/t/servers/s3-tool" "$server_url" make "up-$number" && write_job up.yml <<-END
		job: up-$number
		source: {plugin: posix, root: files}
		destination: {plugin: s3, endpoint: '$server_url', bucket: up-$number, conditions: no}
		patience: 5s
	END
	keysd_plan && exits_with "$1" migrate-run up.yml
}
head_tells_nothing() {
	last=$(sed -n 's/gave session-token-//p' "$keysd_folder/log" | tail -n 1)
	s3d_faults server "HeadObject * 3+ expired session-token-$((last + 1))" && looks_before 0 &&
		status_counts up.yml done=8 failed=0
}
check 'keys that HEAD refuses are renewed' head_tells_nothing
check 'once, too' keysd_was 'gave' 2
head_denies() {
	s3d_faults server 'HeadObject * * status 403 AccessDenied' && looks_before 3 && status_counts up.yml failed=8 &&
		last_output_has 'denied' && s3d_faults server
}
check 'what HEAD denies for another reason fails' head_denies
check 'and new keys are not asked for each time' keysd_was 'gave' 2

waits_for_a_person() {
	patience=2s
	credentials <<-END
		[default]
		aws_access_key_id = $s3_access_key
		aws_secret_access_key = $s3_secret_key
		aws_session_token = session-token-39
	END
	s3d_faults server 'GetObject * 3+ expired session-token-39' \
		'ListObjectsV2 * 4+ expired session-token-39'
	unset AWS_CONTAINER_CREDENTIALS_FULL_URI
	job && exits_with 9 migrate-run down.yml && last_output_has ExpiredToken 'renew the credentials' &&
		status_counts down.yml failed=0 &&
		sed -i 's/39/38/' "$HOME/.aws/credentials" && exits_with 0 migrate-run down.yml &&
		holds_files down 64 && status_counts down.yml done=64 failed=0
}
check 'keys that nobody renews end the run, not the objects' waits_for_a_person

finish
