# SPDX-License-Identifier: MIT
# A plugin sees the public header alone, links libmigrate and exports one symbol.
# Its code is an archive first, so that unit tests can link it.

plugin_cppflags = $(COMMON_CPPFLAGS)
plugin_cflags = $(COMMON_CFLAGS) -fvisibility=hidden
plugin_ldflags = $(AM_LDFLAGS) $(PLUGIN_LDFLAGS) -module -avoid-version -shared \
	-export-symbols-regex '^migrate_plugin_v1$$'

# What several of them share, compiled once.
common_sources = \
	plugins/common/bound.c \
	plugins/common/bound.h \
	plugins/common/bytes.h \
	plugins/common/clock.h \
	plugins/common/condition.c \
	plugins/common/condition.h \
	plugins/common/decide.c \
	plugins/common/decide.h \
	plugins/common/extra.c \
	plugins/common/extra.h \
	plugins/common/held.c \
	plugins/common/held.h \
	plugins/common/hint.c \
	plugins/common/hint.h \
	plugins/common/identity.c \
	plugins/common/identity.h \
	plugins/common/json-path.c \
	plugins/common/json-path.h \
	plugins/common/patience.c \
	plugins/common/patience.h \
	plugins/common/text.c \
	plugins/common/text.h \
	$(empty)
libs3_sources = \
	plugins/common/s3/aws.c \
	plugins/common/s3/coding.c \
	plugins/common/s3/coding.h \
	plugins/common/s3/uri.c \
	plugins/common/s3/uri.h \
	plugins/common/s3/word.c \
	plugins/libs3/attributes.c \
	plugins/libs3/call.c \
	plugins/libs3/copy.c \
	plugins/libs3/key.c \
	plugins/libs3/libs3-impl.h \
	plugins/libs3/libs3.c \
	plugins/libs3/list.c \
	plugins/libs3/object.c \
	plugins/libs3/open.c \
	plugins/libs3/put.c \
	plugins/libs3/remove.c \
	plugins/libs3/space.c \
	plugins/libs3/status.c \
	$(empty)
memory_sources = \
	plugins/memory/memory.c \
	plugins/memory/memory.h \
	plugins/memory/object.c \
	plugins/memory/table.c \
	plugins/memory/upload.c \
	$(empty)
mysql_sources = \
	plugins/mysql/address.c \
	plugins/mysql/answer.c \
	plugins/mysql/bytes.c \
	plugins/mysql/catalog.c \
	plugins/mysql/change.c \
	plugins/mysql/column.c \
	plugins/mysql/connect.c \
	plugins/mysql/describe.c \
	plugins/mysql/find.c \
	plugins/mysql/flood.c \
	plugins/mysql/identity.c \
	plugins/mysql/index.c \
	plugins/mysql/insert.c \
	plugins/mysql/mysql-impl.h \
	plugins/mysql/mysql.c \
	plugins/mysql/option-file.c \
	plugins/mysql/path.c \
	plugins/mysql/query.c \
	plugins/mysql/replica.c \
	plugins/mysql/read.c \
	plugins/mysql/rewrite.c \
	plugins/mysql/row.c \
	plugins/mysql/scan.c \
	plugins/mysql/set.c \
	plugins/mysql/sql.c \
	plugins/mysql/status.c \
	plugins/mysql/text.c \
	plugins/mysql/uri.c \
	$(empty)
posix_sources = \
	plugins/posix/attributes.c \
	plugins/posix/copy.c \
	plugins/posix/get.c \
	plugins/posix/identity.c \
	plugins/posix/list.c \
	plugins/posix/look.c \
	plugins/posix/names.c \
	plugins/posix/owner.c \
	plugins/posix/parts.c \
	plugins/posix/path.c \
	plugins/posix/posix.c \
	plugins/posix/posix.h \
	plugins/posix/publish.c \
	plugins/posix/put.c \
	plugins/posix/replace.c \
	plugins/posix/sync.c \
	plugins/posix/upload.c \
	plugins/posix/upload.h \
	$(empty)
postgres_sources = \
	plugins/postgres/answer.c \
	plugins/postgres/array.c \
	plugins/postgres/catalog.c \
	plugins/postgres/column.c \
	plugins/postgres/connect.c \
	plugins/postgres/conninfo.c \
	plugins/postgres/describe.c \
	plugins/postgres/fill.c \
	plugins/postgres/find.c \
	plugins/postgres/identity.c \
	plugins/postgres/insert.c \
	plugins/postgres/key.c \
	plugins/postgres/path.c \
	plugins/postgres/postgres-impl.h \
	plugins/postgres/postgres.c \
	plugins/postgres/query.c \
	plugins/postgres/read.c \
	plugins/postgres/rewrite.c \
	plugins/postgres/row.c \
	plugins/postgres/scan.c \
	plugins/postgres/serves.c \
	plugins/postgres/settings.c \
	plugins/postgres/sql.c \
	plugins/postgres/status.c \
	plugins/postgres/text.c \
	plugins/postgres/way.c \
	$(empty)
