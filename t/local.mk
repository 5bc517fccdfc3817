# SPDX-License-Identifier: MIT
# Tests: all speak TAP. One a line, sorted; a file is listed once it exists.

# Unit tests, linked with the archive: t/unit/NAME is made of t/unit/NAME.c.
unit_tests = \
	t/unit/test-auto \
	t/unit/test-base \
	t/unit/test-builder \
	t/unit/test-collide \
	t/unit/test-control \
	t/unit/test-decide \
	t/unit/test-delta \
	t/unit/test-ends \
	t/unit/test-escape \
	t/unit/test-extra \
	t/unit/test-format \
	t/unit/test-gate \
	t/unit/test-hint \
	t/unit/test-identity \
	t/unit/test-job \
	t/unit/test-job-environment \
	t/unit/test-job-page \
	t/unit/test-job-refused \
	t/unit/test-journal-batches \
	t/unit/test-journal-claims \
	t/unit/test-journal-crash \
	t/unit/test-journal-damage \
	t/unit/test-journal-errors \
	t/unit/test-journal-full \
	t/unit/test-journal-kept \
	t/unit/test-journal-merge \
	t/unit/test-journal-open \
	t/unit/test-journal-queue \
	t/unit/test-journal-records \
	t/unit/test-journal-texts \
	t/unit/test-journal-threads \
	t/unit/test-json \
	t/unit/test-pace \
	t/unit/test-patience \
	t/unit/test-pattern \
	t/unit/test-php \
	t/unit/test-plugin-calls \
	t/unit/test-plugin-read \
	t/unit/test-plugin-streams \
	t/unit/test-posix-list \
	t/unit/test-posix-parts \
	t/unit/test-posix-write \
	t/unit/test-progress \
	t/unit/test-rename \
	t/unit/test-replace \
	t/unit/test-schema \
	t/unit/test-server \
	t/unit/test-sorter \
	t/unit/test-sqlite-files \
	t/unit/test-sqlite-rows \
	t/unit/test-sqlite-tables \
	t/unit/test-stride \
	t/unit/test-text \
	t/unit/test-utf8 \
	t/unit/test-window \
	t/unit/test-window-threads \
	$(empty)
libs3_unit_tests = \
	t/unit/test-libs3 \
	$(empty)
mysql_unit_tests = \
	t/unit/test-mysql \
	$(empty)
postgres_unit_tests = \
	t/unit/test-postgres \
	$(empty)
redis_unit_tests = \
	t/unit/test-redis \
	$(empty)
s3_unit_tests = \
	t/unit/test-s3-answers \
	t/unit/test-s3-keys \
	t/unit/test-s3-pages \
	t/unit/test-s3-sign \
	t/unit/test-s3-uri \
	$(empty)

# What several of them include.
unit_headers = \
	t/unit/job-fixture.h \
	t/unit/journal-both.h \
	t/unit/journal-help.h \
	t/unit/plugin-fixture.h \
	t/unit/posix-fixture.h \
	t/unit/run-fixture.h \
	t/unit/s3-help.h \
	t/unit/sqlite-fixture.h \
	t/unit/tap.h \
	t/unit/text-help.h \
	$(empty)

# A journal in memory, and the tests that run over that as well.
check_LIBRARIES = t/unit/libmemory.a
t_unit_libmemory_a_SOURCES = t/unit/memory.c t/unit/memory-batches.c t/unit/memory-claims.c t/unit/memory-impl.h t/unit/memory.h
memory_test_libs = t/unit/libmemory.a core/libcore.la $(CHECK_LIBS)
t_unit_test_journal_batches_LDADD = $(memory_test_libs)
t_unit_test_journal_claims_LDADD = $(memory_test_libs)
t_unit_test_journal_merge_LDADD = $(memory_test_libs)
t_unit_test_journal_queue_LDADD = $(memory_test_libs)
t_unit_test_journal_records_LDADD = $(memory_test_libs)
t_unit_test_journal_texts_LDADD = $(memory_test_libs) $(SQLITE_LIBS)
t_unit_test_journal_threads_LDADD = $(memory_test_libs)

