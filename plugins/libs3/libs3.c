/* SPDX-License-Identifier: MIT */
#include "libs3-impl.h"

#include <stdio.h>
#include <string.h>

static const struct migrate_option options[] = {
	{ .name = "bucket",
	  MIGRATE_STRING(struct libs3_config, bucket),
	  .flags = MIGRATE_REQUIRED,
	  .klass = MIGRATE_IDENTITY,
	  .help = "the bucket's name" },
	{ .name = "endpoint",
	  MIGRATE_URL(struct libs3_config, endpoint),
	  .flags = MIGRATE_REQUIRED,
	  .klass = MIGRATE_IDENTITY,
	  .help = "where the service is, as http://host[:port] or https://host[:port]" },
	{ .name = "access_key",
	  MIGRATE_STRING(struct libs3_config, access_key),
	  .flags = MIGRATE_REQUIRED,
	  .klass = MIGRATE_TUNABLE,
	  .help = "the name of the key pair" },
	{ .name = "secret_key",
	  MIGRATE_SECRET(struct libs3_config, secret_key),
	  .flags = MIGRATE_REQUIRED,
	  .klass = MIGRATE_TUNABLE,
	  .help = "the secret of the key pair" },
	{ .name = "region",
	  MIGRATE_STRING(struct libs3_config, region),
	  .klass = MIGRATE_TUNABLE,
	  .value = "us-east-1",
	  .help = "the region that libs3 4 signs for; signatures of version 2 have none" },
	{ .name = "path_style",
	  MIGRATE_CHOICE(struct libs3_config, style, "auto|yes|no"),
	  .klass = MIGRATE_TUNABLE,
	  .value = "auto",
	  .help = "the bucket stands in the path (yes, auto) or in the host's name (no)" },
	{ .name = "verify_tls",
	  MIGRATE_BOOLEAN(struct libs3_config, verify_tls),
	  .klass = MIGRATE_TUNABLE,
	  .value = "true",
	  .help = "certificates are verified, which libs3 2.0 cannot: with it, https needs false" },
	{ .name = "copy_max",
	  MIGRATE_SIZE(struct libs3_config, copy_max),
	  .klass = MIGRATE_TUNABLE,
	  .value = "5GiB",
	  .min = 1,
	  .max = INT64_C(5) << 30,
	  .help = "the largest object that the endpoint is asked to copy by itself; what it copies "
		  "slower than within 15 seconds is better streamed" },
};

/* The text that the plugin s3 has for the same place, so that the two are told to be one. */
static enum migrate_status identity(void *self, struct migrate_identity *r)
{
	static const char aws[] = ".amazonaws.com";
	const struct libs3_session *s = self;
	const struct libs3 *l = s->libs3;
	size_t n = strlen(l->place.host), m = sizeof(aws) - 1;
	char text[1024];

	if (n > m && !strcmp(l->place.host + n - m, aws))
		snprintf(text, sizeof(text), "s3 aws bucket=%s", l->config.bucket);
	else
		snprintf(text, sizeof(text), "s3 endpoint=%s bucket=%s", l->place.host,
			 l->config.bucket);
	return migrate_set_identity(r, text) ? MIGRATE_OK : MIGRATE_FATAL;
}

static enum migrate_status describe(void *self, struct migrate_describe *r)
{
	const struct libs3_session *s = self;

	r->flags = MIGRATE_ORDERED | MIGRATE_GET_MATCH | MIGRATE_RANGES | MIGRATE_VERBATIM;
	r->object_max = LIBS3_OBJECT_MAX;
	r->put_max = LIBS3_OBJECT_MAX;
	r->copy_max = s->libs3->config.copy_max;
	r->key_max = LIBS3_LISTED_MAX;
	r->mtime_resolution = INT64_C(1000000000);
	r->digests = 1u << MIGRATE_MD5;
	libs3_keeps(r);
	return MIGRATE_OK;
}

static enum migrate_status probe(void *self, struct migrate_probe *r)
{
	struct libs3_session *s = self;

	s->ms = r->session;
	return libs3_look_at_bucket(s);
}

/* Never undone: requests that an instance left in the library's pool may still be used. */
static int load(void)
{
	int flags = S3_INIT_ALL;

#ifdef LIBS3_SIGV4
	flags |= S3_INIT_VERIFY_PEER;
#endif
	return S3_initialize("migrate", flags, NULL) == S3StatusOK ? 0 : -1;
}

static const struct migrate_store_ops ops = {
	.size = sizeof(ops),
	.open = libs3_open,
	.close = libs3_close,
	.begin = libs3_begin,
	.end = libs3_end,
	.identity = identity,
	.describe = describe,
	.probe = probe,
	.list = libs3_list,
	.accepts = libs3_accepts,
	.stat = libs3_stat,
	.get = libs3_get,
	.put = libs3_put,
	.can_copy = libs3_can_copy,
	.copy = libs3_copy,
	.remove = libs3_remove,
};

static const struct migrate_plugin plugin = {
	MIGRATE_PLUGIN_HEAD,
	.kind = MIGRATE_STORE,
	.name = "libs3",
	.version = MIGRATE_VERSION,
	.summary = "objects of a bucket behind an old endpoint, through the library libs3",
	.options = options,
	.option_count = sizeof(options) / sizeof(options[0]),
	.config_size = sizeof(struct libs3_config),
	.store = &ops,
	.load = load,
};

const struct migrate_plugin *migrate_plugin_v1(void)
{
	return &plugin;
}