redis_sources = \
	plugins/redis/address.c \
	plugins/redis/answer.c \
	plugins/redis/connect.c \
	plugins/redis/invalidate.c \
	plugins/redis/pipeline.c \
	plugins/redis/plan.c \
	plugins/redis/reader.c \
	plugins/redis/redis-impl.h \
	plugins/redis/redis.c \
	plugins/redis/script.c \
	plugins/redis/template.c \
	plugins/redis/tls.c \
	plugins/redis/trial.c \
	plugins/redis/wire.c \
	$(empty)
s3_sources = \
	plugins/common/s3/aws.c \
	plugins/common/s3/coding.c \
	plugins/common/s3/coding.h \
	plugins/common/s3/uri.c \
	plugins/common/s3/uri.h \
	plugins/common/s3/word.c \
	plugins/s3/attributes.c \
	plugins/s3/complete.c \
	plugins/s3/container.c \
	plugins/s3/copy-part.c \
	plugins/s3/copy.c \
	plugins/s3/credentials.c \
	plugins/s3/credentials.h \
	plugins/s3/dialect.c \
	plugins/s3/errors.c \
	plugins/s3/fetch.c \
	plugins/s3/head.c \
	plugins/s3/http.c \
	plugins/s3/json.c \
	plugins/s3/list.c \
	plugins/s3/machine.c \
	plugins/s3/measure.c \
	plugins/s3/object.c \
	plugins/s3/open.c \
	plugins/s3/probe.c \
	plugins/s3/process.c \
	plugins/s3/profile.c \
	plugins/s3/region.c \
	plugins/s3/remove.c \
	plugins/s3/request.c \
	plugins/s3/role.c \
	plugins/s3/s3.c \
	plugins/s3/s3.h \
	plugins/s3/scratch.c \
	plugins/s3/session.c \
	plugins/s3/sign.c \
	plugins/s3/sts.c \
	plugins/s3/tls.c \
	plugins/s3/upload.c \
	plugins/s3/uploads.c \
	plugins/s3/xml-chars.c \
	plugins/s3/xml.c \
	$(empty)
sqlite_sources = \
	plugins/sqlite/catalog.c \
	plugins/sqlite/connect.c \
	plugins/sqlite/describe.c \
	plugins/sqlite/find.c \
	plugins/sqlite/identity.c \
	plugins/sqlite/insert.c \
	plugins/sqlite/key.c \
	plugins/sqlite/others.c \
	plugins/sqlite/read.c \
	plugins/sqlite/rewrite.c \
	plugins/sqlite/row.c \
	plugins/sqlite/scan.c \
	plugins/sqlite/sqlite-impl.h \
	plugins/sqlite/sqlite.c \
	plugins/sqlite/text.c \
	$(empty)

noinst_LTLIBRARIES += plugins/libcommon.la
plugins_libcommon_la_SOURCES = $(common_sources)
plugins_libcommon_la_CPPFLAGS = $(plugin_cppflags)
plugins_libcommon_la_CFLAGS = $(plugin_cflags)

if PLUGIN_LIBS3
noinst_LTLIBRARIES += plugins/liblibs3.la
pkglib_LTLIBRARIES += plugins/libs3.la
endif
plugins_liblibs3_la_SOURCES = $(libs3_sources)
plugins_liblibs3_la_CPPFLAGS = $(plugin_cppflags) $(LIBS3_CFLAGS) $(CRYPTO_CFLAGS)
plugins_liblibs3_la_CFLAGS = $(plugin_cflags)
plugins_libs3_la_SOURCES =
plugins_libs3_la_LDFLAGS = $(plugin_ldflags)
plugins_libs3_la_LIBADD = plugins/liblibs3.la plugins/libcommon.la core/libmigrate.la $(LIBS3_LIBS) $(CRYPTO_LIBS)

