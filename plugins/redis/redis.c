/* SPDX-License-Identifier: MIT */
#include "redis-impl.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#ifndef MIGRATE_VERSION
#define MIGRATE_VERSION "0"
#endif

static const struct migrate_option options[] = {
	{ .name = "url",
	  MIGRATE_URL(struct redis_config, url),
	  .klass = MIGRATE_SELECTION,
	  .help = "the server: redis://user:password@host:port/database, or rediss:// with TLS" },
	{ .name = "socket",
	  MIGRATE_PATH(struct redis_config, socket),
	  .klass = MIGRATE_SELECTION,
	  .help = "the server's socket, instead of a url" },
	{ .name = "user",
	  MIGRATE_STRING(struct redis_config, user),
	  .help = "the user to log in as; default: the url's, else the server's default user" },
	{ .name = "password",
	  MIGRATE_SECRET(struct redis_config, password),
	  .help = "the password; default: the url's, else none" },
	{ .name = "database",
	  MIGRATE_INTEGER(struct redis_config, database),
	  .klass = MIGRATE_SELECTION,
	  .value = "0",
	  .min = 0,
	  .max = 1000000,
	  .help = "the number of the database; default: the url's" },
	{ .name = "tls_ca",
	  MIGRATE_PATH(struct redis_config, tls_ca),
	  .help = "certificates of the authorities that may vouch for the server; default: the "
		  "system's" },
	{ .name = "tls_certificate",
	  MIGRATE_PATH(struct redis_config, tls_certificate),
	  .help = "our certificate, for a server that asks for one" },
	{ .name = "tls_key",
	  MIGRATE_PATH(struct redis_config, tls_key),
	  .help = "the key of that certificate" },
	{ .name = "invalidate",
	  MIGRATE_LIST(struct redis_config, invalidate),
	  .klass = MIGRATE_SELECTION,
	  .help = "keys to remove for each row that changed: templates such as avatar:{row.id}" },
	{ .name = "rewrite",
	  MIGRATE_LIST(struct redis_config, rewrite),
	  .klass = MIGRATE_SELECTION,
	  .help = "what holds the old value and shall hold the new one: the key of a string, or "
		  "the key of a hash, a blank and a field" },
	{ .name = "publish",
	  MIGRATE_MAP(struct redis_config, publish),
	  .klass = MIGRATE_SELECTION,
	  .help = "channels, and what to say there about each row that changed" },
};

/* ---- The job file ---- */

static void redis_validate(struct migrate_validate *r)
{
	const struct redis_config *config = r->config;
	struct instance inst = { .actions = NULL };
	struct address address;
	const char *option;
	char why[512];
	size_t at;

	if (!address_take(config, &address, &option, why, sizeof(why)))
		migrate_wrong_option(r, option, 0, "%s", why);
	if (!actions_take(config, &inst, &option, &at, why, sizeof(why)))
		migrate_wrong_option(r, option, at, "%s", why);
	address_release(&address);
	actions_release(&inst);
}

/* ---- Instances ---- */

static void instance_free(struct instance *inst)
{
	address_release(&inst->address);
	actions_release(inst);
	SSL_CTX_free(inst->tls);
	free(inst);
}

static enum migrate_status learn(struct migrate_open *r, struct instance *inst)
{
	const struct redis_config *config = r->config;
	const char *option;
	char why[512];
	size_t at;

	inst->writes = r->writes;
	if (!address_take(config, &inst->address, &option, why, sizeof(why)) ||
	    !actions_take(config, inst, &option, &at, why, sizeof(why)))
		return migrate_fail(r->session, MIGRATE_INVALID, "%s: %s", option, why);
	if (!script_sha(inst->sha))
		return migrate_fail(r->session, MIGRATE_FATAL, "SHA-1 is not to be had");
	return inst->address.tls ? tls_prepare(r->session, config, inst) : MIGRATE_OK;
}

static void self_free(struct self *self)
{
	wire_close(self);
	/* commands to log in were written here */
	text_wipe(&self->out);
	text_release(&self->name);
	text_release(&self->other);
	free(self);
}

static struct self *self_new(const struct instance *inst, struct migrate_session *session)
{
	struct self *self = calloc(1, sizeof(*self));

	if (!self) {
		migrate_fail(session, MIGRATE_UNAVAILABLE, "out of memory");
		return NULL;
	}
	self->instance = inst;
	self->session = session;
	self->fd = -1;
	return self;
}

static enum migrate_status redis_open(struct migrate_open *r)
{
	struct instance *inst = calloc(1, sizeof(*inst));
	enum migrate_status status;
	struct self *self;

	if (!inst)
		return migrate_fail(r->session, MIGRATE_UNAVAILABLE, "out of memory");
	status = learn(r, inst);
	if (!status) {
		self = self_new(inst, r->session);
		status = self ? server_check(self) : MIGRATE_UNAVAILABLE;
		if (self)
			self_free(self);
	}
	if (status)
		instance_free(inst);
	else
		r->instance = inst;
	return status;
}

static void redis_close(void *instance)
{
	instance_free(instance);
}

/* A connection is made by the first call that needs one. */
static enum migrate_status redis_begin(struct migrate_begin *r)
{
	r->self = self_new(r->instance, r->session);
	return r->self ? MIGRATE_OK : MIGRATE_UNAVAILABLE;
}

static void redis_end(void *self)
{
	self_free(self);
}

/* A server has no number of its own that lasts: its address is all there is. */
static enum migrate_status redis_identity(void *handle, struct migrate_identity *r)
{
	struct self *self = handle;
	const struct address *a = &self->instance->address;
	char text[1024];

	self->session = r->session;
	if (a->socket)
		snprintf(text, sizeof(text), "redis:%s/%lld", a->socket, (long long)a->database);
	else
		snprintf(text, sizeof(text), "redis:%s:%s/%lld", a->host, a->port,
			 (long long)a->database);
	return migrate_set_identity(r, text) ? MIGRATE_OK : MIGRATE_CANCELLED;
}

static enum migrate_status redis_probe(void *handle, struct migrate_probe *r)
{
	struct self *self = handle;
	enum migrate_status status;

	self->session = r->session;
	status = connection_ready(self);
	if (!status)
		status = command_words(self, ASKED_PONG, (const char *[]){ "PING", NULL });
	if (!status)
		status = pipeline_run(self);
	if (!status && r->write)
		status = trial_run(self);
	if (status)
		wire_close(self);
	return status;
}

static const struct migrate_cache_ops ops = {
	.size = sizeof(struct migrate_cache_ops),
	.open = redis_open,
	.close = redis_close,
	.begin = redis_begin,
	.end = redis_end,
	.identity = redis_identity,
	.probe = redis_probe,
	.invalidate = redis_invalidate,
	.preview = redis_preview,
};

static const struct migrate_plugin plugin = {
	MIGRATE_PLUGIN_HEAD,
	.kind = MIGRATE_CACHE,
	.name = "redis",
	.version = MIGRATE_VERSION,
	.summary = "keys and channels of a Redis server",
	.options = options,
	.option_count = sizeof(options) / sizeof(options[0]),
	.config_size = sizeof(struct redis_config),
	.cache = &ops,
	.validate = redis_validate,
};

const struct migrate_plugin *migrate_plugin_v1(void)
{
	return &plugin;
}
