#!/bin/sh
# SPDX-License-Identifier: MIT
# A plugin is built outside the tree with what is installed and pkg-config, checked, and used by a job.

. "${srcdir:-.}/t/lib.sh"

[ -f "$builddir/Makefile" ] || skip_all 'this is no build folder'
[ "${SANITIZERS:-no}" = no ] || [ -z "$SANITIZERS" ] || skip_all 'plugins would have to be built with the sanitizers'
command -v pkg-config >/dev/null || skip_all 'pkg-config is not installed'

root=$t_top/root
prefix=$(sed -n 's/^prefix = //p' "$builddir/Makefile")
installed=$root$prefix

# make of its own: what the tests were started with is none of its business.
fresh_make() {
	env -u MAKEFLAGS -u MFLAGS -u MAKELEVEL make "$@" >"$t_out/make" 2>&1 ||
		{ tail -n 20 "$t_out/make"; return 1; }
}

check 'migrate is installed' fresh_make -C "$builddir" DESTDIR="$root" install
cp -R "$srcdir/etc/plugin-example" outside
chmod -R u+w outside
rm -f outside/flat.so

# As a user has it: nothing of the build tree is in reach.
PATH=$installed/bin:$t_path
LD_LIBRARY_PATH=$installed/lib
MIGRATE_PLUGIN_PATH=$installed/lib/migrate
PKG_CONFIG_PATH=$installed/lib/pkgconfig
PKG_CONFIG_SYSROOT_DIR=$root
export PATH LD_LIBRARY_PATH MIGRATE_PLUGIN_PATH PKG_CONFIG_PATH PKG_CONFIG_SYSROOT_DIR

build() {
	fresh_make -C outside CFLAGS='-O2 -g -Wall -Wextra -Werror' "$@"
}

knows_where_plugins_go() {
	pkg-config --variable=plugindir migrate-plugin | grep -q '/migrate$'
}

check 'pkg-config knows where plugins go' knows_where_plugins_go
check 'the example is built with ten lines of make' build
check 'its Makefile has no more than that' [ "$(grep -c . outside/Makefile)" -le 10 ]
mkdir scratch
check 'it keeps the contract' exits_with 0 migrate-plugin check outside/flat.so --set root=scratch
check 'and leaves nothing behind' holds_files scratch 0
check 'it is installed beside the others' build install PLUGINDIR="$MIGRATE_PLUGIN_PATH"
check 'there it is found by name' exits_with 0 migrate-plugin show flat
check 'with its options' last_stdout_has 'the folder that holds the files'

write_file src/image/a.png 'one'
write_file src/image/b/c.png 'two'
write_file 'src/image/d e
f.png' ''
mkdir dst back
write_job there.yml <<EOF
source: {plugin: posix, root: src}
destination: {plugin: flat, root: dst}
rename: [{prefix: image/, to: avatar/}]
EOF
write_job back.yml <<EOF
source: {plugin: flat, root: dst}
destination: {plugin: posix, root: back}
rename: [{prefix: avatar/, to: image/}]
EOF
check 'a job copies files into it' exits_with 0 migrate-run there.yml
check 'under their new names' contains_exactly dst/avatar%2Fb%2Fc%2Epng two
check 'a second run finds nothing to do' exits_with 0 migrate-run there.yml
check 'another job copies them out of it' exits_with 0 migrate-run back.yml
check 'they are the same' same_tree src back

# The manual page holds a plugin as well: it is what people copy.
sed -n '/^#include <migrate.plugin.h>$/,/^\.Ed/p' "$srcdir/man/migrate-plugin.3" | sed '$d; s/\\e/\\/g' >one.c
compile_one() {
	# shellcheck disable=SC2046 # flags are words
	"${CC:-cc}" -Wall -Wextra -Werror $(pkg-config --cflags migrate-plugin) -fPIC -shared \
		-fvisibility=hidden -o one.so one.c $(pkg-config --libs migrate-plugin) &&
		cp one.so "$MIGRATE_PLUGIN_PATH"
}
check 'the plugin of migrate-plugin(3) compiles as it says there' compile_one
mkdir copied
write_job one.yml <<EOF
source: {plugin: one, text: of a page}
destination: {plugin: posix, root: copied}
EOF
check 'and works' exits_with 0 migrate-run one.yml
check 'as it says, too' contains_exactly copied/one 'of a page'

finish
