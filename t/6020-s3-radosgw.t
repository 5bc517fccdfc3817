#!/bin/sh
# SPDX-License-Identifier: MIT
# Against a real server, the object gateway of Ceph: all kinds of jobs, keys and attributes.
# shellcheck disable=SC2016,SC2154 # ${SECRET} is for the job file; radosgw_up sets radosgw_url

. "${srcdir:-.}/t/lib.sh"
. "$srcdir/t/servers/s3.sh"
T_TIMEOUT=60
[ -f "$builddir/plugins/.libs/s3.so" ] || skip_all 's3 was not built'
for tool in radosgw ceph-mon ceph-osd python3 jq; do
	command -v "$tool" >/dev/null ||
		skip_all "$tool is not installed (bootstrap check installs it)"
done
SECRET=$s3_secret_key
export SECRET
radosgw_up || { echo 'Bail out! radosgw does not start'; exit 99; }
# Another name of the same server: nothing that we could know of, so bytes pass through us.
other_url=http://s3.localhost:${radosgw_url##*:}

tool() {
	"$srcdir/t/servers/s3-tool" "$radosgw_url" "$@"
}

end() { # URL BUCKET [OPTIONS]
	echo "{plugin: s3, endpoint: '$1', bucket: $2, access_key: $s3_access_key," \
		"secret_key: '\${SECRET}'${3:+, $3}}"
}

s3() { # BUCKET [OPTIONS]
	end "$radosgw_url" "$@"
}

