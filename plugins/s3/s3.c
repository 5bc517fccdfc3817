/* SPDX-License-Identifier: MIT */
#include "s3.h"

#include <stdio.h>
#include <string.h>

/* What stands in for keys that no option gives. */
#define KEYS_ENVIRONMENT                                                                           \
	"AWS_ACCESS_KEY_ID|AWS_PROFILE|AWS_WEB_IDENTITY_TOKEN_FILE|"                               \
	"AWS_CONTAINER_CREDENTIALS_RELATIVE_URI|AWS_CONTAINER_CREDENTIALS_FULL_URI"

static const struct migrate_option options[] = {
	{ .name = "bucket",
	  MIGRATE_STRING(struct s3_config, bucket),
	  .flags = MIGRATE_REQUIRED,
	  .klass = MIGRATE_IDENTITY,
	  .help = "the bucket whose objects are meant" },
	{ .name = "endpoint",
	  MIGRATE_URL(struct s3_config, endpoint),
	  .flags = MIGRATE_SERVER,
	  .klass = MIGRATE_IDENTITY,
	  .help = "where it is served, as https://host[:port][/path]; AWS if there is none" },
	{ .name = "region",
	  MIGRATE_STRING(struct s3_config, region),
	  .klass = MIGRATE_TUNABLE,
	  .help =
	      "the region that requests are signed for; learnt from the server if it is another, "
	      "us-east-1 if nothing says it" },
	{ .name = "access_key",
	  MIGRATE_STRING(struct s3_config, access_key),
	  .environment = KEYS_ENVIRONMENT,
	  .klass = MIGRATE_TUNABLE,
	  .help = "the name of the key pair; without it the usual places are looked at" },
	{ .name = "secret_key",
	  MIGRATE_SECRET(struct s3_config, secret_key),
	  .klass = MIGRATE_TUNABLE,
	  .help = "the secret of the key pair" },
	{ .name = "session_token",
	  MIGRATE_SECRET(struct s3_config, session_token),
	  .klass = MIGRATE_TUNABLE,
	  .help = "what temporary keys come with" },
	{ .name = "profile",
	  MIGRATE_STRING(struct s3_config, profile),
	  .environment = KEYS_ENVIRONMENT,
	  .klass = MIGRATE_TUNABLE,
	  .help =
	      "a profile of the shared configuration files that keys and region are taken from" },
	{ .name = "anonymous",
	  MIGRATE_BOOLEAN(struct s3_config, anonymous),
	  .environment = KEYS_ENVIRONMENT,
	  .klass = MIGRATE_TUNABLE,
	  .value = "false",
	  .help = "requests are not signed, for buckets that everybody may read" },
	{ .name = "path_style",
	  MIGRATE_CHOICE(struct s3_config, path_style, "auto|yes|no"),
	  .klass = MIGRATE_TUNABLE,
	  .value = "auto",
	  .help = "the bucket stands in the path (yes) or in the host's name (no); auto takes the "
		  "host's name for AWS alone" },
	{ .name = "ca_file",
	  MIGRATE_PATH(struct s3_config, ca_file),
	  .klass = MIGRATE_TUNABLE,
	  .help = "certificates, in PEM, of the authorities that are trusted instead of the "
		  "system's" },
	{ .name = "dialect",
	  MIGRATE_CHOICE(struct s3_config, dialect, S3_DIALECTS),
	  .klass = MIGRATE_TUNABLE,
	  .value = "auto",
	  .help = "whose S3 it is; auto tells it from the host and the answers" },
	{ .name = "conditions",
	  MIGRATE_CHOICE(struct s3_config, conditions, "auto|yes|no"),
	  .klass = MIGRATE_TUNABLE,
	  .value = "auto",
	  .help = "whether writes heed If-None-Match and If-Match; auto tries it on two scratch "
		  "objects before the first write, except on AWS" },
	{ .name = "storage_class",
	  MIGRATE_STRING(struct s3_config, storage_class),
	  .klass = MIGRATE_TUNABLE,
	  .help =
	      "the storage class of what is written; copy takes the source's, at one more request "
	      "for each copy that the server makes; the bucket's own if there is none" },
	{ .name = "acl",
	  MIGRATE_CHOICE(struct s3_config, acl,
			 "drop|copy|private|public-read|public-read-write|authenticated-read|"
			 "bucket-owner-read|bucket-owner-full-control"),
	  .klass = MIGRATE_TUNABLE,
	  .value = "drop",
	  .help = "the access control list of what is written: the bucket's own, the canned one "
		  "nearest to the source's, or a canned one" },
	{ .name = "tags",
	  MIGRATE_BOOLEAN(struct s3_config, tags),
	  .klass = MIGRATE_TUNABLE,
	  .value = "false",
	  .help = "tags travel where bytes pass through, at one more request for each object; "
		  "copies that the server makes have them anyway" },
	{ .name = "sse",
	  MIGRATE_CHOICE(struct s3_config, sse, "none|s3|kms"),
	  .klass = MIGRATE_TUNABLE,
	  .value = "none",
	  .help = "encryption that is asked for what is written: the bucket's own, SSE-S3 or "
		  "SSE-KMS" },
	{ .name = "sse_kms_key",
	  MIGRATE_STRING(struct s3_config, sse_kms_key),
	  .klass = MIGRATE_TUNABLE,
	  .help = "the key for SSE-KMS; the account's own if there is none" },
	{ .name = "sse_c_key",
	  MIGRATE_SECRET(struct s3_config, sse_c_key),
	  .klass = MIGRATE_TUNABLE,
	  .help = "the key for SSE-C, 32 bytes or these in base64; everything is read and written "
		  "with it" },
	{ .name = "requester_pays",
	  MIGRATE_BOOLEAN(struct s3_config, requester_pays),
	  .klass = MIGRATE_TUNABLE,
	  .value = "false",
	  .help = "agree to pay for requests to a bucket that asks for it" },
	{ .name = "expected_owner",
	  MIGRATE_STRING(struct s3_config, expected_owner),
	  .klass = MIGRATE_TUNABLE,
	  .help = "the account, twelve digits, that must own the bucket, or all is refused" },
	{ .name = "copy_max",
	  MIGRATE_SIZE(struct s3_config, copy_max),
	  .klass = MIGRATE_TUNABLE,
	  .value = "5GiB",
	  .min = 1,
	  .max = INT64_C(5) << 30,
	  .help = "the largest object that is copied by one request; larger ones go in parts" },
	{ .name = "request_timeout",
	  MIGRATE_DURATION(struct s3_config, request_timeout),
	  .klass = MIGRATE_TUNABLE,
	  .value = "60s",
	  .help = "how long a request may go without a byte coming or going" },
};

