#!/bin/sh
# SPDX-License-Identifier: MIT
# What libs3 takes for success, and what an old endpoint does on bad days, costs no object.
# shellcheck disable=SC2016,SC2154 # ${SECRET} is for the job file; s3d_up sets server_url

. "${srcdir:-.}/t/lib.sh"
. "$srcdir/t/servers/s3.sh"
T_TIMEOUT=60
[ -f "$builddir/plugins/.libs/libs3.so" ] || skip_all 'libs3 was not built'
s3d_needed
SECRET=$s3_secret_key
export SECRET
# version 4 is for the tool
s3d_up server --dialect legacy --set sigv4=yes || no_s3d

libs3() { # BUCKET
	echo "{plugin: libs3, endpoint: '$server_url', bucket: $1, access_key: $s3_access_key," \
		"secret_key: '\${SECRET}'}"
}

job() { # NAME SOURCE DESTINATION
	printf 'source: %s\ndestination: %s\npatience: 20s\ncopy: {part_size: 5MiB, concurrency: 4}\n' \
		"$2" "$3" | write_job "$1.yml"
}

# was_hit N: each rule at least so often, or the promise was no promise
was_hit() {
	were_hit "$1" "$server_url/.s3d/script"
}

tool make source again || { echo 'Bail out! no buckets'; exit 99; }
mkdir files
for i in $(seq 1 7); do
	write_file "files/oa$i" "object a$i"
	write_file "files/ob$i" "object b$i"
	write_file "files/oc$i" "object c$i"
done
head -c 9437184 /dev/urandom >files/zlarge
job seed '{plugin: posix, root: files}' "$(libs3 source)"
run migrate-run seed.yml
tool show source >source.txt

number=0
# survives KIND LEAST RULE...: a job ends well although the endpoint does that, each rule LEAST
# times at least. KIND: up (posix to libs3), down (libs3 to posix) or over (libs3 to libs3).
survives() {
	number=$((number + 1))
	name=trial$number kind=$1 least=$2
	shift 2
	case $kind in
	down) mkdir "$name" && job "$name" "$(libs3 source)" "{plugin: posix, root: $name}" ;;
	up) tool make "$name" && job "$name" '{plugin: posix, root: files}' "$(libs3 "$name")" ;;
	over) tool make "$name" && job "$name" "$(libs3 source)" "$(libs3 "$name")" ;;
	esac || return 1
	s3d_faults server "$@"
	exits_with 0 migrate-run "$name.yml" || { s3d_faults server; return 1; }
	[ "$least" -eq 0 ] || was_hit "$least" || return 1
	s3d_faults server
	if [ "$kind" = down ]; then
		same_tree files "$name" || return 1
	else
		tool show "$name" >"$name.txt" && diff source.txt "$name.txt" || return 1
	fi
	exits_with 0 migrate-verify "$name.yml"
}

check 'jobs without faults' survives up 0
check 'in each direction' survives down 0
check 'and from bucket to bucket' survives over 0

# ---- The endpoint is busy, or answers get lost ----------------------------------------

check '503 for a while, uploading' survives up 4 \
	'PutObject o* 5-8 status 503 SlowDown' 'HeadObject o* 25-28 status 503 SlowDown'
check 'copying' survives over 4 'CopyObject o* 5-8 status 503 SlowDown'
check 'and downloading' survives down 4 'GetObject o* 5-8 status 503 SlowDown'
check 'it was done, but the answer is lost, or says 500; and connections break' survives up 1 \
	'PutObject oa* 1@ reset-committed' 'PutObject ob* 1@ status-committed 500 InternalError' \
	'PutObject oc* 2 reset-before' 'PutObject z* 1 reset-during 1000000'

s3d_up stranger --dialect legacy || no_s3d
check 'a redirect to another host, uploading' survives up 2 \
	"PutObject o* 4-5 redirect 127.0.0.1:$stranger_port"
