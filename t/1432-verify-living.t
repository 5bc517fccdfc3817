#!/bin/sh
# SPDX-License-Identifier: MIT
# migrate-verify beside an application that lives: what rows hold now decides, and is shown.

. "${srcdir:-.}/t/lib.sh"

mkdir -p src/image dst
for i in $(seq 40); do
	echo "object $i" >"src/image/$i.png"
done
# one column with an index, one without, one that holds whatever it is given
sql app.db "CREATE TABLE avatars (id INTEGER PRIMARY KEY, path TEXT, active INTEGER DEFAULT 1);
	CREATE TABLE posts (name TEXT, n INTEGER, image TEXT, PRIMARY KEY (name, n)) WITHOUT ROWID;
	CREATE INDEX i ON posts (image);
	CREATE TABLE loose (id INTEGER PRIMARY KEY, thing);
	WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 40)
	INSERT INTO avatars (id, path) SELECT i, 'image/' || i || '.png' FROM n;
	INSERT INTO posts SELECT 'post', id, path FROM avatars;
	INSERT INTO loose SELECT id, path FROM avatars"
write_job job.yml <<'END'
source: {plugin: posix, root: src}
destination: {plugin: posix, root: dst}
rename:
  - {prefix: image/, to: avatar/}
databases:
  - {plugin: sqlite, path: app.db, table: avatars, column: path, where: active = 1}
  - {plugin: sqlite, path: app.db, table: posts, column: image}
  - {plugin: sqlite, path: app.db, table: loose, column: thing}
batch: 10
END
check 'a run' exits_with 0 migrate-run job.yml
cp app.db fresh.db

verifies() { # STATUS FLAGS...
	t_wanted_status=$1
	shift
	exits_with "$t_wanted_status" migrate-verify "$@" job.yml
}

# living TEXT: true all the same, and counted
living() {
	verifies 0 && last_stdout_has 'all of it is true' && last_stdout_has "$1"
}

# lost N: so many rows are differences
lost() {
	verifies 10 && t_got=$(grep -c "$(printf '\trow-lost\t')" "$t_out/stdout") &&
		{ [ "$t_got" -eq "$1" ] || { echo "$t_got rows are lost"; return 1; }; }
}

again() {
	cp fresh.db app.db
}

check 'all is true' living '120 rows'

sql app.db "DELETE FROM avatars WHERE id <= 3; DELETE FROM posts WHERE n <= 2; DELETE FROM loose WHERE id = 9"
check 'rows that the application removed' living '114 rows'
check 'are counted, and no difference' last_stdout_has '6 rows removed or emptied by the application'
again
sql app.db "UPDATE avatars SET path = NULL WHERE id = 4; UPDATE posts SET image = NULL WHERE n = 4"
check 'so are those that name nothing any more' living '2 rows removed or emptied'

again
sql app.db "UPDATE avatars SET path = 'avatar/8.png' WHERE id = 5; UPDATE posts SET image = 'avatar/9.png' WHERE n = 6"
check 'rows that were given another picture of the job' living '2 rows changed again, to another new value'

again
echo new >dst/avatar/upload.png
sql app.db "UPDATE avatars SET path = 'avatar/upload.png' WHERE id > 20; UPDATE posts SET image = 'avatar/upload.png' WHERE n < 4"
check 'or one that was uploaded to the new place since' living '23 rows changed again, to another object at the destination'
rm dst/avatar/upload.png
check 'unless it is not there' lost 23
check 'which is said, and what they hold' last_stdout_has "row name=post,n=3 no longer holds the new value, but 'avatar/upload.png'"

again
sql app.db "UPDATE avatars SET active = 0 WHERE id < 11"
check 'rows that where: leaves out now hold what was written' living '120 rows'
sql app.db "UPDATE avatars SET path = 'elsewhere' WHERE id = 7"
check 'or what they hold is shown, also where nobody would look' lost 1
check 'as it is' last_stdout_has "but 'elsewhere'"

