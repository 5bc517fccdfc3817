#!/bin/sh
# SPDX-License-Identifier: MIT
# A Redis cache hears of every row that a job changed, and of no other.

. "${srcdir:-.}/t/lib.sh"
. "$srcdir/t/servers/redis.sh"
redis_needed
redis_up || { echo 'Bail out! the server does not start'; exit 99; }
T_TIMEOUT=60
n=200

numbers() {
	seq 1 $n
}

# Objects and rows; the cache as the application filled it, and what is not ours.
fresh() {
	rm -rf src dst app.db* job.journal*
	mkdir -p src/image dst
	for t_i in $(numbers) "it's"; do
		echo "$t_i" >"src/image/$t_i"
	done
	sql app.db "CREATE TABLE avatars (id INTEGER PRIMARY KEY, path TEXT); CREATE INDEX i ON avatars (path);
		WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < $n)
		INSERT INTO avatars SELECT i, 'image/' || i FROM n;
		INSERT INTO avatars VALUES (1000, 'image/it''s'), (1001, 'upload/1')"
	rcli flushall >/dev/null
	fill
}

fill() {
	{
		for t_i in $(numbers); do
			echo "SET avatar:$t_i x"
			echo "SET path:image/$t_i x"
			echo "SET url:$t_i image/$t_i EX 5000"
			echo "HSET user:$t_i avatar image/$t_i name somebody"
		done
		echo 'SET "path:image/it'"'"'s" x'
		echo 'SET avatar:1000 x'
		echo 'SET avatar:1001 x'
		echo 'SET avatar:17:more x'
		echo 'SET path:upload/1 x'
		echo 'SET url:1000 "something else"'
		echo 'HSET url:7 a b'
		echo 'HSET user:1000 avatar image/1'
	} | sed '/^SET url:7 /d' | rcli >/dev/null
}

job() { # LINE...
	write_job job.yml <<-END
		source: {plugin: posix, root: src}
		destination: {plugin: posix, root: dst}
		rename: [{prefix: image/, to: avatar/}]
		batch: 50
		patience: 30s
		databases:
		  - {plugin: sqlite, path: app.db, table: avatars, column: path}
		caches:
		  - plugin: redis
		    url: redis://127.0.0.1:$REDIS_PORT
		$(printf '    %s\n' "$@")
	END
}

keys() { # PATTERN N
	t_got=$(rcli --scan --pattern "$1" | grep -c .)
	[ "$t_got" -eq "$2" ] || { echo "$t_got keys like $1 instead of $2"; return 1; }
}

# ---- Said before it is done --------------------------------------------------------------------

fresh
job 'invalidate: ["avatar:{row.id}", "path:{old}"]' \
	'rewrite: ["url:{row.id}", "user:{row.id} avatar"]' \
	'publish: {avatars: "{row.id} {new}"}'
check 'migrate-check' exits_with 0 migrate-check job.yml
check 'says what would become of the first row' last_output_has 'UNLINK avatar:1' \
	'UNLINK path:image/1' 'rewrite the string url:1: image/1 -> avatar/1' \
	'rewrite in the hash user:1 avatar: image/1 -> avatar/1' 'PUBLISH avatars 1 avatar/1'
check 'a dry run' exits_with 0 migrate-run --dry-run job.yml
check 'says the same' last_output_has 'UNLINK avatar:1' 'UNLINK avatar:2' \
	'rewrite in the hash user:1 avatar: image/1 -> avatar/1'
check 'both changed nothing' redis_says $((4 * n + 7)) dbsize

# ---- All that a cache can be told ----------------------------------------------------------------

start listener redis-cli -s "$REDIS_SOCKET" subscribe avatars
wait_until 10 redis_says 'avatars
1' pubsub numsub avatars
check 'a job with a cache' exits_with 0 migrate-run job.yml
check 'changed its rows' status_counts job.yml rows.changed=$((n + 1))
check 'keys by number are gone, those of other rows are not' keys 'avatar:*' 2
check 'which are these' redis_says 2 exists avatar:1001 avatar:17:more
check 'keys by name are gone, but one' keys 'path:*' 1
check 'which is this' redis_says 1 exists path:upload/1
check 'a string has the new value' redis_says avatar/17 get url:17
lives_on() {
	t_got=$(rcli ttl url:17)
	echo "ttl $t_got"
	[ "$t_got" -gt 4000 ] && [ "$t_got" -le 5000 ]
}
check 'and lives as long as it did' lives_on
all_hashes() {
	for t_i in $(numbers); do
		echo "HGET user:$t_i avatar"
	done | rcli | sort >got
	numbers | sed 's,^,avatar/,' | sort | cmp - got
}
check 'so do all fields of hashes' all_hashes
check 'and no other field' redis_says somebody hget user:17 name
check 'what held another value is left alone' redis_says 'something else' get url:1000
check 'in a hash too' redis_says image/1 hget user:1000 avatar
check 'and what is of another kind' redis_says b hget url:7 a
heard() {
	grep -cE '^[0-9]+ avatar/' "$t_out/listener.stdout" | grep -qx $((n + 1)) &&
		grep -qx "1000 avatar/it's" "$t_out/listener.stdout"
}
check 'who listens heard of each row' wait_until 10 heard
signals listener TERM

rcli flushall >/dev/null
fill
check 'the next run has nothing to do' exits_with 0 migrate-run job.yml
check 'and says nothing' keys 'avatar:*' $((n + 3))

# ---- Rows that were born later --------------------------------------------------------------------

sql app.db "INSERT INTO avatars VALUES (3000, 'image/5')"
rcli set avatar:3000 x >/dev/null
check 'a delta pass finds a row that names an old key' exits_with 0 migrate-run job.yml
check 'and changes it' sql_says app.db 'SELECT path FROM avatars WHERE id = 3000' avatar/5
check 'the cache heard of it' redis_says 0 exists avatar:3000
check 'and of no other row' keys 'avatar:*' $((n + 3))

