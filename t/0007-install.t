#!/bin/sh
# SPDX-License-Identifier: MIT
# What 'make install' puts where, and that it works from there.

. "${srcdir:-.}/t/lib.sh"

root=$t_top/root
prefix=$(sed -n 's/^prefix = //p' "$builddir/Makefile")
installed=$root$prefix

make_in_build() {
	(unset MAKEFLAGS MAKELEVEL MFLAGS && make -C "$builddir" DESTDIR="$root" "$@")
}

# As a user has it: nothing of the build tree is in reach.
t_set_installed() {
	PATH=$installed/bin:$t_path
	LD_LIBRARY_PATH=$installed/lib
	MIGRATE_PLUGIN_PATH=$installed/lib/migrate
	PKG_CONFIG_PATH=$installed/lib/pkgconfig
	PKG_CONFIG_SYSROOT_DIR=$root
	export PATH LD_LIBRARY_PATH MIGRATE_PLUGIN_PATH PKG_CONFIG_PATH PKG_CONFIG_SYSROOT_DIR
}

has_no_leftovers() {
	t_found=$(find "$root" \( -name '*.la' -path '*/bin/*' -o -name '*.o' \))
	[ -z "$t_found" ] || { echo "$t_found"; return 1; }
}

has_each() { # FOLDER NAME...
	t_folder=$1
	shift
	for name; do
		exists "$t_folder/$name" || return 1
	done
}

all_programs() {
	for program in "$t_programs"/migrate-*; do
		basename "$program"
	done
}

names_the_plugin_folder() {
	t_got=$(pkg-config --variable=plugindir migrate-plugin)
	[ "$t_got" = "$root$prefix/lib/migrate" ] || [ "$t_got" = "$prefix/lib/migrate" ] ||
		{ echo "$t_got"; return 1; }
}

moves_files() {
	write_file src/image/a.png 'bytes of a' && mkdir -p dst &&
		write_job job.yml <<-EOF &&
			source: {plugin: posix, root: src}
			destination: {plugin: posix, root: dst}
			rename: [{prefix: image/, to: avatar/}]
		EOF
		exits_with 0 migrate-run --progress=none job.yml &&
		contains_exactly dst/avatar/a.png 'bytes of a'
}

programs=$(all_programs)
check 'make install works' make_in_build install
t_set_installed
# shellcheck disable=SC2086 # names without spaces
check 'the programs are there' has_each "$installed/bin" $programs
check 'the header is there' exists "$installed/include/migrate/plugin.h"
check 'the library is there' exists "$installed/lib/libmigrate.so"
check 'the plugins are there' has_each "$installed/lib/migrate" memory.so posix.so
check 'the examples are there' exists "$installed/share/doc/migrate/examples/avatars.yml"
# shellcheck disable=SC2086 # names without spaces
check 'completion is there' has_each "$installed/share/bash-completion/completions" $programs
check 'no leftovers of the build are there' has_no_leftovers
check 'pkg-config knows where plugins go' names_the_plugin_folder
check 'what was installed moves files' moves_files
check 'make uninstall works' make_in_build uninstall
check 'and leaves no file' holds_files "$root" 0

finish
