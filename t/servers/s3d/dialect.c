/* SPDX-License-Identifier: MIT */
#include "dialect.h"
#include "text.h"

#include <stdio.h>
#include <string.h>

#define MIB (1024LL * 1024)

struct switch_row {
	const char *name;
	long long aws;
	const char *meaning;
};

static const struct switch_row rows[SW_COUNT] = {
	[SW_ACL] = { "acl", YES, "canned ACLs, ?acl" },
	[SW_CHECKSUMS] = { "checksums", YES, "x-amz-checksum-* is checked and returned" },
	[SW_CHUNKED] = { "chunked", YES, "bodies in aws-chunked, with trailers" },
	[SW_COMPLETE_ETAG] = { "complete-etag", YES, "CompleteMultipartUpload answers the ETag" },
	[SW_COMPLETE_IF] = { "complete-if", YES, "conditions on CompleteMultipartUpload" },
	[SW_CONTROL_XML] = { "control-xml", YES,
			     "control characters in listings; no: 500 without encoding-type" },
	[SW_COPY] = { "copy", YES, "CopyObject" },
	[SW_COPY_IF] = { "copy-if", YES, "If-None-Match and If-Match of a copy's target" },
	[SW_COPY_SOURCE_IF] = { "copy-source-if", YES, "x-amz-copy-source-if-*" },
	[SW_COPY_SOURCE_PARTS] = { "copy-source-parts", YES,
				   "the same of what was uploaded in parts; no: never met" },
	[SW_DELETE_IF] = { "delete-if", YES, "If-Match on DeleteObject" },
	[SW_DELETE_MD5] = { "delete-md5", YES, "DeleteObjects needs Content-MD5 or a checksum" },
	[SW_DELETE_OBJECTS] = { "delete-objects", YES, "DeleteObjects" },
	[SW_ENCODING_URL] = { "encoding-url", YES, "encoding-type=url of listings" },
	[SW_EQUAL_PARTS] = { "equal-parts", NO, "all parts but the last have one size" },
	[SW_LIST_V2] = { "list-v2", YES, "ListObjectsV2; no: answered as version 1" },
	[SW_MARKER_RAW] = { "marker-raw", NO, "encoding-type=url leaves markers and the prefix" },
	[SW_MAX_COPY] = { "max-copy", 5 * 1024 * MIB, "largest CopyObject and UploadPartCopy" },
	[SW_MAX_KEYS] = { "max-keys", 1000, "longest page of a listing" },
	[SW_MAX_PARTS] = { "max-parts", 10000, "highest part number" },
	[SW_MAX_PUT] = { "max-put", 5 * 1024 * MIB, "largest body" },
	[SW_META_DASH] = { "meta-dash", NO, "'_' in names of metadata becomes '-'" },
	[SW_META_MAX] = { "meta-max", 2048, "bytes of user metadata" },
	[SW_MIN_PART] = { "min-part", 5 * MIB, "smallest part but the last" },
	[SW_MULTIPART] = { "multipart", YES, "multipart uploads" },
	[SW_MULTIPART_MD5] = { "multipart-md5", YES, "ETag is MD5 of MD5s; no: random" },
	[SW_NEXT_MARKER] = { "next-marker", NO, "NextMarker without a delimiter too" },
	[SW_OWNER_ENFORCED] = { "owner-enforced", YES, "new buckets know no ACLs" },
	[SW_PART_COPY] = { "part-copy", YES, "UploadPartCopy" },
	[SW_PATH_PLUS] = { "path-plus", YES, "'+' in a path is a space, as it is in a query" },
	[SW_PLAIN_MD5] = { "plain-md5", YES, "ETag of a simple object is its MD5" },
	[SW_PUT_IF_MATCH] = { "put-if-match", YES, "If-Match on PutObject" },
	[SW_PUT_IF_NONE_MATCH] = { "put-if-none-match", YES, "If-None-Match: * on PutObject" },
	[SW_REGION] = { "region", YES, "the region of the signature must be right" },
	[SW_SHA256_HEADER] = { "sha256-header", YES, "x-amz-content-sha256 must be sent" },
	[SW_SIGNED_AMZ] = { "signed-amz", YES, "every x-amz-* header must be signed" },
	[SW_SIGV2] = { "sigv2", NO, "signatures of version 2" },
	[SW_SIGV4] = { "sigv4", YES, "signatures of version 4" },
	[SW_SPACE_PLUS] = { "space-plus", YES, "encoding-type=url writes a space as '+'" },
	[SW_STORAGE_CLASS] = { "storage-class", YES, "storage classes; no: all is STANDARD" },
	[SW_TAGGING] = { "tagging", YES, "tags of objects" },
	[SW_TLS_SSE_C] = { "tls-sse-c", YES, "SSE-C needs TLS" },
};