# Tests of a plugin's inside link its archive too.
common_test_libs = plugins/libcommon.la core/libcore.la $(CHECK_LIBS)
posix_test_libs = plugins/libposix.la core/libcore.la $(CHECK_LIBS)
s3_test_libs = plugins/libs3store.la plugins/libcommon.la core/libcore.la $(CHECK_LIBS) $(S3_LIBS)
sqlite_test_libs = plugins/libsqlite.la plugins/libcommon.la core/libcore.la $(CHECK_LIBS) $(SQLITE_LIBS)
t_unit_test_decide_LDADD = $(common_test_libs)
t_unit_test_extra_LDADD = $(common_test_libs)
t_unit_test_hint_LDADD = $(common_test_libs)
t_unit_test_identity_LDADD = $(common_test_libs)
t_unit_test_libs3_CPPFLAGS = $(AM_CPPFLAGS) $(LIBS3_CFLAGS) $(CRYPTO_CFLAGS)
t_unit_test_libs3_LDADD = plugins/liblibs3.la plugins/libcommon.la core/libcore.la $(CHECK_LIBS) $(LIBS3_LIBS)
t_unit_test_mysql_CPPFLAGS = $(AM_CPPFLAGS) $(MYSQL_CFLAGS)
t_unit_test_mysql_LDADD = plugins/libmysql.la plugins/libcommon.la core/libcore.la $(CHECK_LIBS) $(MYSQL_LIBS) $(CRYPTO_LIBS)
t_unit_test_patience_LDADD = $(common_test_libs)
t_unit_test_posix_list_LDADD = $(posix_test_libs)
t_unit_test_posix_parts_LDADD = $(posix_test_libs)
t_unit_test_posix_write_LDADD = $(posix_test_libs)
t_unit_test_postgres_CPPFLAGS = $(AM_CPPFLAGS) $(POSTGRES_CFLAGS)
t_unit_test_postgres_LDADD = plugins/libpostgres.la plugins/libcommon.la core/libcore.la $(CHECK_LIBS) $(POSTGRES_LIBS)
t_unit_test_redis_CPPFLAGS = $(AM_CPPFLAGS) $(REDIS_CFLAGS)
t_unit_test_redis_LDADD = plugins/libredis.la plugins/libcommon.la core/libcore.la $(CHECK_LIBS) $(REDIS_LIBS)
t_unit_test_s3_answers_LDADD = $(s3_test_libs)
t_unit_test_s3_keys_LDADD = $(s3_test_libs)
t_unit_test_s3_pages_LDADD = $(s3_test_libs)
t_unit_test_s3_sign_LDADD = $(s3_test_libs)
t_unit_test_s3_uri_LDADD = $(s3_test_libs)
t_unit_test_server_LDADD = $(posix_test_libs)
t_unit_test_sqlite_files_LDADD = $(sqlite_test_libs)
t_unit_test_sqlite_rows_LDADD = $(sqlite_test_libs)
t_unit_test_sqlite_tables_LDADD = $(sqlite_test_libs)
t_unit_test_text_LDADD = $(common_test_libs)

# Shell tests, run by sh. The long ones begin first, so that nobody waits for them at the end.
long_tests = \
	t/5105-error-sweep.t \
	t/5120-power-loss.t \
	t/4130-outages.t \
	t/5100-crash-sweep.t \
	t/5130-crash-s3.t \
	t/5140-crash-servers.t \
	t/6030-s3-disasters.t \
	t/5200-sequences.t \
	t/5210-model.t \
	t/3900-lying-peers.t \
	t/1420-control.t \
	t/1440-progress.t \
	t/1450-probe.t \
	$(empty)
