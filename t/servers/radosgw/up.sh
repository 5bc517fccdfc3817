#!/bin/sh
# SPDX-License-Identifier: MIT
# up.sh FOLDER: a Ceph object gateway of its own in FOLDER: a monitor, one store in
# memory and a radosgw, on free ports of 127.0.0.1. FOLDER/env says where it is.
# STORE=bluestore keeps the objects in a sparse file; TLS=CERT:KEY adds a TLS port.
set -eu

die() {
	echo "radosgw: $*" >&2
	exit 1
}

[ $# -eq 1 ] || die 'usage: up.sh FOLDER'
for program in ceph-mon ceph-osd radosgw radosgw-admin ceph monmaptool; do
	command -v "$program" >/dev/null ||
		die "$program is not installed (Debian: ceph-mon ceph-osd radosgw ceph-common)"
done
mkdir -p "$1"
dir=$(cd "$1" && pwd)
here=$(cd "$(dirname "$0")" && pwd)
access_key=${S3_ACCESS_KEY:-AKIDTESTTESTTESTTEST}
secret_key=${S3_SECRET_KEY:-sk/test+secret0123456789abcdefghijklmnop}
cluster=5c1d7b1e-0000-4000-8000-000000000001
store=5c1d7b1e-0000-4000-8000-0000000000a0
CEPH_CONF=$dir/ceph.conf
export CEPH_CONF

free_ports() { # N
	python3 -c 'import socket, sys
s = [socket.socket() for i in range(int(sys.argv[1]))]
for one in s: one.bind(("127.0.0.1", 0))
print(*[one.getsockname()[1] for one in s])' "$1"
}

is_alive() { # PIDFILE
	[ -s "$1" ] && [ -e "/proc/$(cat "$1")" ] &&
		! grep -q '^State:.*Z' "/proc/$(cat "$1")/status"
}

answers() {
	curl -s -o /dev/null -m 2 "http://127.0.0.1:$port/"
}

wait_for() { # SECONDS COMMAND...
	deadline=$(($(date +%s) + $1))
	shift
	until "$@"; do
		[ "$(date +%s)" -lt "$deadline" ] || return 1
		sleep 0.05
	done
}

osd_is_up() {
	ceph osd stat 2>/dev/null | grep -q '1 up'
}

# Without cephx the monitor's clients must be told not to encrypt; without
# tcp_nodelay answers wait 40 ms; with page sets memstore takes 60 KiB an object.
write_config() {
	frontend="beast endpoint=127.0.0.1:$port tcp_nodelay=1"
	if [ -n "${TLS:-}" ]; then
		cat "${TLS#*:}" "${TLS%%:*}" >"$dir/tls.pem"
		frontend="$frontend ssl_endpoint=127.0.0.1:$tls_port ssl_certificate=$dir/tls.pem"
	fi
	cat >"$CEPH_CONF" <<-END
		[global]
		fsid = $cluster
		mon host = [v2:127.0.0.1:$mon_port]
		mon initial members = a
		public addr = 127.0.0.1
		cluster addr = 127.0.0.1
		ms bind ipv6 = false
		auth cluster required = none
		auth service required = none
		auth client required = none
		ms mon client mode = crc
		auth allow insecure global id reclaim = true
		run dir = $dir
		admin socket = $dir/\$name.asok
		log file = $dir/log/\$name.log
		mon cluster log file = $dir/log/cluster.log
		crash dir = $dir/crash
		osd pool default size = 1
		osd pool default min size = 1
		osd pool default pg num = 4
		osd pool default pgp num = 4
		osd pool default pg autoscale mode = off
		osd crush chooseleaf type = 0
		mon allow pool size one = true
		mon max pg per osd = 2000
		mon warn on pool no redundancy = false
		[mon]
		mon data = $dir/mon
		pid file = $dir/mon.pid
		paxos propose interval = 0.05
		paxos min wait = 0.01
		mon data avail crit = 1
		mon data avail warn = 1
		mon cluster log to file = false
		[osd]
		osd data = $dir/osd
		osd objectstore = ${STORE:-memstore}
		pid file = $dir/osd.pid
		osd class load list = *
		osd class default list = *
		osd memory target = 939524096
		memstore device bytes = 8589934592
		memstore page set = false
		bluestore block path = $dir/osd.block
		bluestore block size = 21474836480
		bluestore block create = true
		bluestore fsck on mount = false
		osd mclock iops capacity threshold hdd = 100000
		osd op queue = wpq
		osd fast shutdown = false
		osd check max object name len on startup = false
		[client.rgw]
		rgw data = $dir/rgw
		pid file = $dir/rgw.pid
		rgw frontends = $frontend
		rgw dns name = s3.localhost
		rgw thread pool size = 64
		rgw enable usage log = false
		rgw enable ops log = false
		rgw user max buckets = 100000
		debug rgw = 0/0
		debug ms = 0/0
	END
}

make_cluster() {
	monmaptool --create --fsid $cluster --addv a "[v2:127.0.0.1:$mon_port]" --clobber \
		"$dir/monmap" >/dev/null
	ceph-mon -i a --mkfs --monmap "$dir/monmap" >"$dir/log/mon.mkfs" 2>&1
	ceph-mon -i a >"$dir/log/mon.start" 2>&1 || die "the monitor: $(tail -n 2 "$dir/log/mon.start")"
	timeout 20 ceph osd new $store >"$dir/log/osd.new" 2>&1 || die 'no answer of the monitor'
	ceph-osd -i 0 --mkfs --osd-uuid $store >"$dir/log/osd.mkfs" 2>&1
	ceph-osd -i 0 >"$dir/log/osd.start" 2>&1
	wait_for 20 osd_is_up || die "the store does not come up; see $dir/log"
}

make_user() {
	timeout 40 radosgw-admin -n client.rgw user create --uid=test --display-name=test \
		--access-key="$access_key" --secret-key="$secret_key" \
		>"$dir/user.json" 2>"$dir/log/user" || die "no user: $(tail -n 2 "$dir/log/user")"
	timeout 20 radosgw-admin -n client.rgw zonegroup modify --rgw-zonegroup=default \
		--api-name="${REGION:-us-east-1}" >/dev/null 2>"$dir/log/zonegroup" || :
}

! is_alive "$dir/rgw.pid" || exit 0
"$here/down.sh" "$dir"
rm -rf "$dir/mon" "$dir/osd" "$dir/rgw" "$dir/log"
mkdir -p "$dir/mon" "$dir/osd" "$dir/rgw" "$dir/log"
# shellcheck disable=SC2046 # three numbers
set -- $(free_ports 3)
port=$1 mon_port=$2 tls_port=$3
write_config
cd "$dir"
make_cluster
make_user
radosgw -n client.rgw -i rgw 2>"$dir/log/rgw.start"
wait_for 20 answers || die "no answer on port $port; see $dir/log"
cat >"$dir/env" <<END
S3_ENDPOINT=http://127.0.0.1:$port
S3_TLS_ENDPOINT=${TLS:+https://localhost:$tls_port}
S3_ACCESS_KEY='$access_key'
S3_SECRET_KEY='$secret_key'
END
