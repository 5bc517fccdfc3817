#!/bin/sh
# SPDX-License-Identifier: MIT
# Whatever a server of S3 does to requests, nothing is lost, no row points to nothing, and
# what could be finished was finished: a table of disasters, with the oracle after each.
# shellcheck disable=SC2154 # s3d_up sets near_url and far_url

. "${srcdir:-.}/t/lib.sh"
. "$srcdir/t/servers/s3.sh"
. "$srcdir/t/faults/lib.sh"
T_TIMEOUT=60
[ -f "$builddir/plugins/.libs/s3.so" ] || skip_all 's3 was not built'
needs sqlite3
s3d_needed
S3D_SECRET_KEY=$s3_secret_key
export S3D_SECRET_KEY
if ! s3d_up near || ! s3d_up far; then
	echo 'Bail out! s3d does not start'
	exit 99
fi

# The four ways of an object: up, down, over (copied by the server), far (between two of them).
world_of() { # WAY
	case $1 in
	up) set -- posix s3 "$near_url" ;;
	down) set -- s3 posix "$near_url" ;;
	over) set -- s3 s3 "$near_url" ;;
	far) set -- s3 s3 "$far_url" ;;
	esac
	new_world master --seed "$SEED" --objects 26 --source "$1" --destination "$2" --s3 "$near_url" \
		--far "$3"
}

new_worlds() {
	for way in up down over far; do
		world_of "$way" && rm -rf "$way" && mv master "$way" || return 1
	done
}

begin() { # WAY: a world w to which nothing happened yet
	s3d_faults near
	s3d_faults far
	fresh_world w "$1" && "$faults/world" w --refill
}

# strike WAY RULE...: the job of a new world, with that happening; each rule is met
strike() {
	begin "$1" || return 1
	t_way=$1
	shift
	: >"$t_out/near" && : >"$t_out/far"
	for t_rule; do
		case $t_way:$t_rule in
		far:Get* | far:List*) echo "$t_rule" >>"$t_out/near" ;;
		far:*) echo "$t_rule" >>"$t_out/far" ;;
		*) echo "$t_rule" >>"$t_out/near" ;;
		esac
	done
	s3d_faults near "$(cat "$t_out/near")"
	s3d_faults far "$(cat "$t_out/far")"
	run migrate-run --progress=none ${verify:+--set "copy.verify=$verify"} w/job.yml
	ended=$?
	were_hit 1 "$near_url/.s3d/script" "$far_url/.s3d/script"
	t_hit=$?
	s3d_faults near
	s3d_faults far
	return "$t_hit"
}

in_order() { # the oracle says so
	invariants w --exit "$ended" --log "$t_out/stdout" "$t_out/stderr" || {
		echo "status $ended"
		return 1
	}
}

survives() { # WAY RULE...: and everything is done
	strike "$@" && in_order && [ "$ended" -eq 0 ]
}

# ---- Once, or for a while ------------------------------------------------------------
#
# A way, what it is about, then rules of s3d that one world meets together.

