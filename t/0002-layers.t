#!/bin/sh
# SPDX-License-Identifier: MIT
# cmd uses engine; engine uses job, plugin, journal, report; all use base; nothing points back up.

. "${srcdir:-.}/t/lib.sh"
cd "$srcdir" || exit 99

# includes_only FOLDER LAYERS: what is included by "layer/name.h" is of these layers.
includes_only() {
	t_wrong=$(find "core/$1" -name '*.[ch]' -exec grep -nE '^[[:space:]]*#[[:space:]]*include[[:space:]]*"' {} + |
		grep -vE "\"($2)/[a-z0-9-]+\.h\"|\"config\.h\"")
	[ -z "$t_wrong" ] || { printf '%s\n' "$t_wrong"; return 1; }
}

plugins_use_the_public_header_alone() {
	t_wrong=$(for folder in plugins/*/; do
		name=$(basename "$folder")
		grep -rnE '^[[:space:]]*#[[:space:]]*include[[:space:]]*("|<migrate/)' "$folder" --include='*.[ch]' |
			grep -vE "<migrate/plugin\.h>|\"$name/[a-z0-9-]+\.h\"|\"[a-z0-9-]+\.h\""
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

check 'base uses base alone' includes_only base 'base'
check 'job uses base' includes_only job 'base|job'
check 'plugin uses base' includes_only plugin 'base|plugin'
check 'journal uses base' includes_only journal 'base|journal'
check 'report uses base' includes_only report 'base|report'
check 'engine uses what is below it' \
	includes_only engine 'base|job|plugin|journal|report|engine'
check 'the programs use the library' \
	includes_only cmd 'base|job|plugin|journal|report|engine|cmd'
check 'plugins use the public header alone' plugins_use_the_public_header_alone

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
