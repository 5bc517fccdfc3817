# SPDX-License-Identifier: MIT
# Sources of libmigrate and of the programs: one file a line, sorted. A file is
# listed once it exists. Each list ends with $(empty), so that every line above
# it may end with a backslash.
#
# The code gets MIGRATE_VERSION and MIGRATE_PLUGIN_DIR as string macros.

empty =

base_sources = \
	core/base/arena.c \
	core/base/arena.h \
	core/base/array.h \
	core/base/banned.h \
	core/base/buf.c \
	core/base/buf.h \
	core/base/bytes.h \
	core/base/clock.c \
	core/base/clock.h \
	core/base/digest.c \
	core/base/digest.h \
	core/base/edits.c \
	core/base/edits.h \
	core/base/error.c \
	core/base/error.h \
	core/base/escape.c \
	core/base/escape.h \
	core/base/filter.c \
	core/base/filter.h \
	core/base/log.c \
	core/base/log.h \
	core/base/nearest.c \
	core/base/nearest.h \
	core/base/sorter-file.c \
	core/base/sorter-impl.h \
	core/base/sorter-merge.c \
	core/base/sorter.c \
	core/base/sorter.h \
	core/base/trust.c \
	core/base/trust.h \
	$(empty)

job_sources = \
	core/job/canonical.c \
	core/job/compare.c \
	core/job/environment.c \
	core/job/expand.c \
	core/job/injective.c \
	core/job/job-ends.c \
	core/job/job-file.c \
	core/job/job-impl.h \
	core/job/job-schema.c \
	core/job/job.c \
	core/job/job.h \
	core/job/layout.c \
	core/job/layout.h \
	core/job/pattern.c \
	core/job/pattern.h \
	core/job/php.c \
	core/job/php.h \
	core/job/problems.c \
	core/job/rename-impl.h \
	core/job/rename-parse.c \
	core/job/rename.c \
	core/job/rename.h \
	core/job/replace.c \
	core/job/replace.h \
	core/job/schema-canonical.c \
	core/job/schema-impl.h \
	core/job/schema-json.c \
	core/job/schema-parse.c \
	core/job/schema-print.c \
	core/job/schema-scalar.c \
	core/job/schema-secret.c \
	core/job/schema.c \
	core/job/schema.h \
	core/job/secret.c \
	core/job/secret.h \
	core/job/sections.c \
	core/job/select.c \
	core/job/select.h \
	core/job/spelling.c \
	core/job/spelling.h \
	core/job/tree.c \
	core/job/url.c \
	core/job/validate.c \
	core/job/validate.h \
	core/job/yaml-check.c \
	core/job/yaml-impl.h \
	core/job/yaml.c \
	core/job/yaml.h \
	$(empty)

plugin_sources = \
	core/plugin/attributes.c \
	core/plugin/cache.c \
	core/plugin/call.c \
	core/plugin/check.c \
	core/plugin/conformance-awkward.c \
	core/plugin/conformance-cache.c \
	core/plugin/conformance-copy.c \
	core/plugin/conformance-impl.h \
	core/plugin/conformance-list.c \
	core/plugin/conformance-measure.c \
	core/plugin/conformance-read.c \
	core/plugin/conformance-rewrite.c \
	core/plugin/conformance-rows.c \
	core/plugin/conformance-rows.h \
	core/plugin/conformance-store.c \
	core/plugin/conformance-threads.c \
	core/plugin/conformance-upload.c \
	core/plugin/conformance-write.c \
	core/plugin/conformance.c \
	core/plugin/conformance.h \
	core/plugin/database.c \
	core/plugin/rewrite.c \
	core/plugin/describe.c \
	core/plugin/end-impl.h \
	core/plugin/end.c \
	core/plugin/end.h \
	core/plugin/held.c \
	core/plugin/host.c \
	core/plugin/list.c \
	core/plugin/load.c \
	core/plugin/load.h \
	core/plugin/measure.c \
	core/plugin/object.c \
	core/plugin/operations.c \
	core/plugin/options.c \
	core/plugin/plugin.c \
	core/plugin/plugin.h \
	core/plugin/ring.c \
	core/plugin/status.c \
	core/plugin/store.c \
	core/plugin/stream-impl.h \
	core/plugin/stream.c \
	core/plugin/stream.h \
	core/plugin/upload.c \
	$(empty)

journal_sources = \
	core/journal/aside.c \
	core/journal/batch.c \
	core/journal/check.c \
	core/journal/file.c \
	core/journal/find.c \
	core/journal/journal-impl.h \
	core/journal/journal.c \
	core/journal/journal.h \
	core/journal/lock.c \
	core/journal/merge.c \
	core/journal/names.c \
	core/journal/object.c \
	core/journal/plan.c \
	core/journal/read.c \
	core/journal/record.c \
	core/journal/rows.c \
	core/journal/scratch.c \
	core/journal/settle.c \
	core/journal/sql.c \
	core/journal/sql.h \
	core/journal/statement.c \
	core/journal/statement.h \
	core/journal/sum.c \
	core/journal/tables.c \
	core/journal/texts.c \
	core/journal/wal.c \
	core/journal/writer.c \
	$(empty)

