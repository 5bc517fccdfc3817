# SPDX-License-Identifier: MIT
# shellcheck shell=bash
#
# Completion for bash: flags and their choices come from each program's --help, so
# that they are never out of date; operands are job files.

_migrate_flags() { # PROGRAM
	"$1" --help 2>/dev/null | sed -n 's/^  \(--[a-z][a-z-]*\).*/\1/p'
}

# What follows --FLAG=: "a|b|c" for choices, FILE, N, ...
_migrate_argument() { # PROGRAM FLAG
	"$1" --help 2>/dev/null | sed -n "s/^  $2\\[\\{0,1\\}[= ]\\([^] ]*\\).*/\\1/p"
}

_migrate_value() { # PROGRAM FLAG WORD
	local argument

	argument=$(_migrate_argument "$1" "$2")
	case $argument in
	*'|'*) mapfile -t COMPREPLY < <(compgen -W "${argument//|/ }" -- "$3") ;;
	*FILE*) mapfile -t COMPREPLY < <(compgen -f -- "$3") ;;
	esac
	[ -n "$argument" ]
}

_migrate_plugin() { # PROGRAM WORD
	local operation=${COMP_WORDS[1]}

	case $COMP_CWORD-$operation in
	1-*) mapfile -t COMPREPLY < <(compgen -W 'list show check' -- "$2") ;;
	*-show) mapfile -t COMPREPLY < <(compgen -W "$("$1" list 2>/dev/null | awk '{ print $1 }')" -- "$2") ;;
	*-check) mapfile -t COMPREPLY < <(compgen -f -X '!*.so' -- "$2") ;;
	esac
}

_migrate_operand() { # PROGRAM WORD
	case ${1##*/} in
	migrate-plugin) _migrate_plugin "$1" "$2" ;;
	migrate-control)
		if [ "$COMP_CWORD" -gt 1 ]; then
			mapfile -t COMPREPLY < <(compgen -W 'pause resume set' -- "$2")
			return
		fi
		;;&
	*)
		mapfile -t COMPREPLY < <(
			compgen -f -X '!*.yml' -- "$2"
			compgen -f -X '!*.yaml' -- "$2"
			compgen -d -S / -- "$2"
		)
		;;
	esac
}

_migrate() {
	local program=$1 word=$2 before=$3

	COMPREPLY=()
	# "--progress=b" comes as three words.
	if [ "$word" = '=' ]; then
		_migrate_value "$program" "$before" '' && return
	elif [ "$before" = '=' ]; then
		_migrate_value "$program" "${COMP_WORDS[COMP_CWORD - 2]}" "$word" && return
	elif [[ $before == --* ]]; then
		_migrate_value "$program" "$before" "$word" && return
	fi
	if [[ $word == -* ]]; then
		mapfile -t COMPREPLY < <(compgen -W "$(_migrate_flags "$program")" -- "$word")
	else
		_migrate_operand "$program" "$word"
	fi
}

complete -o filenames -F _migrate migrate-check migrate-control migrate-plugin migrate-run \
	migrate-seed migrate-status migrate-verify
