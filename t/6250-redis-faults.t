#!/bin/sh
# SPDX-License-Identifier: MIT
# Whatever happens to us or to the server: no key stays that speaks of a row which
# changed, and a server that is away holds the job up, but undoes nothing.

. "${srcdir:-.}/t/lib.sh"
. "$srcdir/t/faults/lib.sh"
. "$srcdir/t/servers/redis.sh"
redis_needed
needs_killat
redis_up || { echo 'Bail out! the server does not start'; exit 99; }
T_TIMEOUT=60
n=800
batch=100

# Objects, rows, and the cache as the application filled it.
mkdir -p src/image
seq $n | while read -r i; do echo "$i" >"src/image/$i"; done

fresh() { # N [OPTION-OF-THE-JOB...]
	t_n=$1
	shift
	rm -rf dst app.db* job.journal*
	mkdir dst
	sql app.db "CREATE TABLE avatars (id INTEGER PRIMARY KEY, path TEXT); CREATE INDEX i ON avatars (path);
		WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < $t_n)
		INSERT INTO avatars SELECT i, 'image/' || i FROM n"
	rcli flushall >/dev/null
	fill "$t_n"
	write_job job.yml <<-END
		source: {plugin: posix, root: src}
		destination: {plugin: posix, root: dst}
		rename: [{prefix: image/, to: avatar/}]
		batch: $batch
		$(printf '%s\n' "$@")
		databases:
		  - {plugin: sqlite, path: app.db, table: avatars, column: path}
		caches:
		  - {plugin: redis, socket: '$REDIS_SOCKET', invalidate: ["avatar:{row.id}"], rewrite: ["url:{row.id}"]}
	END
}

fill() { # N
	seq "$1" | sed 's/.*/SET avatar:& x\nSET url:& image\/&/' | rcli >/dev/null
}

# Rows that changed: no key speaks of them. Rows that did not: their keys are there.
stale() {
	sql app.db "SELECT 'avatar:' || id FROM avatars WHERE path LIKE 'avatar/%'" | sort >changed
	rcli --scan --pattern 'avatar:*' | sort >there
	comm -12 changed there
}

nothing_is_stale() { # N
	[ -z "$(stale)" ] || { echo "stale: $(stale | head -n 3 | tr '\n' ' ')"; return 1; }
	t_got=$(seq "$1" | sed 's/.*/GET url:&/' | rcli | grep -c '^avatar/')
	[ "$t_got" -eq "$1" ] || { echo "$t_got of $1 strings hold the new value"; return 1; }
}

all_rows() { # N
	sql_says app.db "SELECT count(*) FROM avatars WHERE path = 'avatar/' || id" "$1"
}

some_rows() {
	[ "$(sql app.db "SELECT count(*) FROM avatars WHERE path LIKE 'avatar/%'")" -gt "$1" ]
}

finished() { # STATUS
	ends_with "$1" run && all_rows $n && nothing_is_stale $n
}

slow='limits: {rows: 200/s}' # and 200 at once: the rest takes seconds

# ---- The server -----------------------------------------------------------------------------

fresh $n "$slow"
start run migrate-run --progress=none job.yml
wait_until 20 some_rows 100
redis_down
check 'a server that is killed' wait_until 20 grep -q 'paused: caches' "$t_out/run.stderr"
kept=$(sql app.db "SELECT count(*) FROM avatars WHERE path LIKE 'avatar/%'")
status_tells() {
	migrate-status job.yml | grep -q 'caches\[0\]'
}
check 'is what the job waits for, as migrate-status says' wait_until 10 status_tells
check 'rows that changed stay changed' some_rows $((kept - 1))
redis_up
check 'and when it is back the job goes on to the end' finished 0

fresh $n "$slow"
start run migrate-run --progress=none job.yml
wait_until 20 some_rows 100
redis_down TERM
redis_up
check 'a server that is restarted' finished 0

fresh $n "$slow" 'timeout: 1s'
start run migrate-run --progress=none job.yml
wait_until 20 some_rows 100
redis_signals STOP
check 'a server that stops answering is waited for' \
	wait_until 20 grep -q 'has not answered in time' "$t_out/run.stderr"
redis_signals CONT
check 'and told everything when it answers again' finished 0

fresh $n "$slow" 'timeout: 30s'
start run migrate-run --progress=none job.yml
wait_until 20 some_rows 100
redis_signals STOP
sleep 0.2
signals run TERM
signals run TERM
check 'a run that waits for it can be ended' wait_until 5 not is_running run
redis_signals CONT
ends_with 4 run
check 'the next one ends well' exits_with 0 migrate-run --progress=none job.yml
check 'and nothing is stale' nothing_is_stale $n

