#!/bin/sh
# SPDX-License-Identifier: MIT
# Holes stay holes: a sparse file of 10 GiB takes neither its time nor its space.

. "${srcdir:-.}/t/lib.sh"
. "$srcdir/t/faults/lib.sh"

needs python3
T_TIMEOUT=120

make_sparse() {
	mkdir -p src/image dst && python3 - <<'EOS'
with open("src/image/disk.img", "wb") as f:
    f.truncate(10 << 30)
    for at in (0, 5 << 30, (10 << 30) - 3):
        f.seek(at)
        f.write(b"end")
with open("src/image/hole", "wb") as f:
    f.truncate(1 << 30)
EOS
	[ "$(du -k src/image | tail -1 | cut -f1)" -lt 10240 ]
}

blocks() { # FILE: KiB it occupies
	du -k "$1" | cut -f1
}

stays_sparse() { # FILE KIB
	[ "$(blocks "$1")" -le "$2" ] || { echo "$(blocks "$1") KiB"; return 1; }
}

same_bytes() {
	PYTHONDONTWRITEBYTECODE=1 python3 - "$faults" "$1" "$2" <<'EOS'
import os, sys
sys.path.insert(0, sys.argv[1])
from ends import digest_of
one, other = (os.open(p, os.O_RDONLY) for p in sys.argv[2:4])
sizes = [os.fstat(f).st_size for f in (one, other)]
print(sizes)
sys.exit(sizes[0] != sizes[1] or digest_of(one, sizes[0]) != digest_of(other, sizes[1]))
EOS
}

write_job job.yml <<'EOF2'
source: {plugin: posix, root: src}
destination: {plugin: posix, root: dst}
rename: [{prefix: image/, to: avatar/}]
EOF2

if ! make_sparse; then
	skip_all 'this file system keeps no holes'
fi
check 'a sparse file of 10 GiB is moved' exits_with 0 migrate-run job.yml
check 'it stays sparse' stays_sparse dst/avatar/disk.img 4096
check 'and has its bytes' same_bytes src/image/disk.img dst/avatar/disk.img
check 'a file that is one hole stays one' stays_sparse dst/avatar/hole 64
check 'of the same size' test "$(stat -c %s dst/avatar/hole)" -eq 1073741824

finish
