#!/bin/sh
# SPDX-License-Identifier: MIT
# A server of S3 that answers without end, or with numbers that cannot be, costs neither memory nor
# time without bound, and what it did is said.
# shellcheck disable=SC2016,SC2154 # ${SECRET} is for the job file; s3d_up sets server_url

. "${srcdir:-.}/t/lib.sh"
. "$srcdir/t/servers/s3.sh"
T_TIMEOUT=60
s3_needed
s3d_up server || no_s3d

s3() { # BUCKET
	echo "{plugin: s3, endpoint: '$server_url', bucket: $1, access_key: $s3_access_key," \
		"secret_key: '\${SECRET}'}"
}

# A program with its peak of memory in KiB, which is bounded where no sanitizer has its own.
cat >peak.py <<'END'
import resource, subprocess, sys
status = subprocess.run(sys.argv[2:]).returncode
peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
with open(sys.argv[1], "w") as f:
    print(peak, file=f)
sys.exit(status if status >= 0 else 128 - status)
END
limit=98304
if ldd "$(command -v migrate-run)" | grep -q -e libasan -e libtsan -e libubsan; then
	limit=
fi
costs_little() {
	[ -z "$limit" ] || [ "$(cat peak)" -lt "$limit" ] || { echo "$(cat peak) KiB"; return 1; }
}

if ! tool make source target || ! tool fill source 12; then
	echo 'Bail out! no buckets'
	exit 99
