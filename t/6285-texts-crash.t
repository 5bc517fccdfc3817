#!/bin/sh
# SPDX-License-Identifier: MIT
# Killed at any call that changes something, a job with texts is finished by the next run:
# every value replaced, each row changed once, none that names what is not there.
#
# SWEEP=full tries every point, SWEEP=few only some; SEED=N another sample.

. "${srcdir:-.}/t/lib.sh"
. "$srcdir/t/faults/lib.sh"
T_TIMEOUT=120

needs python3 sqlite3
needs_killat
echo "# SEED=$SEED SWEEP=$SWEEP"

# Bodies that name several objects each, of different batches, some serialised; and the same as
# they shall be in the end.
make_world() { # FOLDER
	mkdir -p "$1/src/image" "$1/dst"
	python3 - "$1" <<-'END'
		import random, sqlite3, sys

		rng = random.Random(7)
		folder = sys.argv[1]
		names = ["image/%d" % i for i in range(24)]
		for name in names:
		    with open("%s/src/%s" % (folder, name), "w") as f:
		        f.write(name * 10)
		php = lambda s: 'a:1:{s:3:"src";s:%d:"%s";}' % (len(s), s)
		db = sqlite3.connect(folder + "/app.db")
		db.executescript("""CREATE TABLE posts (id INTEGER PRIMARY KEY, body TEXT, wanted TEXT);
		    CREATE TABLE rows (id INTEGER PRIMARY KEY, path TEXT);
		    CREATE TABLE audit (tbl TEXT, id INTEGER);
		    CREATE TRIGGER a AFTER UPDATE ON posts BEGIN INSERT INTO audit VALUES ('posts', new.id); END;
		    CREATE TRIGGER b AFTER UPDATE ON rows BEGIN INSERT INTO audit VALUES ('rows', new.id); END;""")
		for i in range(60):
		    some = rng.sample(names, rng.randrange(0, 5))
		    old = " and ".join(some) + " but not xx-image/1 nor image/77"
		    new = " and ".join("new/" + s for s in some) + " but not xx-image/1 nor image/77"
		    if i % 3 == 0:
		        old, new = php(old), php(new)
		    db.execute("INSERT INTO posts (body, wanted) VALUES (?, ?)", (old, new))
		for name in names:
		    db.execute("INSERT INTO rows (path) VALUES (?)", (name,))
		db.commit()
	END
	cat >"$1/job.yml" <<-END
		job: world
		source: {plugin: posix, root: src}
		destination: {plugin: posix, root: dst}
		rename: [{prefix: image/, to: new/image/}]
		databases:
		  - {plugin: sqlite, path: app.db, table: rows, column: path}
		  - {plugin: sqlite, path: app.db, table: posts, column: body, match: contains, codec: php}
		batch: 5
	END
}

# At any instant: a text is as it was or as it shall be, and names no copy that is not there.
in_order() { # FOLDER
	t_got=$(sqlite3 "$1/app.db" "SELECT count(*) FROM posts
		WHERE body <> wanted AND body LIKE '%new/image%'") || return 1
	[ "$t_got" -eq 0 ] || { echo "$t_got texts are neither old nor new"; return 1; }
	sqlite3 "$1/app.db" 'SELECT body FROM posts UNION ALL SELECT path FROM rows' |
		grep -o 'new/image/[0-9]*' | sort -u | while read -r t_key; do
		[ -f "$1/dst/$t_key" ] || { echo "$t_key is named and not there"; exit 1; }
	done || return 1
	t_got=$(sqlite3 "$1/app.db" 'SELECT count(*) FROM
		(SELECT 1 FROM audit GROUP BY tbl, id HAVING count(*) > 1)') || return 1
	[ "$t_got" -eq 0 ] || { echo "$t_got rows were changed more than once"; return 1; }
}

as_they_shall_be() { # FOLDER
	in_order "$1" || return 1
	t_got=$(sqlite3 "$1/app.db" 'SELECT count(*) FROM posts WHERE body <> wanted')
	[ "$t_got" -eq 0 ] || { echo "$t_got texts are not as they shall be"; return 1; }
	status_counts "$1/job.yml" total=24 done=24 rows.conflict=0 rows.failed=0
}

survives() { # N M OPTION...
	fresh_world w one || return 1
	t_n=$1
	t_m=$2
	shift 2
	struck w --at "$t_n" "$@" || return 1
	first=$struck
	in_order w || { echo "after '$first'"; return 1; }
	struck w --at "$t_m" "$@" || return 1
	in_order w || { echo "after '$first', then '$struck'"; return 1; }
	migrate-run --progress=none w/job.yml >"$t_out/stdout" 2>"$t_out/stderr" ||
		{ echo "status $? after '$first', then '$struck'"; cat "$t_out/stderr"; return 1; }
	as_they_shall_be w || { echo "after '$first', then '$struck'"; return 1; }
	migrate-run --progress=none w/job.yml >"$t_out/stdout" 2>"$t_out/stderr" && as_they_shall_be w
}

make_world one
check 'a job with texts' sh -c 'cp -a one w && migrate-run --progress=none w/job.yml'
check 'does everything, once' as_they_shall_be w
check 'and verifies' exits_with 0 migrate-verify w/job.yml
rm -rf w
fresh_world w one
check 'its calls can be counted' struck w --count
calls=$struck
echo "# $calls calls"
check 'there are enough of them' test "$calls" -gt 100

point=0
for part in $(seq "$(by_sweep "$calls" 5 3)"); do
	# the second half is where texts are changed
	random "$((calls / 2))"
	[ "$SWEEP" = full ] && point=$part || point=$((part % 3 ? calls - random : random))
	random 40
	[ $((part % 2)) -eq 0 ] && how=--after || how=
	# shellcheck disable=SC2086 # no option, or one
	check "killed at call $point, and at $random of the recovery${how:+, after it}" \
		survives "$point" "$random" $how
done

finish
