#!/bin/sh
# SPDX-License-Identifier: MIT
# Other users of the machine: what they put beside a journal, or could have written, is
# not obeyed. Nothing is changed, and the message names the file.

. "${srcdir:-.}/t/lib.sh"

[ "$(id -u)" -eq 0 ] || skip_all 'only root can be several users'
command -v sqlite3 >/dev/null || skip_all 'sqlite3 is not installed'
theirs=65534

# A folder like /tmp with a job of root's in it.
fresh() { # OPTION-OF-JOB...
	rm -rf w && mkdir -p w/src/image && chmod 1777 w
	write_file w/src/image/1 one
	sql w/app.db "CREATE TABLE t (id INTEGER PRIMARY KEY, path TEXT);
		INSERT INTO t VALUES (1, 'image/1')"
	chmod 600 w/app.db
	write_job w/job.yml <<'END'
source: {plugin: posix, root: src}
destination: {plugin: posix, root: dst}
rename: [{prefix: image/, to: avatar/}]
databases: [{plugin: sqlite, path: app.db, table: t, column: path}]
END
}

begun() { # ... and one run made
	fresh
	migrate-run --progress=none w/job.yml >"$t_out/stdout" 2>"$t_out/stderr" || return 1
	write_file w/src/image/2 two
}

# As they are, but for times of access.
picture() {
	(cd w && find . -printf '%p %y %m %U:%G %s %n %l\n' | sort && find . -type f -exec md5sum {} + | sort)
}

# refused FILE TEXT COMMAND...: status 2, the file is named, and nothing has changed.
refused() {
	t_file=$1 t_why=$2
	shift 2
	picture >"$t_out/before"
	exits_with 2 "$@" || return 1
	picture >"$t_out/after"
	last_output_has "$t_file" "$t_why" && diff "$t_out/before" "$t_out/after"
}

run_refused() { # FILE TEXT
	refused "$1" "$2" migrate-run --progress=none w/job.yml
}

runs() {
	exits_with 0 migrate-run --progress=none w/job.yml && same_tree w/src/image w/dst/avatar
}

as_them() { # SHELL
	as_nobody sh -c "cd w && $1"
}

# ---- In a folder like /tmp ----------------------------------------------------------

fresh
check 'in a folder like /tmp a job runs' runs
check 'its files are for its owner alone' \
	test "$(stat -c %a:%u w/job.journal w/job.journal-lock | sort -u)" = 600:0
leaves_only_these() { # at rest
	t_got=$(cd w && echo job.journal*)
	[ "$t_got" = 'job.journal job.journal-lock' ] || { echo "$t_got"; return 1; }
}
check 'nothing else of it is left there' leaves_only_these

begun
cp -p w/job.journal "$t_out/good"
for t_kind in journal lock; do
	t_file=job.journal$(test $t_kind = journal || echo -lock)

	begun && chown $theirs "w/$t_file"
	check "a $t_kind of somebody else is refused" \
		run_refused "$t_file" "belongs to user $theirs, neither to root nor to you: not used"
	begun && chmod g+w "w/$t_file"
	check "a $t_kind that the group may write" run_refused "$t_file" 'can be written to by others'
	begun && chmod o+w "w/$t_file"
	check "a $t_kind that everybody may write" run_refused "$t_file" 'can be written to by others'
	chmod o-w "w/$t_file"
	check 'once that is mended, it is used' runs
	begun && ln "w/$t_file" w/other
	check "a $t_kind with a second name" run_refused "$t_file" 'has another name as well'
	begun && mv "w/$t_file" w/other && ln -s other "w/$t_file" && chown -h $theirs "w/$t_file"
	check "a link of somebody else in the place of a $t_kind" run_refused "$t_file" 'not used'
	begun && rm "w/$t_file" && mkdir "w/$t_file"
	check "a folder in the place of a $t_kind" run_refused "$t_file" 'is no regular file'
	begun && rm "w/$t_file" && mkfifo "w/$t_file"
	check "a FIFO in the place of a $t_kind" run_refused "$t_file" 'is no regular file'
done

begun && ln -s job.journal w/mine && sed -i '1i journal: mine' w/job.yml
check 'a link of our own to the journal is followed' runs