shell_tests = \
	t/0000-lib.t \
	t/0001-style.t \
	t/0002-layers.t \
	t/0003-symbols.t \
	t/0004-manuals.t \
	t/0005-examples.t \
	t/0006-completion.t \
	t/0007-install.t \
	t/0900-fuzz.t \
	t/1400-check.t \
	t/1410-status.t \
	t/1430-verify.t \
	t/1432-verify-living.t \
	t/2000-plugin-battery.t \
	t/2001-plugin-refused.t \
	t/2002-plugin-example.t \
	t/2003-plugin-pages.t \
	t/2003-posix-conflict.t \
	t/2200-seed.t \
	t/2210-sqlite-jobs.t \
	t/2300-hostile-tree.t \
	t/2310-hostile-changes.t \
	t/2315-hostile-replace.t \
	t/2330-owners.t \
	t/2320-hostile-sparse.t \
	t/2400-s3-battery.t \
	t/2410-postgres-battery.t \
	t/2420-redis-battery.t \
	t/2430-libs3-battery.t \
	t/2440-mysql-battery.t \
	t/3000-run-conflict.t \
	t/3010-run-names.t \
	t/3020-run-places.t \
	t/3030-run-keys.t \
	t/3040-run-passes.t \
	t/3045-run-several.t t/3046-run-remake.t \
	t/3050-run-changes.t \
	t/3060-run-evidence.t \
	t/3070-run-rows.t \
	t/3080-run-dry.t \
	t/3090-run-output.t \
	t/4140-ending.t \
	t/4150-hanging.t \
	t/4160-fault-upon-fault.t \
	t/4300-trust.t \
	t/5000-faults-oracle.t \
	t/5010-sequences-oracle.t \
	t/5020-model-oracle.t \
	t/5110-crash-random.t \
	t/6000-s3-jobs.t \
	t/6010-s3-faults.t \
	t/6012-s3-hostile.t \
	t/6040-s3-credentials.t \
	t/6041-s3-renewal.t \
	t/6050-s3-places.t \
	t/6051-s3-refused.t \
	t/6052-s3-encryption.t \
	t/6053-s3-examples.t \
	t/6012-s3-upon-faults.t \
	t/6020-s3-radosgw.t \
	t/6035-s3-attributes.t \
	t/6036-s3-rewritten.t \
	t/6055-s3-changes.t \
	t/6060-s3-probe.t \
	t/6070-s3-auto.t \
	t/6071-s3-across.t \
	t/6080-libs3-jobs.t \
	t/6090-libs3-faults.t \
	t/6095-stores.t \
	t/6200-postgres-jobs.t \
	t/6210-postgres-faults.t \
	t/6220-mysql-jobs.t \
	t/6230-mysql-faults.t \
	t/6240-mysql-servers.t \
	t/6240-redis-jobs.t \
	t/6250-redis-faults.t \
	t/6260-postgres-tables.t \
	t/6270-postgres-ways.t \
	t/6271-postgres-replica.t \
	t/6280-databases.t \
	t/6280-texts.t \
	t/6283-rows-living.t \
	t/6282-texts-postgres.t \
	t/6285-texts-crash.t \
	t/6290-rows-driven.t \
	t/6295-activestorage.t \
	t/6297-wordpress.t \
	t/6300-beside-sqlite.t \
	t/6301-beside-postgres.t \
	t/6302-beside-mysql.t \
	t/6310-patience-postgres.t \
	t/6311-patience-mysql.t \
	t/6320-application.t \
	t/6330-standstill.t \
	t/8000-s3d.t \
	$(empty)

# Programs that tests use, linked with nothing of ours.
fault_programs = \
	t/faults/killat \
	t/faults/power \
	$(empty)
t_faults_killat_SOURCES = t/faults/killat.c t/faults/calls.c t/faults/calls.h t/faults/history.c \
	t/faults/history.h