again
sql app.db "UPDATE posts SET image = 'evil' || char(27) || '[31m' || char(10) || 'x' WHERE n = 12"
check 'what somebody wrote to the terminal' lost 1
check 'is escaped' last_stdout_has 'evil\x1b[31m\x0ax'
again
sql app.db "UPDATE posts SET image = printf('%.*c', 5000, 'y') WHERE n = 12"
check 'what is long' lost 1
check 'is cut' last_stdout_has "' and more"
again
sql app.db "UPDATE loose SET thing = 17 WHERE id = 3; UPDATE loose SET thing = x'ff00' WHERE id = 4"
check 'a number, or bytes, in the place of a name' lost 2
check 'are said to be that' last_stdout_has 'something that can be none'
sql app.db "UPDATE loose SET thing = CAST('avatar/3.png' AS BLOB) WHERE id = 3; UPDATE loose SET thing = 'avatar/4.png' WHERE id = 4"
check 'the right bytes are right, of whatever type' living '120 rows'

again
sql app.db "UPDATE posts SET image = 'image/12.png' WHERE n = 12"
check 'a row that holds its old value again' lost 1
check 'is both' last_stdout_has "but 'image/12.png'"

# All of it at once, as JSON, and in samples.
again
echo new >dst/avatar/upload.png
sql app.db "DELETE FROM avatars WHERE id = 1; UPDATE avatars SET path = 'avatar/upload.png' WHERE id = 2;
	UPDATE avatars SET path = 'avatar/9.png' WHERE id = 3"
counts() {
	verifies 0 --json && json_says "$t_out/stdout" '.removed == 1 and .changed_elsewhere == 1 and .changed_again == 1 and
		.rows == 117 and .different["row-lost"] == 0 and .exit == 0'
}
check 'counts in JSON' counts
slices() {
	for t_slice in 1 2 3 4 5 6 7; do
		migrate-verify --json --slice $t_slice/7 job.yml || return 1
	done >slices && json_says slices '(map(.removed) | add) == 1 and (map(.changed_elsewhere + .changed_again) | add) == 2 and
		(map(.rows) | add) == 117' -s
}
check 'each in one slice, and none of them a difference' slices

# Many of them, of many batches.
again
sql app.db "DELETE FROM avatars; UPDATE posts SET image = NULL; DELETE FROM loose WHERE id > 1"
check 'an application that removed nearly everything' living '119 rows removed'

# A later pass leaves all of that as it is.
check 'the next pass' exits_with 0 migrate-run job.yml
check 'changes nothing of it' living '119 rows removed'

# A plugin that was made before there was read(): what it cannot tell is said, and is no proof.
older() {
	mkdir -p older && cat >older/sqlite.c <<-'END' &&
		#include <dlfcn.h>
		#include <migrate/plugin.h>
		const struct migrate_plugin *migrate_plugin_v1(void)
		{
			static struct migrate_database_ops ops;
			static struct migrate_plugin plugin;
			void *real = dlopen(REAL, RTLD_NOW | RTLD_LOCAL);
			const struct migrate_plugin *(*entry)(void);

			if (!real || !(*(void **)&entry = dlsym(real, "migrate_plugin_v1")))
				return 0;
			plugin = *entry();
			ops = *plugin.database;
			ops.size = offsetof(struct migrate_database_ops, read);
			plugin.database = &ops;
			return &plugin;
		}
	END
		${CC:-cc} -I"$srcdir/include" -fPIC -shared "-DREAL=\"$builddir/plugins/.libs/sqlite.so\"" \
			-o older/sqlite.so older/sqlite.c
}
if ! command -v "${CC:-cc}" >/dev/null; then
	skip 'a plugin without read()' 'there is no compiler'
elif [ "${SANITIZERS:-no}" != no ] && [ -n "$SANITIZERS" ]; then
	skip 'a plugin without read()' 'it would have to be built with the sanitizers'
else
	again
	rm -rf job.journal* dst && mkdir dst
	sql app.db "UPDATE avatars SET path = 'image/' || id || '.png'; UPDATE posts SET image = 'image/' || n || '.png';
		UPDATE loose SET thing = 'image/' || id || '.png'"
	check 'a plugin without read()' older
	MIGRATE_PLUGIN_PATH=$PWD/older:$MIGRATE_PLUGIN_PATH
	check 'does what it did' exits_with 0 migrate-run job.yml
	check 'and all is true' living '120 rows'
	sql app.db "DELETE FROM avatars WHERE id = 1; UPDATE avatars SET path = 'avatar/9.png' WHERE id = 3"
	check 'a row that it misses' lost 1
	check 'is told of, and what is not known' last_stdout_has 'which of these is not known, as its plugin cannot read rows by identity'
	check 'what can be known without is' last_stdout_has '1 rows changed again, to another new value'
fi

finish
