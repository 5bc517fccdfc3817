#!/bin/sh
# SPDX-License-Identifier: MIT
# match: contains: values that stand in texts, in SQLite tables.

. "${srcdir:-.}/t/lib.sh"
T_TIMEOUT=60

fresh() { # OBJECT...
	rm -rf src dst app.db job.journal*
	mkdir -p src dst
	for t_key; do
		write_file "src/$t_key" "bytes of $t_key"
	done
	sql app.db 'CREATE TABLE posts (id INTEGER PRIMARY KEY, body TEXT, note TEXT);
		CREATE TABLE audit (id INTEGER);
		CREATE TRIGGER audit AFTER UPDATE ON posts BEGIN INSERT INTO audit VALUES (new.id); END'
}

post() { # TEXT...
	for t_text; do
		printf "INSERT INTO posts (body, note) VALUES ('%s', 'image/1');\n" "$t_text" |
			sqlite3 app.db
	done
}

post_is() { # ID TEXT
	t_got=$(sqlite3 app.db "SELECT body FROM posts WHERE id = $1")
	[ "$t_got" = "$2" ] || { echo "post $1 is '$t_got' instead of '$2'"; return 1; }
}

job() { # RENAME OPTIONS...: one database section for each
	t_rename=$1
	shift
	write_job job.yml <<-END
		source: {plugin: posix, root: src}
		destination: {plugin: posix, root: dst}
		rename: $t_rename
		databases:
		$(printf '  - {plugin: sqlite, path: app.db, table: posts, column: body, match: contains%s}\n' "$@")
	END
}

moves='[{prefix: image/, to: new/image/}]'

# ---- What makes no sense ----------------------------------------------------------------------

refused() { # WHAT THE-JOB-FILE'S-DATABASE TEXT
	write_job job.yml <<-END
		source: {plugin: posix, root: src}
		destination: {plugin: posix, root: dst}
		databases: [{plugin: sqlite, path: app.db, table: posts, column: body, $2}]
		$4
	END
	check "$1" exits_with 2 migrate-check job.yml
	check 'and the message says why' last_output_has "$3"
}

fresh image/1
refused 'an unknown match' 'match: regex' "'match' must be exact or contains, not 'regex'"
refused 'a codec for whole values' 'codec: php' 'codec: a codec changes strings inside a value'
refused 'a length without texts' 'text_max: 1MiB' 'text_max: it is for match: contains'
refused 'a layout of texts' 'match: contains, layout: "{key}"' 'a text names whole keys'
refused 'keys from texts' 'match: contains' 'no text says where a key in it ends' \
	'keys: {from: database}'
refused 'texts without the keys of the job' 'match: contains' 'match: contains needs all keys' \
	'journal: {keep: failures}'
job "$moves" '' ''
check 'the same texts twice' exits_with 2 migrate-check job.yml
check 'are named' last_output_has 'is the same as databases[0]'

# ---- Every place, once --------------------------------------------------------------------------

fresh image/1 image/10 image/2 'image/a b.png' 'image/lost'
post 'image/1, image/10 and old-image/1, x/image/1, image/1.jpg, image/1.' \
	'{"a":"image\/2","b":"\nimage/1"}' 'nothing at all' 'image/lost and image/2' \
	'<a href="https://old.example/image/a%20b.png?x=1&y=image/10">image/2</a>' 'image/99'
job "$moves" '' ', value: "https://old.example/{key:url}", new_value: "https://new.example/{key:url}"'
check 'check is content' exits_with 0 migrate-check job.yml
check 'and shows what becomes of texts' last_output_has 'id=1: image/1 -> new/image/1' \
	'https://new.example/new/image/a%20b.png'
check 'a dry run counts texts' exits_with 0 migrate-run --dry-run job.yml
check 'and places' last_output_has 'texts looked into                            12' \
	'texts to change                               5' 'values to replace in them                    10'
check 'and writes nothing' sql_says app.db "SELECT count(*) FROM posts WHERE body LIKE '%new/%'" 0
check 'a run' exits_with 0 migrate-run job.yml
check 'replaces what is a word' post_is 1 \
	'new/image/1, new/image/10 and old-image/1, x/image/1, image/1.jpg, new/image/1.'
check 'as JSON has it' post_is 2 '{"a":"new\/image\/2","b":"\nnew/image/1"}'
check 'keys of several forms in one text' post_is 5 \
	'<a href="https://new.example/new/image/a%20b.png?x=1&y=new/image/10">new/image/2</a>'
check 'names of nothing stay' post_is 6 image/99
check 'other columns too' sql_says app.db "SELECT count(*) FROM posts WHERE note = 'image/1'" 6
check 'rows are counted' status_counts job.yml rows.changed=5 rows.failed=0 rows.conflict=0
check 'all of it is true' exits_with 0 migrate-verify job.yml
sqlite3 app.db 'DELETE FROM audit'
check 'a second pass' exits_with 0 migrate-run job.yml
check 'changes nothing' sql_says app.db 'SELECT count(*) FROM audit' 0
post 'late: image/10'
check 'a text that was written since' exits_with 10 migrate-verify job.yml
check 'is found by verify' last_output_has 'the text of row id=7 still holds 1 old values'
check 'and changed by the next pass' exits_with 0 migrate-run job.yml
check 'alone' sql_says app.db 'SELECT group_concat(id) FROM audit' 7

