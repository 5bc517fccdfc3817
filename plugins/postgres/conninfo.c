/* SPDX-License-Identifier: MIT */
#include "postgres-impl.h"

#include <stdlib.h>
#include <string.h>

/*
 * What the option `connection` holds: a password, as a rule. It is never part of
 * a message, nor is what libpq says of a text that it cannot read.
 */

static const char *value_of(const PQconninfoOption *options, const char *keyword)
{
	for (; options && options->keyword; options++)
		if (!strcmp(options->keyword, keyword))
			return options->val && *options->val ? options->val : NULL;
	return NULL;
}

/* One host: a socket's folder, or an address of this machine. */
static bool is_here(const char *host, size_t n)
{
	static const char *const names[] = { "localhost", "::1", "" };

	if (n && (*host == '/' || *host == '@'))
		return true;
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (n == strlen(names[i]) && !strncmp(host, names[i], n))
			return true;
	return n > 4 && !strncmp(host, "127.", 4) && strspn(host, "0123456789.") >= n;
}

/* A list of hosts; NULL: the default, a socket. */
static bool all_here(const char *hosts)
{
	while (hosts) {
		size_t n = strcspn(hosts, ",");

		if (!is_here(hosts, n))
			return false;
		hosts = hosts[n] ? hosts + n + 1 : NULL;
	}
	return true;
}

static bool are_local(const PQconninfoOption *options)
{
	const char *address = value_of(options, "hostaddr");

	return address ? all_here(address) : all_here(value_of(options, "host"));
}

/*
 * Values of a service file are only known to libpq. It reads them when a
 * connection is begun; this one is dropped before a byte was sent.
 */
static bool service_wants_verify(const char *conninfo)
{
	static const char *const keywords[] = { "dbname", NULL };
	const char *const values[] = { conninfo, NULL };
	PGconn *conn = PQconnectStartParams(keywords, values, 1);
	PQconninfoOption *options = conn ? PQconninfo(conn) : NULL;
	const char *mode = value_of(options, "sslmode");
	bool said = mode && strcmp(mode, "prefer") != 0;
	bool wants = !said && !are_local(options);

	PQconninfoFree(options);
	PQfinish(conn);
	return wants;
}

static bool wants_verify(const char *conninfo, const PQconninfoOption *options)
{
	const char *host = getenv("PGHOST");

	if (value_of(options, "sslmode") || getenv("PGSSLMODE"))
		return false;
	if (value_of(options, "service") || getenv("PGSERVICE"))
		return service_wants_verify(conninfo);
	if (!value_of(options, "host") && !value_of(options, "hostaddr")) {
		const char *address = getenv("PGHOSTADDR");

		return address ? !all_here(address) : !all_here(host);
	}
	return !are_local(options);
}

static enum migrate_status check(struct self *self, const char *option, const char *conninfo,
				 bool *verify)
{
	char *why = NULL;
	PQconninfoOption *options = PQconninfoParse(conninfo, &why);
	enum migrate_status status = MIGRATE_OK;
	const char *host = value_of(options, "host");

	if (!options)
		status = migrate_fail(self->session, MIGRATE_INVALID,
				      "%s: neither postgresql://user:password@host:port/database "
				      "nor keyword=value pairs that libpq knows; characters of a "
				      "password such as @ : / are written %%40 %%3A %%2F in the "
				      "first form",
				      option);
	else if (host && strchr(host, '@') && *host != '@' && *host != '/')
		status = migrate_fail(self->session, MIGRATE_INVALID,
				      "%s: there is an @ in the host; one in the password is "
				      "written %%40",
				      option);
	else
		*verify = wants_verify(conninfo, options);
	if (why)
		explicit_bzero(why, strlen(why));
	PQfreemem(why);
	for (PQconninfoOption *o = options; o && o->keyword; o++)
		if (o->val && !strcmp(o->keyword, "password"))
			explicit_bzero(o->val, strlen(o->val));
	PQconninfoFree(options);
	return status;
}

enum migrate_status conninfo_take(struct self *self, const char *option,
				  const struct migrate_secret *secret, char **conninfo,
				  bool *verify)
{
	struct migrate_bytes text = migrate_secret_reveal(secret);

	if (text.n && memchr(text.p, 0, text.n))
		return migrate_fail(self->session, MIGRATE_INVALID, "%s: holds a NUL", option);
	*conninfo = malloc(text.n + 1);
	if (!*conninfo)
		return out_of_memory(self);
	if (text.n)
		memcpy(*conninfo, text.p, text.n);
	(*conninfo)[text.n] = '\0';
	return check(self, option, *conninfo, verify);
}

static void hide(char *text, const char *what, size_t n)
{
	char *at = text;

	while (n && (at = memmem(at, strlen(at), what, n))) {
		memset(at, '*', n);
		at += n;
	}
}

/* Pieces too: a password with an @ or a blank that was not escaped is torn apart. */
static void hide_pieces(char *text, const char *secret, size_t n)
{
	static const char tear[] = "@:/?&=#%' \\";
	size_t at = 0;

	hide(text, secret, n);
	while (at < n) {
		size_t piece = 0;

		while (at + piece < n && !strchr(tear, secret[at + piece]))
			piece++;
		if (piece > 2)
			hide(text, secret + at, piece);
		at += piece + 1;
	}
}

void conninfo_mask(const char *conninfo, char *text)
{
	PQconninfoOption *options = PQconninfoParse(conninfo, NULL);
	const char *password = value_of(options, "password");
	const char *begin = strstr(conninfo, "://"), *colon, *end;

	if (password)
		hide_pieces(text, password, strlen(password));
	if (begin) {
		colon = strchr(begin + 3, ':');
		end = strrchr(begin + 3, '@');
		if (colon && end && colon < end)
			hide_pieces(text, colon + 1, (size_t)(end - colon - 1));
	}
	for (PQconninfoOption *o = options; o && o->keyword; o++)
		if (o->val && !strcmp(o->keyword, "password"))
			explicit_bzero(o->val, strlen(o->val));
	PQconninfoFree(options);
}