cat >table <<'END'
up the server is busy or broken, or answers get lost
PutObject avatar/* 1 status 503 SlowDown
PutObject avatar/* 2 status-committed 500 InternalError
PutObject avatar/* 3 status 500 InternalError
PutObject avatar/* 4 no-header ETag
PutObject avatar/* 5 status 503 SlowDown Retry-After=1
PutObject avatar/* 6 status 400 RequestTimeout
PutObject avatar/* 7 reset-before
PutObject avatar/* 8 status 409 OperationAborted
PutObject avatar/* 9 reset-after
PutObject avatar/* 10 stall 5
PutObject avatar/* 11 reset-committed
PutObject avatar/* 12 status 502
PutObject avatar/big* 1 reset-during 1000
CreateMultipartUpload avatar/* 1 status 500 InternalError
CreateMultipartUpload avatar/* 2 reset-committed
CreateMultipartUpload avatar/* 3 body 200 <InitiateMultipartUploadResult><Key>
UploadPart avatar/* 1 status 503 SlowDown
UploadPart avatar/* 2 no-header ETag
UploadPart avatar/* 3 reset-during 1000000
UploadPart avatar/* 5 reset-committed
UploadPart avatar/* 6 drip 20000000
CompleteMultipartUpload avatar/* 1 reset-committed

up the end of an upload is not what it seems
CompleteMultipartUpload avatar/* 1 error-200 InternalError
CompleteMultipartUpload avatar/* 2 status 503 SlowDown
CompleteMultipartUpload avatar/* 3 status-committed 500 InternalError

up nor what comes instead of a document
CompleteMultipartUpload avatar/* 1 error-200 SlowDown
CompleteMultipartUpload avatar/* 2 empty-200

up a document breaks off
CompleteMultipartUpload avatar/* 1 body 200 <CompleteMultipartUploadResult><ETag>

up blanks come for a while
CompleteMultipartUpload avatar/* 1 spaces 5000

down the server is busy or broken, or what it sends is
GetObject image/* 1 status 503 SlowDown
GetObject image/* 2 cut 0 reset
GetObject image/* 3 status 500 InternalError
GetObject image/* 4 status 404
GetObject image/* 5 reset-before
GetObject image/* 6 no-header Content-Length
GetObject image/* 7 flip 0
GetObject image/* 8 body 200 hello
GetObject image/* 9 chunked
GetObject image/* 10 delay 1
GetObject image/big* 1 cut 1000
GetObject image/big* 2 stall 5 300000
GetObject image/parts* 1 cut 3000000
GetObject image/parts* 2 cut 100 reset
GetObject image/parts* 3 code 200

over the server is busy or broken, or answers get lost
CopyObject avatar/* 1 status 503 SlowDown
CopyObject avatar/* 2 empty-200
CopyObject avatar/* 3 status 500 InternalError
CopyObject avatar/* 4 status-committed 500 InternalError
CopyObject avatar/* 5 reset-before
CopyObject avatar/* 6 spaces 3000
CopyObject avatar/* 7 reset-committed
CopyObject avatar/* 8 body 200 <CopyObjectResult/>
CopyObject avatar/* 9 error-200 InternalError
CopyObject avatar/* 10 body 200 <CopyObjectResult><ETag>
CopyObject avatar/* 11 error-200 SlowDown
CopyObject avatar/* 12 cut 30
CopyObject avatar/* 13 code 503
CopyObject avatar/* 14 no-header Content-Length
UploadPartCopy avatar/* 1 status 503 SlowDown
UploadPartCopy avatar/* 2 error-200 InternalError
UploadPartCopy avatar/* 3 reset-committed
UploadPartCopy avatar/* 4 body 200 <CopyPartResult/>
UploadPartCopy avatar/* 5 empty-200
CompleteMultipartUpload avatar/* 1 error-200 SlowDown
CompleteMultipartUpload avatar/* 2 reset-committed

far both servers have troubles
GetObject image/* 1 flip 3
GetObject image/* 5 cut 2
GetObject image/parts* 2 drip 20000000
PutObject avatar/* 1 reset-committed
PutObject avatar/* 5 status 503 SlowDown
UploadPart avatar/* 2 reset-before
CompleteMultipartUpload avatar/* 1 reset-committed

over each ninth request is refused
* * /9 status 503 SlowDown

up each third answer is lost
PutObject avatar/* /3 reset-committed

down each eighth connection breaks
* * /8 reset-before
HeadObject image/parts* 1 status 503
HeadObject image/parts* 2 no-header Content-Length

END

meet() { # the rules read so far
	# shellcheck disable=SC2046 # each line is an argument
	set -- "$way" $(cat rules)
	IFS=$t_blanks
	set +f
	check "$way: $words" survives "$@"
	: >rules
}

t_blanks=$IFS
check 'worlds whose objects go all ways' new_worlds
while read -r way words; do
	: >rules
	while IFS= read -r rule && [ "$rule" ]; do
		echo "$rule" >>rules
	done
	set -f
	IFS='
'
	meet
done <table

# ---- What takes more than to ask again ----------------------------------------------------

verify=readback
check 'bytes that the store turns, or loses, are written again where all are read back' \
	survives up 'PutObject avatar/* 3 flip-stored 0' 'UploadPart avatar/* 1 flip-stored 5000' \
	'PutObject avatar/* 8 forget'
verify=

# fails_only WAY KEY RULE...: those below that prefix fail, in their own class, and nothing else
fails_only() {
	t_prefix=$2
	t_kind=$1
	shift 2
	strike "$t_kind" "$@" || return 1
	"$faults/world" w --fails "$t_prefix" && in_order && [ "$ended" -eq 3 ] &&
		status_says w/job.yml '.objects.failed > 0' true
}
check 'no permission to read one prefix' fails_only down image/a 'GetObject image/a* * status 403 AccessDenied'
check 'which is said' last_output_has AccessDenied
check 'nor to write' fails_only up image/a 'PutObject avatar/a* * status 403 AccessDenied'
check 'nor to copy' fails_only over image/a 'CopyObject avatar/a* * status 403 AccessDenied' \
	'GetObject image/a* * status 403 AccessDenied'
check 'with permission again, they follow' exits_with 0 migrate-run --progress=none --retry-failed w/job.yml

finish
