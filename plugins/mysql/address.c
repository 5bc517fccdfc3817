/* SPDX-License-Identifier: MIT */
#include "mysql-impl.h"

#include <stdlib.h>
#include <string.h>

/*
 * Where the server is: a URI or the text of an option file in `connection`, or
 * options of their own. What is said in an option of its own counts more.
 */

void address_release(struct address *a)
{
	free(a->host);
	free(a->socket);
	free(a->user);
	wipe(a->password);
	free(a->database);
	free(a->ca_file);
	*a = (struct address){ .option = NULL };
}

bool address_is_here(const struct address *a)
{
	static const char *const names[] = { "localhost", "localhost.localdomain", "::1" };
	const char *host = a->host;

	if (a->socket || !host)
		return true;
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (!strcmp(host, names[i]))
			return true;
	return !strncmp(host, "127.", 4) && strspn(host, "0123456789.") == strlen(host);
}

static bool put(char **field, struct migrate_bytes value)
{
	if (value.n && memchr(value.p, 0, value.n))
		return false;
	wipe(*field);
	*field = value.n ? strndup(value.p, value.n) : NULL;
	return *field || !value.n;
}

static bool put_port(struct address *a, struct migrate_bytes value)
{
	const char *p = value.p;
	unsigned port = 0;

	for (size_t i = 0; i < value.n; i++) {
		if (p[i] < '0' || p[i] > '9' || port > 65535)
			return false;
		port = port * 10 + (unsigned)(p[i] - '0');
	}
	a->port = port;
	return port > 0 && port <= 65535;
}

static bool is_word(struct migrate_bytes value, const char *word)
{
	return value.n == strlen(word) && !strncasecmp(value.p, word, value.n);
}

/* The names that clients of MySQL know, and ours. */
static bool put_ssl(struct address *a, struct migrate_bytes value)
{
	static const struct {
		const char *word;
		enum ssl ssl;
	} words[] = {
		{ "verify", SSL_VERIFY },   { "verify_identity", SSL_VERIFY },
		{ "encrypt", SSL_ENCRYPT }, { "required", SSL_ENCRYPT },
		{ "off", SSL_OFF },         { "disabled", SSL_OFF },
		{ "auto", SSL_AUTO },
	};

	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		if (is_word(value, words[i].word)) {
			a->ssl = words[i].ssl;
			return true;
		}
	return false;
}

bool address_set(struct address *a, const char *name, struct migrate_bytes value)
{
	if (!strcmp(name, "host"))
		return put(&a->host, value);
	if (!strcmp(name, "port"))
		return put_port(a, value);
	if (!strcmp(name, "socket"))
		return put(&a->socket, value);
	if (!strcmp(name, "user"))
		return put(&a->user, value);
	if (!strcmp(name, "password"))
		return put(&a->password, value);
	if (!strcmp(name, "database"))
		return put(&a->database, value);
	if (!strcmp(name, "ssl-ca"))
		return put(&a->ca_file, value);
	if (!strcmp(name, "ssl-mode"))
		return put_ssl(a, value);
	return false;
}

static bool begins_with(struct migrate_bytes text, const char *what)
{
	size_t n = strlen(what);

	return text.n >= n && !memcmp(text.p, what, n);
}

static enum migrate_status text_take(struct self *self, const struct migrate_secret *secret,
				     struct address *a)
{
	struct migrate_bytes text = migrate_secret_reveal(secret);
	const char *p = text.p;

	if (begins_with(text, "mysql://") || begins_with(text, "mariadb://"))
		return uri_read(self, text, a);
	for (size_t i = 0; i < text.n; i++)
		if (p[i] == '[')
			return options_read(self, text, a);
	return migrate_fail(self->session, MIGRATE_INVALID,
			    "%s: neither mysql://user:password@host:port/database nor the text of "
			    "an option file with a group [client]",
			    a->option);
}

/* False: out of memory. */
static bool own_options(const struct mysql_config *config, struct address *a)
{
	const struct {
		const char *name, *value;
	} texts[] = {
		{ "host", config->host },
		{ "socket", config->socket },
		{ "user", config->user },
		{ "database", config->database },
	};
	bool good = true;

	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		if (texts[i].value)
			good &= address_set(a, texts[i].name,
					    (struct migrate_bytes){ .p = texts[i].value,
								    .n = strlen(texts[i].value) });
	if (config->port)
		a->port = (unsigned)config->port;
	if (config->password)
		good &= put(&a->password, migrate_secret_reveal(config->password));
	return good;
}

/* TLS is the same for both unless the connection's text says otherwise. */
static enum migrate_status complete(struct self *self, const struct mysql_config *config,
				    struct address *a)
{
	enum migrate_status status = MIGRATE_OK;

	if (config->ssl != SSL_AUTO)
		a->ssl = (enum ssl)config->ssl;
	if (config->ca_file) {
		free(a->ca_file);
		a->ca_file = strdup(config->ca_file);
		if (!a->ca_file)
			return out_of_memory(self);
	}
	if (!a->password)
		status = options_home(self, a);
	if (!status && !a->database)
		status = migrate_fail(self->session, MIGRATE_INVALID,
				      "%s: no database is named: mysql://.../database, or the "
				      "option database",
				      a->option);
	return status;
}

enum migrate_status addresses_take(struct self *self, const struct mysql_config *config)
{
	struct instance *inst = self->instance;
	enum migrate_status status = MIGRATE_OK;

	inst->address.option = config->connection ? "connection" : "host";
	if (config->connection)
		status = text_take(self, config->connection, &inst->address);
	if (!status && !own_options(config, &inst->address))
		status = out_of_memory(self);
	if (!status)
		status = complete(self, config, &inst->address);
	if (status || !config->scan_connection)
		return status;
	inst->scan_address.option = "scan_connection";
	inst->has_scan = true;
	status = text_take(self, config->scan_connection, &inst->scan_address);
	return status ? status : complete(self, config, &inst->scan_address);
}
