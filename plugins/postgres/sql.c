/* SPDX-License-Identifier: MIT */
#include "postgres-impl.h"

void sql_name(struct text *s, const char *name)
{
	text_quoted(s, name, '"');
}

/* Every session has standard_conforming_strings on: a backslash is a backslash. */
void sql_literal(struct text *s, const char *text)
{
	text_quoted(s, text, '\'');
}

char *quoted_name(const char *name)
{
	struct text s = { .n = 0 };

	sql_name(&s, name);
	return text_finish(&s);
}
