# SPDX-License-Identifier: MIT
# Manual pages, one a line, sorted.

dist_man_MANS += \
	man/migrate-check.1 \
	man/migrate-control.1 \
	man/migrate-journal.5 \
	man/migrate-job.5 \
	man/migrate-plugin.1 \
	man/migrate-plugin.3 \
	man/migrate-run.1 \
	man/migrate-seed.1 \
	man/migrate-status.1 \
	man/migrate-stores.7 \
	man/migrate-verify.1 \
	plugins/libs3/migrate-libs3.7 \
	plugins/memory/migrate-memory.7 \
	plugins/mysql/migrate-mysql.7 \
	plugins/posix/migrate-posix.7 \
	plugins/postgres/migrate-postgres.7 \
	plugins/redis/migrate-redis.7 \
	plugins/s3/migrate-s3.7 \
	plugins/sqlite/migrate-sqlite.7 \
	$(empty)
