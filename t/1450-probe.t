#!/bin/sh
# SPDX-License-Identifier: MIT
# migrate-check --probe tries what a destination does, says so, and leaves nothing behind.

. "${srcdir:-.}/t/lib.sh"
command -v jq >/dev/null || skip_all 'jq is not installed'

write_file src/1.png one
write_file dst/precious 'do not touch'

job() { # NAME DESTINATION
	write_job "$1.yml" <<-END
		source: {plugin: posix, root: src}
		destination: $2
	END
}

# finds NAME VERDICT: what the card of the last --json says
finds() {
	t_got=$(last_stdout | jq -r --arg name "$1" '.probe.findings[] | select(.name == $name) | .verdict')
	[ "$t_got" = "$2" ] || { echo "'$1' is '$t_got' instead of '$2'"; return 1; }
}

everything() {
	find . -type f -exec md5sum {} + | sort
	find . -printf '%p %y %s %i\n' | sort
}
as_before() {
	everything | diff "$t_out/before" -
}

# ---- Trouble ---------------------------------------------------------------------------------

mkdir locked
chmod 555 locked
job locked '{plugin: posix, root: locked}'
chmod 755 . src
chmod 644 locked.yml src/1.png
check 'a place that cannot be written to is a problem' \
	exits_with 2 as_nobody migrate-check --probe locked.yml
check 'which is named' last_output_has 'destination: ' denied
check 'a flag that is none is refused' exits_with 2 migrate-check --porbe locked.yml

# ---- A file system ---------------------------------------------------------------------------

job there '{plugin: posix, root: dst}'
job memory '{plugin: memory, name: probed}'
everything >"$t_out/before"
check 'a probe of a folder' exits_with 0 migrate-check --probe there.yml
check 'prints a card' last_stdout_has 'destination, tried with ' \
	"key 'double//slash'                no" 'put: only where nothing is         yes     one request' \
	'attributes kept'
check 'and leaves everything as it was' as_before
check 'in JSON as well' exits_with 0 migrate-check --probe --json there.yml
check 'awkward keys, but for those that are no paths' \
	finds 'awkward keys come back' value
check 'order' finds 'list: in byte order' yes
check 'a key to go on behind' finds 'list: after a key' yes
check 'conditions' finds 'put: only over what is known' yes
check 'of copies too' finds 'copy: only where nothing is' yes
check 'and of what is put together of parts' finds 'parts: only where nothing is' yes
check 'what it cannot do' finds 'remove: only what is known' no
check 'a problem would be in it, there is none' \
	json_says "$t_out/stdout" '.version == 1 and .exit == 0 and .problems == [] and .probe.left == []'
check 'and still everything is as it was' as_before

# ---- A plugin of somebody else ---------------------------------------------------------------

if [ -f "$builddir/plugins/.libs/memory.so" ]; then
	check 'any plugin can be probed' exits_with 0 migrate-check --probe --json memory.yml
	check 'which keeps all keys' finds 'awkward keys come back' yes
	check 'and says so' finds 'remove: only what is known' yes
else
	skip 'any plugin can be probed' 'the plugin memory was not built'
fi

# ---- What one that was killed left behind ----------------------------------------------------

scratch=$(migrate-check --probe --json there.yml | jq -r .probe.scratch)
check 'scratch keys tell whose they are' \
	sh -c "printf %s '$scratch' | grep -qxE '[.]migrate-[0-9a-f]{16}-scratch-[0-9a-f]{8}'"
write_file "dst/${scratch%????????}00000000-1" left
check 'what an earlier probe of the job left behind' exits_with 0 migrate-check --probe there.yml
check 'is said' last_stderr_has '1 scratch objects' 'had left behind'
check 'and removed' as_before

write_file "src/.migrate-0123456789abcdef-scratch-01234567-1" nothing
write_file "src/.migrate-notes" something
check 'scratch of another job is never taken for an object' exits_with 0 migrate-run there.yml
check 'but counted' status_says there.yml .passed_over.own 1
check 'and what only looks like it is' exists dst/.migrate-notes
check 'is not there' missing "dst/.migrate-0123456789abcdef-scratch-01234567-1"

# ---- Without --probe nothing is written ------------------------------------------------------

job absent '{plugin: posix, root: not/yet}'
check 'a destination whose parent is not there cannot be made' exits_with 2 migrate-check absent.yml
job absent '{plugin: posix, root: later}'
everything >"$t_out/before"
check 'one that a run would make is well' exits_with 0 migrate-check absent.yml
check 'it is said' last_stderr_has "there is no folder '" 'a run makes it'
check 'a dry run is, too' exits_with 0 migrate-run --dry-run absent.yml
check 'neither makes it' as_before
check 'the run does' exits_with 0 migrate-run absent.yml
check 'and copies' contains_exactly later/1.png one

finish