# ---- New values that hold old ones ----------------------------------------------------------------

fresh image/x image/y
post 'image/x image/y' 'image/x' 'new/image/x'
job '[{match: "^image/x$", to: "image/x 2"}, {match: "^image/y$", to: "see image/y"}]' ''
check 'new values that hold old ones' exits_with 0 migrate-run job.yml
check 'are written' post_is 1 'image/x 2 see image/y'
check 'and no more' exits_with 0 migrate-run job.yml
check 'however often' post_is 1 'image/x 2 see image/y'
check 'each row was changed once' sql_says app.db 'SELECT count(*) FROM audit' 2

# ---- What must stay -----------------------------------------------------------------------------

fresh image/1 image/2
post 'title="image/1"' 'image/2'
job '[{prefix: image/1, to: "say \"1\""}, {prefix: image/, to: pic/}]' ''
check 'a new value that needs quotes' exits_with 3 migrate-run job.yml
check 'is not written' post_is 1 'title="image/1"'
check 'the row is named' last_output_has 'id=1: failed: names an object whose new value holds'
check 'the others are changed' post_is 2 pic/2
check 'it is counted' status_counts job.yml rows.changed=1 rows.failed=1
check 'and stays counted once' exits_with 3 migrate-run job.yml
check 'in each pass' status_counts job.yml rows.changed=1 rows.failed=1
check 'it is listed' exits_with 0 migrate-status --failed job.yml
check 'without the whole text' last_output_lacks title

fresh image/1 image/2
mkdir -p dst/new/image
write_file dst/new/image/2 'something else'
post 'image/1 image/2'
job "$moves" ''
check 'an object that fails' exits_with 3 migrate-run job.yml
check 'keeps its old name, beside others' post_is 1 'new/image/1 image/2'
check 'which is said' last_output_has '1 values name objects that were not copied'
rm dst/new/image/2
check 'once it is copied' exits_with 0 migrate-run --retry-failed job.yml
check 'the text follows' post_is 1 'new/image/1 new/image/2'

# ---- The application wins -------------------------------------------------------------------------

fresh image/1 image/2
post 'image/1' 'image/1' 'image/2'
sql app.db "CREATE TRIGGER meddle AFTER UPDATE ON posts WHEN new.id = 1 AND new.body = 'new/image/1'
	BEGIN UPDATE posts SET body = 'edited: ' || body WHERE id = 2 AND body = 'image/1'; END"
job "$moves" ''
check 'a text that the application changed meanwhile' exits_with 0 migrate-run job.yml
check 'is read again' last_output_has '1 texts were changed by somebody else meanwhile'
check 'and both changes are there' post_is 2 'edited: new/image/1'
check 'nothing is left of the conflict' status_counts job.yml rows.changed=3 rows.conflict=0

# ---- Large ones -----------------------------------------------------------------------------------

fresh image/1
sqlite3 app.db "INSERT INTO posts (id, body) VALUES
	(1, 'image/1 ' || hex(zeroblob(3000000)) || ' image/1'),
	(2, 'image/1 ' || hex(zeroblob(700000)))"
job "$moves" ', text_max: 4MiB'
check 'texts of megabytes' exits_with 0 migrate-run job.yml
check 'below text_max are changed' sql_says app.db \
	"SELECT length(body), substr(body, 1, 12) FROM posts WHERE id = 2" '1400012|new/image/1 '
check 'above it they are not' sql_says app.db "SELECT substr(body, 1, 8) FROM posts WHERE id = 1" 'image/1 '
check 'and that is said' last_output_has '1 texts are longer than text_max'
job "$moves" ', text_max: 16MiB'
check 'with a longer one' exits_with 0 migrate-run --accept-change job.yml
check 'they follow' sql_says app.db \
	"SELECT length(body), substr(body, -11) FROM posts WHERE id = 1" '6000024|new/image/1'

# ---- PHP's serialised values ------------------------------------------------------------------------

fresh image/1 image/22
post 'a:2:{s:4:"file";s:7:"image/1";s:5:"sizes";s:25:"a:1:{i:0;s:8:"image/22";}";}' \
	's:9:"image/1";' 'plain image/22' 'a:1:{s:7:"image/1";s:8:"image/22";}'
job "$moves" ', codec: php'
check 'serialised values' exits_with 3 migrate-run job.yml
check 'get right lengths, within each other too' post_is 1 \
	'a:2:{s:4:"file";s:11:"new/image/1";s:5:"sizes";s:30:"a:1:{i:0;s:12:"new/image/22";}";}'
check 'what is malformed stays' post_is 2 's:9:"image/1";'
check 'text is text' post_is 3 'plain new/image/22'
check 'keys stay, and are told' post_is 4 'a:1:{s:7:"image/1";s:12:"new/image/22";}'
check 'by row' last_output_has 'id=2: failed: names objects in a serialised value that is malformed' \
	'id=4: failed: '
check 'and are counted' status_counts job.yml rows.changed=3 rows.failed=2

finish
