#!/bin/sh
# SPDX-License-Identifier: MIT
# Manual pages are sound and say what the programs do.

. "${srcdir:-.}/t/lib.sh"

command -v mandoc >/dev/null || skip_all 'mandoc is not installed'

is_clean() {
	t_said=$(mandoc -T lint -W warning "$1")
	[ -z "$t_said" ] || { printf '%s\n' "$t_said"; return 1; }
}

# shown PAGE: as text, without the overstrikes of bold.
shown() {
	mandoc -T ascii -O width=1000 "$1" | sed "s/.$(printf '\b')//g"
}

flags_of_help() {
	"$1" --help | grep -oE '^ +--[a-z][a-z-]*' | grep -oE -e '--[a-z-]+' | sort -u
}

flags_of_page() {
	sed -n 's/^\.It Fl Fl \([a-z-]*\).*/--\1/p' "$1" | sort -u
}

says_the_same() { # PROGRAM PAGE
	flags_of_help "$1" >"$t_top/help"
	flags_of_page "$2" >"$t_top/page"
	[ -s "$t_top/help" ] && diff "$t_top/help" "$t_top/page"
}

opens_with_an_example() {
	shown "$1" | awk '/^SYNOPSIS/ { found = 1 } END { exit !found }'
}

program_has_a_page() {
	[ -f "$srcdir/man/$1.1" ] || { echo "man/$1.1 is missing"; return 1; }
}

# refers PAGE: every page of ours that it names exists.
refers_to_what_exists() {
	sed -n 's/^\.Xr \(migrate[a-z-]*\) \([1-8]\).*/\1.\2/p' "$1" | sort -u | while read -r page; do
		[ -n "$(find "$srcdir/man" "$srcdir/plugins" -name "$page")" ] ||
			{ echo "no page $page"; exit 1; }
	done
}

for page in "$srcdir"/man/*.[1-8] "$srcdir"/plugins/*/*.7; do
	name=$(basename "$page")
	check "$name is clean" is_clean "$page"
	check "$name refers to pages that exist" refers_to_what_exists "$page"
done
for program in "$t_programs"/migrate-*; do
	name=$(basename "$program")
	check "$name has a page" program_has_a_page "$name"
	check "$name: --help and the page list the same flags" \
		says_the_same "$name" "$srcdir/man/$name.1"
	check "$name: the page has a synopsis" opens_with_an_example "$srcdir/man/$name.1"
done

finish
