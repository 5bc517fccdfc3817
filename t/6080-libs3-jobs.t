#!/bin/sh
# SPDX-License-Identifier: MIT
# Objects move off an old endpoint that knows signatures of version 2 only, and onto it.
# shellcheck disable=SC2016,SC2154 # ${SECRET} is for the job file; s3d_up sets server_url

. "${srcdir:-.}/t/lib.sh"
. "$srcdir/t/servers/s3.sh"
T_TIMEOUT=60
[ -f "$builddir/plugins/.libs/libs3.so" ] || skip_all 'libs3 was not built'
s3d_needed
SECRET=$s3_secret_key
export SECRET
s3d_up server --dialect legacy || no_s3d

# The tool signs in version 4, which an old endpoint learns for that long.
tool() {
	curl -sf -o /dev/null --data sigv4=yes "$server_url/.s3d/set" || return 1
	"$srcdir/t/servers/s3-tool" "$server_url" "$@"
	t_tool=$?
	curl -sf -o /dev/null --data sigv4=no "$server_url/.s3d/set" && return "$t_tool"
}

libs3() { # BUCKET [OPTIONS]
	echo "{plugin: libs3, endpoint: '$server_url', bucket: $1, access_key: $s3_access_key," \
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

requests_since() { # FILTER ANSWER
	t_got=$(tail -n +$((marked + 1)) "$server_log" | jq -rcs "$1") || return 1
	[ "$t_got" = "$2" ] || { echo "$1 is '$t_got' instead of '$2'"; return 1; }
}

# ---- posix to libs3 and back, with rows ----------------------------------------------

tool make inbox outbox many-from many-to awkward-from awkward-to twin spaced spared ||
	{ echo 'Bail out! no buckets'; exit 99; }
mkdir -p old/image back
for i in 1 2 3 4 5 6 7 8 9; do
	write_file "old/image/$i.png" "image $i"
done
: >old/image/empty
head -c 25000000 /dev/urandom >old/image/large
write_file 'old/image/ü+%41?#&=;(x)' 'awkward'
sql app.db "CREATE TABLE avatars (id INTEGER PRIMARY KEY, path TEXT, n INTEGER DEFAULT 0);
	CREATE INDEX of_path ON avatars (path);
	CREATE TRIGGER counted AFTER UPDATE OF path ON avatars
	BEGIN UPDATE avatars SET n = n + 1 WHERE id = new.id; END"
for i in 1 2 3 4 5 6 7 8 9; do
	sql app.db "INSERT INTO avatars (path) VALUES ('image/$i.png')"
done
rows='databases: [{plugin: sqlite, path: app.db, table: avatars, column: path}]'
job inbox '{plugin: posix, root: old}' "$(libs3 inbox)" 'rename: [{prefix: image/, to: avatar/}]' "$rows"
job back "$(libs3 inbox)" '{plugin: posix, root: back}' 'rename: [{prefix: avatar/, to: image/}]' "$rows"

mark
check 'files become objects' exits_with 0 migrate-run inbox.yml
check 'asked for in version 2 throughout' requests_since 'map(.sig) | unique | join(",")' v2
check 'and the rows follow, once' sql_says app.db \
	"SELECT count(*) FROM avatars WHERE path = 'avatar/' || id || '.png' AND n = 1" 9
check 'the journal agrees with the world' exits_with 0 migrate-verify inbox.yml
mark
check 'a second run' exits_with 0 migrate-run inbox.yml
check 'writes nothing' requests_since \
	'[.[] | select(.op == "PutObject" and (.key | test("scratch") | not))] | length' 0
check 'objects become files' exits_with 0 migrate-run back.yml
check 'with the same bytes, the empty one and the large one too' same_tree old back
check 'and what cannot be carried is said' last_output_has 'libs3 does not show Cache-Control'
check 'the rows go back' sql_says app.db \
	"SELECT count(*) FROM avatars WHERE path = 'image/' || id || '.png' AND n = 2" 9

# libs3 sends a space as '+': where the endpoint takes that for a '+', they would be one.
mkdir spaced
write_file 'spaced/a b' space
write_file 'spaced/a+b' plus
job spaced '{plugin: posix, root: spaced}' "$(libs3 spaced)"
path_plus() {
	curl -sf -o /dev/null --data "path-plus=$1" "$server_url/.s3d/set"
}
holds() {
	t_got=$(tool show "$1" | cut -d ' ' -f 1,2 | tr '\n' ' ')
	[ "$t_got" = "$2" ] || { echo "$1 holds '$t_got'"; return 1; }
}
check 'keys with a space' exits_with 0 migrate-run spaced.yml
check 'arrive where the endpoint takes them for what they are' holds spaced 'a%20b 5 a%2Bb 4 '
path_plus no
job spared '{plugin: posix, root: spaced}' "$(libs3 spared)"
check 'where it would take them for others' exits_with 3 migrate-run spared.yml
check 'they fail, and the reason is said' last_output_has "sends a space in a key as '+'"
check 'and the others are what they were' holds spared 'a%2Bb 4 '
mkdir read-back
job read-back "$(libs3 spaced)" '{plugin: posix, root: read-back}'
check 'so when they are read' exits_with 3 migrate-run read-back.yml
check 'as one' status_counts read-back.yml done=1 failed=1 gone=0
check 'is not the other' contains_exactly read-back/a+b plus
path_plus yes
check 'while they are read where that is well' exits_with 0 migrate-run --new-journal read-back.yml
check 'each by its own name' same_tree spaced read-back

# ---- libs3 to libs3 ---------------------------------------------------------------------

tool fill many-from 2500
job many "$(libs3 many-from)" "$(libs3 many-to)" 'rename: [{prefix: o, to: p/}]'
mark
check '2,500 objects are copied from bucket to bucket' exits_with 0 migrate-run many.yml
check 'by the endpoint itself, each once' requests_since \
	'[.[] | select(.op == "CopyObject")] | [length, (map(.key) | unique | length)]' '[2500,2500]'
check 'no byte of them passes through' requests_since \
	'[.[] | select(.op | test("^(GetObject|PutObject)")) | select(.key | test("scratch") | not)]
	| length' 0
check 'the end of the listing is asked for twice' requests_since \
	'[.[] | select(.op == "ListObjects" and (.query | test("max-keys=1000")))] | length' 4
check 'the journal agrees with the world' exits_with 0 migrate-verify many.yml

tool awkward awkward-from xml
job awkward "$(libs3 awkward-from)" "$(libs3 awkward-to)"
check 'of keys of all kinds' exits_with 3 migrate-run awkward.yml
refused=11
check 'those that libs3 gets wrong fail' status_counts awkward.yml "failed=$refused"
all_the_others() {
	tool show awkward-from >from && tool show awkward-to >to && [ -s to ] || return 1
	[ "$(($(wc -l <from) - $(wc -l <to)))" -eq "$refused" ] || { wc -l from to; return 1; }
	# what is there is there to the byte, with type and metadata
	[ -z "$(sort from to | uniq -u | comm -12 - to)" ]
}
check 'and all the others arrive, with bytes, type and metadata' all_the_others

# ---- One place, told by two plugins -----------------------------------------------------

if [ -f "$builddir/plugins/.libs/s3.so" ]; then
	s3d_up modern || no_s3d
	new() { "$srcdir/t/servers/s3-tool" "$modern_url" "$@"; }
	s3() { # URL BUCKET
		echo "{plugin: s3, endpoint: '$1', bucket: $2, access_key: $s3_access_key," \
			"secret_key: '\${SECRET}'}"
	}
	new make arrived
	job leave "$(libs3 awkward-to)" "$(s3 "$modern_url" arrived)"
	check 'off the old endpoint, onto a new one' exits_with 0 migrate-run leave.yml
	same_elsewhere() {
		tool show awkward-to >one && new show arrived >other && [ -s one ] && diff one other
	}
	check 'with keys, bytes, types and metadata' same_elsewhere
	check 'and verified' exits_with 0 migrate-verify leave.yml
	job return "$(s3 "$modern_url" arrived)" "$(libs3 outbox)"
	check 'and the way back' exits_with 0 migrate-run return.yml
	same_again() {
		tool show outbox >other && diff one other
	}
	check 'is as exact' same_again

	# for the plugin s3 the old endpoint must know version 4
	curl -sf -o /dev/null --data sigv4=yes "$server_url/.s3d/set"
	"$srcdir/t/servers/s3-tool" "$server_url" fill twin 10
	job twin "$(s3 "$server_url" twin)" "$(libs3 twin)"
	mark
	check 'from a bucket into itself, by another plugin' exits_with 0 migrate-run twin.yml
	check 'is seen to be one place' status_counts twin.yml skipped=10
	check 'and writes nothing' requests_since \
		'[.[] | select(.op == "CopyObject" or (.op == "PutObject" and (.key | test("scratch") | not)))]
		| length' 0
	curl -sf -o /dev/null --data sigv4=no "$server_url/.s3d/set"
else
	skip 'off the old endpoint, onto a new one' 's3 was not built'
fi

server_url=http://localhost:$server_port
job hosted "$(libs3 inbox 'path_style: no')" '{plugin: posix, root: hosted}' \
	'rename: [{prefix: avatar/, to: image/}]'
mkdir hosted
mark
check 'a bucket in the name of the host' exits_with 0 migrate-run hosted.yml
check 'is the same bucket' same_tree old hosted
check 'and was asked for by that name' requests_since \
	'map(.headers.host | test("^inbox[.]localhost:")) | all' true
server_url=http://127.0.0.1:$server_port

# ---- What is refused ----------------------------------------------------------------------

refused() { # OPTIONS TEXT...
	job refused "$(libs3 inbox "$1")" '{plugin: posix, root: back}'
	shift
	exits_with 2 migrate-run refused.yml && last_output_has "$@"
}
endpoint=$server_url
server_url="https://127.0.0.1:$server_port"
check 'https, which libs3 2.0 would not verify' refused '' 'verify_tls' 'cannot verify certificates'
server_url=$endpoint/path
check 'an endpoint with a path' refused '' 'endpoint: it is not of the form'
server_url=$endpoint
s3_key=$s3_access_key
s3_access_key=AKIDSOMEBODYELSE
check 'an access key that is not known' refused '' 'InvalidAccessKeyId' 'look at access_key and secret_key'
s3_access_key=$s3_key
SECRET=sk-wrong-0123456789
check 'a secret that is wrong' refused '' 'SignatureDoesNotMatch'
check 'and it is not printed' last_output_lacks sk-wrong-0123456789
SECRET=$s3_secret_key
job nobody "$(libs3 nobody)" '{plugin: posix, root: back}'
check 'a bucket that is not there' exits_with 2 migrate-run nobody.yml
check 'by its name' last_output_has NoSuchBucket
# ---- https --------------------------------------------------------------------------------

openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj /CN=localhost \
	-addext 'subjectAltName=IP:127.0.0.1' -keyout tls.key -out tls.crt 2>/dev/null
s3d_up secure --dialect legacy --set sigv4=yes --tls tls.crt tls.key ||
	no_s3d
S3_CA=tls.crt "$srcdir/t/servers/s3-tool" "https://127.0.0.1:$secure_port" make secure
server_url=https://127.0.0.1:$secure_port
job secure '{plugin: posix, root: old}' "$(libs3 secure 'verify_tls: false')"
check 'https without verification works when asked for' exits_with 0 migrate-run secure.yml
check 'and is told of' last_output_has 'certificates are not verified'

no_secret() {
	not grep -rlF "$s3_secret_key" --include='*.journal*' --include='*.log' . || return 1
}
check 'no journal holds the secret' no_secret

finish
