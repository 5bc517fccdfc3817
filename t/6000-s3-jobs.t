#!/bin/sh
# SPDX-License-Identifier: MIT
# Objects move into, out of and between buckets, with no request more than it takes.
# shellcheck disable=SC2016,SC2154 # ${SECRET} is for the job file; s3d_up sets server_url

. "${srcdir:-.}/t/lib.sh"
. "$srcdir/t/servers/s3.sh"
T_TIMEOUT=60
s3_needed
s3d_up server || no_s3d

s3() { # BUCKET [OPTIONS]
	echo "{plugin: s3, endpoint: '$server_url', bucket: $1, access_key: $s3_access_key," \
		"secret_key: '\${SECRET}'${2:+, $2}}"
}

# job NAME SOURCE DESTINATION [LINE...]
job() {
	job_name=$1
	{
		printf 'source: %s\ndestination: %s\n' "$2" "$3"
		shift 3
		[ $# -eq 0 ] || printf '%s\n' "$@"
	} | write_job "$job_name.yml"
}

mark() { # requests from here on are looked at
	marked=$(wc -l <"$server_log")
}

# requests_since FILTER ANSWER: what jq says of the requests since the mark, all in one array
requests_since() {
	t_got=$(tail -n +$((marked + 1)) "$server_log" | jq -rcs "$1") || return 1
	[ "$t_got" = "$2" ] || { echo "$1 is '$t_got' instead of '$2'"; return 1; }
}

same_buckets() { # ONE OTHER
	tool show "$1" >one && tool show "$2" >other && [ -s one ] && diff one other
}

# ---- posix to S3 -----------------------------------------------------------------

tool make inbox many-from many-to parts-from parts-to awkward-from awkward-to \
	policy killed || { echo 'Bail out! no buckets'; exit 99; }
mkdir -p old/image
for i in 1 2 3 4 5 6 7 8 9; do
	write_file "old/image/$i.png" "image $i"
done
: >old/image/empty
head -c 12582912 /dev/urandom >old/image/large
sql app.db "CREATE TABLE avatars (id INTEGER PRIMARY KEY, path TEXT, n INTEGER DEFAULT 0);
	CREATE INDEX of_path ON avatars (path);
	CREATE TRIGGER counted AFTER UPDATE OF path ON avatars
	BEGIN UPDATE avatars SET n = n + 1 WHERE id = new.id; END"
for i in 1 2 3 4 5 6 7 8 9; do
	sql app.db "INSERT INTO avatars (path) VALUES ('image/$i.png')"
done
rows='databases: [{plugin: sqlite, path: app.db, table: avatars, column: path}]'
avatar='rename: [{prefix: image/, to: avatar/}]'
job inbox '{plugin: posix, root: old}' "$(s3 inbox)" "$avatar" "$rows"

check 'files become objects' exits_with 0 migrate-run --set copy.part_size=5MiB inbox.yml
check 'and the rows follow, once' sql_says app.db \
	"SELECT count(*) FROM avatars WHERE path = 'avatar/' || id || '.png' AND n = 1" 9
check 'a large one in parts' s3d_log_says server \
	'[.[] | select(.op == "UploadPart" and .key == "avatar/large")] | length' 3
check 'which are all completed' no_uploads
check 'the journal agrees with the world' exits_with 0 migrate-verify inbox.yml
mark
check 'a second run' exits_with 0 migrate-run --set copy.part_size=5MiB inbox.yml
check 'writes no object again' requests_since \
	'[.[] | select(.op | test("^(PutObject|CopyObject|UploadPart|CreateMultipart)"))
	| select(.key | test("scratch") | not)] | length' 0

# ---- S3 to posix -----------------------------------------------------------------

mkdir back
job back "$(s3 inbox)" '{plugin: posix, root: back}' 'rename: [{prefix: avatar/, to: image/}]' "$rows"
check 'objects become files' exits_with 0 migrate-run --set copy.part_size=5MiB back.yml
check 'with the same bytes, the empty one and the large one too' same_tree old back
check 'and the rows go back' sql_says app.db \
	"SELECT count(*) FROM avatars WHERE path = 'image/' || id || '.png' AND n = 2" 9

# ---- S3 to S3 in one endpoint ------------------------------------------------------

tool fill many-from 2500
job many "$(s3 many-from)" "$(s3 many-to)" 'rename: [{prefix: o, to: p/}]'
mark
check '2,500 objects are copied from bucket to bucket' exits_with 0 migrate-run many.yml
check 'by one request each' requests_since \
	'[.[] | select(.op == "CopyObject" and .bucket == "many-to" and (.key | test("scratch") | not))]
	| [length, (map(.key) | unique | length), (map(select(.status != 200)) | length)]' '[2500,2500,0]'
