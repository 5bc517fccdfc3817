#!/bin/sh
# SPDX-License-Identifier: MIT
# Rails' Active Storage: the tables as its migration makes them, files as its disk service lays
# them out. The examples in etc/examples are run here, with other places in them.
# shellcheck disable=SC2016 # variables and groups of job files are theirs

. "${srcdir:-.}/t/lib.sh"
. "$srcdir/t/servers/postgres.sh"
T_TIMEOUT=60
postgres_needed
postgres_up || { echo 'Bail out! the server does not start'; exit 99; }

# Rails 7.1: CreateActiveStorageTables
tables() {
	pg 'DROP SCHEMA IF EXISTS public CASCADE; CREATE SCHEMA public;
		CREATE TABLE active_storage_blobs (id bigserial PRIMARY KEY, key character varying NOT NULL,
			filename character varying NOT NULL, content_type character varying, metadata text,
			service_name character varying NOT NULL, byte_size bigint NOT NULL,
			checksum character varying, created_at timestamp(6) without time zone NOT NULL);
		CREATE UNIQUE INDEX index_active_storage_blobs_on_key ON active_storage_blobs (key);
		CREATE TABLE active_storage_attachments (id bigserial PRIMARY KEY,
			name character varying NOT NULL, record_type character varying NOT NULL,
			record_id bigint NOT NULL, blob_id bigint NOT NULL REFERENCES active_storage_blobs (id),
			created_at timestamp(6) without time zone NOT NULL);
		CREATE TABLE active_storage_variant_records (id bigserial PRIMARY KEY,
			blob_id bigint NOT NULL REFERENCES active_storage_blobs (id),
			variation_digest character varying NOT NULL);
		CREATE UNIQUE INDEX ON active_storage_variant_records (blob_id, variation_digest)'
}

# 40 blobs of the disk, among them variants; one is a mirror elsewhere, one was lost, one file
# has no blob any more.
blobs() {
	pg "INSERT INTO active_storage_blobs (key, filename, content_type, metadata, service_name, byte_size,
			checksum, created_at)
		SELECT left(translate(encode(sha256(i::text::bytea), 'base64'), '+/=', 'xyz'), 28), i || '.png',
			'image/png', '{\"identified\":true,\"analyzed\":true}', 'local', 10, 'x', now()
		FROM generate_series(1, 40) i;
		UPDATE active_storage_blobs SET service_name = 'backup' WHERE id = 7;
		INSERT INTO active_storage_attachments (name, record_type, record_id, blob_id, created_at)
		SELECT 'avatar', 'User', id, id, now() FROM active_storage_blobs;
		INSERT INTO active_storage_variant_records (blob_id, variation_digest)
		SELECT id, 'digest' FROM active_storage_blobs WHERE id > 30"
}

disk() { # FOLDER
	pg 'SELECT key FROM active_storage_blobs WHERE id <> 9' | while read -r t_key; do
		t_cd=${t_key#??}
		write_file "$1/${t_key%"${t_key#??}"}/${t_cd%"${t_cd#??}"}/$t_key" "$t_key"
	done
	write_file "$1/zz/zz/zzzz-orphan" 'nobody attaches this'
}

all_but() { # COLUMN: everything else in the tables
	pg "SELECT md5(string_agg((to_jsonb(b) - '$1')::text, '' ORDER BY id)) FROM active_storage_blobs b;
		SELECT md5(string_agg(a::text, '' ORDER BY id)) FROM active_storage_attachments a"
}

example() { # NAME SED-SCRIPT
	sed "$2" "$srcdir/etc/examples/$1" >job.yml
}

# ---- From the disk service to S3's flat keys ---------------------------------------------------

tables
blobs
disk storage
mkdir -p bucket
before=$(all_but service_name)
example activestorage-disk.yml '/^source:/,/^destination:/ s|root: .*|root: storage|
	/^destination:/,/^keys:/ { s|^destination:.*|destination: {plugin: posix, root: bucket}|; /^  /d; }
	s|connection: .*|connection: "${pg_uri}"|'
check 'the example for a disk is checked' exits_with 0 migrate-check job.yml
check 'a dry run' exits_with 0 migrate-run --dry-run job.yml
check 'knows how much there is' last_output_has 'objects to copy                              38'
check 'it runs' exits_with 0 migrate-run job.yml
check 'each file stands under its key alone' sh -c 'ls bucket | wc -l | grep -qx 38'
check 'with its bytes' sh -c 'for f in bucket/*; do [ "$(cat "$f")" = "${f#bucket/}" ] || exit 1; done'
check 'blobs are served from the new place' pg_says \
	"SELECT service_name, count(*) FROM active_storage_blobs GROUP BY 1 ORDER BY 1" \
	'amazon|38
backup|1
local|1'
check 'but for the one that was lost' pg_says "SELECT service_name FROM active_storage_blobs WHERE id = 9" local
check 'which is told' last_output_has 'id=9: names '
check 'nothing else was changed' test "$(all_but service_name)" = "$before"
check 'what no blob names was not copied' missing bucket/zzzz-orphan
check 'all of it is true' exits_with 0 migrate-verify job.yml
check 'once more' exits_with 0 migrate-run job.yml
check 'there is nothing to do' last_output_has 'copied 0 objects'

# A blob that was attached meanwhile, and one that was found again.
pg "INSERT INTO active_storage_blobs (key, filename, service_name, byte_size, created_at)
	VALUES ('abcdnew', 'new.png', 'local', 3, now())"
write_file storage/ab/cd/abcdnew new
check 'a blob that was made since' exits_with 0 migrate-run job.yml
check 'follows' pg_says "SELECT service_name FROM active_storage_blobs WHERE key = 'abcdnew'" amazon
check 'with its file' contains_exactly bucket/abcdnew new

# ---- From one bucket to another: keys stay -------------------------------------------------------

rm -rf job.journal* bucket
tables
blobs
mkdir -p from to
pg 'SELECT key FROM active_storage_blobs' | while read -r key; do
	write_file "from/$key" "$key"
done
example activestorage.yml '/^source:/,/^destination:/ { s|^source:.*|source: {plugin: posix, root: from}|; /^  /d; }
	/^destination:/,/^databases:/ { s|^destination:.*|destination: {plugin: posix, root: to}|; /^  /d; }
	s|connection: .*|connection: "${pg_uri}"|'
check 'the example for buckets is checked' exits_with 0 migrate-check job.yml
check 'it runs' exits_with 0 migrate-run job.yml
check 'rows are served from the new bucket' pg_says \
	"SELECT count(*) FROM active_storage_blobs WHERE service_name = 'amazon'" 39
check 'keys are what they were' pg_says "SELECT count(*) FROM active_storage_blobs b WHERE key IN
	(SELECT left(translate(encode(sha256(i::text::bytea), 'base64'), '+/=', 'xyz'), 28)
	FROM generate_series(1, 40) i)" 40
check 'all of it is true' exits_with 0 migrate-verify job.yml

finish