struct difference {
	enum switch_name name;
	long long value;
};

struct dialect {
	const char *name;
	const char *server;
	struct difference differences[24];
	size_t count;
};

#define DIFFERENCES(...)                                                                           \
	{ __VA_ARGS__ }, sizeof((struct difference[]){ __VA_ARGS__ }) / sizeof(struct difference)

/*
 * Measured where a server was at hand (Ceph, Swift); else what the providers document. legacy is
 * nobody's: the first years of S3, which is all that some endpoints ever learnt.
 */
static const struct dialect dialects[] = {
	{ "aws", "AmazonS3", { { SW_ACL, YES } }, 1 },
	{ "ceph", "Ceph Object Gateway",
	  DIFFERENCES({ SW_SIGV2, YES }, { SW_COPY_SOURCE_IF, NO }, { SW_CHECKSUMS, NO },
		      { SW_COPY_IF, NO }, { SW_COMPLETE_IF, NO }, { SW_DELETE_IF, NO },
		      { SW_META_MAX, 8192 }, { SW_META_DASH, YES }, { SW_OWNER_ENFORCED, NO },
		      { SW_NEXT_MARKER, YES }, { SW_REGION, NO }, { SW_SHA256_HEADER, NO },
		      { SW_SIGNED_AMZ, NO }, { SW_DELETE_MD5, NO }, { SW_SPACE_PLUS, NO },
		      { SW_MARKER_RAW, YES }, { SW_COMPLETE_ETAG, NO }, { SW_PATH_PLUS, NO }) },
	{ "legacy", "S3",
	  DIFFERENCES({ SW_SIGV2, YES }, { SW_SIGV4, NO }, { SW_LIST_V2, NO },
		      { SW_ENCODING_URL, NO }, { SW_CHECKSUMS, NO }, { SW_CHUNKED, REFUSED },
		      { SW_COPY_IF, NO }, { SW_COPY_SOURCE_IF, NO }, { SW_COMPLETE_IF, NO },
		      { SW_PUT_IF_MATCH, NO }, { SW_PUT_IF_NONE_MATCH, NO }, { SW_DELETE_IF, NO },
		      { SW_MULTIPART, REFUSED }, { SW_PART_COPY, REFUSED },
		      { SW_DELETE_OBJECTS, REFUSED }, { SW_TAGGING, REFUSED },
		      { SW_STORAGE_CLASS, NO }, { SW_REGION, NO }, { SW_SHA256_HEADER, NO },
		      { SW_SIGNED_AMZ, NO }, { SW_OWNER_ENFORCED, NO }) },
	{ "minio", "MinIO",
	  DIFFERENCES({ SW_SIGV2, YES }, { SW_ACL, NO }, { SW_OWNER_ENFORCED, NO },
		      { SW_COPY_IF, NO }, { SW_DELETE_IF, NO }, { SW_STORAGE_CLASS, NO },
		      { SW_NEXT_MARKER, YES }, { SW_PATH_PLUS, NO }) },
	{ "gcs", "UploadServer",
	  DIFFERENCES({ SW_SIGV2, YES }, { SW_PART_COPY, REFUSED }, { SW_COPY_IF, NO },
		      { SW_COMPLETE_IF, NO }, { SW_PUT_IF_MATCH, NO }, { SW_PUT_IF_NONE_MATCH, NO },
		      { SW_DELETE_IF, NO }, { SW_CHECKSUMS, NO }, { SW_CHUNKED, REFUSED },
		      { SW_DELETE_OBJECTS, REFUSED }, { SW_TAGGING, REFUSED },
		      { SW_META_MAX, 8192 }, { SW_REGION, NO }, { SW_MULTIPART_MD5, NO },
		      { SW_OWNER_ENFORCED, NO }) },
	{ "swift", "Swift",
	  DIFFERENCES({ SW_SIGV2, YES }, { SW_PUT_IF_MATCH, REFUSED },
		      { SW_PUT_IF_NONE_MATCH, REFUSED }, { SW_COPY_IF, NO }, { SW_COMPLETE_IF, NO },
		      { SW_DELETE_IF, NO }, { SW_CHECKSUMS, NO }, { SW_CHUNKED, REFUSED },
		      { SW_TAGGING, REFUSED }, { SW_META_MAX, 3072 }, { SW_MAX_PARTS, 1000 },
		      { SW_CONTROL_XML, NO }, { SW_COPY_SOURCE_PARTS, NO }, { SW_NEXT_MARKER, YES },
		      { SW_OWNER_ENFORCED, NO }, { SW_STORAGE_CLASS, NO }, { SW_PATH_PLUS, NO }) },
	{ "r2", "cloudflare",
	  DIFFERENCES({ SW_EQUAL_PARTS, YES }, { SW_MULTIPART_MD5, NO }, { SW_ACL, REFUSED },
		      { SW_TAGGING, REFUSED }, { SW_OWNER_ENFORCED, NO }, { SW_DELETE_IF, NO },
		      { SW_COMPLETE_IF, NO }) },
	{ "wasabi", "WasabiS3",
	  DIFFERENCES({ SW_SIGV2, YES }, { SW_COPY_IF, NO }, { SW_COMPLETE_IF, NO },
		      { SW_PUT_IF_MATCH, NO }, { SW_PUT_IF_NONE_MATCH, NO }, { SW_DELETE_IF, NO },
		      { SW_CHECKSUMS, NO }, { SW_STORAGE_CLASS, NO }, { SW_OWNER_ENFORCED, NO }) },
	{ "b2", "B2",
	  DIFFERENCES({ SW_TAGGING, REFUSED }, { SW_PUT_IF_MATCH, REFUSED },
		      { SW_PUT_IF_NONE_MATCH, REFUSED }, { SW_COPY_IF, REFUSED },
		      { SW_COMPLETE_IF, REFUSED }, { SW_DELETE_IF, NO }, { SW_CHECKSUMS, REFUSED },
		      { SW_CHUNKED, REFUSED }, { SW_STORAGE_CLASS, NO },
		      { SW_OWNER_ENFORCED, NO }) },
};