for t_suffix in wal shm journal; do
	t_file=job.journal-$t_suffix

	begun && as_them "echo planted >$t_file"
	check "what somebody put there as -$t_suffix is refused" run_refused "$t_file" "belongs to user $theirs"
	rm "w/$t_file" && as_them "ln -s /etc/passwd $t_file"
	check "a link as -$t_suffix" run_refused "$t_file" 'is no regular file'
	rm "w/$t_file" && : >"w/$t_file" && chmod 666 "w/$t_file"
	check "one that others may write" run_refused "$t_file" 'can be written to by others'
	rm "w/$t_file"
	check 'without it the job goes on' runs
	fresh && as_them "echo planted >$t_file"
	check "also before there is a journal" run_refused "$t_file" "belongs to user $theirs"
done

# Pages of a journal that says that nothing is left to do, as a log.
log_of_theirs() {
	begun && rm -rf theirs && cp -a w theirs || return 1
	sql theirs/job.journal -cmd 'PRAGMA wal_autocheckpoint=0' \
		-cmd 'UPDATE job SET id = id' '.shell cp theirs/job.journal-wal w/job.journal-wal' || return 1
	[ -s w/job.journal-wal ] && chown $theirs w/job.journal-wal
}
check 'a log of another journal is made' log_of_theirs
check 'it is not mixed into ours' run_refused job.journal-wal "belongs to user $theirs"

# ---- All programs that read it ---------------------------------------------------------

begun && chown $theirs w/job.journal
for t_program in 'run --dry-run' status 'verify --journal' verify; do
	# shellcheck disable=SC2086 # words
	check "migrate-$t_program refuses a journal of somebody else" \
		refused job.journal "belongs to user $theirs" migrate-$t_program w/job.yml
done
check 'so does migrate-control' refused job.journal "belongs to user $theirs" migrate-control w/job.yml pause
check 'migrate-check says so' exits_with 2 migrate-check w/job.yml
check 'by its name' last_output_has job.journal "belongs to user $theirs"
check 'the journal itself can be named: then its owner is who is trusted' \
	exits_with 0 migrate-status w/job.journal

# ---- The control file -----------------------------------------------------------------

stop="printf 'migrate-control 1\nserial 7\npaused 1\n'"
begun && as_them "$stop >job.journal-control"
control_refused() { # TEXT
	exits_with 2 migrate-run --progress=none w/job.yml && last_output_has job.journal-control "$1" &&
		missing w/dst/avatar/2
}
check 'a control file of somebody else is not obeyed' control_refused "belongs to user $theirs"
check 'nor changed' refused job.journal-control 'not obeyed' migrate-control w/job.yml resume
check 'nor shown' refused job.journal-control 'not obeyed' migrate-control w/job.yml show
check 'the status tells of it' exits_with 0 migrate-status w/job.yml
check 'by its name' last_output_has job.journal-control 'not obeyed'
rm w/job.journal-control
check 'without it the job goes on' runs
begun && as_them "ln -s \$PWD/../theirs.control job.journal-control"
check 'nor is a link' control_refused 'is no regular file'
begun && as_them 'mkfifo job.journal-control'
check 'nor a FIFO' control_refused 'is no regular file'
begun && eval "$stop" >w/job.journal-control && chmod 666 w/job.journal-control
check 'nor one that others may write' control_refused 'can be written to by others'
begun && eval "$stop" >w/other && chmod 600 w/other && ln w/other w/job.journal-control
check 'nor one with a second name' control_refused 'has another name as well'

# While it runs: told once, and the run goes its way.
begun
for t_n in 3 4 5 6 7 8 9; do
	write_file "w/src/image/$t_n" "$t_n"
done
start one migrate-run --progress=none --set limits.requests=2/s w/job.yml
check 'a run is begun' wait_until 60 exists w/dst/avatar/2
as_them "$stop >job.journal-control"
check 'it does not stop for a control file of somebody else' ends_with 0 one
check 'but says so' last_output_has job.journal-control "belongs to user $theirs"
check 'all is there' same_tree w/src/image w/dst/avatar
rm w/job.journal-control

