#!/bin/sh
# SPDX-License-Identifier: MIT
# Completion in bash offers what the programs take.

. "${srcdir:-.}/t/lib.sh"

command -v bash >/dev/null || skip_all 'bash is not installed'

# completes LINE: what is offered for the last word of it, on one line each.
completes() {
	bash -c '
		set -u
		. "$1"
		shift
		COMP_WORDS=("$@")
		COMP_CWORD=$(($# - 1))
		_migrate "$1" "${!#}" "${COMP_WORDS[COMP_CWORD - 1]}"
		printf "%s\n" "${COMPREPLY[@]}"
	' bash "$srcdir/etc/completion/migrate.bash" "$@" | sort -u
}

offers() { # 'A B C' WORD...
	t_wanted=$1
	shift
	t_got=$(completes "$@" | tr '\n' ' ')
	[ "$t_got" = "$t_wanted " ] || { echo "offered '$t_got'"; return 1; }
}

offers_all_flags() { # PROGRAM
	"$1" --help | grep -oE '^  --[a-z-]+' | tr -d ' ' | sort -u >"$t_top/flags"
	completes "$1" -- >"$t_top/offered"
	[ -s "$t_top/flags" ] && diff "$t_top/flags" "$t_top/offered"
}

write_file one.yml ''
write_file two.yaml ''
write_file three.txt ''
mkdir folder

for program in "$t_programs"/migrate-*; do
	check "$(basename "$program") completes every flag" offers_all_flags "$(basename "$program")"
done
check 'choices are completed' offers 'bar' migrate-run --progress = b
check 'and listed' offers 'auto bar json none' migrate-run --progress =
check 'job files and folders are operands' offers 'folder/ one.yml two.yaml' migrate-run ''
check 'migrate-control knows what it can do' offers 'pause' migrate-control one.yml p
check 'migrate-plugin knows what it can do' offers 'check list show' migrate-plugin ''
check 'migrate-plugin show knows the plugins' offers 'posix' migrate-plugin show posi

finish