static enum migrate_status identity(void *self, struct migrate_identity *r)
{
	const struct s3_session *s = self;
	const struct s3 *s3 = s->s3;
	char text[1024];

	if (s3->place.aws || s3->quirks & S3_KNOWN)
		snprintf(text, sizeof(text), "s3 aws bucket=%s", s3->config.bucket);
	else
		snprintf(text, sizeof(text), "s3 endpoint=%s%s bucket=%s", s3->place.host,
			 s3->place.path, s3->config.bucket);
	return migrate_set_identity(r, text) ? MIGRATE_OK : MIGRATE_FATAL;
}

static uint64_t flags_of(const struct s3 *s3)
{
	static const struct {
		uint32_t quirk;
		uint64_t flag;
	} map[] = {
		{ S3_PUT_ABSENT, MIGRATE_PUT_ABSENT },
		{ S3_COPY_ABSENT, MIGRATE_COPY_ABSENT },
		{ S3_COMPLETE_ABSENT, MIGRATE_COMPLETE_ABSENT },
		{ S3_PUT_MATCH, MIGRATE_PUT_MATCH },
		{ S3_COPY_MATCH_TO, MIGRATE_COPY_MATCH | MIGRATE_COMPLETE_MATCH },
		{ S3_REMOVE_MATCH, MIGRATE_REMOVE_MATCH },
	};
	uint64_t flags = MIGRATE_GET_MATCH | MIGRATE_RANGES | MIGRATE_VERBATIM;

	if (!(s3->quirks & S3_UNORDERED))
		flags |= MIGRATE_ORDERED;
	for (size_t i = 0; i < sizeof(map) / sizeof(map[0]); i++)
		if (s3->quirks & map[i].quirk)
			flags |= map[i].flag;
	return flags;
}

static enum migrate_status describe(void *self, struct migrate_describe *r)
{
	const struct s3_session *s = self;
	const struct s3 *s3 = s->s3;
	bool plain = s3->config.sse != S3_SSE_KMS && !s3->sse_c_key[0];

	r->flags = flags_of(s3);
	r->object_max = S3_PART_MAX * S3_PARTS_MAX;
	r->put_max = S3_PART_MAX;
	r->copy_max = s3->config.copy_max;
	r->part_min = S3_PART_MIN;
	r->part_max = S3_PART_MAX;
	r->parts_max = S3_PARTS_MAX;
	r->key_max = S3_KEY_MAX;
	r->mtime_resolution = INT64_C(1000000000);
	if (plain && !(s3->quirks & S3_ETAG_NOT_MD5))
		r->digests = 1u << MIGRATE_MD5;
	s3_keeps(s3, r);
	return MIGRATE_OK;
}

static enum migrate_status probe(void *self, struct migrate_probe *r)
{
	struct s3_session *s = self;

	s->ms = r->session;
	/* at the start of a run open() has only just asked */
	return atomic_exchange(&s->s3->looked, false) ? MIGRATE_OK : s3_look_at_bucket(s);
}

static int load(void)
{
	return curl_global_init(CURL_GLOBAL_DEFAULT) ? -1 : 0;
}

static const struct migrate_store_ops ops = {
	.size = sizeof(ops),
	.open = s3_open,
	.close = s3_close,
	.begin = s3_begin_session,
	.end = s3_end_session,
	.identity = identity,
	.describe = describe,
	.probe = probe,
	.list = s3_list,
	.accepts = s3_accepts,
	.stat = s3_stat,
	.get = s3_get,
	.put = s3_put,
	.can_copy = s3_can_copy,
	.copy = s3_copy,
	.upload = s3_upload,
	.part = s3_part,
	.copy_part = s3_copy_part,
	.parts = s3_parts,
	.uploads = s3_uploads,
	.complete = s3_complete,
	.abort = s3_abort,
	.remove = s3_remove,
	.measure = s3_probe_bucket,
};

static const struct migrate_plugin plugin = {
	MIGRATE_PLUGIN_HEAD,
	.kind = MIGRATE_STORE,
	.name = "s3",
	.version = MIGRATE_VERSION,
	.summary = "objects of a bucket that speaks S3",
	.options = options,
	.option_count = sizeof(options) / sizeof(options[0]),
	.config_size = sizeof(struct s3_config),
	.store = &ops,
	.load = load,
};

const struct migrate_plugin *migrate_plugin_v1(void)
{
	return &plugin;
}
