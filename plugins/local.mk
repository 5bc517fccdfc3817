# SPDX-License-Identifier: MIT
# A plugin sees the public header alone, links libmigrate and exports one symbol.
# Its code is an archive first, so that unit tests can link it.

plugin_cppflags = $(COMMON_CPPFLAGS)
plugin_cflags = $(COMMON_CFLAGS) -fvisibility=hidden
plugin_ldflags = $(AM_LDFLAGS) $(PLUGIN_LDFLAGS) -module -avoid-version -shared \
	-export-symbols-regex '^migrate_plugin_v1$$'

memory_sources = \
	plugins/memory/memory.c \
	plugins/memory/memory.h \
	plugins/memory/object.c \
	plugins/memory/table.c \
	plugins/memory/upload.c \
	$(empty)
posix_sources = \
	plugins/posix/attributes.c \
	plugins/posix/copy.c \
	plugins/posix/get.c \
	plugins/posix/identity.c \
	plugins/posix/list.c \
	plugins/posix/look.c \
	plugins/posix/names.c \
	plugins/posix/parts.c \
	plugins/posix/path.c \
	plugins/posix/posix.c \
	plugins/posix/posix.h \
	plugins/posix/publish.c \
	plugins/posix/put.c \
	plugins/posix/sync.c \
	plugins/posix/upload.c \
	plugins/posix/upload.h \
	$(empty)
sqlite_sources = \
	plugins/sqlite/catalog.c \
	plugins/sqlite/connect.c \
	plugins/sqlite/describe.c \
	plugins/sqlite/find.c \
	plugins/sqlite/identity.c \
	plugins/sqlite/insert.c \
	plugins/sqlite/key.c \
	plugins/sqlite/rewrite.c \
	plugins/sqlite/row.c \
	plugins/sqlite/scan.c \
	plugins/sqlite/sqlite-impl.h \
	plugins/sqlite/sqlite.c \
	plugins/sqlite/text.c \
	$(empty)

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

if PLUGIN_SQLITE
noinst_LTLIBRARIES += plugins/libsqlite.la
pkglib_LTLIBRARIES += plugins/sqlite.la
endif
plugins_libsqlite_la_SOURCES = $(sqlite_sources)
plugins_libsqlite_la_CPPFLAGS = $(plugin_cppflags) $(SQLITE_CFLAGS)
plugins_libsqlite_la_CFLAGS = $(plugin_cflags)
plugins_sqlite_la_SOURCES =
plugins_sqlite_la_LDFLAGS = $(plugin_ldflags)
plugins_sqlite_la_LIBADD = plugins/libsqlite.la core/libmigrate.la $(SQLITE_LIBS)