t_faults_killat_LDADD =
t_faults_power_LDADD =

# What t/torture loads before the C library: there open() and open64() are two functions, and checked by nobody.
preloaded = t/faults/nth.la
check_LTLIBRARIES += $(preloaded)
t_faults_nth_la_SOURCES = t/faults/nth.c
t_faults_nth_la_CPPFLAGS = -D_GNU_SOURCE
t_faults_nth_la_CFLAGS = $(CODE_CFLAGS) $(WARNING_CFLAGS) -U_FORTIFY_SOURCE
t_faults_nth_la_LDFLAGS = -module -avoid-version -shared -rpath $(abs_builddir)

# Our own S3 server; it shares no code with what it tests.
t_servers_s3d_s3d_SOURCES = \
	t/servers/s3d/attrs.c \
	t/servers/s3d/body.c \
	t/servers/s3d/canonical.c \
	t/servers/s3d/chunked.c \
	t/servers/s3d/codec.c \
	t/servers/s3d/cond.c \
	t/servers/s3d/conn.c \
	t/servers/s3d/conn.h \
	t/servers/s3d/control.c \
	t/servers/s3d/dialect.c \
	t/servers/s3d/dialect.h \
	t/servers/s3d/fault.c \
	t/servers/s3d/fault.h \
	t/servers/s3d/http.c \
	t/servers/s3d/http.h \
	t/servers/s3d/list.c \
	t/servers/s3d/log.c \
	t/servers/s3d/main.c \
	t/servers/s3d/multipart-end.c \
	t/servers/s3d/multipart-list.c \
	t/servers/s3d/multipart.c \
	t/servers/s3d/null.c \
	t/servers/s3d/ops-bucket.c \
	t/servers/s3d/ops-copy.c \
	t/servers/s3d/ops-delete.c \
	t/servers/s3d/ops-object.c \
	t/servers/s3d/ops-tag.c \
	t/servers/s3d/reply.c \
	t/servers/s3d/route.c \
	t/servers/s3d/s3d.h \
	t/servers/s3d/send.c \
	t/servers/s3d/serve.c \
	t/servers/s3d/sign-v2.c \
	t/servers/s3d/sign.c \
	t/servers/s3d/skip.c \
	t/servers/s3d/skip.h \
	t/servers/s3d/store.c \
	t/servers/s3d/store.h \
	t/servers/s3d/sums.c \
	t/servers/s3d/text.c \
	t/servers/s3d/text.h \
	t/servers/s3d/xml.c \
	t/servers/s3d/xml.h \
	$(empty)
t_servers_s3d_s3d_CPPFLAGS = $(COMMON_CPPFLAGS) $(S3D_CFLAGS)
t_servers_s3d_s3d_LDADD = $(S3D_LIBS)
if HAVE_S3D
servers = t/servers/s3d/s3d
check_PROGRAMS += $(servers)
else
servers =
endif

# What t/bench/rows measures the swap with.
bench_programs = t/bench/swap
t_bench_swap_LDADD = core/libmigrate.la

# Fuzz targets: t/fuzz/NAME is made of t/fuzz/NAME.c and, without a fuzzer, replay.c.
fuzz_programs = \
	t/fuzz/fuzz-job \
	t/fuzz/fuzz-text \
	$(empty)
fuzz_headers = t/fuzz/ensure.h t/fuzz/s3-fixture.h
redis_fuzz_programs = t/fuzz/fuzz-redis
s3_fuzz_programs = \
	t/fuzz/fuzz-s3-answer \
	t/fuzz/fuzz-s3-keys \
	t/fuzz/fuzz-s3-listing \
	$(empty)