if PLUGIN_MEMORY
noinst_LTLIBRARIES += plugins/libmemory.la
pkglib_LTLIBRARIES += plugins/memory.la
endif
plugins_libmemory_la_SOURCES = $(memory_sources)
plugins_libmemory_la_CPPFLAGS = $(plugin_cppflags) $(CRYPTO_CFLAGS)
plugins_libmemory_la_CFLAGS = $(plugin_cflags)
plugins_memory_la_SOURCES =
plugins_memory_la_LDFLAGS = $(plugin_ldflags)
plugins_memory_la_LIBADD = plugins/libmemory.la core/libmigrate.la $(CRYPTO_LIBS)

if PLUGIN_MYSQL
noinst_LTLIBRARIES += plugins/libmysql.la
pkglib_LTLIBRARIES += plugins/mysql.la
endif
plugins_libmysql_la_SOURCES = $(mysql_sources)
plugins_libmysql_la_CPPFLAGS = $(plugin_cppflags) $(MYSQL_CFLAGS) $(CRYPTO_CFLAGS)
plugins_libmysql_la_CFLAGS = $(plugin_cflags)
plugins_mysql_la_SOURCES =
plugins_mysql_la_LDFLAGS = $(plugin_ldflags)
plugins_mysql_la_LIBADD = plugins/libmysql.la plugins/libcommon.la core/libmigrate.la $(MYSQL_LIBS) $(CRYPTO_LIBS)

if PLUGIN_POSIX
noinst_LTLIBRARIES += plugins/libposix.la
pkglib_LTLIBRARIES += plugins/posix.la
endif
plugins_libposix_la_SOURCES = $(posix_sources)
plugins_libposix_la_CPPFLAGS = $(plugin_cppflags)
plugins_libposix_la_CFLAGS = $(plugin_cflags)
plugins_posix_la_SOURCES =
plugins_posix_la_LDFLAGS = $(plugin_ldflags)
plugins_posix_la_LIBADD = plugins/libposix.la core/libmigrate.la

if PLUGIN_POSTGRES
noinst_LTLIBRARIES += plugins/libpostgres.la
pkglib_LTLIBRARIES += plugins/postgres.la
endif
plugins_libpostgres_la_SOURCES = $(postgres_sources)
plugins_libpostgres_la_CPPFLAGS = $(plugin_cppflags) $(POSTGRES_CFLAGS)
plugins_libpostgres_la_CFLAGS = $(plugin_cflags)
plugins_postgres_la_SOURCES =
plugins_postgres_la_LDFLAGS = $(plugin_ldflags)
plugins_postgres_la_LIBADD = plugins/libpostgres.la plugins/libcommon.la core/libmigrate.la $(POSTGRES_LIBS)

if PLUGIN_REDIS
noinst_LTLIBRARIES += plugins/libredis.la
pkglib_LTLIBRARIES += plugins/redis.la
endif
plugins_libredis_la_SOURCES = $(redis_sources)
plugins_libredis_la_CPPFLAGS = $(plugin_cppflags) $(REDIS_CFLAGS)
plugins_libredis_la_CFLAGS = $(plugin_cflags)
plugins_redis_la_SOURCES =
plugins_redis_la_LDFLAGS = $(plugin_ldflags)
plugins_redis_la_LIBADD = plugins/libredis.la plugins/libcommon.la core/libmigrate.la $(REDIS_LIBS)

if PLUGIN_S3
noinst_LTLIBRARIES += plugins/libs3store.la
pkglib_LTLIBRARIES += plugins/s3.la
endif
plugins_libs3store_la_SOURCES = $(s3_sources)
plugins_libs3store_la_CPPFLAGS = $(plugin_cppflags) $(S3_CFLAGS)
plugins_libs3store_la_CFLAGS = $(plugin_cflags)
plugins_s3_la_SOURCES =
plugins_s3_la_LDFLAGS = $(plugin_ldflags)
plugins_s3_la_LIBADD = plugins/libs3store.la plugins/libcommon.la core/libmigrate.la $(S3_LIBS)

if PLUGIN_SQLITE
noinst_LTLIBRARIES += plugins/libsqlite.la
pkglib_LTLIBRARIES += plugins/sqlite.la
endif
plugins_libsqlite_la_SOURCES = $(sqlite_sources)
plugins_libsqlite_la_CPPFLAGS = $(plugin_cppflags) $(SQLITE_CFLAGS)
plugins_libsqlite_la_CFLAGS = $(plugin_cflags)
plugins_sqlite_la_SOURCES =
plugins_sqlite_la_LDFLAGS = $(plugin_ldflags)
plugins_sqlite_la_LIBADD = plugins/libsqlite.la plugins/libcommon.la core/libmigrate.la $(SQLITE_LIBS)
