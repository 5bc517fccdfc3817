#!/bin/sh
# SPDX-License-Identifier: MIT
# The tools that the other tests trust: killat strikes where it says, the oracle finds
# every kind of damage, and nothing where there is none.

. "${srcdir:-.}/t/lib.sh"
. "$srcdir/t/faults/lib.sh"

needs python3 sqlite3 setfattr

# ---- The oracle ------------------------------------------------------------------

model() { # a fresh world, perfectly migrated
	fresh_world w perfect
}

# finds NUMBER COMMAND...: after this damage to w, that invariant and no silence
finds() {
	t_number=$1
	shift
	model && "$@" || return 1
	invariants w --model >"$t_out/found" && { echo 'nothing was found'; return 1; }
	grep -q "^$t_number:" "$t_out/found" || { cat "$t_out/found"; return 1; }
}

damage_bytes() {
	printf '' >w/dst/avatar/plain.png && touch -r w/src/image/plain.png w/dst/avatar/plain.png
}

zero_file() { # right size and times, no bytes: what a power loss leaves
	truncate -s 0 w/dst/avatar/big.bin && truncate -s 700001 w/dst/avatar/big.bin &&
		touch -r w/src/image/big.bin w/dst/avatar/big.bin
}

change_database() {
	sql w/app.db "$@"
}

change_journal() {
	sql w/world.journal "$@"
}

corrupt_journal() {
	printf 'no journal at all, but as long as a header of SQLite would be...........................' |
		dd of=w/world.journal bs=1 seek=4096 conv=notrunc status=none
}

leak() {
	echo "$MIGRATE_TEST_SECRET" >w/world.journal.note
}

untriggered() { # STATEMENT: without the audit trigger noticing
	change_database "DROP TRIGGER audit_avatars; $1"
}

name=image/plain.png
check 'a world' new_world perfect --seed "$SEED"
check 'a fresh world is in order' invariants perfect --interrupted
check 'and is not taken for a finished one' not invariants perfect --model
cp -a perfect untouched
check 'a model of a perfect migration' "$faults/pretend" perfect
check 'is found perfect' invariants perfect --model --exit 0
check 'also as an interrupted one' invariants perfect --interrupted

check 'a lost object is found' finds I2 rm w/dst/avatar/empty
check 'a changed byte is found' finds I2 damage_bytes
check 'a file full of zeros is found' finds I2 zero_file
check 'a lost mode is found' finds I2 chmod 611 w/dst/avatar/a.b
check 'a lost time is found' finds I2 touch w/dst/avatar/a.b
check 'a lost attribute is found' finds I2 setfattr -x user.note w/dst/avatar/plain.png
check "somebody else's object changed is found" finds I2 write_file w/dst/keep/before.txt other
check 'a row that points to nothing is found' finds I3 rm w/dst/avatar/plain.png
check 'a row left behind is found' finds I3 untriggered \
	"UPDATE avatars SET path = 'image/plain.png', service = 'local' WHERE id = (SELECT min(id) FROM avatars WHERE path = 'avatar/plain.png'); DELETE FROM audit WHERE tbl = 'avatars'"
check 'a row updated twice is found' finds I4 change_database \
	"UPDATE avatars SET note = note WHERE path = 'avatar/plain.png'"
check 'another column changed is found' finds I4 untriggered \
	"UPDATE avatars SET note = 'mine' WHERE path = 'avatar/plain.png'"
check 'a set: column left out is found' finds I4 untriggered \
	"UPDATE avatars SET service = 'local' WHERE path = 'avatar/plain.png'"
check 'a row of a missing object changed is found' finds I4 untriggered \
	"UPDATE avatars SET path = 'x' WHERE path IS NULL"
check 'a deleted row is found' finds I4 change_database 'DELETE FROM blobs WHERE n = (SELECT max(n) FROM blobs)'
check 'text turned into a blob is found' finds I4 untriggered \
	"UPDATE avatars SET path = CAST(path AS BLOB) WHERE path = 'avatar/plain.png'"