if PLUGIN_REDIS
fuzz_programs += $(redis_fuzz_programs)
endif
if PLUGIN_S3
fuzz_programs += $(s3_fuzz_programs)
endif
if FUZZING
fuzz_main =
else
fuzz_main = t/fuzz/replay.c
endif
t_fuzz_fuzz_job_SOURCES = t/fuzz/fuzz-job.c $(fuzz_main)
t_fuzz_fuzz_job_LDADD = core/libcore.la
t_fuzz_fuzz_job_LDFLAGS = $(fuzz_ldflags)
fuzz_ldflags = $(AM_LDFLAGS) $(FUZZING_LDFLAGS)
s3_fuzz_libs = plugins/libs3store.la plugins/libcommon.la core/libcore.la $(S3_LIBS)
t_fuzz_fuzz_redis_SOURCES = t/fuzz/fuzz-redis.c $(fuzz_main)
t_fuzz_fuzz_redis_CPPFLAGS = $(AM_CPPFLAGS) $(REDIS_CFLAGS)
t_fuzz_fuzz_redis_LDADD = plugins/libredis.la plugins/libcommon.la core/libcore.la $(REDIS_LIBS)
t_fuzz_fuzz_redis_LDFLAGS = $(fuzz_ldflags)
t_fuzz_fuzz_s3_answer_SOURCES = t/fuzz/fuzz-s3-answer.c $(fuzz_main)
t_fuzz_fuzz_s3_answer_LDADD = $(s3_fuzz_libs)
t_fuzz_fuzz_s3_answer_LDFLAGS = $(fuzz_ldflags)
t_fuzz_fuzz_s3_keys_SOURCES = t/fuzz/fuzz-s3-keys.c $(fuzz_main)
t_fuzz_fuzz_s3_keys_LDADD = $(s3_fuzz_libs)
t_fuzz_fuzz_s3_keys_LDFLAGS = $(fuzz_ldflags)
t_fuzz_fuzz_s3_listing_SOURCES = t/fuzz/fuzz-s3-listing.c $(fuzz_main)
t_fuzz_fuzz_s3_listing_LDADD = $(s3_fuzz_libs)
t_fuzz_fuzz_s3_listing_LDFLAGS = $(fuzz_ldflags)
t_fuzz_fuzz_text_SOURCES = t/fuzz/fuzz-text.c $(fuzz_main)
t_fuzz_fuzz_text_LDADD = core/libcore.la
t_fuzz_fuzz_text_LDFLAGS = $(fuzz_ldflags)

LDADD = core/libcore.la $(CHECK_LIBS)
check_PROGRAMS += $(fault_programs) $(bench_programs) $(fuzz_programs)
TESTS = $(long_tests) $(shell_tests)
if HAVE_CHECK
check_PROGRAMS += $(unit_tests)
TESTS += $(unit_tests)
if PLUGIN_LIBS3
check_PROGRAMS += $(libs3_unit_tests)
TESTS += $(libs3_unit_tests)
endif
if PLUGIN_MYSQL
check_PROGRAMS += $(mysql_unit_tests)
TESTS += $(mysql_unit_tests)
endif
if PLUGIN_POSTGRES
check_PROGRAMS += $(postgres_unit_tests)
TESTS += $(postgres_unit_tests)
endif
if PLUGIN_REDIS
check_PROGRAMS += $(redis_unit_tests)
TESTS += $(redis_unit_tests)
endif
if PLUGIN_S3
check_PROGRAMS += $(s3_unit_tests)
TESTS += $(s3_unit_tests)
endif
endif

TEST_EXTENSIONS = .t
tap_driver = env AM_TAP_AWK='$(AWK)' $(SHELL) $(top_srcdir)/etc/build-aux/tap-driver.sh
LOG_DRIVER = $(tap_driver)
T_LOG_DRIVER = $(tap_driver)
T_LOG_COMPILER = sh
# What failed was said, and is counted once; a test that dies has no plan, which is an error.
AM_T_LOG_DRIVER_FLAGS = --ignore-exit
AM_TESTS_ENVIRONMENT = \
	srcdir='$(srcdir)'; builddir='$(abs_builddir)'; CC='$(CC)'; \
	SANITIZERS='$(SANITIZERS)'; FUZZING='$(FUZZING)'; \
	export srcdir builddir CC SANITIZERS FUZZING;

