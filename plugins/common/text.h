/* SPDX-License-Identifier: MIT */
#ifndef MIGRATE_PLUGINS_TEXT_H
#define MIGRATE_PLUGINS_TEXT_H

#include <migrate/plugin.h>

/*
 * A text that grows. Invariants: p is NULL or holds n bytes and a NUL behind them;
 * once bad (out of memory) it stays so until it is reset, and adding does nothing:
 * it is enough to look at the end.
 */
struct text {
	char *p;
	size_t n, cap;
	bool bad;
};

bool text_add(struct text *t, const void *bytes, size_t n);
bool text_str(struct text *t, const char *text);
bool text_char(struct text *t, char c);
bool text_printf(struct text *t, const char *format, ...) MIGRATE_PRINTF(2, 3);
bool text_hex(struct text *t, const void *bytes, size_t n); /* two digits for each */
/* Between two of quote, with quotes in it doubled: as names and strings stand in SQL. */
bool text_quoted(struct text *t, const char *text, char quote);
/* What is there as a C string, never NULL. */
const char *text_get(const struct text *t);
/* The same, the caller's to free, and t is empty; NULL: it was bad. */
char *text_finish(struct text *t);
/* Back to the first n bytes. */
void text_cut(struct text *t, size_t n);
void text_reset(struct text *t);
void text_release(struct text *t);
void text_wipe(struct text *t); /* and it was zeroed before */
/* Give back what a large answer took. */
void text_shrink(struct text *t, size_t keep);

#endif
