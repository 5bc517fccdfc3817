# SPDX-License-Identifier: MIT

examples = \
	etc/examples/activestorage-disk.yml \
	etc/examples/activestorage.yml \
	etc/examples/avatars.yml \
	etc/examples/caches.yml \
	etc/examples/copy-only.yml \
	etc/examples/documents.yml \
	etc/examples/rows-of-a-table.yml \
	etc/examples/rules.yml \
	etc/examples/urls.yml \
	etc/examples/wordpress.yml \
	$(empty)
examplesdir = $(docdir)/examples
dist_examples_DATA = $(examples)
dist_doc_DATA = README COPYING

EXTRA_DIST += .ci/run etc/libtool.sh etc/m4/migrate.m4

# Completion is looked for under each program's name.
bashcompletion_files = etc/completion/migrate.bash
EXTRA_DIST += $(bashcompletion_files)
install-data-local:
	$(MKDIR_P) '$(DESTDIR)$(bashcompletiondir)'
	for name in $(programs); do \
		$(INSTALL_DATA) '$(top_srcdir)/$(bashcompletion_files)' \
			'$(DESTDIR)$(bashcompletiondir)'/`basename $$name` || exit 1; \
	done
uninstall-local:
	for name in $(programs); do \
		rm -f '$(DESTDIR)$(bashcompletiondir)'/`basename $$name`; \
	done

EXTRA_DIST += etc/plugin-example/Makefile etc/plugin-example/flat.c
