/* SPDX-License-Identifier: MIT */
#include "redis-impl.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* redis://user:password@host:port/database, or a socket; rediss: with TLS. */

#define DATABASE_MAX 1000000

static int hex(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

/* %XX undone; NULL: not so written, or out of memory. */
static char *decoded(const char *p, size_t n)
{
	char *out = malloc(n + 1);
	size_t at = 0;

	for (size_t i = 0; out && i < n; i++) {
		int high = p[i] == '%' && n - i > 2 ? hex(p[i + 1]) : -1;
		int low = high >= 0 ? hex(p[i + 2]) : -1;

		if (p[i] == '%' && (low < 0 || !(high << 4 | low))) {
			explicit_bzero(out, n + 1);
			free(out);
			return NULL;
		}
		out[at++] = p[i] == '%' ? (char)(high << 4 | low) : p[i];
		i += p[i] == '%' ? 2 : 0;
	}
	if (out)
		out[at] = '\0';
	return out;
}

static bool take_user(struct address *a, const char *p, size_t n)
{
	const char *colon = memchr(p, ':', n);
	size_t user = colon ? (size_t)(colon - p) : n;

	if (user && !(a->user = decoded(p, user)))
		return false;
	return !colon || (a->password = decoded(colon + 1, n - user - 1)) != NULL;
}

/* host, host:port, [::1]:port */
static bool take_host(struct address *a, const char *p, size_t n)
{
	const char *end = p + n, *port;
	bool bracket = n && *p == '[';
	const char *close = bracket ? memchr(p, ']', n) : NULL;

	if (bracket && !close)
		return false;
	port = bracket ? (close + 1 < end ? close + 1 : NULL) : memchr(p, ':', n);
	if (port && (*port != ':' || port + 1 == end ||
		     strspn(port + 1, "0123456789") < (size_t)(end - port - 1)))
		return false;
	if (bracket)
		a->host = strndup(p + 1, (size_t)(close - p - 1));
	else
		a->host = strndup(p, port ? (size_t)(port - p) : n);
	a->port = port ? strndup(port + 1, (size_t)(end - port - 1)) : strdup("6379");
	return a->host && *a->host && a->port;
}

static bool take_database(struct address *a, const char *p)
{
	size_t n = strspn(p, "0123456789");

	if (p[n] || n > 6)
		return false;
	a->database = strtol(*p ? p : "0", NULL, 10);
	return true;
}

/* What is wrong with it; NULL: nothing. The text is not repeated: it may hold a password. */
static const char *take_url(struct address *a, const char *url)
{
	const char *p = strstr(url, "://"), *end, *at;
	size_t scheme = p ? (size_t)(p - url) : 0;

	a->tls = scheme == 6 && !strncmp(url, "rediss", 6);
	if (!a->tls && !(scheme == 5 && !strncmp(url, "redis", 5)))
		return "begins neither with redis:// nor with rediss:// (a socket is the option "
		       "socket)";
	p += 3;
	end = p + strcspn(p, "/?#");
	at = memrchr(p, '@', (size_t)(end - p));
	if (at && !take_user(a, p, (size_t)(at - p)))
		return "has a user or password with a % that is not followed by two hex digits";
	p = at ? at + 1 : p;
	if (!take_host(a, p, (size_t)(end - p)))
		return "names no host, or a port that is no number";
	if (*end && (*end != '/' || !take_database(a, end + 1)))
		return "may have nothing but the number of a database behind the host";
	return NULL;
}

static bool wrong(const char **option, const char *name, char *why, size_t size, const char *text)
{
	*option = name;
	snprintf(why, size, "%s", text);
	return false;
}

static bool take_place(const struct redis_config *c, struct address *a, const char **option,
		       char *why, size_t size)
{
	const char *text;

	if (!c->url == !c->socket)
		return wrong(option, "url", why, size,
			     c->url ? "and socket exclude each other"
				    : "is missing: give url or socket");
	if (c->socket) {
		a->socket = strdup(c->socket);
		return a->socket || wrong(option, "socket", why, size, "out of memory");
	}
	text = take_url(a, c->url);
	return !text || wrong(option, "url", why, size, text);
}

static bool take_login(const struct redis_config *c, struct address *a, const char **option,
		       char *why, size_t size)
{
	struct migrate_bytes secret = migrate_secret_reveal(c->password);

	if (c->user && a->user)
		return wrong(option, "user", why, size, "stands in the url already");
	if (c->password && a->password)
		return wrong(option, "password", why, size, "stands in the url already");
	if (c->user)
		a->user = strdup(c->user);
	if (c->password)
		a->password = strndup(secret.p, secret.n);
	if ((c->user && !a->user) || (c->password && !a->password))
		return wrong(option, "password", why, size, "out of memory");
	if (a->user && !a->password)
		return wrong(option, c->user ? "user" : "url", why, size,
			     "names a user without a password: add password or password_file");
	return true;
}

bool address_take(const struct redis_config *c, struct address *a, const char **option, char *why,
		  size_t size)
{
	bool tls_options = c->tls_ca || c->tls_certificate || c->tls_key;

	*a = (struct address){ .database = 0 };
	if (!take_place(c, a, option, why, size) || !take_login(c, a, option, why, size))
		return false;
	if (c->database && a->database && c->database != a->database)
		return wrong(option, "database", why, size, "is another one than the url's");
	if (c->database)
		a->database = c->database;
	if (tls_options && !a->tls)
		return wrong(option, "url", why, size,
			     "must begin with rediss:// where there are options of TLS");
	if (!c->tls_certificate != !c->tls_key)
		return wrong(option, c->tls_key ? "tls_key" : "tls_certificate", why, size,
			     "tls_certificate and tls_key belong together");
	return true;
}

void address_release(struct address *a)
{
	free(a->host);
	free(a->port);
	free(a->socket);
	free(a->user);
	wipe(a->password);
	*a = (struct address){ .host = NULL };
}
