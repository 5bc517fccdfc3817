#!/bin/sh
# SPDX-License-Identifier: MIT
# The words of t/lib.sh mean what t/README says: a test that should fail does.

. "${srcdir:-.}/t/lib.sh"

# says TEXT STATUS <<EOF: a test of these lines prints that line and ends with that status.
says() {
	{
		# shellcheck disable=SC2016 # for the shell of that test
		echo '. "$srcdir/t/lib.sh"'
		cat
	} >inner.t
	srcdir=$srcdir builddir=$builddir exits_with "$2" sh inner.t || return 1
	last_stdout | grep -qxF -e "$1" || { echo "not printed: $1"; last_stdout; return 1; }
}

nothing_is_left() {
	[ -z "$(find "$TMPDIR" -mindepth 1)" ]
}

mkdir inner
TMPDIR=$PWD/inner
export TMPDIR

check 'what holds is ok' says 'ok 1 - truth' 0 <<'EOT'
check 'truth' true
finish
EOT
check 'what does not is not' says 'not ok 1 - truth' 1 <<'EOT'
check 'truth' false
finish
EOT
check 'one failure is enough' says '1..2' 1 <<'EOT'
check 'one' false
check 'two' true
finish
EOT
check 'a check of nothing fails' says 'not ok 1 - nothing' 1 <<'EOT'
check 'nothing'
finish
EOT
check 'a test of nothing fails' says 'not ok 1 - the test tried nothing' 1 <<'EOT'
finish
EOT
check 'a test that stops half way fails' says "Bail out! the test ended before 'finish'" 99 <<'EOT'
check 'one' true
exit 0
EOT
check 'a skip has its reason' says 'ok 1 - flying # SKIP no wings' 0 <<'EOT'
skip 'flying' 'no wings'
finish
EOT
check 'a file can be skipped as a whole' says '1..0 # SKIP no wings' 0 <<'EOT'
skip_all 'no wings'
EOT
check 'but not without a reason' says 'Bail out! skip_all without a reason' 99 <<'EOT'
skip_all
EOT
check 'a wrong exit status is seen' says 'not ok 1 - status' 1 <<'EOT'
check 'status' exits_with 3 sh -c 'exit 4'
finish
EOT
check 'what was said is shown when it fails' says '#   the reason' 1 <<'EOT'
run sh -c 'echo the reason >&2'
check 'it' last_output_has 'something else'
finish
EOT
check 'a missing line is seen' says 'not ok 1 - said' 1 <<'EOT'
run echo hello
check 'said' last_output_has 'hello' 'world'
finish
EOT
check 'one byte more is seen' says 'not ok 1 - bytes' 1 <<'EOT'
write_file a/b 'text
'
check 'bytes' contains_exactly a/b 'text'
finish
EOT
check 'no file is no answer' says 'not ok 1 - lacks' 1 <<'EOT'
check 'lacks' not grep -q secret none
finish
EOT
check 'nor is it empty' says 'not ok 1 - empty' 1 <<'EOT'
check 'empty' is_empty none
finish
EOT
check 'no JSON says nothing' says 'not ok 1 - JSON' 1 <<'EOT'
: >none
check 'JSON' json_says none .well
finish
EOT
check 'of several, each has to say it' says 'not ok 1 - JSON' 1 <<'EOT'
printf '{"well": false}{"well": true}' >two
check 'JSON' json_says two .well
finish
EOT
check 'one that ended does not run' says 'not ok 1 - runs' 1 <<'EOT'
start one true
sleep 0.2
check 'runs' is_running one
finish
EOT
check 'nothing comes behind the end' says '1..1' 0 <<'EOT'
check 'truth' true
finish
check 'more' false
EOT
cat >vain.t <<'EOT'
. "$srcdir/t/lib.sh"
check 'nothing is written' missing file
check 'it works' exits_with 0 migrate-run --version
check 'and says so' last_output_has migrate
finish
EOT
finds_the_vain() {
	: >none.list
	builddir=$builddir exits_with 1 "$srcdir/t/stubs" --list none.list "$PWD/vain.t" &&
		[ "$(last_stdout)" = 'vain.t: nothing is written' ]
}
if command -v python3 >/dev/null; then
	check 'what passes without the programs is found' finds_the_vain
else
	skip 'what passes without the programs is found' 'python3 is not installed'
fi
check 'waiting ends' says 'not ok 1 - never' 1 <<'EOT'
check 'never' wait_until 1 false
finish
EOT
check 'a program that hangs is ended' says 'not ok 1 - hangs' 1 <<'EOT'
T_TIMEOUT=1
check 'hangs' exits_with 0 sleep 60
finish
EOT
check 'a killed program is told from an ended one' says 'ok 1 - killed' 0 <<'EOT'
start it sleep 60
signals it KILL
check 'killed' ends_with 137 it
finish
EOT
check 'another tree is seen' says 'not ok 1 - trees' 1 <<'EOT'
write_file a/x 1
write_file b/y 1
check 'trees' same_tree a b
finish
EOT
check 'another answer is seen' says 'not ok 1 - rows' 1 <<'EOT'
sql db 'create table t (a); insert into t values (1)'
check 'rows' sql_says db 'select count(*) from t' 2
finish
EOT
check 'a job file is named and private' says 'ok 1 - job' 0 <<'EOT'
write_job two.yml <<-END
	source: {plugin: memory}
END
both() { grep -qx 'job: two' two.yml && [ "$(stat -c %a two.yml)" = 600 ]; }
check 'job' both
finish
EOT
check 'no folder is left behind' nothing_is_left

finish
