/* SPDX-License-Identifier: MIT */
#include "credentials.h"

#include <openssl/crypto.h>
#include <stdlib.h>
#include <string.h>

/* As much JSON as credentials come in: one object, whose strings are asked for by name. */

struct json {
	const char *p, *end;
};

static void skip_space(struct json *j)
{
	while (j->p < j->end && strchr(" \t\r\n", *j->p) && *j->p)
		j->p++;
}

static bool take_escape(struct json *j, char *c)
{
	static const char from[] = "\"\\/bfnrt", to[] = "\"\\/\b\f\n\r\t";
	unsigned char two[2];
	const char *at;

	if (j->p >= j->end)
		return false;
	if (*j->p == 'u') {
		if (j->end - j->p < 5 || !hex_bytes(j->p + 1, 4, two) || two[0] || two[1] > 0x7e)
			return false;
		*c = (char)two[1];
		j->p += 5;
		return *c != '\0';
	}
	at = *j->p ? strchr(from, *j->p) : NULL;
	if (!at)
		return false;
	*c = to[at - from];
	j->p++;
	return true;
}

/* A string; size 0: its text is not wanted. False: it is none, or too long. */
static bool take_string(struct json *j, char *text, size_t size)
{
	size_t n = 0;

	if (j->p >= j->end || *j->p++ != '"')
		return false;
	while (j->p < j->end && *j->p != '"') {
		char c = *j->p++;

		if (c == '\\' && !take_escape(j, &c))
			return false;
		if (size && n + 1 >= size)
			return false;
		if (size)
			text[n++] = c;
	}
	if (size)
		text[n] = '\0';
	return j->p++ < j->end;
}

/* Over a value of any kind, up to the comma or brace behind it. */
static bool skip_value(struct json *j)
{
	unsigned int depth = 0;

	while (j->p < j->end) {
		char c = *j->p;

		if (c == '"') {
			if (!take_string(j, NULL, 0))
				return false;
			continue;
		}
		if (!depth && (c == ',' || c == '}'))
			return true;
		if (c == '{' || c == '[')
			depth++;
		else if (c == '}' || c == ']')
			depth--;
		j->p++;
	}
	return false;
}

static bool find_string(const char *json, size_t n, const char *name, char *value, size_t size)
{
	struct json j = { .p = json, .end = json + n };
	char key[128];

	skip_space(&j);
	if (j.p >= j.end || *j.p++ != '{')
		return false;
	for (;;) {
		skip_space(&j);
		if (!take_string(&j, key, sizeof(key)))
			return false;
		skip_space(&j);
		if (j.p >= j.end || *j.p++ != ':')
			return false;
		skip_space(&j);
		if (!strcmp(key, name))
			return take_string(&j, value, size);
		if (!skip_value(&j) || *j.p++ != ',')
			return false;
	}
}

/* What was read of one that is none, or too long, is no value. */
bool s3_json_string(const char *json, size_t n, const char *name, char *value, size_t size)
{
	bool found = find_string(json, n, name, value, size);

	if (!found)
		value[0] = '\0';
	return found;
}

/* Keys without an end are for ever; an end that cannot be read is none. */
static bool take_end(struct s3_keys *k, const struct text *json)
{
	char expires[64];
	int64_t ns;

	if (!s3_json_string(json->p, json->n, "Expiration", expires, sizeof(expires)))
		return true;
	if (!time_parse(expires, &ns))
		return false;
	k->expires = ns / 1000000000;
	return true;
}

/* A container says Token, a program SessionToken. */
static void take_token(const struct text *json, char *token, size_t size)
{
	if (!s3_json_string(json->p, json->n, "SessionToken", token, size) &&
	    !s3_json_string(json->p, json->n, "Token", token, size))
		token[0] = '\0';
}

enum migrate_status s3_json_keys(struct s3_session *s, struct s3_keys *k, const struct text *json,
				 const char *what)
{
	struct s3_keys *read = calloc(1, sizeof(*read));
	enum migrate_status status = MIGRATE_INVALID;

	if (!read)
		return migrate_fail(s->ms, MIGRATE_UNAVAILABLE, "out of memory");
	if (!json->n ||
	    !s3_json_string(json->p, json->n, "AccessKeyId", read->access, sizeof(read->access)) ||
	    !s3_json_string(json->p, json->n, "SecretAccessKey", read->secret,
			    sizeof(read->secret)) ||
	    !take_end(read, json)) {
		migrate_fail(s->ms, status,
			     "%s: what it gives is no JSON with AccessKeyId, SecretAccessKey and a "
			     "time of Expiration",
			     what);
	} else {
		take_token(json, read->token, sizeof(read->token));
		if (s3_keys_set(s, k, what, read->access, read->secret, read->token))
			status = MIGRATE_OK;
		k->expires = read->expires;
	}
	OPENSSL_cleanse(read, sizeof(*read));
	free(read);
	return status;
}
