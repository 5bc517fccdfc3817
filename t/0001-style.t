#!/bin/sh
# SPDX-License-Identifier: MIT
# What every file of the tree keeps to.

. "${srcdir:-.}/t/lib.sh"
cd "$srcdir" || exit 99

sources() {
	find core include plugins t etc -name '*.[ch]' -type f
}

scripts() {
	find bootstrap .ci/run t etc -type f ! -path 'etc/build-aux/*' \( \
		-name bootstrap -o -path .ci/run -o -name '*.sh' -o -name '*.t' \
		-o -path 'etc/completion/*' -o -path 'etc/plugin-example/*.sh' \)
}

# Without what a build in the tree makes; greps leave out its programs with -I.
texts() {
	find README HACKING SECURITY .editorconfig configure.ac Makefile.am bootstrap .ci core include plugins t etc man -type f \
		! -path 'etc/build-aux/*' ! -name '*.png' ! -path '*/corpus/*' ! -name 'l*.m4' \
		! -path '*/.libs/*' ! -path '*/.deps/*' ! -name '*.l[ao]' ! -name '*.log' ! -name '*.trs' \
		! -path 'core/cmd/migrate-*' ! -name migrate-plugin.pc
}

says_nothing() {
	t_said=$("$@")
	[ -z "$t_said" ] || { printf '%s\n' "$t_said"; return 1; }
}

long_functions() {
	sources | xargs awk '
		FNR == 1 { start = 0 }
		/^\{$/ || /^[A-Za-z_].*\)[ \t]*\{$/ { start = FNR }
		/^\}/ && start {
			if (FNR - start - 1 > 100)
				printf "%s:%d: %d lines\n", FILENAME, start, FNR - start - 1
			start = 0
		}'
}

long_files() {
	{ sources; scripts; find t -name "*.py" -o -path "t/servers/*" -perm -100 -type f; } | sort -u | xargs awk '
		FNR == 801 { printf "%s: more than 800 lines\n", FILENAME }'
}

unlicensed() {
	{ sources; scripts; } | xargs awk '
		FNR == 3 { nextfile }
		/SPDX-License-Identifier: MIT/ { licensed[FILENAME] = 1 }
		END { for (i = 1; i < ARGC; i++) if (!(ARGV[i] in licensed)) print ARGV[i] }'
}

# The compiler refuses these too; here they are also found where they are not compiled.
banned_calls() {
	sources | grep -v '/banned\.h$' | xargs grep -nwE \
		'(strcpy|strcat|strncpy|strncat|stpcpy|sprintf|vsprintf|gets|strtok|atoi|atol|atoll|atof|gmtime|localtime|ctime|ctime_r|asctime|asctime_r|mktemp|tmpnam|tempnam)[[:space:]]*\('
}

# Undefined for an array that does not exist: base/array.h asks first.
sorted_without_a_look() {
	sources | grep '^core/' | grep -v 'core/base/array\.h$' | xargs grep -nwE '(qsort|bsearch)[[:space:]]*\('
}

# timeout(1) sends SIGCONT behind a signal that it sends to a group: that ends the stop by
# which a leak checker holds a program that is just ending.
continued() {
	scripts | grep -v 't/0001-style\.t$' |
		xargs grep -nE '(^|[^-a-z_.])timeout (-[a-z]|[0-9"$]).*(migrate-|"\$@")' |
		grep -vE 'timeout (--foreground|-s KILL) '
}