# ---- Rows alone ---------------------------------------------------------------------------------

fresh
job 'invalidate: ["avatar:{row.id}"]'
check 'copies alone' exits_with 0 migrate-run --only copy job.yml
check 'tell the cache nothing' keys 'avatar:*' $((n + 3))
check 'then the rows' exits_with 0 migrate-run --only rows job.yml
check 'and the cache hears of them' keys 'avatar:*' 2

# ---- Names that are hard -------------------------------------------------------------------------

rm -rf src dst app.db* job.journal*
mkdir dst
python3 - <<-'END'
	import os, sqlite3
	names = [b'sp ace', b'quo"te', b"qu'ote", b'back\\slash', b'new\nline', b'\xff\xfe', b'{brace}', b'*?[a]',
	         b'$1', b'a,b=c', b'\xf0\x9f\x98\x80']
	os.makedirs(b'src/image')
	db = sqlite3.connect('app.db')
	db.execute('CREATE TABLE t (name TEXT, part TEXT, path BLOB, PRIMARY KEY (name, part))')
	db.execute('CREATE INDEX i ON t (path)')
	for i, name in enumerate(names):
	    open(b'src/image/' + name, 'wb').close()
	    text = name.decode('latin-1')
	    db.execute('INSERT INTO t VALUES (?, ?, ?)', (text, '%d,part=x\\' % i, b'image/' + name))
	db.commit()
	with open('fill', 'wb') as f:
	    def command(*words):
	        f.write(b'*%d\r\n' % len(words))
	        for w in words:
	            f.write(b'$%d\r\n%s\r\n' % (len(w), w))
	    for i, name in enumerate(names):
	        utf8 = name.decode('latin-1').encode()
	        command(b'SET', b'path:image/' + name, b'x')
	        command(b'SET', b'name:' + utf8, b'x')
	        command(b'SET', b'part:%d,part=x\\' % i + b':' + utf8, b'x')
	        command(b'SET', b'{' + b'avatar/' + name + b'}', b'image/' + name)
END
rcli flushall >/dev/null
rcli --pipe <fill >/dev/null
write_job job.yml <<-END
	source: {plugin: posix, root: src}
	destination: {plugin: posix, root: dst}
	rename: [{prefix: image/, to: avatar/}]
	databases:
	  - {plugin: sqlite, path: app.db, table: t, column: path}
	caches:
	  - plugin: redis
	    socket: $REDIS_SOCKET
	    invalidate: ["path:{old}", "name:{row.name}", "part:{row.part}:{row.name}", "{row.nothing}x"]
	    rewrite: ["{{{new}}}"]
END
check 'names of all kinds, keys of two columns' exits_with 0 migrate-run job.yml
check 'a column that a key does not have is told' last_output_has \
	"the template '{row.nothing}x' is left out for rows whose key has no column 'nothing'"
check 'each key was the right one, byte by byte' redis_says 11 dbsize
check 'and each value' redis_says 'avatar/a,b=c' get '{avatar/a,b=c}'
check 'bytes too' redis_says "$(printf 'avatar/\377\376')" get "$(printf '{avatar/\377\376}')"

# ---- Nothing secret shows ------------------------------------------------------------------------

fresh
rcli acl setuser mover reset on '>canary-secret-77' '~avatar:*' '~user:*' '~url:*' '&news' +ping +client +multi \
	+discard +unlink +publish +evalsha +script +type +get +set +pttl +pexpire +hget +hset >/dev/null
rcli script flush >/dev/null
redis_key=canary-secret-77
export redis_key
job 'user: mover' "password: \${redis_key}" 'invalidate: ["avatar:{row.id}"]' 'publish: {news: "{row.id}"}' \
	'rewrite: ["url:{row.id}", "user:{row.id} avatar"]'
quiet() {
	not grep -rlaF canary-secret-77 . "$t_out"
}
watched() {
	start run migrate-run --log-level debug --progress=none job.yml
	while is_running run && [ -r "/proc/$(pid_of run)/cmdline" ]; do
		tr '\0' ' ' <"/proc/$(pid_of run)/cmdline" >>cmdlines
		[ "$(wc -c <cmdlines)" -lt 100000 ] || break
	done
	ends_with 0 run
}
check 'a user with the rights that the manual page names, and no others,' watched
check 'did its work' keys 'avatar:*' 2
check 'all of it' redis_says avatar/17 get url:17
check 'in hashes, too' all_hashes
check 'its password is nowhere: journal, log, report, command line' quiet
redis_key=canary-secret-78
rm -rf job.journal*
check 'a wrong password' exits_with 2 migrate-run job.yml
check 'is the job file'"'"'s fault' last_output_has 'check user and password'
check 'and not repeated' last_output_lacks canary-secret-78
check 'no journal was begun' missing job.journal
redis_key=canary-secret-77
job 'user: mover' "password: \${redis_key}" 'invalidate: ["path:{old}"]'
check 'rights that do not do' exits_with 2 migrate-run job.yml
check 'are told before anything happens' last_output_has 'NOPERM' "the user's access rules must allow"

write_job job.yml <<-END
	source: {plugin: posix, root: src}
	destination: {plugin: posix, root: dst}
	caches:
	  - {plugin: redis, socket: "$REDIS_SOCKET", invalidate: ["avatar:{row.id}", "a{b}"]}
END
check 'a cache without a database, and a template that is none' exits_with 2 migrate-check job.yml
check 'both with their place' last_output_has 'job.yml:5:3: caches need a database' \
	"invalidate: 'a{b}': only {row.COLUMN}"

finish