check 'and no byte of them passes through' requests_since \
	'[.[] | select(.op | test("^(GetObject|UploadPart)")) | select(.key | test("scratch") | not)] | length' 0
check 'none is looked at before or after' requests_since \
	'[.[] | select(.op == "HeadObject")] | length' 0
check 'the source is listed by one request for 1,000 keys' requests_since \
	'[.[] | select(.op == "ListObjectsV2" and .bucket == "many-from"
	and (.query | test("max-keys=1(&|$)") | not))] | length' 3
check 'and there is nothing else but the look at each end and what is measured of the destination' \
	requests_since '[.[] | select(.op != "CopyObject")
	| select(.key + .query | test("scratch") | not)
	| select((.op == "ListObjectsV2" and .bucket == "many-from") | not)
	| select((.op == "ListObjectsV2" and (.query | test("max-keys=1(&|$)"))) | not) | .op]
	| unique' '[]'
measured='[.[] | select(.key + .query | test("scratch"))] | length'
check 'which takes fewer than 25 requests, whatever there is to copy' requests_since \
	"$measured < 25 and ($measured) > 0" true
mark
check 'a second run' exits_with 0 migrate-run many.yml
check 'copies nothing' requests_since \
	'[.[] | select(.op == "CopyObject" and (.key | test("scratch") | not))] | length' 0
check 'the journal agrees with the world' exits_with 0 migrate-verify many.yml

tool awkward awkward-from
job awkward "$(s3 awkward-from)" "$(s3 awkward-to)"
check 'keys of all kinds are copied' exits_with 0 migrate-run awkward.yml
check 'to the byte, with type and metadata' same_buckets awkward-from awkward-to
check 'and verified' exits_with 0 migrate-verify awkward.yml

s3d_up other || no_s3d
"$srcdir/t/servers/s3-tool" "$other_url" make streamed
job streamed "$(s3 awkward-from)" \
	"{plugin: s3, endpoint: '$other_url', bucket: streamed, access_key: $s3_access_key, secret_key: '\${SECRET}'}"
check 'to another endpoint their bytes pass through' exits_with 0 migrate-run streamed.yml
same_elsewhere() {
	tool show awkward-from >one && "$srcdir/t/servers/s3-tool" "$other_url" show streamed >other &&
		[ -s one ] && diff one other
}
check 'with the same keys, bytes, types and metadata' same_elsewhere

head -c 12582912 /dev/urandom >large
head -c 500000 /dev/urandom >small
tool put parts-from large large content-type:image/png x-amz-meta-who:me
tool put parts-from small small content-type:image/gif
job parts "$(s3 parts-from)" "$(s3 parts-to 'copy_max: 6MiB')"
mark
check 'above copy_max' exits_with 0 migrate-run --set copy.part_size=5MiB parts.yml
check 'the server copies in parts' requests_since \
	'[.[] | select(.op == "UploadPartCopy" and .status == 200)] | length' 3
check 'bytes and attributes arrive' same_buckets parts-from parts-to
check 'no upload is left' no_uploads

# ---- Not one request more, whichever way ------------------------------------------------