check 'a changed source is found' finds I5 touch "w/src/$name"
check 'an object removed from the source is found' finds I5 rm "w/src/$name"
check 'a file left in the source is found' finds I5 touch w/src/image/.tmp-1
check 'a temporary file at the destination is found' finds I6 touch w/dst/avatar/.tmp-1
check 'an extra folder is found' finds I6 mkdir w/dst/avatar/void
check 'a file left beside the job file is found' finds I6 touch w/scratch.tmp
check 'an object missing in the journal is found' finds I1 change_journal \
	"DELETE FROM object WHERE key = CAST('$name' AS BLOB)"
check 'an object in two classes is found' finds I1 change_journal \
	"INSERT INTO object VALUES (1, CAST('$name' AS BLOB), 5)"
check 'an object never finished is found' finds I1 change_journal \
	"UPDATE object SET state = 0 WHERE key = CAST('$name' AS BLOB)"
check 'a row changed without intent is found' finds I7 change_journal 'DELETE FROM row'
check 'an intent without outcome is found' finds I7 change_journal 'UPDATE chunk SET settled = 0'
check 'an open batch is found' finds I7 change_journal 'UPDATE batch SET state = 3'
check 'a journal that is none is found' finds I7 rm w/world.journal
check 'a secret in the journal is found' finds I10 leak
model
check 'an exit status that lies is found' not invariants w --model --exit 3
corrupt_journal
check 'a damaged journal is no silence' not invariants w --model

# ---- The poller ------------------------------------------------------------------

polled() { # STATUS: one look at w
	touch stop
	"$faults/poller" w --until "$PWD/stop" >"$t_out/poller" 2>&1
	t_got=$?
	[ "$t_got" -eq "$1" ] || { cat "$t_out/poller"; return 1; }
}

model
check 'the poller is content with a migrated world' polled 0
rm -rf w && cp -a untouched w
check 'and with one that is not' polled 0
model
rm w/dst/avatar/plain.png
check 'it sees a row that points to nothing' polled 1
model
damage_bytes
check 'and one that points to other bytes' polled 1

# ---- killat ----------------------------------------------------------------------

cat >work.sh <<'EOS'
mkdir d
printf 0123456789 >from
cp from d/a
ln d/a d/b
mv d/b d/c
rm d/c
truncate -s 3 d/a
chmod 600 d/a
EOS

killed_at() { # STATUS OPTION...: work.sh under killat
	t_status=$1
	shift
	rm -rf d
	"$killat" --report report "$@" -- sh work.sh 2>stderr
	t_got=$?
	[ "$t_got" -eq "$t_status" ] || { echo "status $t_got"; cat stderr; return 1; }
}

reported() {
	grep -qF -e "$1" report || { cat report; return 1; }
}

if "$killat" --count --report report true; then
	check 'an undisturbed command keeps its status' killed_at 0 --count
	check 'and its calls are counted' test "$(cat report)" -ge 8
	check 'a call is killed before it is made' killed_at 137 --only link
	check 'so it was not made' missing d/b
	check 'and what was struck is said' reported '1 before link'
	check 'a call is killed after it was made' killed_at 137 --only link --after
	check 'so it was made' exists d/b
	check 'a write is torn' killed_at 137 --torn
	check 'in the middle' contains_exactly d/a 01234
	check 'a write can be short and go on' killed_at 0 --short
	check 'a call can fail' killed_at 1 --fail EIO --only attribute
	check 'and is not made then' not test "$(stat -c %a d/a)" = 600
	check 'something can happen before a call' killed_at 0 --go --run 'touch d/happened' --only rename
	check 'and did' exists d/happened
	check 'a path selects calls' killed_at 137 --path '*/d/c'
	check 'and that was the first of it' reported 'before rename'
	check 'there is an end to all calls' killed_at 0 --at 100
	check 'which is said' reported 'not reached'
	check 'a wrong option is refused' killed_at 125 --only nothing
else
	skip 'killat strikes' 'it cannot trace here'
fi

finish
