#!/bin/sh
# SPDX-License-Identifier: MIT
# A folder of core is a room. What its files may include stands here, room by room, and no room
# knows one that comes after it; base may be used by all. An arrow that nobody needs goes.

. "${srcdir:-.}/t/lib.sh"
cd "$srcdir" || exit 99

rooms='
base:
job/yaml:
job/schema: job/yaml
job/keys: job/yaml
job/texts: job/keys
job: job/yaml job/schema job/keys job/texts
plugin:
plugin/conformance: plugin
journal:
journal/sqlite: journal
report:
engine/task: job job/schema plugin journal report
engine/work: job journal engine/task
engine/plan: journal engine/task engine/work
engine/copy: plugin engine/task engine/work
engine/rows: journal engine/task engine/work
engine/texts: job/texts journal engine/task engine/work engine/rows
engine/run: journal engine/task engine/work engine/plan engine/copy engine/rows engine/texts
engine/dry: job report engine/task engine/work engine/plan engine/texts
engine/probe: plugin engine/task
engine/check: journal report engine/task engine/texts engine/probe
engine/verify: plugin journal report engine/task engine/work engine/texts
engine/seed: job plugin
engine/status: journal report engine/task
cmd: job/yaml job/schema job/keys plugin plugin/conformance journal report engine/task engine/run engine/dry engine/check engine/verify engine/seed engine/status
'

# arrows: "ROOM OTHER" for each that an #include makes, once; what is not "room/name.h" is told as it is.
arrows() {
	find core -name '*.[ch]' -exec grep -HE '^[[:space:]]*#[[:space:]]*include[[:space:]]*"' {} + |
		sed -nE 's|^core/([a-z0-9/-]+)/[a-z0-9-]+\.[ch]:[^"]*"([^"]*)".*|\1 \2|p' |
		sed -E '/ config\.h$/d; s|/[a-z0-9-]+\.h$||' | sort -u | awk '$1 != $2 && $2 != "base"'
}

# The same, as the table has them.
allowed() {
	printf '%s' "$rooms" | awk -F: 'NF { n = split($2, to, " "); for (i = 1; i <= n; i++) print $1, to[i] }' | sort
}

arrows_are_allowed() {
	arrows >"$t_out/arrows" && allowed >"$t_out/allowed" && [ -s "$t_out/arrows" ] || return 1
	t_wrong=$(comm -23 "$t_out/arrows" "$t_out/allowed")
	[ -z "$t_wrong" ] || { printf '%s\n' "$t_wrong"; return 1; }
}

allowed_are_needed() {
	t_wrong=$(comm -13 "$t_out/arrows" "$t_out/allowed")
	[ -z "$t_wrong" ] || { printf '%s\n' "$t_wrong"; return 1; }
}

each_room_is_there() {
	find core -name '*.[ch]' -exec dirname {} + | sed 's|^core/||' | sort -u >"$t_out/there" &&
		printf '%s' "$rooms" | sed -n 's/:.*//p' | sort | diff - "$t_out/there"
}

nothing_points_up() {
	t_wrong=$(printf '%s' "$rooms" | awk -F: 'NF { n = split($2, to, " ")
		for (i = 1; i <= n; i++) if (!(to[i] in above)) print $1, to[i]
		above[$1] }')
	[ -z "$t_wrong" ] || { printf '%s\n' "$t_wrong"; return 1; }
}

# The window's lock is the window's and the offers'.
lock_is_the_windows() {
	t_wrong=$(grep -rn 'window\.lock' core/engine --include='*.[ch]' | grep -vE '^core/engine/work/(window[a-z-]*|offers)\.[ch]:')
	[ -z "$t_wrong" ] || { printf '%s\n' "$t_wrong"; return 1; }
}

# The library owns neither the process nor its signals.
process_is_the_programs() {
	t_wrong=$(grep -rnE '\b(_?exit|_Exit|quick_exit|sigaction|signalfd|pthread_sigmask|signal) ?\(' core --include='*.c' | grep -v '^core/cmd/')
	[ -z "$t_wrong" ] || { printf '%s\n' "$t_wrong"; return 1; }
}

# The public header, files of its own folder, and what plugins share.
plugins_see_no_other() {
	t_wrong=$(for t_folder in plugins/*/ plugins/*/*/; do
		grep -nE '^[[:space:]]*#[[:space:]]*include[[:space:]]*("|<migrate/)' "$t_folder"*.[ch] /dev/null |
			sed -E 's|^([^:]*:[0-9]*):[^"<]*(["<].*[">]).*|\1 \2|' | while read -r t_where t_what; do
			case $t_folder:$t_what in
			*:'<migrate/plugin.h>' | *:'"../common/'* | plugins/common/?*:'"../'[a-z]*) continue ;;
			*:'"'*/*) ;;
			*:'"'*) t_name=${t_what#?}; [ ! -f "$t_folder${t_name%?}" ] || continue ;;
			esac
			echo "$t_where $t_what"
		done
	done)
	[ -z "$t_wrong" ] || { printf '%s\n' "$t_wrong"; return 1; }
}

# compiles COMPILER LANGUAGE STANDARD FLAG...: the public header, alone.
compiles() {
	t_compiler=$1 t_language=$2 t_standard=$3
	printf '#include <migrate/plugin.h>\n' >"$t_top/alone" || return
	"$t_compiler" -x "$t_language" -std="$t_standard" -Wall -Wextra -Wpedantic -Werror \
		-fsyntax-only -Iinclude "$t_top/alone"
}

headers_stand_alone() {
	find core -name '*.h' ! -name banned.h | while read -r header; do
		printf '#include "%s"\n' "${header#core/}" >"$t_top/alone.c"
		${CC:-cc} -std=gnu11 -D_GNU_SOURCE -Icore -Iinclude -Wall -Wextra -Werror -fsyntax-only \
			"$t_top/alone.c" || exit 1
	done
}

check 'each folder of the core is a room of the table' each_room_is_there
check 'no room knows one behind it' nothing_points_up
check 'files include what the table allows their room' arrows_are_allowed
check 'and the table allows no more than that' allowed_are_needed
check 'the lock of the window is taken by the window and the offers alone' lock_is_the_windows
check 'signals and the end of the process are the programs'"'"'' process_is_the_programs
check 'plugins see the public header, their own files and what they share' plugins_see_no_other

for one in 'gcc c c99' 'gcc c c11' 'g++ c++ c++17' 'clang c c99' 'clang c c11' 'clang++ c++ c++17'; do
	# shellcheck disable=SC2086 # three words
	set -- $one
	if command -v "$1" >/dev/null; then
		check "the public header compiles alone: $one" compiles "$@"
	else
		skip "the public header compiles alone: $one" "$1 is not installed"
	fi
done
check 'every header of the core compiles alone' headers_stand_alone

finish
