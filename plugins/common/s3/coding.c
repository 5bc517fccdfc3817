/* SPDX-License-Identifier: MIT */
#include "coding.h"

#include <string.h>
#include <time.h>

bool text_base64(struct text *t, const unsigned char *bytes, size_t n)
{
	static const char digits[] =
	    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

	for (size_t i = 0; i < n; i += 3) {
		size_t left = n - i;
		uint32_t v = (uint32_t)bytes[i] << 16;
		char four[4];

		v |= left > 1 ? (uint32_t)bytes[i + 1] << 8 : 0;
		v |= left > 2 ? bytes[i + 2] : 0;
		four[0] = digits[v >> 18];
		four[1] = digits[v >> 12 & 63];
		four[2] = left > 1 ? digits[v >> 6 & 63] : '=';
		four[3] = left > 2 ? digits[v & 63] : '=';
		text_add(t, four, 4);
	}
	return !t->bad;
}

static int hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

bool hex_bytes(const char *hex, size_t n, unsigned char *bytes)
{
	if (n % 2)
		return false;
	for (size_t i = 0; i < n; i += 2) {
		int high = hex_digit(hex[i]), low = hex_digit(hex[i + 1]);

		if (high < 0 || low < 0)
			return false;
		bytes[i / 2] = (unsigned char)(high << 4 | low);
	}
	return true;
}

void text_copy(char *to, size_t size, const char *from)
{
	size_t n = strnlen(from, size - 1);

	memcpy(to, from, n);
	to[n] = '\0';
}

bool text_number(const char *text, uint64_t *value)
{
	uint64_t v = 0;

	if (!*text)
		return false;
	for (; *text; text++) {
		unsigned int digit = (unsigned int)(unsigned char)*text - '0';

		if (digit > 9 || __builtin_mul_overflow(v, 10u, &v) ||
		    __builtin_add_overflow(v, digit, &v))
			return false;
	}
	*value = v;
	return true;
}

/* ---- Times: the calendar is ours, so that no locale and no time zone takes part ---- */

static int64_t days_of(int64_t year, int month, int day)
{
	int64_t y = year - (month <= 2), era = (y >= 0 ? y : y - 399) / 400, of_era = y - era * 400;
	int64_t of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;

	return era * 146097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719468;
}

static bool digits_at(const char *p, int count, int *value)
{
	*value = 0;
	for (int i = 0; i < count; i++) {
		if (p[i] < '0' || p[i] > '9')
			return false;
		*value = *value * 10 + (p[i] - '0');
	}
	return true;
}

static bool time_make(const int d[6], int64_t fraction, int64_t *ns)
{
	int64_t seconds;

	if (d[0] < 1970 || d[0] > 2200 || d[1] < 1 || d[1] > 12 || d[2] < 1 || d[2] > 31 ||
	    d[3] > 23 || d[4] > 59 || d[5] > 60)
		return false;
	seconds = days_of(d[0], d[1], d[2]) * 86400 + d[3] * 3600 + d[4] * 60 + d[5];
	*ns = seconds * 1000000000 + fraction;
	return true;
}

static bool parse_clock(const char *p, int d[6])
{
	return digits_at(p, 2, &d[3]) && p[2] == ':' && digits_at(p + 3, 2, &d[4]) && p[5] == ':' &&
	       digits_at(p + 6, 2, &d[5]);
}

/* "+02:00" behind a time, in seconds; "Z" and nothing: none. */
static bool parse_offset(const char *p, int64_t *seconds)
{
	int h, m;

	*seconds = 0;
	if (*p != '+' && *p != '-')
		return true;
	if (!digits_at(p + 1, 2, &h) || !digits_at(p + (p[3] == ':' ? 4 : 3), 2, &m))
		return false;
	*seconds = (*p == '-' ? -1 : 1) * (h * 3600 + m * 60);
	return true;
}

static bool parse_iso(const char *p, int64_t *ns)
{
	int64_t fraction = 0, unit = 100000000, offset;
	int d[6];

	if (!digits_at(p, 4, &d[0]) || !digits_at(p + 5, 2, &d[1]) || !digits_at(p + 8, 2, &d[2]) ||
	    !parse_clock(p + 11, d))
		return false;
	p += 19;
	if (*p == '.')
		for (p++; *p >= '0' && *p <= '9'; p++, unit /= 10)
			fraction += unit * (*p - '0');
	if (!parse_offset(p, &offset) || !time_make(d, fraction, ns))
		return false;
	*ns -= offset * 1000000000;
	return true;
}

static bool parse_http(const char *p, int64_t *ns)
{
	static const char months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
	char name[4] = { p[8], p[9], p[10], '\0' };
	const char *month = strstr(months, name);
	int d[6];

	if (!month || (month - months) % 3 || !digits_at(p + 5, 2, &d[2]) ||
	    !digits_at(p + 12, 4, &d[0]) || !parse_clock(p + 17, d))
		return false;
	d[1] = (int)(month - months) / 3 + 1;
	return time_make(d, 0, ns);
}

bool time_parse(const char *text, int64_t *ns)
{
	size_t n = strlen(text);

	if (n >= 19 && text[4] == '-' && text[7] == '-' && text[10] == 'T')
		return parse_iso(text, ns);
	return n >= 25 && text[3] == ',' && text[4] == ' ' && parse_http(text, ns);
}

void time_compact(int64_t seconds, char text[17])
{
	time_t t = (time_t)seconds;
	struct tm tm;

	if (!gmtime_r(&t, &tm) || strftime(text, 17, "%Y%m%dT%H%M%SZ", &tm) != 16)
		text_copy(text, 17, "19700101T000000Z");
}
