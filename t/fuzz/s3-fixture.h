/* SPDX-License-Identifier: MIT */
#ifndef MIGRATE_FUZZ_S3_FIXTURE_H
#define MIGRATE_FUZZ_S3_FIXTURE_H

#include "../../plugins/s3/credentials.h"
#include "ensure.h"
#include "plugin/end-impl.h"

#include <limits.h>

/*
 * A session of the plugin s3 whose answers come from nowhere, below the core's own: what the
 * plugin makes of them is held to what any plugin is held to.
 */
#define SECRET "kXvQzWmZyTqRpLnJ"
#define TOKEN "tOkEnNoBoDyShAlLsEe"

static struct s3 s3;
static struct s3_session *s3s; /* the plugin's */
static struct migrate_session *session;

static enum migrate_status take_listing(void *self, struct migrate_list *r)
{
	((struct s3_session *)self)->ms = r->session;
	return s3_take_listing(self, r);
}

static enum migrate_status take_uploads(void *self, struct migrate_uploads *r)
{
	((struct s3_session *)self)->ms = r->session;
	return s3_take_uploads(self, r);
}

static enum migrate_status take_parts(void *self, struct migrate_parts *r)
{
	((struct s3_session *)self)->ms = r->session;
	return s3_take_parts(self, r);
}

static enum migrate_status take_stat(void *self, struct migrate_stat *r)
{
	((struct s3_session *)self)->ms = r->session;
	return s3_take_head(self, r->object);
}

static enum migrate_status begin(struct migrate_begin *r)
{
	r->self = s3s;
	s3s->ms = r->session;
	return MIGRATE_OK;
}

static enum migrate_status open_it(struct migrate_open *r)
{
	r->instance = &s3;
	return MIGRATE_OK;
}

static void nothing(void *self)
{
	(void)self;
}

static const struct migrate_store_ops ops = {
	.size = sizeof(ops),
	.open = open_it,
	.close = nothing,
	.begin = begin,
	.end = nothing,
	.list = take_listing,
	.uploads = take_uploads,
	.parts = take_parts,
	.stat = take_stat,
};

static const struct migrate_plugin plugin = {
	MIGRATE_PLUGIN_HEAD, .kind = MIGRATE_STORE, .name = "s3",
	.version = "1",      .summary = "s3",       .store = &ops,
};

static inline void set_up(void)
{
	static struct host host;
	struct error err = ERROR_INIT;
	struct end *end;

	if (session)
		return;
	pthread_mutex_init(&s3.lock, NULL);
	s3.config.bucket = "bucket";
	s3.dialect = s3_dialect_of(2, "");
	s3.quirks = s3.dialect->quirks;
	s3.sha256 = EVP_MD_fetch(NULL, "SHA256", NULL);
	s3.md5 = EVP_MD_fetch(NULL, "MD5", NULL);
	s3_place_aws(&s3.place, "us-east-1");
	text_copy(s3.region, sizeof(s3.region), "us-east-1");
	s3s = calloc(1, sizeof(*s3s));
	ENSURE(s3s && s3.sha256 && s3.md5);
	s3s->s3 = &s3;
	s3s->method = "GET";
	text_copy(s3s->keys.secret, sizeof(s3s->keys.secret), SECRET);
	text_copy(s3s->keys.token, sizeof(s3s->keys.token), TOKEN);
	ENSURE(host_init(&host, "0123456789abcdef", 1000, &err) == 0);
	end = end_open(&host, "source", &plugin, NULL, false, &err);
	session = end ? session_open(end, &err) : NULL;
	ENSURE(session);
	atomic_store(&end->flags, MIGRATE_ORDERED);
}

static inline void answer(const void *bytes, size_t n)
{
	text_reset(&s3s->answer.body);
	ENSURE(text_add(&s3s->answer.body, bytes, n));
	s3s->answer.code[0] = s3s->answer.message[0] = s3s->answer.region[0] = '\0';
}

/* Trouble is said, is the server's and not the plugin's, and names no secret. */
static inline void said_well(enum migrate_status status)
{
	const char *message = session_message(session);

	ENSURE(status != MIGRATE_FATAL);
	ENSURE(status == MIGRATE_OK || message[0]);
	ENSURE(!strstr(message, SECRET) && !strstr(message, TOKEN));
}

#endif
