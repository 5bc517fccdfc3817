#!/bin/sh
# SPDX-License-Identifier: MIT
# Every job file under etc/examples passes migrate-check, once what it names exists.

. "${srcdir:-.}/t/lib.sh"

cp "$srcdir"/etc/examples/*.yml .
mkdir -p old/image new photos archive uploads media from to attachments
sql app.db 'create table avatars (id integer primary key, path text not null);
	create index by_path on avatars (path)'
sql shop.db 'create table products (id integer primary key, picture_url text, storage text);
	create table order_lines (id integer primary key, picture text);
	create index by_url on products (picture_url);
	create index by_picture on order_lines (picture)'
sql mail.db 'create table attachments (id integer primary key, file text, archived integer);
	create index by_file on attachments (file)'

# What the examples with a cache lead to; without a server they are parsed by nobody.
. "$srcdir/t/servers/redis.sh"
if ! lacking=$(redis_lacks); then
	redis_up || { echo 'Bail out! Redis does not start'; exit 99; }
	REDIS_URL=$redis_url
	export REDIS_URL
else
	skip 'jobs with a cache' "$lacking"
	rm -f caches.yml
fi

# The one with tables of MySQL: a server of our own, or none.
. "$srcdir/t/servers/mariadb.sh"
if ! lacking=$(mariadb_lacks); then
	mariadb_up || { echo 'Bail out! MariaDB does not start'; exit 99; }
	my "CREATE TABLE profiles (id serial, data json, deleted_at datetime,
		url varchar(200) AS (json_unquote(json_extract(data, '\$.avatar.url'))), INDEX (url))"
	DATABASE_URL=$mysql_uri
	export DATABASE_URL
else
	skip 'jobs with MySQL' "$lacking"
	rm -f documents.yml
fi

# Those of applications with a test of their own: t/6295, t/6297.
rm -f activestorage.yml activestorage-disk.yml wordpress.yml

for job in *.yml; do
	check "$job passes migrate-check" exits_with 0 migrate-check "$job"
	check "$job can be planned" exits_with 0 migrate-run --dry-run "$job"
done

finish
