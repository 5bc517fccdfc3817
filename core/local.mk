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
	core/base/utf8.c \
	core/base/utf8.h \
	$(empty)

job_sources = \
	core/job/canonical.c \
	core/job/compare.c \
	core/job/environment.c \
	core/job/job-ends.c \
	core/job/job-file.c \
	core/job/job-impl.h \
	core/job/job-documents.c \
	core/job/job.c \
	core/job/job.h \
	core/job/keys/injective.c \
	core/job/keys/layout.c \
	core/job/keys/layout.h \
	core/job/keys/pattern.c \
	core/job/keys/pattern.h \
	core/job/keys/rename-impl.h \
	core/job/keys/rename-parse.c \
	core/job/keys/rename.c \
	core/job/keys/rename.h \
	core/job/keys/select.c \
	core/job/keys/select.h \
	core/job/schema/canonical.c \
	core/job/schema/json.c \
	core/job/schema/parse.c \
	core/job/schema/print.c \
	core/job/schema/scalar.c \
	core/job/schema/schema-impl.h \
	core/job/schema/schema.c \
	core/job/schema/schema.h \
	core/job/schema/secret-options.c \
	core/job/schema/secret.c \
	core/job/schema/secret.h \
	core/job/schema/url.c \
	core/job/schema/validate.c \
	core/job/schema/validate.h \
	core/job/options.c \
	core/job/texts/php.c \
	core/job/texts/php.h \
	core/job/texts/replace.c \
	core/job/texts/replace.h \
	core/job/texts/spelling.c \
	core/job/texts/spelling.h \
	core/job/yaml/check.c \
	core/job/yaml/expand.c \
	core/job/yaml/problems.c \
	core/job/yaml/tree.c \
	core/job/yaml/yaml-impl.h \
	core/job/yaml/yaml.c \
	core/job/yaml/yaml.h \
	$(empty)

plugin_sources = \
	core/plugin/attributes.c \
	core/plugin/cache.c \
	core/plugin/call.c \
	core/plugin/check.c \
	core/plugin/conformance/awkward.c \
	core/plugin/conformance/cache.c \
	core/plugin/conformance/conformance-impl.h \
	core/plugin/conformance/conformance.c \
	core/plugin/conformance/conformance.h \
	core/plugin/conformance/copy.c \
	core/plugin/conformance/list.c \
	core/plugin/conformance/measure.c \
	core/plugin/conformance/read.c \
	core/plugin/conformance/rewrite.c \
	core/plugin/conformance/rows.c \
	core/plugin/conformance/rows.h \
	core/plugin/conformance/store.c \
	core/plugin/conformance/threads.c \
	core/plugin/conformance/upload.c \
	core/plugin/conformance/write.c \
	core/plugin/database.c \
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
	core/plugin/rewrite.c \
	core/plugin/ring.c \
	core/plugin/status.c \
	core/plugin/store.c \
	core/plugin/stream-impl.h \
	core/plugin/stream.c \
	core/plugin/stream.h \
	core/plugin/upload.c \
	$(empty)

journal_sources = \
	core/journal/backend.h \
	core/journal/batch.c \
	core/journal/claim.c \
	core/journal/find.c \
	core/journal/journal-impl.h \
	core/journal/journal.c \
	core/journal/journal.h \
	core/journal/lookaside.h \
	core/journal/merge.c \
	core/journal/names.c \
	core/journal/object.c \
	core/journal/plan.c \
	core/journal/queue.c \
	core/journal/read.c \
	core/journal/record.c \
	core/journal/result.c \
	core/journal/rows.c \
	core/journal/sqlite/aside.c \
	core/journal/sqlite/asked.c \
	core/journal/sqlite/backend.c \
	core/journal/sqlite/batch.c \
	core/journal/sqlite/change.c \
	core/journal/sqlite/check.c \
	core/journal/sqlite/claim.c \
	core/journal/sqlite/file.c \
	core/journal/sqlite/key.c \
	core/journal/sqlite/lock.c \
	core/journal/sqlite/lookaside.c \
	core/journal/sqlite/object.c \
	core/journal/sqlite/open.c \
	core/journal/sqlite/place.c \
	core/journal/sqlite/record.c \
	core/journal/sqlite/row.c \
	core/journal/sqlite/settle.c \
	core/journal/sqlite/sql.c \
	core/journal/sqlite/sql.h \
	core/journal/sqlite/sqlite-impl.h \
	core/journal/sqlite/statement.c \
	core/journal/sqlite/statement.h \
	core/journal/sqlite/tables.c \
	core/journal/sqlite/transaction.c \
	core/journal/sqlite/log-check.c \
	core/journal/sum.c \
	core/journal/sum.h \
	core/journal/texts.c \
	$(empty)

