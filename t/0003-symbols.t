#!/bin/sh
# SPDX-License-Identifier: MIT
# What the library and the plugins show, and how they were built.

. "${srcdir:-.}/t/lib.sh"

library=$builddir/core/.libs/libmigrate.so

declared() {
	tr '\n' ' ' <"$srcdir/include/migrate/plugin.h" | sed 's#/\*[^*]*\*\+\([^/*][^*]*\*\+\)*/##g' |
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

shows_two_versions_only() {
	t_other=$(exported "$library" | grep -vE '@@MIGRATE_(1|PRIVATE)$|^MIGRATE_(1|PRIVATE)$')
	[ -z "$t_other" ] || { printf '%s\n' "$t_other"; return 1; }
}

exports_one_symbol() {
	t_shown=$(exported "$1")
	[ "$t_shown" = migrate_plugin_v1 ] || { printf 'exports: %s\n' "$t_shown"; return 1; }
}

uses_what_is_public() {
	! readelf -W --dyn-syms "$1" | grep -E '@MIGRATE_PRIVATE'
}

needs_the_library() {
	readelf -d "$1" | grep -q 'NEEDED.*libmigrate\.so'
}

is_hardened() {
	readelf -lW "$1" >"$t_top/segments"
	readelf -dW "$1" >"$t_top/dynamic"
	grep -q GNU_RELRO "$t_top/segments" || { echo 'no relro'; return 1; }
	grep -qE 'BIND_NOW|FLAGS.*NOW' "$t_top/dynamic" || { echo 'not bound at load'; return 1; }
	! grep -q TEXTREL "$t_top/dynamic" || { echo 'relocations in code'; return 1; }
	! grep -E 'GNU_STACK|LOAD' "$t_top/segments" | grep 'RWE' || { echo 'writable code'; return 1; }
}

is_position_independent() {
	readelf -hW "$1" | grep -q 'Type:.*DYN'
}

check 'the library shows plugins what the header declares' shows_what_the_header_declares
check 'and everything else under a name for programs' shows_two_versions_only
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
