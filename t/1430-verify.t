#!/bin/sh
# SPDX-License-Identifier: MIT
# migrate-verify finds each way in which a migration can turn out to be wrong.

. "${srcdir:-.}/t/lib.sh"

mkdir -p src/image dst
for i in $(seq 60); do
	echo "object $i" >"src/image/$i.png"
done
sql app.db "CREATE TABLE avatars (id INTEGER PRIMARY KEY, path TEXT);
	CREATE TABLE posts (id INTEGER PRIMARY KEY, image TEXT);
	CREATE INDEX i ON posts (image);
	WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 60)
	INSERT INTO avatars SELECT i, 'image/' || i || '.png' FROM n;
	INSERT INTO posts (image) SELECT path FROM avatars WHERE id <= 30"
write_job job.yml <<'END'
source: {plugin: posix, root: src}
destination: {plugin: posix, root: dst}
rename:
  - {prefix: image/, to: avatar/}
databases:
  - {plugin: sqlite, path: app.db, table: avatars, column: path}
  - {plugin: sqlite, path: app.db, table: posts, column: image}
batch: 10
END

verifies() { # STATUS FLAGS...
	t_wanted_status=$1
	shift
	exits_with "$t_wanted_status" migrate-verify "$@" job.yml
}

finds() { # KEY KIND: exactly one difference
	[ "$(grep -c "$(printf '\t')" "$t_out/stdout")" -eq 1 ] &&
		grep -q "^$1$(printf '\t')[^$(printf '\t')]*$(printf '\t')$2$(printf '\t')" "$t_out/stdout"
}

all_true() {
	verifies 0 "$@" && last_stdout_has 'all of it is true'
}

check 'there is nothing to verify before the first run' verifies 2
check 'a run' exits_with 0 migrate-run job.yml

check 'a share must be one' verifies 2 --sample 5
check 'and not more than all' verifies 2 --sample 101%
check 'a slice must be one' verifies 2 --slice 3/2
check 'counted from 1' verifies 2 --slice 0/2

check 'after a good run all is true' all_true
check 'every object and row was looked at' last_stdout_has '60 objects and 90 rows'
check 'all bytes are right' all_true --readback
check 'all of them were read' last_stdout_has '60 read back'
check 'the journal is well' verifies 0 --journal
counts_json() {
	verifies 0 --json && json_says "$t_out/stdout" '.version == 1 and .objects == 60 and .rows == 90 and
		(.differences | length) == 0'
}
check 'JSON says so' counts_json

# ---- Samples and slices ------------------------------------------------------------------

objects_of() {
	migrate-verify --json "$@" job.yml | jq .objects
}
slices_add_up() {
	t_sum=0
	for t_slice in 1 2 3; do
		t_sum=$((t_sum + $(objects_of --slice $t_slice/3)))
	done
	[ "$t_sum" -eq 60 ]
}
same_sample() {
	t_got=$(objects_of --sample 30%)
	[ "$t_got" -gt 0 ] && [ "$t_got" -lt 60 ] && [ "$(objects_of --sample 30%)" -eq "$t_got" ]
}
check 'all slices together are everything' slices_add_up
check 'a sample is a part, the same one each time' same_sample

# ---- What can be wrong --------------------------------------------------------------------

mv dst/avatar/7.png kept
check 'a copy that is missing' verifies 10
check 'is found' finds image/7.png absent
mv kept dst/avatar/7.png
check 'put back, all is true' all_true

printf 'longer than before' >>dst/avatar/8.png
check 'a copy of another size' verifies 10
check 'is found too' finds image/8.png size
truncate -s -18 dst/avatar/8.png
check 'a copy that was only touched is no difference' all_true
check 'but counted' last_stdout_has 'touched since'

printf 'OBJECT 9\n' >dst/avatar/9.png
check 'other bytes of the same size' verifies 10
check 'are found, the etag gives it away' finds image/9.png bytes
printf 'object 9\n' >dst/avatar/9.png