engine_sources = \
	core/engine/again.c \
	core/engine/again.h \
	core/engine/attributes.c \
	core/engine/attributes.h \
	core/engine/auto.c \
	core/engine/auto.h \
	core/engine/begin.c \
	core/engine/begin.h \
	core/engine/builder.c \
	core/engine/check-journal.c \
	core/engine/check-keys.c \
	core/engine/check-rows.c \
	core/engine/check-texts.c \
	core/engine/check.c \
	core/engine/check.h \
	core/engine/collide.c \
	core/engine/compare.c \
	core/engine/control.c \
	core/engine/control.h \
	core/engine/copier.c \
	core/engine/copier.h \
	core/engine/copy.c \
	core/engine/crew.c \
	core/engine/crew.h \
	core/engine/delta.c \
	core/engine/delta.h \
	core/engine/dry-done.c \
	core/engine/dry-journal.c \
	core/engine/dry-print.c \
	core/engine/dry-texts.c \
	core/engine/dry.c \
	core/engine/dry-impl.h \
	core/engine/dry.h \
	core/engine/ends.c \
	core/engine/ends.h \
	core/engine/engine.c \
	core/engine/engine.h \
	core/engine/feeder.c \
	core/engine/feeder.h \
	core/engine/find.c \
	core/engine/fit.c \
	core/engine/gate.c \
	core/engine/gate.h \
	core/engine/invalidate.c \
	core/engine/keys-file.c \
	core/engine/keys-impl.h \
	core/engine/keys-pairs.c \
	core/engine/keys-rows.c \
	core/engine/keys.c \
	core/engine/keys.h \
	core/engine/known.c \
	core/engine/known.h \
	core/engine/lag.c \
	core/engine/losses.c \
	core/engine/options.h \
	core/engine/pace.c \
	core/engine/pace.h \
	core/engine/made.c \
	core/engine/made.h \
	core/engine/parts.c \
	core/engine/parts.h \
	core/engine/planner.c \
	core/engine/planner.h \
	core/engine/png.c \
	core/engine/png.h \
	core/engine/probe-attributes.c \
	core/engine/probe-copies.c \
	core/engine/probe-impl.h \
	core/engine/probe-keys.c \
	core/engine/probe-writes.c \
	core/engine/probe.c \
	core/engine/probe.h \
	core/engine/record.c \
	core/engine/remake.c \
	core/engine/retry-rows.c \
	core/engine/retry.c \
	core/engine/retry.h \
	core/engine/rewriter.c \
	core/engine/rewriter.h \
	core/engine/rows-older.c \
	core/engine/rows-older.h \
	core/engine/rowscan.c \
	core/engine/run.c \
	core/engine/run.h \
	core/engine/saver.c \
	core/engine/scan.c \
	core/engine/scan.h \
	core/engine/scratch.c \
	core/engine/scratch.h \
	core/engine/seed-names.c \
	core/engine/seed.c \
	core/engine/seed.h \
	core/engine/signals.c \
	core/engine/signals.h \
	core/engine/sizes.c \
	core/engine/sizes.h \
	core/engine/status-json.c \
	core/engine/status.c \
	core/engine/status.h \
	core/engine/step-back.c \
	core/engine/stride.c \
	core/engine/stride.h \
	core/engine/swap-held.c \
	core/engine/swap-impl.h \
	core/engine/swap.c \
	core/engine/syncer.c \
	core/engine/tell.c \
	core/engine/ticker.c \
	core/engine/texts.c \
	core/engine/texts.h \
	core/engine/ticker.h \
	core/engine/transfer.c \
	core/engine/tune.c \
	core/engine/tune.h \
	core/engine/turn.c \
	core/engine/twin.c \
	core/engine/unchanged.c \
	core/engine/unindexed.c \
	core/engine/uploads.c \
	core/engine/uploads.h \
	core/engine/verify-held.c \
	core/engine/verify-impl.h \
	core/engine/verify-lost.c \
	core/engine/verify-objects.c \
	core/engine/verify-rows.c \
	core/engine/verify-texts.c \
	core/engine/verify-worker.c \
	core/engine/verify.c \
	core/engine/verify.h \
	core/engine/watchdog.c \
	core/engine/window.c \
	$(empty)