fi
number=0
# down: a job from the source to a fresh folder
down() {
	number=$((number + 1))
	rm -rf down && mkdir down && write_job down.yml <<-END
		job: down-$number
		source: $(s3 source)
		destination: {plugin: posix, root: down}
		copy: {concurrency: 2}
		patience: 2s
	END
}
# was_hit: each rule, or the promise was no promise
was_hit() {
	were_hit 1 "$server_url/.s3d/script"
}
# hostile STATUS TEXT RULE...: the job ends so, says that, and costs little
hostile() {
	status=$1 text=$2
	shift 2
	down && s3d_faults server "$@" || return 1
	run python3 peak.py peak migrate-run --progress=none down.yml
	ended=$?
	[ $# -eq 0 ] || was_hit || return 1
	s3d_faults server || return 1
	[ "$ended" -eq "$status" ] || { echo "status $ended instead of $status"; return 1; }
	last_output_has "$text" && last_output_lacks "$SECRET" && costs_little
}
# survives RULE...: what happens once costs no object
survives() {
	hostile 0 '' "$@" && holds_files down 12
}

check 'a job that nobody disturbs' hostile 0 ''
# The pages come behind the looks at the bucket: how many these are is seen in a job without faults.
page=$(jq -s '[.[] | select(.op == "ListObjectsV2") | .query | test("max-keys=1000")] | index(true) + 1' \
	"$server_log")
pages="ListObjectsV2 * $page+"

# ---- Documents -----------------------------------------------------------------------------

python3 - <<'END'
def write(name, head, items, tail=""):
    with open(name, "w") as f:
        f.write("<ListBucketResult>" + head + "".join(items) + tail + "</ListBucketResult>")

more = "<IsTruncated>true</IsTruncated>"
write("names", more, (f"<n{i}/>" for i in range(1500000)))
write("tag", more, ["<a " + " ".join(f"n{i}=''" for i in range(1000000)) + "/>"])
write("quoted", more, ["<a " + " ".join(f"n{i}='>'" for i in range(1000000)) + "/>"])
write("deep", more, ["<a>" * 1000000])
write("long", more, ["<Contents><Key>" + "k" * 15000000 + "</Key></Contents>"])
write("key", more, ["<Contents><Key>" + "k" * 5000 + "</Key><Size>1</Size></Contents>"])
write("size", more, ["<Contents><Key>k</Key><Size>9223372036854775807</Size></Contents>"])
write("token", more, ["<NextContinuationToken>" + "t" * 5000 + "</NextContinuationToken>"])
write("tokens", more, ["<NextContinuationToken>t</NextContinuationToken>"])
write("hidden", "<IsTruncated>false</IsTruncated>",
      ["<EncodingType >url</EncodingType><Contents><Key>a%2Fb</Key><Size>1</Size></Contents>"])
for name, inner in (("laughs", "".join(f'<!ENTITY a{i} "{"&a%d;" % (i - 1) * 10}">' for i in range(1, 10))),
                    ("outside", '<!ENTITY a1 SYSTEM "file:///etc/passwd">')):
    with open(name, "w") as f:
        f.write(f'<!DOCTYPE x [<!ENTITY a0 "ha">{inner}]><ListBucketResult>&a1;</ListBucketResult>')
END
listed() { # TEXT FILE
	hostile 9 "$1" "$pages body-file 200 $PWD/$2"
}
check 'a listing with a million names of elements' listed 'it has too many elements' names
check 'a tag with a million attributes' listed 'a tag in it is too long' tag
check 'also one that holds what looks like its end' listed 'a tag in it is too long' quoted
check 'elements in each other without end' listed 'it is nested too deeply' deep
check 'a text of 15 MB' listed 'a text in it is too long' long
check 'entities of entities' listed 'it has a document type' laughs
check 'entities of this machine' listed 'it has a document type' outside
check 'a key of 5,000 bytes' listed 'a key is longer than any can be' key
check 'a size that no object has' listed 'a size is none that an object can have' size
check 'a token of 5,000 bytes' listed 'a token is longer than any can be' token
check 'a page that hides that it is encoded' listed 'whether the page is encoded' hidden
check 'a listing without end' hostile 9 'the answer is too long' "$pages endless body %3CContents/%3E"
check 'pages without keys, round in a circle' hostile 9 'round in a circle' "$pages page empty" "$pages token circle"
check 'which is told from many of them' survives "ListObjectsV2 * $page-$((page + 300)) page empty" \
	"ListObjectsV2 * $page-$((page + 300)) token new"
check 'the token that was asked with, again' hostile 9 'no new token' "$pages page empty" "$pages token same"

# ---- Heads ---------------------------------------------------------------------------------

check 'a head without end' hostile 9 '' "$pages endless head"
check 'answers before the answer without end' hostile 9 '' "$pages endless continue"
check 'and of an object, once' survives 'GetObject * 3 endless head' 'GetObject * 5 endless continue'
check 'more metadata than fits' survives 'GetObject * 2 headers 2000 100'
check 'which is said where it stays so' hostile 3 'the head of the answer is too long' \
	'GetObject o* * headers 2000 100'
many_headers() {
	hostile 0 '' 'GetObject * 2 headers 300 100' && holds_files down 12
}
check 'more metadata than an object can carry' many_headers
check 'is lost, and that is said' last_output_has 'meta:'

# ---- Objects -------------------------------------------------------------------------------

check 'an object without end' survives 'GetObject * 4 endless body more'
check 'which is said where it stays so' hostile 3 'more bytes come than the server said' \
	'GetObject * * endless body more' 'GetObject * * header Content-Length=5'
check 'a length that no number holds' survives 'GetObject * 2 header Content-Length=99999999999999999999'
check 'a length that no object has' survives 'GetObject * 2 header Content-Length=9223372036854775807'
check 'an error without end' survives 'GetObject * 2 endless body sorry' 'GetObject * 2 code 403'
check 'a time to wait of years' survives 'GetObject * 2 status 503 SlowDown Retry-After=99999999'
check 'a redirect whose place is in its query' survives 'GetObject * 2 header Location=/k?to=https://x' \
	'GetObject * 2 code 307'
check 'redirects in a circle' hostile 3 'redirects to a place that is not followed' \
	"GetObject * * redirect 127.0.0.1:$server_port"

# ---- Uploads and parts -----------------------------------------------------------------------

python3 - <<'END'
def uploads(name, marker, n=1000):
    entry = "<Upload><Key>k</Key><UploadId>u</UploadId></Upload>"
    with open(name, "w") as f:
        f.write("<ListMultipartUploadsResult><IsTruncated>true</IsTruncated>"
                f"<NextKeyMarker>{marker}</NextKeyMarker><NextUploadIdMarker>{marker}</NextUploadIdMarker>"
                + entry * n + "</ListMultipartUploadsResult>")

def parts(name, marker, numbers):
    with open(name, "w") as f:
        f.write("<ListPartsResult><IsTruncated>true</IsTruncated>"
                f"<NextPartNumberMarker>{marker}</NextPartNumberMarker>"
                + "".join(f"<Part><PartNumber>{i}</PartNumber><ETag>e</ETag><Size>1</Size></Part>" for i in numbers)
                + "</ListPartsResult>")

uploads("odd", "a"), uploads("even", "b")
parts("twice", 9000, [1, 2, 1]), parts("far", 10001, [1]), parts("back", 0, [1])
END
# probed RULE...: what the endpoint does is tried out although it answers so, and that has an end
probed() {
	number=$((number + 1))
	write_job probe.yml <<-END
		job: probe-$number
		source: {plugin: posix, root: down}
		destination: $(s3 target)
		patience: 2s
	END
	s3d_faults server "$@" || return 1
	run python3 peak.py peak migrate-check --probe probe.yml
	ended=$?
	was_hit && s3d_faults server && costs_little || return 1
	[ "$ended" -lt 10 ] || { echo "status $ended"; return 1; }
}
check 'pages of uploads round in a circle' probed "ListMultipartUploads * /2 body-file 200 $PWD/even" \
	"ListMultipartUploads * * body-file 200 $PWD/odd"
for lie in twice far back; do
	check "parts that cannot be ($lie)" probed "ListParts * * body-file 200 $PWD/$lie"
done

finish
