#!/bin/sh
# SPDX-License-Identifier: MIT
# migrate-seed fills an empty source and empty tables for a trial, and nothing else.
# shellcheck disable=SC2016 # $1 in a rule is for migrate

. "${srcdir:-.}/t/lib.sh"

job() { # NAME RULES KEYS
	write_job "$1.yml" <<-END
		source: {plugin: posix, root: old}
		destination: {plugin: posix, root: new}
		keys: $3
		rename: $2
		unmatched: fail
		databases:
		  - {plugin: sqlite, path: app.db, table: avatars, column: path, value: "/media/{key}"}
		  - {plugin: sqlite, path: app.db, table: notes, column: about, key: id}
	END
}

fresh() {
	rm -rf old new app.db
	mkdir old new
	sql app.db "CREATE TABLE avatars (id INTEGER PRIMARY KEY, path TEXT NOT NULL,
			size INTEGER NOT NULL, made DATETIME NOT NULL, kind TEXT DEFAULT 'plain');
		CREATE TABLE notes (id TEXT PRIMARY KEY, about BLOB) WITHOUT ROWID"
}

wrote_nothing() {
	[ -z "$(find old -type f)" ] || { echo "files were written"; return 1; }
	sql_says app.db "SELECT (SELECT count(*) FROM avatars) + (SELECT count(*) FROM notes)" "${1:-0}"
}

refuses() { # JOB TEXT [OPTION...]
	t_refused=$1 t_reason=$2
	shift 2
	exits_with 2 migrate-seed "$@" "$t_refused.yml" 10 && last_stderr_has "$t_reason"
}

job avatars '[{match: "^thumb-(\\d+)$", to: "t/$1"}, {prefix: image/, to: avatar/}]' '{}'

# ---- What it does not touch --------------------------------------------------------

fresh
sql app.db "INSERT INTO notes VALUES ('mine', 'x')"
check 'a table with rows is left alone' refuses avatars 'databases[1]'
check 'and so is everything else' wrote_nothing 1

fresh
write_file old/deep/er/mine 'x'
check 'a source with a file is left alone' refuses avatars "'deep/er/mine'"
rm -r old/deep
check 'and nothing is written' wrote_nothing
mkdir -p old/empty/folder
check 'empty folders are nobody' exits_with 0 migrate-seed avatars.yml 3

fresh
sql app.db 'DROP TABLE notes'
check 'a missing table is found out' refuses avatars "no table 'notes'"
check 'before anything is written' sql_says app.db 'SELECT count(*) FROM avatars' 0
check 'into the source as well' holds_files old 0

fresh
job narrow '[{prefix: image/, to: avatar/}]' '{include: ["*.jpg"]}'
check 'names that the job does not take are refused' refuses narrow "does not take 'image/avatar-000001.png'"
job pattern '[{match: "^thumb-(\\d+)$", to: "t/$1"}]' '{}'
check 'names that no rule renames are refused' refuses pattern 'no rule of the job'
check 'a pattern without a number is refused' refuses avatars 'exactly once' --pattern image/x
check 'one with two is refused' refuses avatars 'exactly once' --pattern 'image/%d%d'
check 'one with anything else is refused' refuses avatars 'exactly once' --pattern 'image/%s%n'
check 'an image of 5 bytes is refused' refuses avatars '--size' --size 5
for n in 0 -1 ten 1e3 99999999999999999999; do
	check "'$n' is no number of images" exits_with 2 migrate-seed -- avatars.yml $n
done
check 'nothing was written by all that' wrote_nothing

# ---- What it writes ----------------------------------------------------------------

fresh
check 'a job is seeded' exits_with 0 migrate-seed avatars.yml 1200
check 'it says so' last_output_has 'seeded: 1,200 objects' '2,400 rows in 2 tables'
check 'one file for each' holds_files old/image 1200
check 'values are made as the job says' sql_says app.db \
	"SELECT min(path) || ' ' || max(path) || ' ' || count(DISTINCT path) FROM avatars" \
	'/media/image/avatar-000001.png /media/image/avatar-001200.png 1200'
check 'keys that are needed are made up' sql_says app.db \
	"SELECT count(DISTINCT id) || min(typeof(about)) FROM notes" 1200blob
check 'other columns have defaults' sql_says app.db "SELECT DISTINCT kind, made > '2000' FROM avatars" 'plain|1'
check 'a second time is refused' refuses avatars 'not empty'

are_images() {
	python3 - "$@" <<-'END'
		import struct, sys, zlib
		kinds = set()
		for name in sys.argv[1:]:
		    data = open(name, 'rb').read()
		    assert data[:8] == b'\x89PNG\r\n\x1a\n', name
		    at, chunks, pixels = 8, [], b''
		    while at < len(data):
		        n, kind = struct.unpack('>I4s', data[at:at + 8])
		        body = data[at + 8:at + 8 + n]
		        assert struct.unpack('>I', data[at + 8 + n:at + 12 + n])[0] == zlib.crc32(kind + body), name
		        chunks.append(kind)
		        if kind == b'IHDR':
		            width, height = struct.unpack('>II', body[:8])
		        if kind == b'IDAT':
		            pixels += zlib.decompress(body)
		        at += 12 + n
		    assert chunks[0] == b'IHDR' and chunks[-1] == b'IEND', name
		    assert len(pixels) == height * (1 + 3 * width), name
		    kinds.add((width, height, pixels))
		assert len(kinds) == len(sys.argv) - 1, 'two images are alike'
	END
}
if command -v python3 >/dev/null; then
	check 'every file is a sound image, no two alike' are_images old/image/*
else
	skip 'every file is a sound image, no two alike' 'python3 is not installed'
fi

mv old first
fresh
run migrate-seed avatars.yml 1200
check 'the same number makes the same bytes' same_tree first old

fresh
check 'names can be chosen' exits_with 0 migrate-seed --pattern 'image/100%%-%d x.png' avatars.yml 3
check 'and are what was asked for' exists 'old/image/100%-3 x.png'

fresh
check 'sizes can be chosen' exits_with 0 migrate-seed --size 10KiB avatars.yml 3
check 'and are exact' test "$(stat -c %s old/image/avatar-000003.png)" -eq 10240
if command -v python3 >/dev/null; then
	check 'such a file is an image too' are_images old/image/*
else
	skip 'such a file is an image too' 'python3 is not installed'
fi

finish