report_sources = \
	core/report/format.c \
	core/report/json.c \
	core/report/json.h \
	core/report/line-json.c \
	core/report/line.c \
	core/report/progress-impl.h \
	core/report/progress.c \
	core/report/progress.h \
	core/report/rates.c \
	$(empty)

# Everything but the programs, as an archive: unit tests link it, and the
# library is made of it. Not compiled with hidden visibility: the map decides.
noinst_LTLIBRARIES += core/libcore.la
core_libcore_la_SOURCES = $(base_sources) $(job_sources) $(plugin_sources) \
	$(journal_sources) $(engine_sources) $(report_sources)
core_libcore_la_CPPFLAGS = $(AM_CPPFLAGS) $(YAML_CFLAGS) $(SQLITE_CFLAGS) $(CRYPTO_CFLAGS) \
	$(PCRE2_CFLAGS) $(ZLIB_CFLAGS)
core_libcore_la_LIBADD = $(YAML_LIBS) $(SQLITE_LIBS) $(CRYPTO_LIBS) $(PCRE2_LIBS) $(ZLIB_LIBS)

lib_LTLIBRARIES += core/libmigrate.la
core_libmigrate_la_SOURCES =
core_libmigrate_la_LIBADD = core/libcore.la
core_libmigrate_la_LDFLAGS = $(AM_LDFLAGS) -version-info 1:0:0 -Wl,-Bsymbolic-functions \
	-Wl,--version-script=$(top_srcdir)/core/libmigrate.map
core_libmigrate_la_DEPENDENCIES = core/libcore.la core/libmigrate.map
EXTRA_DIST += core/ARCHITECTURE core/libmigrate.map

# ---- Programs: migrate-NAME is core/cmd/NAME.c and what they share ------------
# What they share, compiled once.
program_common = \
	core/cmd/command.c \
	core/cmd/command.h \
	core/cmd/print.c \
	core/cmd/print.h \
	core/cmd/status-explain.c \
	core/cmd/status-find.c \
	core/cmd/status-find.h \
	core/cmd/subject.c \
	core/cmd/subject.h \
	$(empty)
noinst_LIBRARIES += core/libcmd.a
core_libcmd_a_SOURCES = $(program_common)
core_libcmd_a_CFLAGS = $(program_cflags)
program_libs = core/libcmd.a core/libmigrate.la
program_cflags = $(AM_CFLAGS) $(PROGRAM_CFLAGS)
program_ldflags = $(AM_LDFLAGS) $(PROGRAM_LDFLAGS)

programs = \
	core/cmd/migrate-check \
	core/cmd/migrate-control \
	core/cmd/migrate-plugin \
	core/cmd/migrate-run \
	core/cmd/migrate-seed \
	core/cmd/migrate-status \
	core/cmd/migrate-verify \
	$(empty)
bin_PROGRAMS += $(programs)

core_cmd_migrate_check_SOURCES = core/cmd/check.c core/cmd/check-report.c core/cmd/check-report.h
core_cmd_migrate_check_CFLAGS = $(program_cflags)
core_cmd_migrate_check_LDFLAGS = $(program_ldflags)
core_cmd_migrate_check_LDADD = $(program_libs)

core_cmd_migrate_control_SOURCES = core/cmd/control.c
core_cmd_migrate_control_CFLAGS = $(program_cflags)
core_cmd_migrate_control_LDFLAGS = $(program_ldflags)
core_cmd_migrate_control_LDADD = $(program_libs)

core_cmd_migrate_plugin_SOURCES = core/cmd/plugin.c
core_cmd_migrate_plugin_CFLAGS = $(program_cflags)
core_cmd_migrate_plugin_LDFLAGS = $(program_ldflags)
core_cmd_migrate_plugin_LDADD = $(program_libs)

core_cmd_migrate_run_SOURCES = core/cmd/run.c
core_cmd_migrate_run_CFLAGS = $(program_cflags)
core_cmd_migrate_run_LDFLAGS = $(program_ldflags)
core_cmd_migrate_run_LDADD = $(program_libs)

core_cmd_migrate_seed_SOURCES = core/cmd/seed.c
core_cmd_migrate_seed_CFLAGS = $(program_cflags)
core_cmd_migrate_seed_LDFLAGS = $(program_ldflags)
core_cmd_migrate_seed_LDADD = $(program_libs)

core_cmd_migrate_status_SOURCES = core/cmd/status.c
core_cmd_migrate_status_CFLAGS = $(program_cflags)
core_cmd_migrate_status_LDFLAGS = $(program_ldflags)
core_cmd_migrate_status_LDADD = $(program_libs)

core_cmd_migrate_verify_SOURCES = core/cmd/verify.c
core_cmd_migrate_verify_CFLAGS = $(program_cflags)
core_cmd_migrate_verify_LDFLAGS = $(program_ldflags)
core_cmd_migrate_verify_LDADD = $(program_libs)
