/* SPDX-License-Identifier: MIT */
#include "job/schema/schema.h"

#include <string.h>

/*
 * Numbers as people write them, strictly: what YAML or C would make of 010, 1e3,
 * 12:30 or 1_000 is not what the reader of the file thinks.
 */

/* Digits of text as a number up to max; *rest is behind them. */
static bool parse_digits(const char *text, uint64_t max, uint64_t *value, const char **rest)
{
	const char *s = text;
	uint64_t v = 0;

	for (; *s >= '0' && *s <= '9'; s++) {
		unsigned int digit = (unsigned int)(*s - '0');

		if (v > (max - digit) / 10)
			return false;
		v = v * 10 + digit;
	}
	if (s == text || (*text == '0' && s - text > 1))
		return false;
	*value = v;
	*rest = s;
	return true;
}

struct unit {
	const char *name;
	uint64_t factor;
};

static bool parse_with_unit(const char *text, const struct unit *units, uint64_t max,
			    uint64_t *value)
{
	const char *rest;
	uint64_t v;

	if (!parse_digits(text, max, &v, &rest))
		return false;
	for (; units->name; units++)
		if (!strcmp(rest, units->name))
			break;
	if (!units->name || v > max / units->factor)
		return false;
	*value = v * units->factor;
	return true;
}

bool schema_parse_size(const char *text, uint64_t *bytes)
{
	static const struct unit units[] = {
		{ "", 1 },
		{ "B", 1 },
		{ "kB", UINT64_C(1000) },
		{ "KB", UINT64_C(1000) },
		{ "MB", UINT64_C(1000000) },
		{ "GB", UINT64_C(1000000000) },
		{ "TB", UINT64_C(1000000000000) },
		{ "PB", UINT64_C(1000000000000000) },
		{ "KiB", UINT64_C(1) << 10 },
		{ "MiB", UINT64_C(1) << 20 },
		{ "GiB", UINT64_C(1) << 30 },
		{ "TiB", UINT64_C(1) << 40 },
		{ "PiB", UINT64_C(1) << 50 },
		{ NULL, 0 },
	};

	/* Below 2^63: sizes are kept in signed columns of the journal. */
	return parse_with_unit(text, units, INT64_MAX, bytes);
}

bool schema_parse_duration(const char *text, int64_t *milliseconds)
{
	static const struct unit units[] = {
		{ "ms", 1 },      { "s", 1000 },     { "m", 60000 },
		{ "h", 3600000 }, { "d", 86400000 }, { NULL, 0 },
	};
	uint64_t v;

	if (!strcmp(text, "0")) {
		*milliseconds = 0;
		return true;
	}
	/* Far below 2^63: deadlines are computed in nanoseconds. */
	if (!parse_with_unit(text, units, INT64_MAX / 1000000, &v))
		return false;
	*milliseconds = (int64_t)v;
	return true;
}

bool schema_parse_integer(const char *text, int64_t *value)
{
	bool negative = *text == '-';
	const char *rest;
	uint64_t v;

	if (!parse_digits(text + negative, INT64_MAX, &v, &rest) || *rest || (negative && !v))
		return false;
	*value = negative ? -(int64_t)v : (int64_t)v;
	return true;
}

int schema_choice(const char *choices, const char *text)
{
	size_t n = strlen(text);

	for (int i = 0;; i++) {
		size_t len = strcspn(choices, "|");

		if (len == n && !memcmp(choices, text, n))
			return i;
		if (!choices[len])
			return -1;
		choices += len + 1;
	}
}
