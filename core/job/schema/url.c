/* SPDX-License-Identifier: MIT */
#include "job/schema/schema-impl.h"

#include <string.h>

/* URLs as far as secrets are concerned: scheme://user:password@host/path?password=... */

static size_t scheme_length(const char *url)
{
	static const char first[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
	static const char more[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
				   "+.-";

	return strspn(url, first) ? strspn(url, more) : 0;
}

bool url_is_valid(const char *url)
{
	size_t n = scheme_length(url);

	if (!n || strncmp(url + n, "://", 3))
		return false;
	for (const char *s = url; *s; s++)
		if ((unsigned char)*s <= ' ' || *s == 0x7f)
			return false;
	return true;
}

static const char *authority(const char *url)
{
	return url + scheme_length(url) + strlen("://");
}

/* Behind the '@', or the authority itself when there is no user. */
static const char *host(const char *url)
{
	const char *start = authority(url), *end = start + strcspn(start, "/?#");
	const char *at = memrchr(start, '@', (size_t)(end - start));

	return at ? at + 1 : start;
}

/* Does the parameter "name=value" hold a secret, by its name? */
static bool is_secret_parameter(const char *parameter, size_t n)
{
	static const char *const words[] = { "pass",      "secret",     "token",
					     "signature", "credential", "key" };

	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		for (size_t at = 0; at + strlen(words[i]) <= n; at++)
			if (!strncasecmp(parameter + at, words[i], strlen(words[i])))
				return true;
	return false;
}

static size_t add_url_part(const char *url, const char *from, const char *to,
			   struct secret_part *parts, size_t n)
{
	if (from >= to)
		return n;
	if (n < SECRET_PARTS_MAX)
		parts[n] =
		    (struct secret_part){ .at = (size_t)(from - url), .n = (size_t)(to - from) };
	return n < SECRET_PARTS_MAX ? n + 1 : SECRET_PARTS_MAX + 1;
}

/* Without a colon there is a user alone: a name, no secret. */
static size_t user_part(const char *url, struct secret_part *parts)
{
	const char *start = authority(url), *end = host(url), *colon;

	if (end == start)
		return 0;
	colon = memchr(start, ':', (size_t)(end - start));
	return colon ? add_url_part(url, colon + 1, end - 1, parts, 0) : 0;
}

size_t url_secret_parts(const char *url, struct secret_part *parts)
{
	size_t n = user_part(url, parts);
	const char *s = strchr(host(url), '?');

	while (s && *s) {
		size_t len = strcspn(++s, "&#"), name = strcspn(s, "=&#");

		if (name < len && is_secret_parameter(s, name))
			n = add_url_part(url, s + name + 1, s + len, parts, n);
		s = s[len] == '&' ? s + len : NULL;
	}
	return n;
}

bool url_add_public(struct buf *out, const char *url)
{
	const char *s = host(url);
	size_t n = strcspn(s, "?");
	char join = '?';
	bool ok = buf_add(out, url, (size_t)(authority(url) - url)) && buf_add(out, s, n);

	s = s[n] ? s + n : NULL;
	while (s && ok) {
		size_t len = strcspn(++s, "&"), name = strcspn(s, "=&");

		if (!is_secret_parameter(s, name)) {
			ok = buf_add(out, &join, 1) && buf_add(out, s, len);
			join = '&';
		}
		s = s[len] ? s + len : NULL;
	}
	return ok;
}
