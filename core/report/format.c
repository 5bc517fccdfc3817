/* SPDX-License-Identifier: MIT */
#include "report/progress.h"

#include "base/clock.h"

#include <inttypes.h>
#include <stdio.h>

#define NS_PER_MINUTE (60 * NS_PER_S)
#define NS_PER_HOUR (60 * NS_PER_MINUTE)
#define NS_PER_DAY (24 * NS_PER_HOUR)

/* Rounds to tenths first, so that 1023.96 KiB reads as 1.0 MiB. */
void format_bytes(char *text, size_t size, uint64_t n)
{
	static const char *const units[] = { "B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB" };
	double value = (double)n;
	size_t unit = 0;

	for (; unit + 1 < sizeof(units) / sizeof(units[0]) && value >= (unit ? 1023.95 : 1024);
	     unit++)
		value /= 1024;
	if (unit)
		snprintf(text, size, "%.1f %s", value, units[unit]);
	else
		snprintf(text, size, "%" PRIu64 " B", n);
}

void format_count(char *text, size_t size, uint64_t n)
{
	char digits[24], grouped[32];
	int len = snprintf(digits, sizeof(digits), "%" PRIu64, n), at = 0;

	for (int i = 0; i < len; i++) {
		if (i && (len - i) % 3 == 0)
			grouped[at++] = ',';
		grouped[at++] = digits[i];
	}
	snprintf(text, size, "%.*s", at, grouped);
}

void format_duration(char *text, size_t size, int64_t ns)
{
	int64_t s = ns / NS_PER_S;

	if (ns < 0)
		snprintf(text, size, "0s");
	else if (ns < NS_PER_S)
		snprintf(text, size, "%" PRId64 "ms", ns / NS_PER_MS);
	else if (ns < NS_PER_MINUTE)
		snprintf(text, size, "%" PRId64 "s", s);
	else if (ns < NS_PER_HOUR)
		snprintf(text, size, "%" PRId64 "m %02" PRId64 "s", s / 60, s % 60);
	else if (ns < NS_PER_DAY)
		snprintf(text, size, "%" PRId64 "h %02" PRId64 "m", s / 3600, s / 60 % 60);
	else
		snprintf(text, size, "%" PRId64 "d %02" PRId64 "h", s / 86400, s / 3600 % 24);
}