# They install from the build, and libtool links the plugins again, in place, for that:
# they run when all the others are done.
t/0007-install.log: $(filter-out t/0007-install.log t/2002-plugin-example.log,$(TEST_LOGS))
t/2002-plugin-example.log: $(filter-out t/2002-plugin-example.log,$(TEST_LOGS))

# ---- The stages of CI: build-STAGE makes what check-STAGE tests ------------------
build-plain: all
	$(MAKE) $(AM_MAKEFLAGS) $(check_PROGRAMS) $(preloaded)
# Plain: all but what the sanitized stage runs and is long. `make check` runs that too.
sanitized_only = t/4300-trust.t t/6012-s3-hostile.t t/6012-s3-upon-faults.t \
	t/6030-s3-disasters.t t/6090-libs3-faults.t \
	t/6210-postgres-faults.t t/6230-mysql-faults.t t/6250-redis-faults.t
check-plain:
	$(MAKE) $(AM_MAKEFLAGS) check TESTS='$(filter-out $(sanitized_only),$(TESTS))'

# Quick: what covers most in a second, for whoever changes something, and as a user without rights.
quick_tests = t/0000-lib.t t/0001-style.t t/0002-layers.t t/0003-symbols.t t/0004-manuals.t \
	t/1400-check.t t/1410-status.t t/1430-verify.t t/2003-posix-conflict.t t/2210-sqlite-jobs.t \
	t/2300-hostile-tree.t $(filter t/30%,$(shell_tests)) t/4140-ending.t t/6010-s3-faults.t \
	$(filter t/unit/%,$(TESTS))
check-quick:
	$(MAKE) $(AM_MAKEFLAGS) check-TESTS TESTS='$(quick_tests)'

# As a user without rights: the quick ones but those that only read the tree, which nobody changes.
read_the_tree = t/0001-style.t t/0002-layers.t t/0003-symbols.t t/0004-manuals.t
check-unprivileged:
	$(MAKE) $(AM_MAKEFLAGS) check-TESTS TESTS='$(filter-out $(read_the_tree),$(quick_tests))'

# Sanitized: all but what reads the tree, tries what is not C of ours, sweeps one fault at a time
# (sequences of them, t/5200, go the same ways), moves much through S3 (others do so less), or
# waits beside an application (the databases' other tests read the same answers).
not_sanitized = $(read_the_tree) \
	t/0005-examples.t t/0006-completion.t t/0007-install.t t/2200-seed.t t/6000-s3-jobs.t t/6010-s3-faults.t \
	t/6055-s3-changes.t t/8000-s3d.t \
	t/6301-beside-postgres.t t/6302-beside-mysql.t t/6310-patience-postgres.t t/6311-patience-mysql.t \
	t/6320-application.t t/6330-standstill.t \
	$(filter t/50% t/51%,$(long_tests) $(shell_tests))
# The corpus is replayed with the same sanitizers by the stage that goes on from it.
not_sanitized += t/0900-fuzz.t
sanitized_programs = $(filter-out $(fuzz_programs) $(bench_programs),$(check_PROGRAMS))
build-sanitized: all
	$(MAKE) $(AM_MAKEFLAGS) $(sanitized_programs) $(preloaded)
check-sanitized:
	$(MAKE) $(AM_MAKEFLAGS) check-TESTS TESTS='$(filter-out $(not_sanitized),$(TESTS))' \
		check_PROGRAMS='$(sanitized_programs)'

# Under the thread sanitizer: where threads meet.
thread_unit_tests = \
	t/unit/test-journal-full \
	t/unit/test-journal-queue \
	t/unit/test-journal-threads \
	t/unit/test-plugin-streams \
	t/unit/test-progress \
	t/unit/test-server \
	t/unit/test-window-threads \
	$(empty)