tool make ways counted
tool fill ways 1200
not_for_objects='select(.key + .query | test("scratch") | not) | select(.op | test("^List") | not)'
# one_each SERVER OPERATION: of so many objects one request each, and there is nothing else
one_each() {
	t_got=$(tail -n +$((marked + 1)) "$1" | jq -rcs "[.[] | $not_for_objects | .op] | group_by(.)
		| map([.[0], length])")
	[ "$t_got" = "[[\"$2\",1200]]" ] || { echo "$t_got"; return 1; }
}
mkdir ways
job ways-down "$(s3 ways)" '{plugin: posix, root: ways}'
mark
check '1,200 objects become files' exits_with 0 migrate-run ways-down.yml
check 'by one request each' one_each "$server_log" GetObject
job ways-up '{plugin: posix, root: ways}' "$(s3 counted)"
mark
check 'files become objects' exits_with 0 migrate-run ways-up.yml
check 'by one request each, too' one_each "$server_log" PutObject
"$srcdir/t/servers/s3-tool" "$other_url" make ways
job ways-far "$(s3 ways)" \
	"{plugin: s3, endpoint: '$other_url', bucket: ways, access_key: $s3_access_key, secret_key: '\${SECRET}'}"
mark
far_marked=$(wc -l <"$other_log")
check 'they go to another endpoint' exits_with 0 migrate-run ways-far.yml
check 'by one request there' one_each "$server_log" GetObject
marked=$far_marked
check 'and one here' one_each "$other_log" PutObject

# ---- What is there already ---------------------------------------------------------

for i in 1 2 3; do
	tool put policy "p/0000$i" small
done
for policy in fail skip overwrite; do
	job "conflict-$policy" "$(s3 many-from)" "$(s3 policy)" 'rename: [{prefix: o, to: p/}]' \
		'keys: {prefix: o0000}' "copy: {on_conflict: $policy}"
done
still_large() {
	tool show policy | grep -c ' 500000 ' | grep -qx "$1"
}
check 'other bytes under the same keys are a conflict' exits_with 3 migrate-run conflict-fail.yml
check 'which overwrites nothing' still_large 3
check 'nor does skip' exits_with 0 migrate-run conflict-skip.yml
check 'touch them' still_large 3
check 'overwrite does' exits_with 0 migrate-run conflict-overwrite.yml
check 'and they are the new ones' still_large 0

# ---- Killed --------------------------------------------------------------------------

sql app.db 'DELETE FROM avatars'
mkdir -p heavy/image
for i in 1 2 3 4 5 6; do
	head -c $((i * 2097152)) /dev/urandom >"heavy/image/$i.png"
	write_file "heavy/image/small$i" "small $i"
	sql app.db "INSERT INTO avatars (path) VALUES ('image/$i.png')"
done
job killed '{plugin: posix, root: heavy}' "$(s3 killed)" "$avatar" "$rows" \
	'copy: {part_size: 5MiB, concurrency: 2}'
# killed_at OPERATION KEYS WHICH: when the server is in the middle of such a request
killed_at() {
	s3d_faults server "$1 $2 $3 delay 3"
	start run migrate-run --progress=none killed.yml
	wait_until 20 in_the_middle "$1" || return 1
	signals run KILL
	ends_with 137 run
	t_got=$?
	s3d_faults server
	return "$t_got"
}
check 'a run is killed while it writes an object' killed_at PutObject 'avatar*' 1+
check 'the next one while it measures' killed_at UploadPart '*scratch*' 1
check 'while it writes a part' killed_at UploadPart 'avatar*' 3+
check 'before it has written any' killed_at UploadPart 'avatar*' 1+
# A crash between the server's answer and the journal leaves one that only the server knows of.
twins() {
	tool uploads killed | grep '^avatar/' >open
	[ -s open ] || { tool uploads killed; return 1; }
	while read -r key; do
		tool begin-upload killed "$key" || return 1
	done <open
}
check 'each open upload gets a twin that the journal never heard of' twins
check 'at the end of an upload' killed_at CompleteMultipartUpload 'avatar*' 1
check 'the next one finishes' exits_with 0 migrate-run killed.yml
nothing_lost() {
	rm -rf proof && mkdir proof &&
		write_job proof.yml <<-END && run migrate-run proof.yml && same_tree heavy/image proof/avatar
			source: $(s3 killed)
			destination: {plugin: posix, root: proof}
		END
}
check 'each object has the right bytes' nothing_lost
check 'each row was changed once' sql_says app.db \
	"SELECT count(*) FROM avatars WHERE path LIKE 'avatar/_.png' AND n = 1" 6
check 'no upload is left' no_uploads
no_scratch() {
	tool show killed >left
	[ "$(wc -l <left)" -eq 12 ] && not grep scratch left
}
check 'and no scratch object' no_scratch

# A first run that ends while it tries what the place does: its job's id is all that finds the rest.
leaves_nothing() { # BUCKET
	tool show "$1" >left && not grep scratch left && [ -z "$(tool uploads "$1")" ]
}
interrupted_at() { # OPERATION
	s3d_faults server "$1 *scratch* 1 delay 1"
	start run migrate-run --progress=none first.yml
	wait_until 20 in_the_middle "$1" && signals run TERM && ends_with 4 run
}
for t_operation in PutObject CopyObject UploadPart DeleteObject; do
	t_bucket=first-$(echo $t_operation | tr '[:upper:]' '[:lower:]')
	tool make "$t_bucket"
	rm -f first.journal*
	job first '{plugin: posix, root: heavy}' "$(s3 "$t_bucket")" "$avatar"
	check "interrupted at its first $t_operation" interrupted_at $t_operation
	s3d_faults server
	check 'the next run finishes' exits_with 0 migrate-run --progress=none first.yml
	check 'and what was tried is gone' leaves_nothing "$t_bucket"
done

tool make lost
job lost '{plugin: posix, root: heavy}' "$(s3 lost)" "$avatar"
s3d_faults server 'CreateMultipartUpload *scratch* 1 reset-committed' 'DeleteObject *scratch* * status 503 SlowDown'
check 'answers are lost while the place is tried' exits_with 0 migrate-run --progress=none lost.yml
s3d_faults server
check 'a run of its own removes what is left' exits_with 0 migrate-run --progress=none lost.yml
check 'so nothing is' leaves_nothing lost

finish
