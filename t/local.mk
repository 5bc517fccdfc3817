# SPDX-License-Identifier: MIT
# Tests: all speak TAP. One a line, sorted; a file is listed once it exists.

# Unit tests, linked with the archive: t/unit/NAME is made of t/unit/NAME.c.
unit_tests = \
	t/unit/test-base \
	t/unit/test-control \
	t/unit/test-ends \
	t/unit/test-escape \
	t/unit/test-format \
	t/unit/test-job \
	t/unit/test-job-page \
	t/unit/test-job-refused \
	t/unit/test-journal-batches \
	t/unit/test-journal-crash \
	t/unit/test-journal-damage \
	t/unit/test-journal-errors \
	t/unit/test-journal-full \
	t/unit/test-journal-merge \
	t/unit/test-journal-open \
	t/unit/test-journal-records \
	t/unit/test-journal-threads \
	t/unit/test-json \
	t/unit/test-pattern \
	t/unit/test-plugin-calls \
	t/unit/test-plugin-streams \
	t/unit/test-posix-list \
	t/unit/test-posix-parts \
	t/unit/test-posix-write \
	t/unit/test-progress \
	t/unit/test-rename \
	t/unit/test-schema \
	t/unit/test-sorter \
	t/unit/test-sqlite \
	$(empty)

# What several of them include.
unit_headers = \
	t/unit/job-fixture.h \
	t/unit/journal-help.h \
	t/unit/plugin-fixture.h \
	t/unit/posix-fixture.h \
	t/unit/sqlite-fixture.h \
	$(empty)

# Tests of a plugin's inside link its archive too.
posix_test_libs = plugins/libposix.la core/libcore.la $(CHECK_LIBS)
sqlite_test_libs = plugins/libsqlite.la core/libcore.la $(CHECK_LIBS) $(SQLITE_LIBS)
t_unit_test_posix_list_LDADD = $(posix_test_libs)
t_unit_test_sqlite_LDADD = $(sqlite_test_libs)
t_unit_test_posix_parts_LDADD = $(posix_test_libs)
t_unit_test_posix_write_LDADD = $(posix_test_libs)

# Shell tests, run by sh.
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
	t/1420-control.t \
	t/1430-verify.t \
	t/1440-progress.t \
	t/2000-plugin-battery.t \
	t/2001-plugin-refused.t \
	t/2002-plugin-example.t \
	t/2003-plugin-pages.t \
	t/2200-seed.t \
	t/2210-sqlite-jobs.t \
	t/2300-hostile-tree.t \
	t/2310-hostile-changes.t \
	t/2320-hostile-sparse.t \
	t/4130-outages.t \
	t/5000-faults-oracle.t \
	t/5100-crash-sweep.t \
	t/5105-error-sweep.t \
	t/5110-crash-random.t \
	t/5120-power-loss.t \
	$(empty)

# Programs that tests use, linked with nothing of ours.
fault_programs = \
	t/faults/killat \
	t/faults/power \
	$(empty)
t_faults_killat_SOURCES = t/faults/killat.c t/faults/calls.c t/faults/calls.h
t_faults_killat_LDADD =
t_faults_power_LDADD =

# What t/bench/rows measures the swap with.
bench_programs = t/bench/swap
t_bench_swap_LDADD = core/libmigrate.la

# Fuzz targets: t/fuzz/NAME is made of t/fuzz/NAME.c and, without a fuzzer, replay.c.
fuzz_programs = \
	t/fuzz/fuzz-job \
	$(empty)
if FUZZING
fuzz_main =
else
fuzz_main = t/fuzz/replay.c
endif
t_fuzz_fuzz_job_SOURCES = t/fuzz/fuzz-job.c $(fuzz_main)
t_fuzz_fuzz_job_LDADD = core/libcore.la
t_fuzz_fuzz_job_LDFLAGS = $(AM_LDFLAGS) $(FUZZING_LDFLAGS)

LDADD = core/libcore.la $(CHECK_LIBS)
check_PROGRAMS += $(fault_programs) $(bench_programs) $(fuzz_programs)
TESTS = $(shell_tests)
if HAVE_CHECK
check_PROGRAMS += $(unit_tests)
TESTS += $(unit_tests)
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

# What CI runs under the thread sanitizer: where threads meet.
thread_tests = \
	t/unit/test-plugin-streams \
	t/1420-control.t \
	t/2210-sqlite-jobs.t \
	t/unit/test-journal-full \
	t/unit/test-journal-threads \
	$(empty)
check-threads:
	$(MAKE) $(AM_MAKEFLAGS) check TESTS='$(thread_tests)'
check-fuzz:
	$(MAKE) $(AM_MAKEFLAGS) check TESTS=t/0900-fuzz.t
.PHONY: check-threads check-fuzz

EXTRA_DIST += $(unit_headers) $(shell_tests) t/README t/lib.sh t/fuzz/replay.c t/fuzz/corpus
EXTRA_DIST += t/bench/README t/bench/lib.sh t/bench/measure t/bench/million t/bench/posix \
	t/bench/ratios t/bench/rows
EXTRA_DIST += t/faults/README t/faults/ends.py t/faults/invariants t/faults/lib.sh t/faults/poller \
	t/faults/pretend t/faults/world
