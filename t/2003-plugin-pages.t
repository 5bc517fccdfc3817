#!/bin/sh
# SPDX-License-Identifier: MIT
# The manual page of each plugin tells of the options that the plugin has.

. "${srcdir:-.}/t/lib.sh"

page_of() {
	echo "$srcdir/plugins/$1/migrate-$1.7"
}

tells_the_options() {
	sed -n '/^\.\\" options: /,/^\.\\" end of options/p' "$(page_of "$1")" | sed '1d;$d' >"$t_top/page"
	migrate-plugin show --mdoc "$1" >"$t_top/table" && [ -s "$t_top/table" ] &&
		diff "$t_top/table" "$t_top/page"
}

is_clean() {
	t_said=$(mandoc -T lint -W warning "$1")
	[ -z "$t_said" ] || { printf '%s\n' "$t_said"; return 1; }
}

is_json_schema() {
	migrate-plugin show --json-schema "$1" >"$t_top/schema" &&
		json_says "$t_top/schema" '.properties | length > 0'
}

for plugin in "$builddir"/plugins/.libs/*.so; do
	name=$(basename "$plugin" .so)
	check "$name has a page" exists "$(page_of "$name")"
	check "$name: page and option table agree" tells_the_options "$name"
	check "$name has a JSON Schema" is_json_schema "$name"
	if command -v mandoc >/dev/null; then
		check "$name: the page is clean" is_clean "$(page_of "$name")"
	else
		skip "$name: the page is clean" 'mandoc is not installed'
	fi
done

finish
