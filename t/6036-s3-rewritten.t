#!/bin/sh
# SPDX-License-Identifier: MIT
# Objects that were written anew with the content they had: copy.changes says whether a later
# pass takes their attributes along, and it costs what the page says.
# shellcheck disable=SC2016,SC2154 # ${SECRET} is for the job file; s3d_up sets server_url

. "${srcdir:-.}/t/lib.sh"
. "$srcdir/t/servers/s3.sh"
T_TIMEOUT=60
s3_needed
[ -f "$builddir/plugins/.libs/sqlite.so" ] || skip_all 'sqlite was not built'
if ! s3d_up server || ! s3d_up other || ! s3d_up slow --time-skew -3600; then
	echo 'Bail out! s3d does not start'
	exit 99
fi

at() { # SERVER WORD...
	eval "url=\$$1_url"
	t_ahead=0
	[ "$1" != slow ] || t_ahead=-3600
	shift
	S3_AHEAD=$t_ahead "$srcdir/t/servers/s3-tool" "$url" "$@"
}

end() { # SERVER BUCKET [OPTIONS]
	eval "url=\$$1_url"
	echo "{plugin: s3, endpoint: '$url', bucket: $2, access_key: $s3_access_key," \
		"secret_key: '\${SECRET}'${3:+, $3}}"
}

