/* SPDX-License-Identifier: MIT */
#include "base/error.h"

#include "base/buf.h"
#include "base/escape.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Escaped text may be longer than what it was made of: it is cut at the ceiling. */
static void set_escaped(struct error *err, const char *text)
{
	BUF_AUTO struct buf b = BUF_INIT(ERROR_TEXT_MAX - 1);

	escape_message(&b, text, strlen(text));
	if (b.len)
		memcpy(err->text, b.p, b.len);
	err->text[b.len] = '\0';
}

int error_vset(struct error *err, int exit, const char *format, va_list ap)
{
	char text[ERROR_TEXT_MAX];

	vsnprintf(text, sizeof(text), format, ap);
	set_escaped(err, text);
	err->exit = exit;
	return -1;
}

int error_set(struct error *err, int exit, const char *format, ...)
{
	va_list ap;

	va_start(ap, format);
	error_vset(err, exit, format, ap);
	va_end(ap);
	return -1;
}

int error_set_errno(struct error *err, int exit, int errnum, const char *format, ...)
{
	char text[ERROR_TEXT_MAX];
	va_list ap;

	va_start(ap, format);
	vsnprintf(text, sizeof(text), format, ap);
	va_end(ap);
	return error_set(err, exit, "%s: %s", text, strerrordesc_np(errnum));
}

int error_prefix(struct error *err, const char *format, ...)
{
	char context[ERROR_TEXT_MAX / 4], joined[ERROR_TEXT_MAX];
	BUF_AUTO struct buf b = BUF_INIT(ERROR_TEXT_MAX / 2);
	va_list ap;

	va_start(ap, format);
	vsnprintf(context, sizeof(context), format, ap);
	va_end(ap);
	escape_message(&b, context, strlen(context));
	snprintf(joined, sizeof(joined), "%.*s: %.*s", (int)b.len, b.p ? (char *)b.p : "",
		 ERROR_TEXT_MAX - (int)b.len - 3, err->text);
	memcpy(err->text, joined, sizeof(joined));
	return -1;
}

void error_clear(struct error *err)
{
	err->exit = 0;
	err->text[0] = '\0';
}

void bug_at(const char *file, int line, const char *format, ...)
{
	va_list ap;

	fprintf(stderr, "BUG at %s:%d: ", file, line);
	va_start(ap, format);
	vfprintf(stderr, format, ap);
	va_end(ap);
	fputc('\n', stderr);
	abort();
}