begun
start holder as_nobody flock w sleep 600
check 'somebody holds a lock on the folder' wait_until 20 sh -c '! flock -n w true'
check 'nobody waits for that without end' exits_with 2 migrate-control w/job.yml pause
check 'and it is said' last_stderr_has 'holds a lock on the folder'
signals holder KILL

# ---- Where a new journal may stand ------------------------------------------------------

place_refused() { # TEXT
	run_refused 'no journal is begun in it' "$1" && missing w/job.journal-lock
}

fresh && chmod 777 w
check 'no journal is begun where everybody may write' place_refused 'can be written to by others'
check 'and migrate-check says so before' exits_with 2 migrate-check w/job.yml
check 'as a problem of the journal' last_output_has 'no journal is begun in it'
mkdir -p w/own && sed -i '1i journal: own/journal' w/job.yml
check 'another place helps' runs
fresh && chgrp nogroup w && chmod 775 w
check 'nor where a group may write' place_refused 'can be written to by others'
fresh && chown $theirs w
check 'nor in a folder of somebody else, sticky or not' place_refused "belongs to user $theirs"
fresh && chown $theirs w && chmod 755 w
check 'nor in one that only he may write' place_refused "belongs to user $theirs"
begun && chmod 777 w
check 'one that stands there is used' runs
check 'and it is said what may happen' last_output_has 'they may put their files'

# Many systems give each user a group of his own, and a umask of 002.
own=$(getent passwd | awk -F: '$3 > 0 && $3 == $4 && $3 != 65534 { print $1; exit }')
as_own() {
	t_share_build &&
		(t_set_paths "$t_top/build" &&
			exec setpriv --reuid="$own" --regid="$own" --clear-groups "$@")
}
his_own() {
	fresh && chown -R "$own:$own" w && chmod 775 w
}
is_private() {
	[ -n "$own" ] && [ "$(getent group "$own" | cut -d: -f3-)" = "$(id -g "$own"):" ]
}
if is_private; then
	his_own
	check "a folder that its owner's own group may write to is his alone" \
		exits_with 0 as_own migrate-run --progress=none w/job.yml
	if his_own && setfacl -m u:nobody:rwx w 2>/dev/null; then
		check 'but not with an access control list' \
			exits_with 2 as_own migrate-run --progress=none w/job.yml
		check 'that is said' last_output_has 'can be written to by others'
	else
		skip 'but not with an access control list' 'no setfacl, or no lists here'
	fi
else
	skip "a folder that its owner's own group may write to is his alone" 'there is no such user'
fi
fresh && chmod 775 w
check "nobody but root is in root's group" runs

# ---- A job of another user -------------------------------------------------------------------

# Who writes the job file decides everything: its owner's files are obeyed.
theirs_begun() {
	fresh && chown -R $theirs w && chmod 755 w &&
		as_nobody migrate-run --progress=none w/job.yml >"$t_out/stdout" 2>"$t_out/stderr"
}
check 'a user runs his job' theirs_begun
check 'root looks at it' exits_with 0 migrate-status w/job.yml
check 'and verifies it' exits_with 0 migrate-verify --progress=none w/job.yml
check 'root asks for something' exits_with 0 migrate-control w/job.yml set limits.rows=7
check 'the user can read it' as_nobody migrate-control w/job.yml show
owned_by_them() {
	[ -z "$(find w -name 'job.journal*' ! -user $theirs)" ]
}
check 'and owns it' owned_by_them
check 'his own pause' exits_with 0 as_nobody migrate-control w/job.yml pause
check 'root sees' exits_with 0 migrate-control w/job.yml show
check 'as it is' last_output_has paused
check 'and takes back' exits_with 0 migrate-control w/job.yml reset
check 'root runs it, when the user does not' exits_with 0 migrate-run --progress=none w/job.yml
for t_n in 2 3 4 5 6 7 8 9; do
	as_them "echo $t_n >src/image/$t_n"
done
start one migrate-run --progress=none --set limits.requests=2/s w/job.yml
check 'and is killed' wait_until 60 exists w/dst/avatar/3
signals one KILL
check 'at once' ends_with 137 one
check 'all files of the journal are his still' owned_by_them
mkdir -p w/dst/avatar && chown -R $theirs w/dst w/app.db
check 'and he goes on' exits_with 0 as_nobody migrate-run --progress=none w/job.yml

finish
