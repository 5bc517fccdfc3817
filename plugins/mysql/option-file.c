/* SPDX-License-Identifier: MIT */
#include "mysql-impl.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/*
 * Option files as clients of MySQL and MariaDB read them, as far as they say
 * where a server is. The library could read them too, but would also obey what
 * else stands there: other character sets, commands, TLS switched off.
 */
#define FILE_MAX 65536

struct reader {
	const char *at, *end;
	bool wanted; /* in a group for clients */
};

static void trim(const char **p, size_t *n)
{
	while (*n && strchr(" \t\r", **p)) {
		++*p;
		--*n;
	}
	while (*n && strchr(" \t\r", (*p)[*n - 1]))
		--*n;
}

static bool is_group(const char *p, size_t n)
{
	static const char *const names[] = { "client", "client-server", "client-mariadb",
					     "migrate" };

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (n == strlen(names[i]) && !memcmp(p, names[i], n))
			return true;
	return false;
}

/* A value without its quotes and escapes; returns its length. */
static size_t unquote(const char *p, size_t n, char *out)
{
	static const char from[] = "btnrs\\\"'", to[] = "\b\t\n\r \\\"'";
	size_t used = 0;

	if (n > 1 && (*p == '"' || *p == '\'') && p[n - 1] == *p) {
		p++;
		n -= 2;
	}
	for (size_t i = 0; i < n; i++) {
		const char *escape = p[i] == '\\' && i + 1 < n ? strchr(from, p[i + 1]) : NULL;

		out[used++] = escape && *escape ? to[escape - from] : p[i];
		i += escape && *escape;
	}
	return used;
}

/* NAME = VALUE; false: no good value. Names that are not about an address are passed over. */
static bool take(struct address *a, const char *p, size_t n)
{
	static const char *const names[] = { "host",     "port",     "socket", "user",
					     "password", "database", "ssl-ca", "ssl-mode" };
	const char *equals = memchr(p, '=', n), *value = equals ? equals + 1 : "";
	size_t length = equals ? (size_t)(p + n - value) : 0;
	char name[16] = "", *text;
	bool good = true;

	n = equals ? (size_t)(equals - p) : n;
	trim(&p, &n);
	trim(&value, &length);
	for (size_t i = 0; i < n && i < sizeof(name) - 1; i++)
		name[i] = p[i] == '_' ? '-' : p[i];
	text = malloc(length + 1);
	if (!text)
		return false;
	length = unquote(value, length, text);
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (n < sizeof(name) && !strcmp(name, names[i]))
			good =
			    address_set(a, name, (struct migrate_bytes){ .p = text, .n = length });
	explicit_bzero(text, length);
	free(text);
	return good;
}

static bool read_line(struct reader *r, struct address *a)
{
	const char *p = r->at, *end = memchr(p, '\n', (size_t)(r->end - p));
	size_t n = end ? (size_t)(end - p) : (size_t)(r->end - p);

	r->at = end ? end + 1 : r->end;
	trim(&p, &n);
	if (!n || *p == '#' || *p == ';' || *p == '!')
		return true;
	if (*p == '[') {
		r->wanted = p[n - 1] == ']' && is_group(p + 1, n - 2);
		return true;
	}
	return !r->wanted || take(a, p, n);
}

enum migrate_status options_read(struct self *self, struct migrate_bytes text, struct address *a)
{
	struct reader r = { .at = text.p, .end = (const char *)text.p + text.n };

	for (unsigned line = 1; r.at < r.end; line++)
		if (!read_line(&r, a))
			return migrate_fail(self->session, MIGRATE_INVALID,
					    "%s: line %u of the option file has no good value",
					    a->option, line);
	return MIGRATE_OK;
}

static ssize_t read_private(int fd, char *text)
{
	struct stat st;
	ssize_t n, used = 0;

	if (fstat(fd, &st) < 0 || st.st_mode & (S_IRWXG | S_IRWXO))
		return -1;
	while (used < FILE_MAX && (n = read(fd, text + used, (size_t)(FILE_MAX - used)))) {
		if (n < 0 && errno != EINTR)
			return -1;
		used += n > 0 ? n : 0;
	}
	return used;
}

static enum migrate_status password_of(struct self *self, const char *path, char *text,
				       struct address *a)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	ssize_t n = fd < 0 ? 0 : read_private(fd, text);
	struct address there = { .option = path };
	enum migrate_status status = MIGRATE_OK;

	if (fd >= 0)
		close(fd);
	if (n < 0)
		migrate_note(self->session,
			     "%s is passed over: others may read it (chmod 600), or it cannot be "
			     "read",
			     path);
	else
		status =
		    options_read(self, (struct migrate_bytes){ .p = text, .n = (size_t)n }, &there);
	/* a password for somebody else is not ours */
	if (!status && there.password &&
	    (!a->user || !there.user || !strcmp(a->user, there.user))) {
		a->password = there.password;
		there.password = NULL;
		if (!a->user && there.user) {
			a->user = there.user;
			there.user = NULL;
		}
	}
	address_release(&there);
	return status;
}

enum migrate_status options_home(struct self *self, struct address *a)
{
	const char *home = getenv("HOME");
	char path[4096], *text;
	enum migrate_status status;

	if (!home || (size_t)snprintf(path, sizeof(path), "%s/.my.cnf", home) >= sizeof(path))
		return MIGRATE_OK;
	text = malloc(FILE_MAX);
	if (!text)
		return out_of_memory(self);
	status = password_of(self, path, text, a);
	explicit_bzero(text, FILE_MAX);
	free(text);
	return status;
}