sql app.db "UPDATE avatars SET path = 'image/11.png' WHERE id = 11"
check 'a row with the old value' verifies 10
says_both() {
	grep -q "row-old.*id=11" "$t_out/stdout" && grep -q "row-lost.*id=11" "$t_out/stdout"
}
check 'is found, and the change that was lost' says_both
sql app.db "UPDATE avatars SET path = 'avatar/11.png' WHERE id = 11"

sql app.db "UPDATE posts SET image = 'elsewhere' WHERE id = 12"
check 'a row that the application changed' verifies 10
check 'is found through the index' finds image/12.png row-lost
sql app.db "UPDATE posts SET image = 'avatar/12.png' WHERE id = 12"

sql app.db "INSERT INTO posts (image) VALUES ('image/13.png')"
check 'a row that was written since' verifies 10
check 'is found by its old value' finds image/13.png row-old
check 'the next run takes it along' exits_with 0 migrate-run job.yml
check 'and then all is true again' all_true

differences_json() {
	verifies 10 --json && json_says "$t_out/stdout" '.different.absent == 1 and .differences[0].kind == "absent" and
		.differences[0].key == "image/5.png" and .exit == 10'
}
rm dst/avatar/5.png
check 'differences in JSON' differences_json

# ---- Later passes ------------------------------------------------------------------------------

rm -rf dst job.journal*
mkdir dst
sql app.db "UPDATE avatars SET path = 'image/' || id || '.png';
	DELETE FROM posts WHERE image LIKE 'image/%';
	UPDATE posts SET image = 'image/' || id || '.png'"
check 'a job anew' exits_with 0 migrate-run job.yml
echo 'changed at the source' >src/image/20.png
check 'a later pass replaces a copy' exits_with 0 migrate-run job.yml
check 'the newest record of a key counts' all_true --readback

rm -r src/image
check 'without a source, what has a digest is still proven' verifies 0 --readback

sed -i 's|to: avatar/|to: other/|' job.yml
check 'another job than that of the journal is refused' verifies 5

# ---- What is not finished, or not known ---------------------------------------------------

sed -i 's|to: other/|to: avatar/|' job.yml
anew() { # [LINE...]: the same job, from the start
	rm -rf src dst job.journal* app.db && mkdir -p src/image dst
	for i in $(seq 60); do
		echo "object $i" >"src/image/$i.png"
	done
	sql app.db "CREATE TABLE avatars (id INTEGER PRIMARY KEY, path TEXT); CREATE INDEX a ON avatars (path);
		CREATE TABLE posts (id INTEGER PRIMARY KEY, image TEXT);
		WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 60)
		INSERT INTO avatars SELECT i, 'image/' || i || '.png' FROM n;
		INSERT INTO posts (image) SELECT 'see image/' || id || '.png' FROM avatars WHERE id <= 30"
	write_job job.yml <<-END
		source: {plugin: posix, root: src}
		destination: {plugin: posix, root: dst}
		rename: [{prefix: image/, to: avatar/}]
		databases:
		  - {plugin: sqlite, path: app.db, table: avatars, column: path}
		  - {plugin: sqlite, path: app.db, table: posts, column: image, match: contains}
		batch: 10
	END
	[ $# -eq 0 ] || printf '%s\n' "$@" >>job.yml
}

anew
check 'a first object' exits_with 0 migrate-run --first 1 job.yml
check 'the pass is not finished' verifies 4
check 'what is done is true' last_stdout_has 'what is done is true'
check 'it says so' last_stdout_has 'the job is not finished'
unfinished_json() {
	verifies 4 --json && json_says "$t_out/stdout" '.finished == false and .exit == 4'
}
check 'in JSON too' unfinished_json
check 'the rest' exits_with 0 migrate-run job.yml
check 'then all of it is true' all_true

