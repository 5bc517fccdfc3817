/* SPDX-License-Identifier: MIT */
#include "journal/backend.h"

#include <stdarg.h>
#include <stdio.h>

enum result journal_damaged(const struct connection *c, struct error *err, const char *format, ...)
{
	char what[ERROR_TEXT_MAX / 2];
	va_list ap;

	va_start(ap, format);
	vsnprintf(what, sizeof(what), format, ap);
	va_end(ap);
	error_set(err, EXIT_DAMAGED,
		  "journal %s: damaged: %s: put back a backup, or see migrate-journal(5)",
		  c->journal, what);
	return RESULT_FAILED;
}

enum result journal_no_memory(struct error *err)
{
	error_set(err, EXIT_INTERNAL, "out of memory");
	return RESULT_FAILED;
}