job() { # NAME SOURCE DESTINATION [LINE...]
	job_name=$1
	{
		printf 'source: %s\ndestination: %s\n' "$2" "$3"
		shift 3
		[ $# -eq 0 ] || printf '%s\n' "$@"
	} | write_job "$job_name.yml"
}

same() { # WHAT BUCKET OTHER [KIND...]: as s3-tool says it
	same_what=$1 same_one=$2 same_other=$3
	shift 3
	tool "$same_what" "$same_one" "$@" >one && tool "$same_what" "$same_other" "$@" >other &&
		[ -s one ] && diff one other
}

no_uploads() { # BUCKET...
	for bucket; do
		tool uploads "$bucket" >left || return 1
		is_empty left || return 1
	done
}

tool make battery awkward copied streamed dressed dressed-copied dressed-streamed canned inbox moved \
	large large-copied large-streamed seeded seeded-too || { echo 'Bail out! no buckets'; exit 99; }

# ---- The contract --------------------------------------------------------------------

printf 'endpoint: %s\nbucket: battery\naccess_key: %s\nsecret_key: ${SECRET}\n' "$radosgw_url" \
	"$s3_access_key" >battery.yml
check 'the contract of plugins is kept' exits_with 0 migrate-plugin check s3 battery.yml
kept() {
	t_got=$(last_stdout | grep '^ok' | grep -vc '# SKIP')
	[ "$t_got" -ge "$1" ] || { echo "$t_got promises instead of $1"; return 1; }
}
check 'in nearly all it may promise' kept 41
check 'and nothing is left of it' no_uploads battery

# ---- Keys and attributes ---------------------------------------------------------------

tool awkward awkward
job copied "$(s3 awkward)" "$(s3 copied)"
check 'awkward keys are copied by the server' exits_with 0 migrate-run copied.yml
check 'with their bytes' same show awkward copied
job streamed "$(s3 awkward)" "$(end "$other_url" streamed)"
check 'and by us' exits_with 0 migrate-run streamed.yml
check 'with their bytes, too' same show awkward streamed
check 'both can be verified' exits_with 0 migrate-verify --readback streamed.yml
check 'a bucket whose keys are awkward is listed again' exits_with 0 migrate-run streamed.yml
check 'and nothing is copied twice' status_counts streamed.yml total=57 done=57

tool dressed dressed tags acl
job dressed-copied "$(s3 dressed)" "$(s3 dressed-copied 'acl: copy')"
check 'objects with attributes of all kinds are copied by the server' exits_with 0 \
	migrate-run dressed-copied.yml
check 'which keeps them' same tell dressed dressed-copied tags acl
job dressed-streamed "$(s3 dressed 'tags: true, acl: copy')" \
	"$(end "$other_url" dressed-streamed 'tags: true, acl: copy')"
check 'and by us' exits_with 0 migrate-run dressed-streamed.yml
check 'who keep them, too' same tell dressed dressed-streamed tags acl
check 'and warn of nothing' last_output_lacks warning
job canned "$(s3 dressed)" "$(s3 canned 'acl: public-read')" 'keys: {prefix: t}'
check 'with a canned ACL' exits_with 0 migrate-run canned.yml
check 'everybody can read them' curl -sf -o public "$radosgw_url/canned/type"
check 'and only them' not curl -sf -o public "$radosgw_url/dressed/type"

# ---- Rows ------------------------------------------------------------------------------

mkdir -p old/image back
for i in 1 2 3 4 5 6 7 8 9; do
	write_file "old/image/$i.png" "image $i"
done
: >old/image/empty
sql app.db "CREATE TABLE avatars (id INTEGER PRIMARY KEY, path TEXT, n INTEGER DEFAULT 0);
	CREATE INDEX of_path ON avatars (path);
	CREATE TRIGGER counted AFTER UPDATE OF path ON avatars
	BEGIN UPDATE avatars SET n = n + 1 WHERE id = new.id; END;
	WITH c (i) AS (VALUES (1) UNION ALL SELECT i + 1 FROM c WHERE i < 9)
	INSERT INTO avatars (path) SELECT 'image/' || i || '.png' FROM c"
rows='databases: [{plugin: sqlite, path: app.db, table: avatars, column: path}]'
rows_are() { # FOLDER N
	sql_says app.db "SELECT count(*) FROM avatars WHERE path = '$1/' || id || '.png' AND n = $2" 9
}
job inbox '{plugin: posix, root: old}' "$(s3 inbox)" 'rename: [{prefix: image/, to: avatar/}]' "$rows"
check 'files become objects' exits_with 0 migrate-run inbox.yml
check 'and their rows follow' rows_are avatar 1
job moved "$(s3 inbox)" "$(s3 moved)" 'rename: [{prefix: avatar/, to: face/}]' "$rows"
check 'objects move to another bucket' exits_with 0 migrate-run moved.yml
check 'with their rows' rows_are face 2
job back "$(s3 moved)" '{plugin: posix, root: back}' 'rename: [{prefix: face/, to: image/}]' "$rows"
check 'objects become files' exits_with 0 migrate-run back.yml
check 'the same ones' same_tree old back
check 'and their rows go back' rows_are image 3
check 'the journals agree with the world' exits_with 0 migrate-verify back.yml

# ---- Sizes -------------------------------------------------------------------------------

mkdir large
: >large/0
head -c 5242879 /dev/urandom >large/5MiB-1
head -c 5242880 /dev/urandom >large/5MiB
head -c 5242881 /dev/urandom >large/5MiB+1
head -c 67108864 /dev/urandom >large/64MiB
parts='copy: {part_size: 5MiB, concurrency: 4}'
job large '{plugin: posix, root: large}' "$(s3 large)" "$parts"
check 'files of all sizes become objects' exits_with 0 migrate-run large.yml
job large-copied "$(s3 large)" "$(s3 large-copied 'copy_max: 5MiB')" "$parts"
check 'the server copies them, whole or in parts' exits_with 0 migrate-run large-copied.yml
job large-streamed "$(s3 large-copied)" "$(end "$other_url" large-streamed)" "$parts"
check 'then we do' exits_with 0 migrate-run large-streamed.yml
mkdir large-back
job large-back "$(s3 large-streamed)" '{plugin: posix, root: large-back}' "$parts"
check 'and they come back' exits_with 0 migrate-run large-back.yml
check 'to the byte' same_tree large large-back
check 'all can be verified' exits_with 0 migrate-verify --readback large-streamed.yml
check 'no upload is left unfinished' no_uploads large large-copied large-streamed

# ---- Seeding -------------------------------------------------------------------------------

job seeded "$(s3 seeded)" "$(s3 seeded-too)"
check 'a bucket is filled' exits_with 0 migrate-seed seeded.yml 120
check 'but not one that holds something' exits_with 2 migrate-seed seeded.yml 1
check 'which is said' last_output_has 'empty'
check 'what was filled in can be moved' exits_with 0 migrate-run seeded.yml
check 'all of it' status_counts seeded.yml total=120 done=120
check 'they are pictures' same show seeded seeded-too

"$srcdir/t/servers/radosgw/down.sh" "$t_top/radosgw"
finish
