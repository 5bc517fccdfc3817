#!/bin/sh
# SPDX-License-Identifier: MIT
# up.sh FOLDER: OpenStack Swift with its S3 interface, of its own in FOLDER, on free ports of
# 127.0.0.1. FOLDER/env says where it is. Not used by any test: see t/README.
set -eu

die() {
	echo "swift: $*" >&2
	exit 1
}

[ $# -eq 1 ] || die 'usage: up.sh FOLDER'
for program in swift-proxy-server swift-account-server swift-container-server swift-object-server \
	memcached; do
	command -v "$program" >/dev/null || die "$program is not installed" \
		'(Debian: swift-proxy swift-account swift-container swift-object memcached)'
done
mkdir -p "$1"
dir=$(cd "$1" && pwd)
here=$(cd "$(dirname "$0")" && pwd)
# Its access keys are ACCOUNT:USER.
access_key=test:tester
secret_key=${S3_SECRET_KEY:-sk/test+secret0123456789abcdefghijklmnop}

free_ports() { # N
	python3 -c 'import socket, sys
s = [socket.socket() for i in range(int(sys.argv[1]))]
for one in s: one.bind(("127.0.0.1", 0))
print(*[one.getsockname()[1] for one in s])' "$1"
}

is_well() {
	[ "$(curl -s -m 2 "http://127.0.0.1:$proxy_port/healthcheck")" = OK ]
}

# A ring of one device for each of the three kinds of servers.
make_rings() {
	/usr/bin/python3 - "$dir/etc" "$account_port" "$container_port" "$object_port" <<-'END'
		import sys
		from swift.common.ring import RingBuilder

		for name, port in zip(("account", "container", "object"), sys.argv[2:]):
		    ring = RingBuilder(4, 1, 0)
		    ring.add_dev({"id": 0, "region": 1, "zone": 1, "ip": "127.0.0.1", "port": int(port),
		                  "device": "d1", "weight": 1, "replication_ip": "127.0.0.1",
		                  "replication_port": int(port), "meta": ""})
		    ring.rebalance()
		    ring.get_ring().save(f"{sys.argv[1]}/{name}.ring.gz")
	END
}

# Servers look for swift.conf in /etc/swift alone, unless they are told otherwise before.
make_starter() {
	cat >"$dir/start.py" <<-END
		import runpy
		import sys

		import swift.common.utils

		swift.common.utils.set_swift_dir("$dir/etc")
		sys.argv.pop(0)
		sys.path[0] = "/usr/bin"
		runpy.run_path(sys.argv[0], run_name="__main__")
	END
	cat >"$dir/etc/swift.conf" <<-END
		[swift-hash]
		swift_hash_path_suffix = test
		swift_hash_path_prefix = test
		[storage-policy:0]
		name = Policy-0
		default = yes
		[swift-constraints]
		max_meta_value_length = 4096
		max_meta_overall_size = 16384
		max_header_size = 32768
	END
}

defaults() { # PORT
	cat <<-END
		[DEFAULT]
		bind_ip = 127.0.0.1
		bind_port = $1
		workers = 1
		user = $(id -un)
		swift_dir = $dir/etc
		devices = $dir/node
		mount_check = false
		log_level = WARNING
		log_address = $dir/nolog
		disable_fallocate = true
		recon_cache_path = $dir/cache
		eventlet_debug = false
	END
}

write_config() {
	for server in "account $account_port" "container $container_port" "object $object_port"; do
		kind=${server% *}
		{
			defaults "${server#* }"
			printf '[pipeline:main]\npipeline = %s-server\n[app:%s-server]\nuse = egg:swift#%s\n' \
				"$kind" "$kind" "$kind"
		} >"$dir/etc/$kind-server.conf"
	done
	{
		defaults "$proxy_port"
		cat <<-END
			[pipeline:main]
			pipeline = catch_errors gatekeeper healthcheck cache listing_formats bulk s3api tempauth copy slo dlo versioned_writes symlink proxy-server
			[app:proxy-server]
			use = egg:swift#proxy
			allow_account_management = true
			account_autocreate = true
			conn_timeout = 10
			node_timeout = 60
			[filter:cache]
			use = egg:swift#memcache
			memcache_servers = 127.0.0.1:$cache_port
			[filter:s3api]
			use = egg:swift#s3api
			s3_acl = true
			check_bucket_owner = true
			location = us-east-1
			dns_compliant_bucket_names = false
			storage_domain = s3.localhost
			max_upload_part_num = 10000
			[filter:tempauth]
			use = egg:swift#tempauth
			user_test_tester = $secret_key .admin
			[filter:slo]
			use = egg:swift#slo
			max_manifest_segments = 10000
			[filter:versioned_writes]
			use = egg:swift#versioned_writes
			allow_object_versioning = true
		END
		for filter in catch_errors gatekeeper healthcheck listing_formats bulk copy dlo symlink; do
			printf '[filter:%s]\nuse = egg:swift#%s\n' $filter $filter
		done
	} >"$dir/etc/proxy-server.conf"
}

start_all() {
	memcached -l 127.0.0.1 -p "$cache_port" -U 0 -m 64 -u "$(id -un)" -P "$dir/memcached.pid" -d
	for kind in account container object proxy; do
		setsid /usr/bin/python3 "$dir/start.py" "/usr/bin/swift-$kind-server" \
			"$dir/etc/$kind-server.conf" -v >"$dir/log/$kind" 2>&1 </dev/null &
		echo $! >"$dir/$kind.pid"
	done
}

"$here/down.sh" "$dir"
rm -rf "${dir:?}/etc" "$dir/node" "$dir/log" "$dir/cache"
mkdir -p "$dir/etc" "$dir/node/d1" "$dir/log" "$dir/cache"
# shellcheck disable=SC2046 # five numbers
set -- $(free_ports 5)
proxy_port=$1 account_port=$2 container_port=$3 object_port=$4 cache_port=$5
make_rings
make_starter
write_config
start_all
tries=0
until is_well; do
	tries=$((tries + 1))
	[ "$tries" -lt 200 ] || die "no answer on port $proxy_port; see $dir/log"
	sleep 0.1
done
cat >"$dir/env" <<END
S3_ENDPOINT=http://127.0.0.1:$proxy_port
S3_ACCESS_KEY=$access_key
S3_SECRET_KEY='$secret_key'
END
