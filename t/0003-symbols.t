#!/bin/sh
# SPDX-License-Identifier: MIT
# What the library and the plugins show, and how they were built.

. "${srcdir:-.}/t/lib.sh"

library=$builddir/core/.libs/libmigrate.so

declared() {
	cat "$srcdir"/include/migrate/*.h | tr '\n' ' ' | sed 's#/\*[^*]*\*\+\([^/*][^*]*\*\+\)*/##g' |
		grep -oE '\bmigrate_[a-z0-9_]+\([^*]' | grep -oE 'migrate_[a-z0-9_]+' |
		grep -v '^migrate_plugin_v1$' | sort -u
}

# exported FILE: the names that it defines for others, with their versions.
exported() {
	readelf -W --dyn-syms "$1" | awk '$7 != "UND" && $4 != "NOTYPE" && NR > 3 && $8 != "" { print $8 }'
}

shows_what_the_header_declares() {
	declared >"$t_top/declared"
	exported "$library" | sed -n 's/@@MIGRATE_1$//p' | grep -v '^MIGRATE_' | sort -u >"$t_top/shown"
	[ -s "$t_top/shown" ] && diff "$t_top/declared" "$t_top/shown"
}

# listed VERSION: the names that the map gives it.
listed() {
	awk -v version="$1" '
		$2 == "{" { current = $1; next }
		$1 == "local:" { current = "" }
		current == version && /^\t[a-z_0-9]+;$/ { sub(/;/, "", $1); print $1 }' \
		"$srcdir/core/libmigrate.map" | sort
}

# A linker takes a name that nothing defines without a word.
shows_what_is_listed() { # VERSION
	listed "$1" >"$t_top/listed"
	exported "$library" | sed -n "s/@@$1\$//p" | grep -v '^MIGRATE_' | sort >"$t_top/shown"
	[ -s "$t_top/listed" ] && diff "$t_top/listed" "$t_top/shown"
}

shows_two_versions_only() {
	t_other=$(exported "$library" | grep -vE '@@MIGRATE_(1|PRIVATE)$|^MIGRATE_(1|PRIVATE)$')
	[ -z "$t_other" ] || { printf '%s\n' "$t_other"; return 1; }
}

exports_one_symbol() {
	t_shown=$(exported "$1")
	[ "$t_shown" = migrate_plugin_v1 ] || { printf 'exports: %s\n' "$t_shown"; return 1; }
}

uses_what_is_public() {
	readelf -W --dyn-syms "$1" | awk '$7 == "UND" { print $8 }' >"$t_top/used"
	grep -q '@MIGRATE_1$' "$t_top/used" || { echo 'uses nothing'; return 1; }
	! grep '@MIGRATE_' "$t_top/used" | grep -v '@MIGRATE_1$'
}

needs_the_library() {
	readelf -d "$1" | grep -q 'NEEDED.*libmigrate\.so'
}

is_hardened() {
	readelf -lW "$1" >"$t_top/segments"
	readelf -dW "$1" >"$t_top/dynamic"
	grep -q GNU_RELRO "$t_top/segments" || { echo 'no relro'; return 1; }
	grep -qE 'BIND_NOW|FLAGS.*NOW' "$t_top/dynamic" || { echo 'not bound at load'; return 1; }
	not grep -q TEXTREL "$t_top/dynamic" || { echo 'relocations in code'; return 1; }
	! grep -E 'GNU_STACK|LOAD' "$t_top/segments" | grep 'RWE' || { echo 'writable code'; return 1; }
}

is_position_independent() {
	readelf -hW "$1" | grep -q 'Type:.*DYN'
}

check 'the library shows plugins what the header declares' shows_what_the_header_declares
check 'each of these names, and no other, is listed' shows_what_is_listed MIGRATE_1
check 'so are the names for the programs of the same build' shows_what_is_listed MIGRATE_PRIVATE
check 'and there are no others' shows_two_versions_only
check 'the library is hardened' is_hardened "$library"

for plugin in "$builddir"/plugins/.libs/*.so; do
	name=$(basename "$plugin")
	check "$name exports one symbol" exports_one_symbol "$plugin"
	check "$name uses what is public" uses_what_is_public "$plugin"
	check "$name names the library that it needs" needs_the_library "$plugin"
	check "$name is hardened" is_hardened "$plugin"
done
for program in "$t_programs"/migrate-*; do
	name=$(basename "$program")
	check "$name is hardened" is_hardened "$program"
	check "$name can be loaded anywhere" is_position_independent "$program"
done

finish