thread_tests = \
	$(filter t/30%,$(shell_tests)) \
	t/1420-control.t \
	t/2210-sqlite-jobs.t \
	t/5110-crash-random.t \
	$(thread_unit_tests)
thread_programs = $(fault_programs) $(thread_unit_tests)
build-threads: all
	$(MAKE) $(AM_MAKEFLAGS) $(thread_programs)
check-threads:
	$(MAKE) $(AM_MAKEFLAGS) check-TESTS TESTS='$(thread_tests)' check_PROGRAMS='$(thread_programs)'

build-fuzz: $(fuzz_programs)
check-fuzz:
	$(MAKE) $(AM_MAKEFLAGS) check-TESTS TESTS=t/0900-fuzz.t check_PROGRAMS='$(fuzz_programs)'
.PHONY: build-plain build-sanitized build-threads build-fuzz \
	check-plain check-quick check-unprivileged check-sanitized check-threads check-fuzz

EXTRA_DIST += $(unit_headers) t/unit/kept.sql $(fuzz_headers) $(long_tests) $(shell_tests) t/README t/lib.sh t/stubs t/stubs.list t/fuzz/replay.c t/fuzz/corpus
EXTRA_DIST += t/bench/README t/bench/beside t/bench/database t/bench/lib.sh t/bench/measure t/bench/million \
	t/bench/posix t/bench/ratios t/bench/rows t/bench/s3
EXTRA_DIST += t/faults/README t/faults/ends.py t/faults/leaks t/torture t/4170-torture.t t/faults/invariants t/faults/lib.sh t/faults/poller \
	t/faults/pretend t/faults/psql-bytes t/faults/sequence t/faults/spoil t/faults/world \
	t/faults/chance.py t/faults/changes.py t/faults/durable.py t/faults/helpers.py t/faults/ledger.py \
	t/faults/lines.py t/faults/model.py t/faults/oracle.py t/faults/places.py t/faults/play.py \
	t/faults/rowcheck.py t/faults/shrink.py t/faults/steps.py t/faults/worlds.py
EXTRA_DIST += t/model/README t/model/spoil t/model/stories \
	t/model/draws.py t/model/edits.py t/model/foretold.py t/model/hold.py t/model/memory.py \
	t/model/pages.py t/model/said.py t/model/scene.py t/model/settings.py t/model/story.py t/model/strikes.py \
	t/model/verdict.py t/model/words.py
EXTRA_DIST += t/servers/keysd.sh t/servers/keysd/keysd.py t/servers/connectd/connectd.py
EXTRA_DIST += t/servers/liard/general.py t/servers/liard/liard.py t/servers/liard/lies.py \
	t/servers/liard/of_mysql.py t/servers/liard/of_postgres.py t/servers/liard/of_redis.py \
	t/servers/liard/speaks.py
EXTRA_DIST += t/servers/swift/up.sh t/servers/swift/down.sh
EXTRA_DIST += t/servers/s3.sh t/servers/s3-tool t/servers/s3client.py t/servers/s3d/README \
	t/servers/s3d/s3d-check t/servers/s3d/checks.py t/servers/s3d/faults.py \
	t/servers/s3d/generic.py t/servers/s3d/strict.py \
	t/servers/radosgw/down.sh t/servers/radosgw/up.sh
EXTRA_DIST += t/servers/redis.sh t/servers/redis/up.sh t/servers/redis/down.sh t/servers/tls.sh
EXTRA_DIST += t/servers/postgres.sh t/servers/postgres/up.sh t/servers/postgres/down.sh \
	t/servers/mariadb.sh t/servers/mariadb/up.sh t/servers/mariadb/down.sh t/servers/dbproxy/dbproxy.py \
	t/servers/application/application t/servers/application/drivers.py t/servers/beside.sh t/servers/common.sh
