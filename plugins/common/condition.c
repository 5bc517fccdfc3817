/* SPDX-License-Identifier: MIT */
#include "condition.h"

#include <ctype.h>
#include <stddef.h>
#include <string.h>
#include <strings.h>

/* Words before a parenthesis that call nothing. */
static bool is_operator(const char *word, size_t n)
{
	static const char *const words[] = { "in",   "and",  "or",   "not",     "like",
					     "is",   "when", "then", "else",    "case",
					     "xor",  "div",  "mod",  "between", "ilike",
					     "from", "glob", "on",   "using",   "regexp" };

	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		if (strlen(words[i]) == n && !strncasecmp(words[i], word, n))
			return true;
	return false;
}

/* Behind what stands in quotes; a doubled quote begins the next such text. */
static const char *skip_quoted(const char *p)
{
	const char *end = strchr(p + 1, *p);

	return end ? end + 1 : p + strlen(p);
}

static bool is_word(char c)
{
	return isalnum((unsigned char)c) || c == '_' || c == '$' || (c & 0x80);
}

bool condition_asks(const char *p)
{
	while (*p) {
		const char *word = p;

		if (*p == '\'') {
			p = skip_quoted(p);
			continue;
		}
		if (*p == '"' || *p == '`')
			p = skip_quoted(p);
		while (is_word(*p))
			p++;
		if (p == word) {
			p++;
			continue;
		}
		if (p - word == 6 && !strncasecmp(word, "select", 6))
			return true;
		if (p[strspn(p, " \t\r\n")] == '(' && !is_operator(word, (size_t)(p - word)))
			return true;
	}
	return false;
}
