#!/bin/sh
# SPDX-License-Identifier: MIT
# How many objects are copied at once is found out, said, and may be taken in hand.
# shellcheck disable=SC2016,SC2154 # ${SECRET} is for the job file; s3d_up sets server_url

. "${srcdir:-.}/t/lib.sh"
. "$srcdir/t/servers/s3.sh"
T_TIMEOUT=60
s3_needed
s3d_up server || no_s3d
{ tool make source && tool fill source 700; } || { echo 'Bail out! no bucket'; exit 99; }

# job NAME [LINE...]: a folder for each
job() {
	job_name=$1
	shift
	mkdir -p "$job_name"
	write_job "$job_name.yml" <<-END
		source: {plugin: s3, endpoint: '$server_url', bucket: source, access_key: $s3_access_key, secret_key: '\${SECRET}'}
		destination: {plugin: posix, root: $job_name}
		$*
	END
}

# ever JOB FILTER: some line of its progress is so
ever() {
	t_got=$(jq -s "any(.[]; $2)" "$1.json") || return 1
	[ "$t_got" = true ] || { echo "never so; at the end: $(tail -n 1 "$1.json")"; return 1; }
}

runs() { # JOB
	exits_with 0 migrate-run --progress=json "$1.yml" && last_stdout >"$1.json"
}

is_whole() { # JOB
	holds_files "$1" 700 && status_counts "$1.yml" done=700 failed=0
}

control() { # JOB WORD...
	t_job=$1
	shift
	exits_with 0 migrate-control "$t_job.yml" "$@"
}

rate_is() { # JOB FILTER
	status_says "$1.yml" ".rate | $2" true
}

connections() {
	curl -s "$server_url/.s3d/stats" | jq .connections
}

# ---- More, as long as that helps ---------------------------------------------------

s3d_faults server 'GetObject * * delay 0.06'
job far
check 'far away, a job ends well' runs far
check 'it begins with eight at a time' ever far '.workers == 8 and .workers_why == "to begin with"'
check 'more are tried, for they move more' ever far '.workers >= 24 and .workers_why == "more moved more"'
check 'nothing is lost by that' is_whole far

# ---- Fewer, when the server asks for it --------------------------------------------

s3d_faults server 'GetObject * 1-60 status 503 SlowDown'
job busy
check 'a server that asks for less gets it' runs busy
check 'the number sinks, and why is said' ever busy \
	'.workers <= 6 and .workers_why == "the source asks for less"'
check 'all objects come nevertheless' is_whole busy

# ---- By hand -----------------------------------------------------------------------

s3d_faults server 'GetObject * * delay 0.2'
job hand
start hand migrate-run --progress=none hand.yml
check 'a run begins' wait_until 20 status_says hand.yml .state running
check 'a number by hand' control hand set copy.concurrency=3
check 'is the one that counts' wait_until 10 rate_is hand '.workers == 3 and .workers_why == "as it was set"'
check 'left to the run again' control hand set copy.concurrency=auto
check 'which is said' last_stdout_has 'copy.concurrency=auto'
check 'it goes on from there' wait_until 10 rate_is hand '.workers > 3 and .workers_why != "as it was set"'
check 'more than there were at the beginning' control hand set copy.concurrency=40
check 'are hired' wait_until 10 rate_is hand '.workers == 40'
check 'and work' wait_until 10 test "$(connections)" -ge 30
check 'the number is shown to people' exits_with 0 migrate-status hand.yml
check 'with the reason' last_stdout_has 'workers      40, as it was set'
s3d_faults server
check 'the run ends well' ends_with 0 hand
check 'with everything' is_whole hand

# ---- No more sessions than are needed ----------------------------------------------

mkdir one && echo one >one/o
write_job few.yml <<END
source: {plugin: posix, root: one}
destination: {plugin: s3, endpoint: '$server_url', bucket: source, access_key: $s3_access_key, secret_key: '\${SECRET}', conditions: yes}
copy: {concurrency: 200}
END
before=$(connections)
check 'two hundred may copy one object' exits_with 0 migrate-run few.yml
few_connections() {
	t_got=$(($(connections) - before))
	[ "$t_got" -le 6 ] || { echo "$t_got connections were made"; return 1; }
}
check 'over no more connections than it takes' few_connections
finish
