/* SPDX-License-Identifier: MIT */
#include "report/json.h"

#include "base/clock.h"
#include "base/error.h"
#include "base/escape.h"
#include "base/utf8.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define DEPTH_MAX 64

static void json_add(struct json *j, const void *bytes, size_t n)
{
	if (j->ok && !buf_add(j->out, bytes, n))
		j->ok = false;
}

static void json_add_text(struct json *j, const char *s)
{
	json_add(j, s, strlen(s));
}

/* ---- Strings ---- */

/* What the escaping printer would not let through comes as \uNNNN: all of it is in the BMP. */
static bool is_hidden(const unsigned char *p, size_t len)
{
	unsigned char text[16];
	struct buf b = { .p = text, .len = 0, .cap = sizeof(text), .max = sizeof(text) };

	return !escape_add(&b, p, len) || b.len != len;
}

static void add_character(struct json *j, const unsigned char *p, size_t len, uint32_t c)
{
	char text[8];

	if (c == '"' || c == '\\') {
		json_add(j, "\\", 1);
		json_add(j, p, 1);
	} else if (c == '\n') {
		json_add_text(j, "\\n");
	} else if (is_hidden(p, len)) {
		snprintf(text, sizeof(text), "\\u%04x", (unsigned)(c & 0xffff));
		json_add_text(j, text);
	} else {
		json_add(j, p, len);
	}
}

static bool is_plain(unsigned char c)
{
	return c >= 0x20 && c < 0x7f && c != '"' && c != '\\';
}

/* Valid UTF-8 only. */
static void add_string(struct json *j, const unsigned char *p, size_t n)
{
	uint32_t c = 0;

	json_add(j, "\"", 1);
	for (size_t i = 0, len; i < n; i += len) {
		for (len = 0; i + len < n && is_plain(p[i + len]);)
			len++;
		if (len) {
			json_add(j, p + i, len);
			continue;
		}
		len = utf8_decode(p + i, n - i, &c);
		if (!len)
			BUG("text of a JSON string is not UTF-8");
		add_character(j, p + i, len, c);
	}
	json_add(j, "\"", 1);
}

/* As the escaping printer shows it. */
static void json_add_escaped(struct json *j, const void *p, size_t n)
{
	BUF_AUTO struct buf b = BUF_INIT(4 * n + 1);

	if (!escape_add(&b, p, n))
		j->ok = false;
	add_string(j, b.p, b.len);
}

static void add_base64(struct json *j, const unsigned char *p, size_t n)
{
	static const char digits[] =
	    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

	json_add(j, "\"", 1);
	for (size_t i = 0; i < n; i += 3) {
		uint32_t v = (uint32_t)p[i] << 16;
		char four[4];

		v |= i + 1 < n ? (uint32_t)p[i + 1] << 8 : 0;
		v |= i + 2 < n ? (uint32_t)p[i + 2] : 0;
		four[0] = digits[v >> 18];
		four[1] = digits[v >> 12 & 63];
		four[2] = i + 1 < n ? digits[v >> 6 & 63] : '=';
		four[3] = i + 2 < n ? digits[v & 63] : '=';
		json_add(j, four, sizeof(four));
	}
	json_add(j, "\"", 1);
}

/* ---- Values ---- */

static void json_begin(struct json *j, const char *name)
{
	if (!j->first)
		json_add(j, ",", 1);
	j->first = false;
	if (!name)
		return;
	add_string(j, (const unsigned char *)name, strlen(name));
	json_add(j, ":", 1);
}

static void nest(struct json *j, const char *name, const char *bracket)
{
	if (j->depth >= DEPTH_MAX)
		BUG("JSON nested deeper than %d", DEPTH_MAX);
	json_begin(j, name);
	json_add_text(j, bracket);
	j->depth++;
	j->first = true;
}

static void unnest(struct json *j, const char *bracket)
{
	if (j->depth <= 0)
		BUG("JSON closed more often than opened");
	json_add_text(j, bracket);
	j->depth--;
	j->first = false;
}

void json_object(struct json *j, const char *name)
{
	nest(j, name, "{");
}

void json_array(struct json *j, const char *name)
{
	nest(j, name, "[");
}

void json_end_object(struct json *j)
{
	unnest(j, "}");
}

void json_end_array(struct json *j)
{
	unnest(j, "]");
}

void json_text(struct json *j, const char *name, const char *value)
{
	size_t n = value ? strlen(value) : 0;

	json_begin(j, name);
	if (!value)
		json_add_text(j, "null");
	else if (is_utf8(value, n))
		add_string(j, (const unsigned char *)value, n);
	else
		json_add_escaped(j, value, n);
}

void json_key(struct json *j, const char *name, struct migrate_bytes key)
{
	if (is_utf8(key.p, key.n)) {
		json_begin(j, name);
		add_string(j, key.p, key.n);
		return;
	}
	json_object(j, name);
	json_begin(j, "base64");
	add_base64(j, key.p, key.n);
	json_begin(j, "text");
	json_add_escaped(j, key.p, key.n);
	json_end_object(j);
}

void json_uint(struct json *j, const char *name, uint64_t value)
{
	char text[24];

	json_begin(j, name);
	snprintf(text, sizeof(text), "%" PRIu64, value);
	json_add_text(j, text);
}

void json_int(struct json *j, const char *name, int64_t value)
{
	char text[24];

	json_begin(j, name);
	snprintf(text, sizeof(text), "%" PRId64, value);
	json_add_text(j, text);
}

void json_bool(struct json *j, const char *name, bool value)
{
	json_begin(j, name);
	json_add_text(j, value ? "true" : "false");
}

void json_time(struct json *j, const char *name, int64_t wall_ns)
{
	char text[32] = "";

	if (wall_ns)
		clock_format(wall_ns, text, sizeof(text));
	json_text(j, name, wall_ns ? text : NULL);
}