job() { # NAME SOURCE DESTINATION CHANGES [LINE...]
	job_name=$1 job_source=$2 job_destination=$3 job_changes=$4
	shift 4
	{
		printf 'source: %s\ndestination: %s\ncopy: {changes: %s}\n' "$job_source" \
			"$job_destination" "$job_changes"
		[ $# -eq 0 ] || printf '%s\n' "$@"
	} | write_job "$job_name.yml"
}

printf 'one body' >body
printf 'another body' >longer

# fill SERVER BUCKET: what the passes below begin with
fill() {
	at "$1" make "$2" && for t_key in a b c d e f g h; do
		at "$1" put "$2" $t_key body content-type:text/plain x-amz-meta-who:me \
			cache-control:max-age=60 || return 1
	done
}

# change SERVER BUCKET: six objects bear something else, one is another one, one is as it was
change() {
	at "$1" put "$2" a body content-type:image/png x-amz-meta-who:me cache-control:max-age=60 &&
		at "$1" put "$2" b body content-type:text/plain x-amz-meta-who:you cache-control:max-age=60 &&
		at "$1" put "$2" c body content-type:text/plain x-amz-meta-who:me &&
		at "$1" put "$2" d body content-type:text/plain cache-control:max-age=60 &&
		at "$1" put "$2" e body content-type:text/plain x-amz-meta-who:me cache-control:max-age=60 \
			content-disposition:inline content-language:de &&
		at "$1" put "$2" f longer content-type:text/plain x-amz-meta-who:me cache-control:max-age=60 &&
		at "$1" put "$2" g body content-type:text/plain x-amz-meta-who:me cache-control:max-age=60
}

equal() { # SERVER BUCKET OTHER-SERVER OTHER-BUCKET
	at "$1" tell "$2" >one && at "$3" tell "$4" >two && [ -s one ] && diff one two
}

runs() { # JOB COPIED [OPTION...]
	t_job=$1 t_copied=$2
	shift 2
	exits_with 0 migrate-run "$@" "$t_job.yml" && last_output_has "copied $t_copied objects"
}

# ---- From bucket to bucket, by the server and through us -------------------------------------

for way in server other; do
	fill server "from-$way" && at $way make "to-$way" "left-$way"
	job "left-$way" "$(end server "from-$way")" "$(end $way "left-$way")" content
	job "to-$way" "$(end server "from-$way")" "$(end $way "to-$way")" attributes
	check "to $way: a first pass" runs "to-$way" 8
	check 'another one, with content alone' runs "left-$way" 8
	change server "from-$way"
	check 'content: one body is another one' runs "left-$way" 1
	check 'and the others are left' not equal server "from-$way" $way "left-$way"
	check 'a dry run tells how many follow' exits_with 0 migrate-run --dry-run "to-$way.yml"
	check 'with attributes' last_output_has 'objects to copy'
	dry=$(sed -n 's/^ *objects to copy *\([0-9]*\).*/\1/p' "$t_out/stdout")
	check 'six of them' test "$dry" = 6
	check 'so it is' runs "to-$way" 6
	check 'all bear what their originals do' equal server "from-$way" $way "to-$way"
	check 'each object is counted once' status_says "to-$way.yml" .objects.total 8
	check 'none failed' status_says "to-$way.yml" .objects.failed 0
	check 'what was written anew as it was is the same' status_says "to-$way.yml" '.objects | .done + .same' 8
	check 'all of it can be verified' exits_with 0 migrate-verify "to-$way.yml"
	check 'to the byte' exits_with 0 migrate-verify --readback "to-$way.yml"
	check 'what is left is none of the job'\''s differences' exits_with 0 migrate-verify "left-$way.yml"
	check 'another pass' runs "to-$way" 0
	check 'once it is asked for, the others follow' runs "left-$way" 5 --set copy.changes=attributes
	check 'and bear the same' equal server "from-$way" $way "left-$way"
done

# ---- To files, and back ------------------------------------------------------------------------

touch attributes
if setfattr -n user.note -v two attributes 2>/dev/null; then
	mkdir files
	job files "$(end server from-server)" '{plugin: posix, root: files}' attributes
	check 'to files' runs files 8
	at server put from-server a body content-type:image/webp x-amz-meta-who:me
	check 'one of them follows' runs files 1
	check 'with its type' test "$(getfattr --only-values -n user.mime_type files/a)" = image/webp
	check 'and without what was taken away' not getfattr -n user.migrate.cache-control files/a
	check 'all is true' exits_with 0 migrate-verify files.yml

	at server make back
	job back '{plugin: posix, root: files}' "$(end server back)" attributes
	check 'back again' runs back 8
	check 'nothing more' runs back 0
	chmod 640 files/b
	setfattr -n user.migrate.cache-control -v no-store files/c
	check 'files tell by their etags that their attributes changed' runs back 2
	at server tell back >told
	check 'and they are taken along: mode' grep -q '640' told
	check 'and what stands in their extended attributes' grep -q no-store told
	check 'both pass through verify' exits_with 0 migrate-verify --readback back.yml
else
	skip 'to files, and back' 'no extended attributes here, or no setfattr (Debian: attr)'
fi

mkdir here && printf x >here/x
for changes in content attributes; do
	rm -rf there posix.journal* && mkdir there
	job posix '{plugin: posix, root: here}' '{plugin: posix, root: there}' $changes
	chmod 600 here/x
	check "from files to files, $changes" runs posix 1
	chmod 644 here/x
	check 'a file whose mode changed' runs posix 1
	check 'has it at the destination' test "$(stat -c %a there/x)" = 644
	check 'then nothing' runs posix 0
done

# ---- What is not ours, and rows ------------------------------------------------------------------

fill server theirs && at server make theirs-to && at server put theirs-to a body content-type:a/theirs
sqlite3 app.db "CREATE TABLE t (id INTEGER PRIMARY KEY, path TEXT); CREATE INDEX i ON t (path);
	INSERT INTO t VALUES (1, 'a'), (2, 'b')"
job theirs "$(end server theirs)" "$(end server theirs-to)" attributes 'rename: [{prefix: "", to: new/}]' \
	'databases:' '  - {plugin: sqlite, path: app.db, table: t, column: path}' 'keys: {include: [a, b]}'
at server put theirs-to new/a body content-type:a/theirs
check 'a copy that was there before' runs theirs 1
at server put theirs a body content-type:image/png
at server put theirs b body content-type:image/png
check 'is not written over, ours is' runs theirs 1
theirs_stay() {
	at server tell theirs-to >told && cat told && grep -q '^new%2Fa .*a/theirs' told &&
		grep -q '^new%2Fb .*image/png' told
}
check 'each bears its own' theirs_stay
check 'rows follow once' status_counts theirs.yml total=2 rows.changed=2 rows.already=0

# A plan that is checked first is read from the journal again before anything is copied.
at server make checked-to
job checked "$(end server theirs)" "$(end server checked-to)" attributes 'rename: [{match: "^(.*)$", to: "x/$1"}]'
check 'a plan that is checked' runs checked 8
at server put theirs c body content-type:text/plain x-amz-meta-who:me cache-control:max-age=60
at server put theirs d body content-type:image/png
check 'brings the one that bears something else' runs checked 1
check 'and nothing of what does not' runs checked 0

# Keys that no listing brings are looked at one by one.
at server make listed-to
printf 'c\nd\ng\n' >list
job listed "$(end server theirs)" "$(end server listed-to)" attributes 'keys: {from: file, file: list}'
check 'keys of a file' runs listed 3
at server put theirs d body content-type:image/gif
check 'one of which was written anew' exits_with 0 migrate-run --dry-run listed.yml
check 'is foreseen' grep -q 'objects to copy *1$' "$t_out/stdout"
check 'and follows' runs listed 1

# ---- The evidence, and what it costs ----------------------------------------------------------------

heads() { # SERVER BUCKET: how often objects were looked at
	jq -rs "[.[] | select(.op == \"HeadObject\" and .bucket == \"$2\")] | length" "$t_top/$1/log"
}
# A server whose clock tells that all of it was written long ago.
fill slow old && at slow make old-to
job old "$(end slow old 'dialect: aws')" "$(end slow old-to 'dialect: aws')" attributes
check 'objects of long ago' runs old 8
before=$(heads slow old)
check 'in a later pass' runs old 0
check 'are not looked at one by one' test "$(heads slow old)" -eq "$before"
anew() { # one is written until a second has passed
	at slow put old b body content-type:text/html &&
		migrate-run --dry-run old.yml >dry && grep -q 'objects to copy *1$' dry
}
check 'one that was written anew is known by its time' wait_until 10 anew
before=$(heads slow old)
check 'and taken along' runs old 1
check 'after one look' test "$(heads slow old)" -eq $((before + 1))
check 'and no other' equal slow old slow old-to

# A run that is killed between the plan and the copy goes on the same way.
at server put from-other h body content-type:image/gif
s3d_faults other 'HeadObject * 1+ delay 30'
start killed migrate-run to-other.yml
wait_until 20 sh -c "curl -s $other_url/.s3d/script | grep -q '^[0-9]* [1-9]'"
kill -9 "$(pid_of killed)"
ends_with 137 killed
s3d_faults other
check 'after a kill it goes on' exits_with 0 migrate-run to-other.yml
check 'and all bear what their originals do' equal server from-other other to-other
check 'nothing is counted twice' status_says to-other.yml .objects.total 8

# ---- Copies that are gone -----------------------------------------------------------

fill server gone && at other make gone-to
job gone "$(end server gone)" "$(end other gone-to)" content
check 'a bucket' runs gone 8
at other remove gone-to c && at other remove gone-to h
before=$(heads other gone-to)
check 'copies that are gone are made again' runs gone 2 --remake
check 'and found by a listing, not by a look at each' test "$(heads other gone-to)" -le $((before + 2))
check 'all are there' equal server gone other gone-to

finish
