#!/bin/sh
# SPDX-License-Identifier: MIT
# Trees as they come: what is no regular file is passed over and counted, what cannot
# be read is said, and no name, however strange, harms anything.

. "${srcdir:-.}/t/lib.sh"
. "$srcdir/t/faults/lib.sh"

needs python3
T_TIMEOUT=60

write_tree_job() {
	write_job job.yml <<EOS
source: {plugin: posix, root: src}
destination: {plugin: posix, root: dst}
rename: [{prefix: image/, to: avatar/}]
unmatched: keep
EOS
}

fresh_tree() {
	chmod -R u+rwX src dst 2>/dev/null
	rm -rf src dst job.journal*
	mkdir -p src/image dst
}

write_tree_job

# ---- What is no regular file -------------------------------------------------------

fresh_tree
write_file src/image/a.png a
write_file src/image/z.png z
write_file outside/secret 'not yours'
mkfifo src/image/pipe
ln -s a.png src/image/to-file
ln -s . src/image/to-itself
ln -s nowhere src/image/dangling
ln -s "$PWD/outside" src/image/to-outside
python3 -c 'import socket; socket.socket(socket.AF_UNIX).bind("src/image/socket")'
mkdir -p src/image/empty/deeper src/image/dirs
ln src/image/a.png src/image/hard-link
check 'a tree with FIFOs, sockets and links is moved without waiting for any' \
	exits_with 0 migrate-run job.yml
check 'links are counted' status_says job.yml .passed_over.symlink 4
check 'FIFOs and sockets too' status_says job.yml .passed_over.special 2
check 'empty folders too' status_says job.yml '.passed_over | to_entries | map(select(.key | startswith("empty"))) | .[0].value' 2
check 'regular files are moved, each hard link on its own' holds_files dst 3
check 'and nothing else' test "$(find dst -mindepth 1 ! -type f ! -type d | wc -l)" -eq 0
check 'no link was followed' missing dst/avatar/to-outside
check 'two names of one file are two objects' test "$(stat -c %h dst/avatar/a.png)" -eq 1

if [ "$(id -u)" -eq 0 ] && mknod src/image/device c 1 3 2>/dev/null; then
	check 'a device is not read' exits_with 0 migrate-run job.yml
	check 'nor made' missing dst/avatar/device
else
	skip 'a device is not read' 'only root can make one'
fi

# ---- Names --------------------------------------------------------------------------

# Files of every awkward byte, 255-byte names, and a path longer than PATH_MAX.
make_names() {
	python3 - <<'EOS'
import os
os.chdir(b"src/image")
for byte in range(1, 256):
    if byte != 0x2F:
        with open(b"byte-%02x-" % byte + bytes([byte]), "wb") as f:
            f.write(bytes([byte]))
for name in (b"n" * 255, b"\xc3\xa9" * 127, b"...", b"-", b"--help", b"~", b" ", b"\n", b"a\\\nb"):
    with open(name, "wb") as f:
        f.write(name)
for _ in range(24):
    os.mkdir(b"d" * 200)
    os.chdir(b"d" * 200)
with open(b"deep", "wb") as f:
    f.write(b"deep")
EOS
}

# The same names and bytes below both roots, however deep: PATH_MAX is no limit.
same_deep_tree() {
	python3 - "$1" "$2" <<'EOS'
import os, sys
def read(root):
    found = {}
    for path, _, files, fd in os.fwalk(os.fsencode(root), topdown=True):
        for name in files:
            with open(os.open(name, os.O_RDONLY, dir_fd=fd), "rb") as f:
                found[os.path.relpath(path, os.fsencode(root)) + b"/" + name] = f.read()
    return found
one, other = read(sys.argv[1]), read(sys.argv[2])
print(sorted(set(one) ^ set(other))[:5], len(one), len(other))
sys.exit(one != other or not one)
EOS
}

# Nothing that could move a cursor: of the controls only newlines, at the ends of lines.
is_printable() {
	cat "$t_out/stdout" "$t_out/stderr" | LC_ALL=C tr -d '\n\t\40-\176\200-\377' | od -c | head -5 |
		grep -v '^0000000$' && return 1
	iconv -f utf-8 -t utf-8 "$t_out/stdout" "$t_out/stderr" >/dev/null
}

remove_deep() {
	rm -rf src dst && mkdir -p src/image dst
}

fresh_tree
make_names
check 'names of all bytes, 255 bytes, and a path of 4,800 bytes are moved' \
	exits_with 0 migrate-run --log-level debug job.yml
check 'as they are' same_deep_tree src/image dst/avatar
check 'and nothing that is printed moves the cursor' is_printable
check 'a second run finds nothing to do' exits_with 0 migrate-run job.yml
remove_deep

