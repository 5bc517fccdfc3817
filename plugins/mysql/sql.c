/* SPDX-License-Identifier: MIT */
#include "mysql-impl.h"

#include <string.h>

void sql_name(struct text *s, const char *name)
{
	text_quoted(s, name, '`');
}

void sql_hex(struct text *s, struct migrate_bytes value)
{
	text_add(s, "x'", 2);
	text_hex(s, value.p, value.n);
	text_char(s, '\'');
}

void sql_binary(struct text *s, struct migrate_bytes value)
{
	text_add(s, "_binary ", 8);
	sql_hex(s, value);
}

void sql_text(struct text *s, struct migrate_bytes value)
{
	text_add(s, "_utf8mb4 ", 9);
	sql_hex(s, value);
}

void sql_string(struct text *s, const char *value)
{
	sql_text(s, (struct migrate_bytes){ .p = value, .n = strlen(value) });
}

char *quoted_name(const char *name)
{
	struct text s = { .n = 0 };

	sql_name(&s, name);
	return text_finish(&s);
}
