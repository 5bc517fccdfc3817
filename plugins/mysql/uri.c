/* SPDX-License-Identifier: MIT */
#include "mysql-impl.h"

#include <stdlib.h>
#include <string.h>

/*
 * mysql://user:password@host:port/database?socket=/path&ssl-mode=verify&ssl-ca=/path
 * with %40 for a character that has a meaning here. No part of it ever stands in
 * a message: it may be a password that was not escaped.
 */

static int digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -1;
}

/* A part without its %; false: an escape is cut off, or of no digits. */
static bool decode(const char *p, size_t n, struct address *a, const char *name)
{
	char *text = malloc(n + 1);
	size_t used = 0;
	bool good = text != NULL;

	for (size_t i = 0; good && i < n; i++) {
		if (p[i] != '%') {
			text[used++] = p[i];
			continue;
		}
		good = n - i > 2 && digit(p[i + 1]) >= 0 && digit(p[i + 2]) >= 0;
		if (good)
			text[used++] = (char)(digit(p[i + 1]) * 16 + digit(p[i + 2]));
		i += 2;
	}
	good = good && address_set(a, name, (struct migrate_bytes){ .p = text, .n = used });
	if (text)
		explicit_bzero(text, n + 1);
	free(text);
	return good;
}

static bool read_user(const char *p, size_t n, struct address *a)
{
	const char *colon = memchr(p, ':', n);
	size_t user = colon ? (size_t)(colon - p) : n;

	return decode(p, user, a, "user") &&
	       (!colon || decode(colon + 1, n - user - 1, a, "password"));
}

/* host, host:port, [::1]:port */
static bool read_host(const char *p, size_t n, struct address *a)
{
	const char *end = n && *p == '[' ? memchr(p, ']', n) : NULL;
	const char *colon = end ? NULL : memchr(p, ':', n);
	size_t host = colon ? (size_t)(colon - p) : n;

	if (end) {
		if (!decode(p + 1, (size_t)(end - p) - 1, a, "host"))
			return false;
		if (end + 1 < p + n)
			return end[1] == ':' &&
			       decode(end + 2, n - (size_t)(end - p) - 2, a, "port");
		return true;
	}
	return decode(p, host, a, "host") && (!colon || decode(colon + 1, n - host - 1, a, "port"));
}

static bool read_pair(const char *p, size_t n, struct address *a)
{
	static const char *const names[] = { "socket", "ssl-mode", "ssl-ca" };
	const char *equals = memchr(p, '=', n);

	for (size_t i = 0; equals && i < sizeof(names) / sizeof(names[0]); i++)
		if ((size_t)(equals - p) == strlen(names[i]) &&
		    !memcmp(p, names[i], strlen(names[i])))
			return decode(equals + 1, n - (size_t)(equals - p) - 1, a, names[i]);
	return false;
}

static bool read_query(const char *p, size_t n, struct address *a)
{
	while (n) {
		const char *end = memchr(p, '&', n);
		size_t length = end ? (size_t)(end - p) : n;

		if (!read_pair(p, length, a))
			return false;
		p += length + (end != NULL);
		n -= length + (end != NULL);
	}
	return true;
}

static bool parse(const char *p, size_t n, struct address *a)
{
	const char *query = memchr(p, '?', n);
	size_t main = query ? (size_t)(query - p) : n;
	const char *slash = memchr(p, '/', main);
	size_t authority = slash ? (size_t)(slash - p) : main;
	const char *at = memrchr(p, '@', authority);
	size_t user = at ? (size_t)(at - p) : 0;

	if (at && memchr(p, '@', user))
		return false;
	if (at && !read_user(p, user, a))
		return false;
	if (!read_host(p + user + (at != NULL), authority - user - (at != NULL), a))
		return false;
	if (slash && !decode(slash + 1, main - authority - 1, a, "database"))
		return false;
	return !query || read_query(query + 1, n - main - 1, a);
}

enum migrate_status uri_read(struct self *self, struct migrate_bytes text, struct address *a)
{
	const char *p = memmem(text.p, text.n, "://", 3);
	size_t head = (size_t)(p + 3 - (const char *)text.p);

	/* a secret out of a file ends with its line */
	while (text.n > head && ((const char *)text.p)[text.n - 1] == '\n')
		text.n--;
	if (parse(p + 3, text.n - head, a))
		return MIGRATE_OK;
	return migrate_fail(self->session, MIGRATE_INVALID,
			    "%s: not mysql://user:password@host:port/database?socket=PATH&"
			    "ssl-mode=verify&ssl-ca=FILE; characters of a password such as @ : / ? "
			    "%% are written %%40 %%3A %%2F %%3F %%25",
			    a->option);
}