engine_sources = \
	core/engine/check/check.c \
	core/engine/check/check.h \
	core/engine/check/journal.c \
	core/engine/check/keys.c \
	core/engine/check/rows.c \
	core/engine/check/texts.c \
	core/engine/copy/attributes-only.c \
	core/engine/copy/compare.c \
	core/engine/copy/conclude.c \
	core/engine/copy/copier.c \
	core/engine/copy/copier.h \
	core/engine/copy/copy.c \
	core/engine/copy/existing.c \
	core/engine/copy/hand.c \
	core/engine/copy/look.c \
	core/engine/copy/losses.c \
	core/engine/copy/parts-plan.c \
	core/engine/copy/parts.c \
	core/engine/copy/parts.h \
	core/engine/copy/transfer.c \
	core/engine/copy/uploads.c \
	core/engine/copy/uploads.h \
	core/engine/copy/write.c \
	core/engine/dry/begin.c \
	core/engine/dry/delta.c \
	core/engine/dry/done.c \
	core/engine/dry/dry-impl.h \
	core/engine/dry/dry.c \
	core/engine/dry/dry.h \
	core/engine/dry/print.c \
	core/engine/dry/texts.c \
	core/engine/plan/builder.c \
	core/engine/plan/collide.c \
	core/engine/plan/delta.c \
	core/engine/plan/delta.h \
	core/engine/plan/keys-file.c \
	core/engine/plan/keys-impl.h \
	core/engine/plan/keys-pairs.c \
	core/engine/plan/keys-rows.c \
	core/engine/plan/keys.c \
	core/engine/plan/keys.h \
	core/engine/plan/listing.c \
	core/engine/plan/made.c \
	core/engine/plan/made.h \
	core/engine/plan/planner.c \
	core/engine/plan/planner.h \
	core/engine/plan/sizes.c \
	core/engine/plan/sizes.h \
	core/engine/probe/attributes.c \
	core/engine/probe/copies.c \
	core/engine/probe/keys.c \
	core/engine/probe/probe-impl.h \
	core/engine/probe/probe.c \
	core/engine/probe/probe.h \
	core/engine/probe/writes.c \
	core/engine/rows/find.c \
	core/engine/rows/invalidate.c \
	core/engine/rows/lag.c \
	core/engine/rows/older.c \
	core/engine/rows/older.h \
	core/engine/rows/rewriter.c \
	core/engine/rows/rewriter.h \
	core/engine/rows/step-back.c \
	core/engine/rows/stride.c \
	core/engine/rows/stride.h \
	core/engine/rows/swap-impl.h \
	core/engine/rows/swap-locked.c \
	core/engine/rows/swap.c \
	core/engine/rows/turn.c \
	core/engine/rows/unindexed.c \
	core/engine/run/auto.c \
	core/engine/run/auto.h \
	core/engine/run/begin.c \
	core/engine/run/begin.h \
	core/engine/run/crew.c \
	core/engine/run/crew.h \
	core/engine/run/feeder.c \
	core/engine/run/feeder.h \
	core/engine/run/obey.c \
	core/engine/run/remake.c \
	core/engine/run/replan.c \
	core/engine/run/replan.h \
	core/engine/run/resume.c \
	core/engine/run/retry-rows.c \
	core/engine/run/retry.c \
	core/engine/run/retry.h \
	core/engine/run/rowscan.c \
	core/engine/run/run.c \
	core/engine/run/run.h \
	core/engine/run/ticker.c \
	core/engine/run/ticker.h \
	core/engine/run/tune.c \
	core/engine/run/tune.h \
	core/engine/run/watchdog.c \
	core/engine/seed/names.c \
	core/engine/seed/png.c \
	core/engine/seed/png.h \
	core/engine/seed/seed.c \
	core/engine/seed/seed.h \
	core/engine/status/json.c \
	core/engine/status/status.c \
	core/engine/status/status.h \
	core/engine/task/attributes.c \
	core/engine/task/attributes.h \
	core/engine/task/control.c \
	core/engine/task/control.h \
	core/engine/task/ends.c \
	core/engine/task/ends.h \
	core/engine/task/fit.c \
	core/engine/task/halt.c \
	core/engine/task/halt.h \
	core/engine/task/options.h \
	core/engine/task/pass.c \
	core/engine/task/scratch.c \
	core/engine/task/scratch.h \
	core/engine/task/task.c \
	core/engine/task/task.h \
	core/engine/task/twin.c \
	core/engine/texts/known.c \
	core/engine/texts/known.h \
	core/engine/texts/texts.c \
	core/engine/texts/texts.h \
	core/engine/verify/held.c \
	core/engine/verify/lost.c \
	core/engine/verify/objects.c \
	core/engine/verify/rows.c \
	core/engine/verify/texts.c \
	core/engine/verify/verify-impl.h \
	core/engine/verify/verify.c \
	core/engine/verify/verify.h \
	core/engine/verify/worker.c \
	core/engine/work/again.c \
	core/engine/work/again.h \
	core/engine/work/budget.c \
	core/engine/work/budget.h \
	core/engine/work/failing.c \
	core/engine/work/gate.c \
	core/engine/work/gate.h \
	core/engine/work/offers.c \
	core/engine/work/offers.h \
	core/engine/work/pace.c \
	core/engine/work/pace.h \
	core/engine/work/record.c \
	core/engine/work/running.c \
	core/engine/work/running.h \
	core/engine/work/saver.c \
	core/engine/work/scan.c \
	core/engine/work/scan.h \
	core/engine/work/syncer.c \
	core/engine/work/tell.c \
	core/engine/work/window-save.c \
	core/engine/work/window-stragglers.c \
	core/engine/work/window-workers.c \
	core/engine/work/window.c \
	core/engine/work/window.h \
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

core_cmd_migrate_run_SOURCES = core/cmd/run.c core/cmd/signals.c core/cmd/signals.h
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