anew
check 'copies during the week' exits_with 0 migrate-run --only copy job.yml
check 'rows are not done' verifies 4 --readback
check 'copies are proved all the same' last_stdout_has '60 objects and 0 rows looked at'
check 'each was read' last_stdout_has '60 read back'
check 'old values are no difference yet' last_stdout_has '60 copied, and their rows are not done'
check 'nor those in texts' last_stdout_has '30 texts hold old values, and are not done'
rm dst/avatar/3.png
check 'a copy that was lost meanwhile' verifies 10
check 'is found' finds image/3.png absent
echo 'object 3' >dst/avatar/3.png
check 'rows at night' exits_with 0 migrate-run --only rows job.yml
check 'and all of it is true' all_true

# What failed is no work that is left.
anew
mkdir dst/avatar && echo 'somebody else was here' >dst/avatar/60.png
check 'copies, and one that fails' exits_with 3 migrate-run --only copy job.yml
check 'are not done' verifies 4
check 'but for the one, whose copy will not come' last_stdout_has '59 copied, and their rows are not done' \
	'1 failed, skipped or gone'
check 'nothing else is missing' last_output_lacks 'not copied yet'

# Each row is held against what was last written to it, whatever became of its object since.
later() { # changed sources, and a second pass
	for i in 1 2 3; do
		echo "another object $i" >src/image/$i.png
	done
	exits_with "$1" migrate-run job.yml
}
anew
check 'a pass' exits_with 0 migrate-run job.yml
check 'and another, over changed sources' later 0
sql app.db "UPDATE avatars SET path = 'elsewhere' WHERE id = 2"
check 'a row that was changed in the first pass, and altered since' verifies 10
check 'is found' finds image/2.png row-lost
sql app.db "UPDATE avatars SET path = 'image/2.png' WHERE id = 2"
check 'changed once more' exits_with 0 migrate-run job.yml
check 'it is right again' all_true
sql app.db "DELETE FROM avatars WHERE id = 2"
check 'a row that was changed twice, and is gone, is no difference' all_true
check 'and counted once' last_stdout_has '1 rows removed or emptied by the application'
sql app.db "INSERT INTO avatars VALUES (2, 'avatar/2.png')"
sql app.db "INSERT INTO avatars VALUES (70, 'image/9.png')"
check 'a row that was born later is changed' exits_with 0 migrate-run job.yml
sql app.db "UPDATE avatars SET path = 'elsewhere' WHERE id = 70"
check 'altered, it is looked at too' verifies 10
check 'and found' finds image/9.png row-lost
sql app.db "UPDATE avatars SET path = 'avatar/11.png' WHERE id = 70"
check 'pointed to another new value by the application, it is right' all_true
check 'and counted' last_stdout_has '1 rows changed again, to another new value'
sql app.db "UPDATE avatars SET path = 'image/10.png' WHERE id = 70"
check 'it names another object, and is changed again' exits_with 0 migrate-run job.yml
check 'what was last written counts' all_true

anew 'copy: {on_conflict: skip}'
check 'a pass' exits_with 0 migrate-run job.yml
echo 'somebody else was here' >dst/avatar/2.png
check 'a copy that somebody replaced is left alone' later 0
rm dst/avatar/2.png
check 'gone, a row names nothing' verifies 10
check 'and that is found' finds image/2.png absent
absent_in_slices() {
	for t_slice in 1 2 3; do
		migrate-verify --slice $t_slice/3 job.yml
	done | grep -c absent
}
check 'in one slice of three' test "$(absent_in_slices)" -eq 1

anew 'journal: {path: job.journal, keep: failures}'
sed -i '/table: posts/d' job.yml
check 'a job whose journal keeps failures only' exits_with 0 migrate-run job.yml
rm dst/avatar/*
check 'what it does not know is not called true' verifies 12
check 'but named' last_stdout_has '60 copied, and not known to this journal any more'

finish
