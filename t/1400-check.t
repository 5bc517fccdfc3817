#!/bin/sh
# SPDX-License-Identifier: MIT
# migrate-check says in seconds what a run would meet, and writes nothing.

. "${srcdir:-.}/t/lib.sh"

mkdir -p src/image dst
write_file src/image/1.png one
write_file src/image/2.png two
sql app.db "CREATE TABLE avatars (id INTEGER PRIMARY KEY, path TEXT);
	INSERT INTO avatars (path) VALUES ('image/1.png'), ('image/2.png')"

job() { # NAME RULES DESTINATION
	write_job "$1.yml" <<-END
		source: {plugin: posix, root: src}
		destination: {plugin: posix, root: $3}
		rename: $2
		databases:
		  - {plugin: sqlite, path: app.db, table: avatars, column: path}
	END
}

looks_at() { # STATUS NAME
	exits_with "$1" migrate-check "$2.yml"
}

# ---- Problems, all of them at once ---------------------------------------------------

job lost '[{prefix: image/, to: avatar/}]' nowhere/at/all
sed -i 's/table: avatars/table: nothing/' lost.yml
check 'ends that cannot be reached are a problem' looks_at 2 lost
check 'and all of them are named at once' last_output_has 'destination: ' 'databases[0]'

check 'a missing job file is a problem' exits_with 2 migrate-check none.yml
job typo '[{prefix: image/, to: avatar/}]' dst
echo 'bacth: 5' >>typo.yml
check 'a misspelt option is a problem' looks_at 2 typo
check 'with line and hint' last_output_has "typo.yml:7" "did you mean 'batch'"

job unmatched '[{prefix: photo/, to: avatar/}]' dst
check 'keys that no rule matches are a problem' looks_at 2 unmatched
check 'they are named' last_output_has "no rule matches 'image/1.png'"

job collision "[{match: '^image/.*$', to: 'one.png'}]" dst
check 'two keys that become one are a problem' looks_at 2 collision
check 'the new key is named' last_output_has "more than one key becomes 'one.png'"

job same '[]' src
check 'the same place without a rename is a problem' looks_at 2 same
check 'and said to be one' last_output_has 'the same place'

mkdir src/inside
job inside '[{prefix: image/, to: avatar/}]' src/inside
check 'a destination inside the source is no problem' looks_at 0 inside
check 'but said' last_output_has 'the destination lies inside the source'
rmdir src/inside

write_file "src/image/$(printf 'b\033[2J')" x
job hostile '[{prefix: image/, to: avatar/}]' dst
check 'a key cannot speak to the terminal' looks_at 0 hostile
check 'it is shown escaped' last_output_has 'image/b\x1b[2J'
rm src/image/b*

# ---- A job that is well ----------------------------------------------------------------

job good '[{prefix: image/, to: avatar/}]' dst
everything() {
	find src dst app.db good* -exec stat -c '%n %s %y' {} + | sort
}
everything >before
check 'a good job is well' looks_at 0 good
check 'keys are shown with what they become' \
	last_output_has 'image/1.png -> avatar/1.png' 'prefix image/ -> avatar/'
check 'rows as well' last_output_has 'id=1: image/1.png -> avatar/1.png' 'rows         2'
check 'a missing index is named' last_output_has 'no index'
check 'the journal: where, how large, how much is free' last_output_has 'good.journal (new)' ' free'
everything >after
check 'nothing was written' cmp before after

sql app.db 'CREATE INDEX i ON avatars (path)'
check 'an index is seen' looks_at 0 good
check 'and there is no warning then' last_output_lacks 'no index'

closes_stdout() {
	migrate-check good.yml >&-
}
check 'nobody need read it' closes_stdout

finish
