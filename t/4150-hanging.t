#!/bin/sh
# SPDX-License-Identifier: MIT
# A call that hangs ends the process, with the plugin's name; a key that was in flight in
# two such ends is set aside, and all others go through.

. "${srcdir:-.}/t/lib.sh"

if [ -n "${SANITIZERS:-}" ] && [ "${SANITIZERS:-no}" != no ]; then
	skip_all 'the hanging plugin would have to be built with the sanitizers'
fi

# The example plugin, but reading a key that begins with "hang" never comes back.
hanging_plugin() {
	mkdir -p plugins && chmod 755 plugins &&
		sed '/^static enum migrate_status flat_get/,/^{/s/^{/{\n\twhile (r->key.n > 4 \&\& !memcmp(r->key.p, "hang", 4))\n\t\tpause();/' \
			"$srcdir/etc/plugin-example/flat.c" >plugins/flat.c &&
		not cmp -s plugins/flat.c "$srcdir/etc/plugin-example/flat.c" &&
		"${CC:-cc}" -D_GNU_SOURCE -I"$srcdir/include" -fPIC -shared -o plugins/flat.so plugins/flat.c \
			-L"$builddir/core/.libs" -lmigrate && chmod 755 plugins/flat.so
}

check 'a plugin that hangs' hanging_plugin
MIGRATE_PLUGIN_PATH=$PWD/plugins:$MIGRATE_PLUGIN_PATH
export MIGRATE_PLUGIN_PATH
for key in a b hangup z; do
	write_file "src/$key" "bytes of $key"
done
mkdir dst
write_job job.yml <<'YAML'
source: {plugin: flat, root: src}
destination: {plugin: posix, root: dst}
timeout: 1s
copy: {concurrency: 2}
YAML

check 'ends the process instead of waiting for ever' exits_with 9 migrate-run job.yml
check 'and says which plugin it was, in what' last_stderr_has 'plugin flat): get() made no progress'
check 'so does the second run' exits_with 9 migrate-run job.yml
check 'the third one leaves that key aside' exits_with 3 migrate-run job.yml
check 'and says why' last_output_has 'hangup: poison:'
check 'it counts as failed, the others are done' status_counts job.yml total=4 done=3 failed=1
check 'with the right bytes' contains_exactly dst/z 'bytes of z'
check 'no copy of it is there' missing dst/hangup

finish