fresh $n "$slow"
start run migrate-run --progress=none job.yml
wait_until 20 some_rows 100
redis_down
wait_until 20 grep -q 'paused: caches' "$t_out/run.stderr"
signals run KILL
ends_with 137 run
redis_up
check 'killed while a cache has still to be told: the next run' exits_with 0 migrate-run --progress=none job.yml
check 'tells it' nothing_is_stale $n

fresh $n "$slow" 'patience: 1s'
start run migrate-run --progress=none job.yml
wait_until 20 some_rows 100
redis_down
check 'a server that stays away' ends_with 9 run
check 'ends the run' last_output_has 'gave up after 1 s (patience): caches[0]'
check 'while it is away, no other one begins' exits_with 2 migrate-run job.yml
check 'and it is said why' last_output_has 'cannot connect'
redis_up
check 'with it, the next one ends well' exits_with 0 migrate-run job.yml
check 'rows are as they shall be' all_rows $n
check 'and nothing is stale' nothing_is_stale $n

fresh $n "$slow"
start run migrate-run --progress=none job.yml
wait_until 20 some_rows 100
rcli config set maxmemory 1 >/dev/null
rcli config set maxmemory-policy noeviction >/dev/null
check 'a server without memory' wait_until 20 grep -q 'no_space.*raise maxmemory' "$t_out/run.stderr"
rcli config set maxmemory 0 >/dev/null
check 'is waited for' finished 0

fresh $n "$slow"
start run migrate-run --progress=none job.yml
wait_until 20 some_rows 100
rcli replicaof 127.0.0.1 1 >/dev/null
check 'a master that became a replica' \
	wait_until 20 grep -q 'the address must lead to the master' "$t_out/run.stderr"
rcli replicaof no one >/dev/null
check 'is waited for until it is one again' finished 0

fresh $n "$slow"
start run migrate-run --progress=none job.yml
wait_until 20 some_rows 100
rcli script flush >/dev/null
rcli client kill type normal >/dev/null
check 'a server that forgets scripts and drops connections' finished 0

# ---- Two of them ------------------------------------------------------------------------------

one=$REDIS_SOCKET
other=$t_top/other
"$redis_servers/up.sh" "$other" && tr -d ' \n' <"$other/pid" >"$t_top/pids/other"
fresh $n "$slow"
sed -i "\$a\\  - {plugin: redis, socket: '$other/socket', invalidate: [\"avatar:{row.id}\"]}" job.yml
seq $n | sed 's/.*/SET avatar:& x/' | redis-cli -s "$other/socket" >/dev/null
start run migrate-run --progress=none job.yml
wait_until 20 some_rows 100
"$redis_servers/down.sh" "$other"
check 'of two caches, one is away' wait_until 20 grep -q 'paused: caches\[1\]' "$t_out/run.stderr"
"$redis_servers/up.sh" "$other" && tr -d ' \n' <"$other/pid" >"$t_top/pids/other"
check 'both hear of everything' finished 0
check 'the other one too' test "$(redis-cli -s "$other/socket" dbsize)" = 0
"$redis_servers/down.sh" "$other"
rm -f "$t_top/pids/other"
REDIS_SOCKET=$one

# ---- Killed ----------------------------------------------------------------------------------------

# The application fills the cache from rows as it needs them: what was told already may come back.
refill_unchanged() {
	sql app.db "SELECT 'SET avatar:' || id || ' x' FROM avatars WHERE path LIKE 'image/%'" | rcli >/dev/null
}

m=60
batch=10
mkdir -p few/image
seq $m | while read -r i; do cp "src/image/$i" few/image; done
rm -rf src
mv few src
calls() { # OPTION...: of an undisturbed run, into $calls
	fresh $m
	"$killat" --count --report struck "$@" -- migrate-run --progress=none job.yml >run.out 2>&1 || return 1
	calls=$(sed -n 's/^\([0-9]*\).*/\1/p' struck | head -n 1)
}

killed_at() { # N OPTION...
	t_at=$1
	shift
	fresh $m
	"$killat" --at "$t_at" --report struck "$@" -- migrate-run --progress=none job.yml >run.out 2>&1
	refill_unchanged
	exits_with 0 migrate-run --progress=none job.yml || { cat struck; return 1; }
	if ! all_rows $m || ! nothing_is_stale $m; then
		cat struck
		return 1
	fi
}

check 'how many calls there are' calls
points=$(by_sweep "$calls" 6 3)
i=0
while [ $i -lt "$points" ]; do
	i=$((i + 1))
	if [ "$SWEEP" = full ]; then random=$i; else random "$calls"; fi
	if [ $((i % 2)) = 0 ] || [ "$SWEEP" = full ]; then
		check "killed before call $random of $calls, and run again" killed_at "$random"
	fi
	# most likely to fall between a record of the journal and what follows it
	if [ $((i % 2)) = 1 ] || [ "$SWEEP" = full ]; then
		check "killed after call $random of $calls, and run again" killed_at "$random" --after
	fi
done

finish