# Words that are content when there is nothing to look at: the program may have done nothing at all.
# jq -e takes no input for a yes, and of several answers sees the last one alone: json_says. ! grep and
# not test -s hold where there is no file: not grep, is_empty. test -z "$(...)" holds where what was
# asked fails. A unit test that returns early has passed.
content_with_nothing() {
	printf '%s\n' t/*.t t/lib.sh t/*/*.sh | grep -v '0001' >"$t_out/shell" || return 1
	xargs grep -nE 'jq +(-[a-zA-Z]+ +)*(-[a-zA-Z]*e|--exit)' <"$t_out/shell"
	xargs grep -nE '(not test|test !|\[ !) -s ' <"$t_out/shell" | grep -v '^t/lib\.sh:'
	xargs grep -nE '(^|[|&;({]|if|then|do)[[:space:]]*! (grep|cmp|diff) ' <"$t_out/shell" | grep -v ' | '
	xargs grep -nE "^[[:space:]]*check .* test -z [\"']?\\$\(" <"$t_out/shell"
	xargs grep -nE 'curl .*\| *awk' <"$t_out/shell"
	grep -nE '"# *skip' t/unit/*.[ch]
}

# By name they find the programs of other tests as well: signals, or the pid that a server wrote.
killed_by_name() {
	texts | grep '^t/' | grep -v 't/0001-style\.t$' | xargs grep -nwE 'p[k]ill|k[i]llall'
}

left_open() {
	texts | grep -v 't/0001-style\.t$' | xargs grep -InwE 'TODO|FIXME|XXX|HACK'
}

# Written so that this line does not find itself.
paths_of_one_machine() {
	texts | xargs grep -InE '(^|[^a-z0-9])/(hom[e]|wor[k]|roo[t])/[a-z]|/tm[p]/[a-z]+[0-9]'
}

names_of_products() {
	texts | grep '^core/' | grep -vE '^core/(journal/sqlite/|ARCHITECTURE$)' |
		xargs grep -InwiE 'postgres|postgresql|mysql|mariadb|redis|radosgw|amazon|s3'
	# The plugin, not the standard that is written in capitals.
	texts | grep '^core/' | xargs grep -InwE 'posix'
}

# What keeps a journal is behind core/journal/backend.h.
names_of_the_journals_database() {
	sources | grep '^core/' | grep -v '^core/journal/sqlite/' | xargs grep -Ini sqlite
}

trailing_space() {
	texts | xargs grep -InE '[ 	]+$'
}

format_is_kept() {
	sources | xargs clang-format --dry-run -Werror
}

# What clang-format makes of a comment that is too long, of a struct within one, of a name that C++ has.
broken_declarations() {
	sources | xargs grep -nE '^	+(const )?(bool|char|int|size_t|u?int[0-9]+_t|struct [a-z_]+)( \*)?$|\} \* [a-z]|[^ ]&&|&&[^ &]'
}

scripts_are_clean() {
	scripts | xargs shellcheck -x -P .
}

# not_named_in FILE...: the lines of its input that are no word there.
not_named_in() {
	cat "$@" | tr -s '[:space:]' '\n' >"$t_out/named" && grep -vxF -f "$t_out/named"
}

tests_are_listed() {
	find t -maxdepth 1 -name '[0-9]*.t' -o -path 't/unit/test-*.c' -maxdepth 2 | sed 's/\.c$//' |
		not_named_in t/local.mk
}

# A plugin that plugins/local.mk does not name yet is not built at all.
sources_are_listed() {
	{
		find core -name '*.[ch]'
		for folder in plugins/*/; do
			not grep -qF "	$folder" plugins/local.mk || find "$folder" -name '*.[ch]'
		done
	} | not_named_in core/local.mk plugins/local.mk
}

check 'no function is longer than 100 lines' says_nothing long_functions
check 'no file is longer than 800 lines' says_nothing long_files
check 'every source and script names its licence' says_nothing unlicensed
check 'no function that is banned is called' says_nothing banned_calls
check 'arrays are sorted and searched by base/array.h' says_nothing sorted_without_a_look
check 'nothing that timeout ends is made to go on' says_nothing continued
check 'no test is content with nothing' says_nothing content_with_nothing
check 'no test kills by name' says_nothing killed_by_name
check 'what passes without the programs is listed, and still a check' "$srcdir/t/stubs" --names
check 'nothing is left open' says_nothing left_open
check 'no path belongs to one machine' says_nothing paths_of_one_machine
check 'the core names no plugin and no product' says_nothing names_of_products
check 'one room of the core knows what keeps a journal' says_nothing names_of_the_journals_database
check 'no line ends with a space' says_nothing trailing_space
check 'every test is listed' says_nothing tests_are_listed
check 'every source is listed' says_nothing sources_are_listed
check 'each declaration is whole' says_nothing broken_declarations
if command -v clang-format >/dev/null; then
	check 'the layout is that of .clang-format' format_is_kept
else
	skip 'the layout is that of .clang-format' 'clang-format is not installed'
fi
if command -v shellcheck >/dev/null; then
	check 'shellcheck finds nothing' scripts_are_clean
else
	skip 'shellcheck finds nothing' 'shellcheck is not installed'
fi

finish
