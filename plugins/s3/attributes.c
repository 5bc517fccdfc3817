/* SPDX-License-Identifier: MIT */
#include "s3.h"

#include <stdio.h>
#include <string.h>

/*
 * What travels with an object. Standard headers as they are, user metadata as
 * meta:NAME; files' times, modes and owners as metadata of agreed names (that of
 * mtime is the one other programs use too).
 */
static const char *const plain[] = {
	"cache-control",    "content-disposition", "content-encoding",
	"content-language", "content-type",        "expires",
};

static const struct {
	const char *attribute, *meta;
} files[] = {
	{ "mtime", "mtime" },
	{ "mode", "migrate-mode" },
	{ "owner", "migrate-owner" },
};

static const char *const canned[] = {
	NULL,
	NULL,
	"private",
	"public-read",
	"public-read-write",
	"authenticated-read",
	"bucket-owner-read",
	"bucket-owner-full-control",
};

const char *s3_canned_acl(const struct s3 *s3)
{
	return canned[s3->config.acl];
}

bool s3_carries_class(const struct s3 *s3)
{
	return s3->config.storage_class && !strcmp(s3->config.storage_class, "copy");
}

void s3_keeps(const struct s3 *s3, struct migrate_describe *r)
{
	for (size_t i = 0; i < sizeof(plain) / sizeof(plain[0]); i++)
		migrate_keeps(r, plain[i], 0);
	for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++)
		migrate_keeps(r, files[i].attribute, 0);
	migrate_keeps(r, "meta:*", s3->dialect->meta_max);
	if (s3->config.tags && !(s3->quirks & S3_NO_TAGS))
		migrate_keeps(r, "tag:*", 256);
	if (s3->config.acl == S3_ACL_COPY && !(s3->quirks & S3_NO_ACL))
		migrate_keeps(r, "acl", 0);
	if (s3_carries_class(s3))
		migrate_keeps(r, "storage-class", 0);
}

static bool is_token(const char *name)
{
	for (const char *p = name; *p; p++)
		if (!(*p >= 'a' && *p <= 'z') && !(*p >= 'A' && *p <= 'Z') &&
		    !(*p >= '0' && *p <= '9') && !strchr("-_.", *p))
			return false;
	return *name && strlen(name) < 200;
}

/* ---- To the server ---- */

static bool give_meta(struct s3_session *s, const char *name, struct migrate_bytes value)
{
	struct text encoded = { .p = NULL };
	char header[256];
	bool ok;
	int n = snprintf(header, sizeof(header), "x-amz-meta-%s", name);

	for (int i = 0; i < n && (size_t)n < sizeof(header); i++)
		if (header[i] >= 'A' && header[i] <= 'Z')
			header[i] = (char)(header[i] + 32);
	ok = is_token(name) && s3_encode_value(&encoded, value.p, value.n);
	if (ok)
		s3_header(s, header, text_get(&encoded), encoded.n);
	text_release(&encoded);
	return ok;
}

static bool is_plain_value(struct migrate_bytes v)
{
	const unsigned char *p = v.p;

	for (size_t i = 0; i < v.n; i++)
		if ((p[i] < ' ' && p[i] != '\t') || p[i] == 0x7f)
			return false;
	return v.n && v.n < 4096;
}

static void give_tag(struct text *tags, const char *name, struct migrate_bytes value)
{
	if (tags->n)
		text_char(tags, '&');
	s3_encode(tags, name, strlen(name), false);
	text_char(tags, '=');
	s3_encode(tags, value.p, value.n, false);
}

/* 1: given, 0: it is none that this store keeps, -1: it cannot be said. */
static int give_one(struct s3_session *s, const char *name, struct migrate_bytes value,
		    struct text *tags)
{
	const struct s3 *s3 = s->s3;

	for (size_t i = 0; i < sizeof(plain) / sizeof(plain[0]); i++)
		if (!strcmp(name, plain[i])) {
			if (!is_plain_value(value))
				return -1;
			s3_header(s, name, value.p, value.n);
			return 1;
		}
	for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++)
		if (!strcmp(name, files[i].attribute))
			return give_meta(s, files[i].meta, value) ? 1 : -1;
	if (!strncmp(name, "meta:", 5))
		return give_meta(s, name + 5, value) ? 1 : -1;
	if (!strncmp(name, "tag:", 4) && s3->config.tags && !(s3->quirks & S3_NO_TAGS))
		give_tag(tags, name + 4, value);
	else if (!strcmp(name, "acl") && s3->config.acl == S3_ACL_COPY && is_plain_value(value))
		s3_header(s, "x-amz-acl", value.p, value.n);
	else if (!strcmp(name, "storage-class") && s3_carries_class(s3) && is_plain_value(value))
		s3_header(s, "x-amz-storage-class", value.p, value.n);
	else
		return 0;
	return 1;
}

enum migrate_status s3_give_attributes(struct s3_session *s, const struct migrate_attributes *a,
				       uint32_t flags)
{
	struct text tags = { .p = NULL };
	struct migrate_bytes value;
	const char *name;
	bool strict = flags & MIGRATE_STRICT_ATTRIBUTES, lost = false;

	for (size_t i = 0; a && !(lost && strict) && migrate_attribute_at(a, i, &name, &value);
	     i++) {
		if (give_one(s, name, value, &tags) >= 0)
			continue;
		lost = true;
		if (strict)
			migrate_fail(s->ms, MIGRATE_UNSUPPORTED, "attribute '%s' cannot be kept",
				     name);
		else
			migrate_lost_attribute(s->ms, name);
	}
	if (tags.n)
		s3_header(s, "x-amz-tagging", tags.p, tags.n);
	text_release(&tags);
	if (s3_canned_acl(s->s3))
		s3_header_text(s, "x-amz-acl", s3_canned_acl(s->s3));
	return lost && strict ? MIGRATE_UNSUPPORTED : MIGRATE_OK;
}

void s3_give_encryption(struct s3_session *s)
{
	const struct s3_config *c = &s->s3->config;

	if (c->storage_class && !s3_carries_class(s->s3))
		s3_header_text(s, "x-amz-storage-class", c->storage_class);
	if (c->sse == S3_SSE_NONE)
		return;
	s3_header_text(s, "x-amz-server-side-encryption",
		       c->sse == S3_SSE_S3 ? "AES256" : "aws:kms");
	if (c->sse == S3_SSE_KMS && c->sse_kms_key)
		s3_header_text(s, "x-amz-server-side-encryption-aws-kms-key-id", c->sse_kms_key);
}

void s3_give_customer_key(struct s3_session *s)
{
	if (!s->s3->sse_c_key[0])
		return;
	s3_header_text(s, "x-amz-server-side-encryption-customer-algorithm", "AES256");
	s3_header_text(s, "x-amz-server-side-encryption-customer-key", s->s3->sse_c_key);
	s3_header_text(s, "x-amz-server-side-encryption-customer-key-md5", s->s3->sse_c_md5);
}

void s3_give_source_key(struct s3_session *s, const struct s3 *source)
{
	if (!source->sse_c_key[0])
		return;
	s3_header_text(s, "x-amz-copy-source-server-side-encryption-customer-algorithm", "AES256");
	s3_header_text(s, "x-amz-copy-source-server-side-encryption-customer-key",
		       source->sse_c_key);
	s3_header_text(s, "x-amz-copy-source-server-side-encryption-customer-key-md5",
		       source->sse_c_md5);
}