mkdir astray
job astray "$(libs3 source)" '{plugin: posix, root: astray}'
s3d_faults server "GetObject o* 4-5 redirect 127.0.0.1:$stranger_port"
check 'and downloading, which fails' exits_with 3 migrate-run astray.yml
check 'these objects alone' status_counts astray.yml done=20 failed=2
s3d_faults server
check 'until they are tried again' exits_with 0 migrate-run --retry-failed astray.yml
check 'with the right bytes' same_tree files astray
check 'the other host saw no signature' s3d_log_says stranger 'map(.sig) | unique | join(",")' none

# ---- What libs3 takes for success -------------------------------------------------------

check 'errors without a document, or with one that is no XML, and 200 without an object' survives up 3 \
	'PutObject oa* 1@ body 500 %20' 'PutObject ob* 1@ body 502 <html><p>Bad%20Gateway' \
	'PutObject oc* 1@ forget'
check '200 with an error inside, or nothing, or a lost answer, for copies' survives over 3 \
	'CopyObject oa* 1@ error-200 InternalError' 'CopyObject ob* 1@ empty-200' \
	'CopyObject oc* 1@ reset-committed'
check 'bodies of answers that end early, by a reset too, or with a flipped byte' survives down 1 \
	'GetObject oa* 1@ cut 3' 'GetObject ob* 1@ cut 3 reset' 'GetObject oc* 1@ flip 2' \
	'GetObject z* 1 cut 2000000'

tool fill again 1100
# Two pages, and the end once more. What comes before them is seen in a job without faults.
before=$(wc -l <"$server_log")
tool make plain && job plain "$(libs3 again)" "$(libs3 plain)" && run migrate-run plain.yml
first=$(tail -n +$((before + 1)) "$server_log" | jq -s '[.[] | select(.op == "ListObjects") | .query
	| test("max-keys=1000")] | index(true) + 1')
check 'a listing has two pages, and its end is asked for once more' s3d_log_says server \
	'[.[] | select(.op == "ListObjects" and .bucket == "again" and (.query | test("max-keys=1000")))] | length' 3

# lists_all PAGE FAULT...: a job copies all, although that befalls this page
lists_all() {
	number=$((number + 1))
	name=trial$number which=$((first + $1 - 1))
	shift
	tool make "$name" && job "$name" "$(libs3 again)" "$(libs3 "$name")" &&
		s3d_faults server "ListObjects * $which $*" || return 1
	exits_with 0 migrate-run "$name.yml" || { s3d_faults server; return 1; }
	was_hit 1 || return 1
	s3d_faults server
	status_counts "$name.yml" done=1100 failed=0
}
check 'a page of the listing breaks off' lists_all 1 cut 30000
check 'a page breaks off before its first key' lists_all 1 cut 150
check 'the last page breaks off' lists_all 2 cut 10000
check 'an error in the place of a page' lists_all 1 error-200 InternalError
check 'an error in the place of the last page' lists_all 2 error-200 InternalError
check 'nothing in the place of a page' lists_all 2 empty-200
check 'a page says too early that it is the last' lists_all 1 page end
check '500 on a page' lists_all 2 status 500 InternalError

# ---- Killed -------------------------------------------------------------------------------

tool make killed
job killed '{plugin: posix, root: files}' "$(libs3 killed)"
# killed_at OPERATION N: when the endpoint is in the middle of the Nth such request
killed_at() {
	s3d_faults server "$1 * $2 delay 3"
	start run migrate-run --progress=none killed.yml
	wait_until 20 in_the_middle "$1" || return 1
	signals run KILL
	ends_with 137 run
	t_got=$?
	s3d_faults server
	return "$t_got"
}
check 'a run is killed while it writes' killed_at PutObject 5
check 'and while it looks at what it wrote' killed_at HeadObject 12
check 'the next one finishes' exits_with 0 migrate-run killed.yml
nothing_lost() {
	tool show killed >killed.txt && diff source.txt killed.txt
}
check 'and each object has the right bytes' nothing_lost

finish