#define DIALECT_COUNT (sizeof(dialects) / sizeof(dialects[0]))

bool dialect_get(const char *name, struct switches *to)
{
	for (int i = 0; i < SW_COUNT; i++)
		to->v[i] = rows[i].aws;
	for (size_t i = 0; i < DIALECT_COUNT; i++) {
		const struct dialect *d = &dialects[i];

		if (strcmp(d->name, name) != 0)
			continue;
		to->server = d->server;
		for (size_t j = 0; j < d->count; j++)
			to->v[d->differences[j].name] = d->differences[j].value;
		return true;
	}
	return false;
}

static bool value_of(const char *text, _Atomic long long *to)
{
	unsigned long long n;

	if (!strcmp(text, "yes"))
		*to = YES;
	else if (!strcmp(text, "no"))
		*to = NO;
	else if (!strcmp(text, "refuse"))
		*to = REFUSED;
	else if (number_of(text, 1ULL << 62, &n))
		*to = (long long)n;
	else
		return false;
	return true;
}

bool dialect_set(struct switches *s, const char *assignment)
{
	const char *equals = strchr(assignment, '=');

	for (int i = 0; equals && i < SW_COUNT; i++) {
		size_t n = (size_t)(equals - assignment);

		if (strlen(rows[i].name) == n && !memcmp(rows[i].name, assignment, n))
			return value_of(equals + 1, &s->v[i]);
	}
	return false;
}

void dialect_print(void)
{
	puts("switches (--set NAME=yes|no|refuse|NUMBER), and their value on aws:");
	for (int i = 0; i < SW_COUNT; i++)
		printf("  %-18s %-11lld %s\n", rows[i].name, rows[i].aws, rows[i].meaning);
	puts("dialects, and where they differ:");
	for (size_t i = 0; i < DIALECT_COUNT; i++) {
		printf("  %s:", dialects[i].name);
		for (size_t j = 0; j < dialects[i].count; j++)
			printf(" %s=%lld", rows[dialects[i].differences[j].name].name,
			       dialects[i].differences[j].value);
		putchar('\n');
	}
}