long_for_destination() {
	fresh_tree
	write_job long.yml <<EOS
source: {plugin: posix, root: src}
destination: {plugin: posix, root: dst}
rename: [{prefix: image/, to: image/longer-}]
EOS
	write_file "src/image/$(printf '%0255d' 0)" x && write_file src/image/short y
}

check 'a name that grows too long for the destination' long_for_destination
check 'fails alone' exits_with 3 migrate-run long.yml
check 'the rest is moved' exists dst/image/longer-short
check 'and it is said why' status_says long.yml .failures_by_class.invalid 1

# ---- What is in the way at the destination ------------------------------------------

fresh_tree
write_file src/image/a/b 'below'
write_file src/image/c 'a file'
write_file src/image/ok 'fine'
write_file src/image/out/x 'through a link'
write_file dst/avatar/a 'a file where a folder must be'
write_file dst/avatar/c/d 'a folder where a file must be'
mkdir elsewhere
ln -s "$PWD/elsewhere" dst/avatar/out
check 'files and folders in the way fail their keys alone' exits_with 3 migrate-run job.yml
check 'all three' status_counts job.yml failed=3 done=1
check 'the rest is moved' contains_exactly dst/avatar/ok fine
check 'what was there is still there' contains_exactly dst/avatar/a 'a file where a folder must be'
check 'all of it' contains_exactly dst/avatar/c/d 'a folder where a file must be'
check 'and no link leads out of the destination' holds_files elsewhere 0
rm -rf dst/avatar/a dst/avatar/c dst/avatar/out
check 'once the way is free they are tried again' exits_with 0 migrate-run --retry-failed job.yml
check 'and moved' same_tree src/image dst/avatar

# ---- What may not be read -----------------------------------------------------------

fresh_tree
write_file src/image/open 'readable'
write_file src/image/closed 'unreadable'
write_file src/image/folder/inside 'in a folder that cannot be listed'
chmod 000 src/image/closed src/image/folder
[ "$(id -u)" -ne 0 ] || chown -R 65534:65534 src dst job.yml .
check 'unreadable files and folders fail, and only they' exits_with 3 as_nobody migrate-run job.yml
check 'the rest is moved' contains_exactly dst/avatar/open readable
run migrate-status --failed job.yml
check 'each is named' last_output_has image/closed image/folder
check 'and counted' status_counts job.yml failed=2 done=1
check 'there is no end before the end: what cannot be listed is a failure' \
	status_says job.yml .failures_by_class.unlisted 1
sed 's/^job: .*//' job.yml >only.yml
printf "keys: {include: ['*inside']}\n" >>only.yml
check 'a folder is a failure also where a pattern takes only what is in it' \
	exits_with 3 as_nobody migrate-run only.yml
check 'by name' last_output_has image/folder
sed -i "s/^keys: .*/keys: {include: ['*inside'], exclude: ['image\/folder\/*']}/" only.yml
check 'and none where all that is in it is left out' exits_with 0 as_nobody migrate-run --new-journal only.yml
chmod 644 src/image/closed
chmod 755 src/image/folder
check 'when they can be read, the next run takes them' \
	exits_with 0 as_nobody migrate-run --retry-failed job.yml
check 'all of them' same_tree src/image dst/avatar

fresh_tree
for i in 1 2 3 4; do write_file src/image/folder/$i "$i"; done
[ "$(id -u)" -ne 0 ] || chown -R 65534:65534 src dst job.yml .
check 'some files of a folder are copied' exits_with 0 as_nobody migrate-run --first 2 job.yml
chmod 000 src/image/folder
check 'the listing does not go on behind a folder that cannot be read any more' \
	exits_with 9 as_nobody migrate-run job.yml
check 'and says which' last_output_has "cannot go on in the folder 'image/folder/'" 'Permission denied'
chmod 755 src/image/folder
check 'readable again, it goes on inside' exits_with 0 as_nobody migrate-run job.yml
check 'and leaves nothing out' same_tree src/image dst/avatar

fresh_tree
[ "$(id -u)" -ne 0 ] || chown -R 65534:65534 src dst
write_file src/image/a a
chmod 644 src/image/a
chmod 555 dst
check 'a destination that may not be written to is refused' exits_with 2 as_nobody migrate-run job.yml
chmod 755 dst
check 'and used once it may' exits_with 0 as_nobody migrate-run job.yml

# ---- Mounts -------------------------------------------------------------------------

if [ "$(id -u)" -eq 0 ] && mkdir -p src/image/mount && mount -t tmpfs none src/image/mount 2>/dev/null; then
	t_mounts="$t_mounts $PWD/src/image/mount"
	write_file src/image/mount/other 'on another file system'
	write_file src/image/new 'new'
	check 'mounts below the source are not entered' exits_with 0 migrate-run job.yml
	check 'but counted' status_says job.yml .passed_over.mount 1
	check 'nothing of them is copied' missing dst/avatar/mount/other
	umount src/image/mount
else
	skip 'mounts below the source are not entered' 'only root can mount one'
fi

finish
