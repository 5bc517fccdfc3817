#!/bin/sh
# SPDX-License-Identifier: MIT
# Every plugin of the tree keeps the contract of migrate-plugin(3), and the battery notices one that does not.

. "${srcdir:-.}/t/lib.sh"

# keeps_the_contract PLUGIN OPTION...: the battery runs and finds nothing; its lines are shown.
keeps_the_contract() {
	t_plugin=$1
	shift
	exits_with 0 migrate-plugin check "$t_plugin" "$@" || { last_stdout | grep -A1 '^not ok'; return 1; }
	[ "$(last_stdout | grep -c '^ok')" -ge "${least:-40}" ]
}

breaks() { # PROMISE
	last_stdout | grep -q "^not ok .*$1"
}

keeps() {
	last_stdout | grep -q "^ok .*$1"
}

has_plugin() {
	[ -f "$builddir/plugins/.libs/$1.so" ]
}

# table FILE DDL
table() {
	rm -f "$1"
	sql "$1" "$2"
	printf 'path: %s\ntable: t\ncolumn: path\nset: {service: amazon}\n' "$1" >"$1.yml"
}

check 'memory keeps the contract' keeps_the_contract memory --set name=battery
check 'also when it takes no digests' keeps_the_contract memory --set name=b --set digest=none
check 'also when it takes MD5' keeps_the_contract memory --set name=b --set digest=md5

if has_plugin posix; then
	mkdir files synced
	check 'posix keeps the contract' keeps_the_contract posix --set root=files
	check 'also when it syncs each file by itself' \
		keeps_the_contract posix --set root=synced --set fsync=files
	check 'and no file is left' holds_files files 0
	write_file taken/somebody 'wrote this'
	check 'a place that is not empty is refused' \
		exits_with 2 migrate-plugin check posix --set root=taken
	check 'with the reason' last_output_has 'the store is not empty'
	check 'and left alone' contains_exactly taken/somebody 'wrote this'
else
	skip 'posix keeps the contract' 'posix was not built'
fi

if has_plugin sqlite; then
	least=14
	table key.db 'create table t(id integer primary key, path text, service text); create index i on t(path)'
	check 'sqlite keeps the contract with an integer key' keeps_the_contract sqlite key.db.yml
	table unique.db 'create table t(id text primary key default (hex(randomblob(8))), path blob unique, service text) without rowid'
	check 'with a WITHOUT ROWID table whose column is unique' \
		keeps_the_contract sqlite unique.db.yml
	table rowid.db 'create table t(path text collate nocase, service text)'
	check 'with no key, no index and a collation' keeps_the_contract sqlite rowid.db.yml
	table some.db "create table t(id integer primary key, path text, service text); insert into t(path) values('x')"
	check 'a table that is not empty is refused' \
		exits_with 2 migrate-plugin check sqlite some.db.yml
	check 'and left alone' sql_says some.db 'select count(*) from t' 1
else
	skip 'sqlite keeps the contract' 'sqlite was not built'
fi

# ---- Plugins that are wrong on purpose: the example, with one thing changed --------

# faulty SED-SCRIPT: builds wrong/flat.so out of the example.
faulty() {
	mkdir -p wrong root && rm -rf root && mkdir root && rm -f wrong/flat.so
	sed "$1" "$srcdir/etc/plugin-example/flat.c" >wrong/flat.c &&
		not cmp -s wrong/flat.c "$srcdir/etc/plugin-example/flat.c" &&
		"${CC:-cc}" -D_GNU_SOURCE -I"$srcdir/include" -fPIC -shared -o wrong/flat.so wrong/flat.c \
			-L"$builddir/core/.libs" -lmigrate &&
		{ run migrate-plugin check wrong/flat.so --set root=root || :; }
}

if [ -n "${SANITIZERS:-}" ] && [ "${SANITIZERS:-no}" != no ]; then
	skip 'wrong plugins are found out' 'they would have to be built with the sanitizers'
else
	check 'a store that overwrites' faulty 's/r->precondition == MIGRATE_ABSENT/0/'
	check 'is found out' breaks 'precondition absent'
	check 'as is the one winner of a race' breaks 'of several that create one object'
	check 'what it does right is still said' keeps 'bytes come back'
	check 'a store that takes a short body' faulty 's/written != r->size/0/'
	check 'is found out, too' breaks 'a body that ends early'
	check 'a store that leaves a file behind' faulty 's/unlinkat(f->root, temporary, 0);//; s/"\.%s-%ld-%p"/"A%s%ld%p"/'
	check 'is found out by what it lists' breaks 'list gives every object once\|prefix\|leaves nothing'
	check 'a store that ignores ranges' faulty 's/(off_t)r->offset/0/'
	check 'is found out by the ranges' breaks 'ranges are exact'
	check 'a store that never says changed' faulty 's/return !etag.n ||/return 1 ||/'
	check 'is found out by if_match' breaks 'get with if_match'
	check 'a store that sets no etag' faulty 's/migrate_set_etag(o, etag, strlen(etag));//'
	check 'is found out by put' breaks 'agree on an etag'
	check 'a store whose listing ends after a page' faulty 's/return MIGRATE_OK; .. there is more.*/break;/'
	check 'is found out by the pages' breaks 'pages of every size'
	check 'a store that answers nonsense' faulty 's/return MIGRATE_OK;$/return 77;/'
	check 'is blamed by name' last_output_has "plugin 'flat' is broken: in "
fi

finish
