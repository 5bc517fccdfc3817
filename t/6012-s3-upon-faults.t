#!/bin/sh
# SPDX-License-Identifier: MIT
# What a lost answer, a crash and slow parts leave behind at a server of S3 is known as ours
# by the runs that follow, and ended.
# shellcheck disable=SC2016,SC2154 # ${SECRET} is for the job file; s3d_up sets server_url

. "${srcdir:-.}/t/lib.sh"
. "$srcdir/t/servers/s3.sh"
T_TIMEOUT=120
s3_needed
s3d_up server || no_s3d

# job NAME LINE...: the folder NAME to a new bucket of that name
job() {
	t_name=$1
	tool make "$t_name" || return 1
	shift
	{
		echo "source: {plugin: posix, root: $t_name}"
		echo "destination: {plugin: s3, endpoint: '$server_url', bucket: $t_name," \
			"access_key: $s3_access_key, secret_key: '\${SECRET}'}"
		printf '%s\n' 'patience: 20s' "$@"
	} | write_job "$t_name.yml"
}

# is_hit OPERATION: the server has met a rule for it
is_hit() {
	curl -s "$server_url/.s3d/script" | grep -q "^[0-9]* [1-9][0-9]* $1 "
}

journal_says() { # NAME STATEMENT ANSWER
	t_got=$(sqlite3 -readonly "$1.journal" "$2") || return 1
	[ "$t_got" = "$3" ] || { echo "'$t_got' instead of '$3'"; return 1; }
}

# ---- Answers that were lost after the server had acted --------------------------------

number=0
lost() { # RULE: five copies whose answers are lost so, then other sources
	number=$((number + 1))
	name=lost$number
	mkdir "$name"
	for i in 1 2 3 4 5; do
		write_file "$name/o$i" "object $i, first version"
	done
	job "$name"
	s3d_faults server "PutObject $1"
	check "answers are lost: $1" exits_with 0 migrate-run "$name.yml"
	check 'indeed' is_hit PutObject
	s3d_faults server
	check 'the copies are ours' status_counts "$name.yml" done=5 same=0
	for i in 1 2 3 4 5; do
		write_file "$name/o$i" "object $i, which is another one by now"
	done
	check 'so a later pass replaces them' exits_with 0 migrate-run "$name.yml"
	check 'without a conflict' status_counts "$name.yml" done=5 failed=0
	check 'and the bytes are right' exits_with 0 migrate-verify --readback "$name.yml"
}
lost 'o? 1@ reset-committed'
lost 'o? 1@ status-committed 500 InternalError'
lost 'o? 1@ status-committed 503 SlowDown'

# The run is killed before it can look, and the sources change before the next one.
mkdir killed
for i in 1 2 3 4 5; do
	write_file "killed/o$i" "object $i, first version"
done
job killed 'copy: {concurrency: 5}'
s3d_faults server 'PutObject o? * reset-committed' 'HeadObject o? * stall 300'
start run migrate-run killed.yml
check 'one is put, and nobody hears of it' wait_until 60 is_hit HeadObject
signals run KILL
check 'the run is killed' ends_with 137 run
s3d_faults server
for i in 1 2 3 4 5; do
	write_file "killed/o$i" "object $i, which is another one by now"
done
check 'what it left, of a version that is no more, is known as ours' exits_with 0 migrate-run killed.yml
check 'and replaced' status_counts killed.yml done=5 same=0 failed=0
check 'by the right bytes' exits_with 0 migrate-verify --readback killed.yml

# ---- Uploads: slow parts are moved to another batch, the run is killed ----------------

mkdir slow
write_file slow/a 'small'
write_file slow/c 'small, too'
head -c 16000000 /dev/urandom >slow/b
job slow 'copy: {part_size: 5MiB, concurrency: 4}'
s3d_faults server 'UploadPart b 2+ stall 300'
start run migrate-run slow.yml
check 'a part that does not end is moved aside' wait_until 90 journal_says slow \
	'SELECT count(*) FROM batch WHERE kind = 1' 1
check 'the upload that it belongs to is still known' journal_says slow 'SELECT count(*) FROM upload' 1
signals run KILL
check 'the run is killed' ends_with 137 run
s3d_faults server
check 'the next one finishes' exits_with 0 migrate-run slow.yml
check 'the upload was continued or ended' no_uploads
check 'and the journal has forgotten it' journal_says slow 'SELECT count(*) FROM upload' 0
check 'all is there' exits_with 0 migrate-verify --readback slow.yml

# ---- Uploads whose object nobody uploads any more -------------------------------------

# began NAME: killed in the middle of an upload
began() {
	mkdir "$1"
	head -c 16000000 /dev/urandom >"$1/b"
	write_file "$1/a" 'small'
	job "$1" 'copy: {part_size: 5MiB, concurrency: 2}' || return 1
	s3d_faults server 'UploadPart b 1+ stall 300'
	start run migrate-run "$1.yml"
	wait_until 60 is_hit UploadPart && signals run KILL && ends_with 137 run
	s3d_faults server
}

check 'killed in the middle of an upload' began vanished
rm vanished/b
check 'its object vanishes before the next run' exits_with 0 migrate-run vanished.yml
check 'its upload is ended' no_uploads
check 'killed in the middle of another' began shrunk
write_file shrunk/b 'small now'
check 'its object is small by then' exits_with 0 migrate-run shrunk.yml
check 'its upload is ended as well' no_uploads
check 'and another' began changed
head -c 17000000 /dev/urandom >changed/b
check 'its object is another version by then' exits_with 0 migrate-run changed.yml
check 'no parts of two versions were put together' exits_with 0 migrate-verify --readback changed.yml
check 'no upload is left' no_uploads

finish
