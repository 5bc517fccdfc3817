/* SPDX-License-Identifier: MIT */
#include "s3.h"

#include <string.h>

/*
 * What providers do otherwise. A wrong line here costs requests or features, never
 * data: what data depends on is measured unless the line says KNOWN.
 */
#define CONDITIONS                                                                                 \
	(S3_PUT_ABSENT | S3_COPY_ABSENT | S3_COMPLETE_ABSENT | S3_PUT_MATCH | S3_COPY_MATCH_TO |   \
	 S3_REMOVE_MATCH)

/* In the order of S3_DIALECTS, without auto. */
static const struct s3_dialect dialects[] = {
	{ .name = "generic", .quirks = 0 },
	{ .name = "aws", /* told by the forms of its names: see aws.c */
	  .server = "AmazonS3",
	  .meta_max = 2048,
	  .quirks = CONDITIONS | S3_CHECKSUMS | S3_KNOWN },
	{ .name = "ceph", .quirks = S3_BARE_IF_MATCH | S3_NO_COPY_MATCH },
	{ .name = "minio", .server = "MinIO", .meta_max = 2048, .quirks = S3_NO_ACL },
	{ .name = "gcs",
	  .host = "storage.googleapis.com",
	  .server = "UploadServer",
	  .quirks = S3_NO_PART_COPY | S3_NO_TAGS },
	{ .name = "swift", .quirks = S3_NO_TAGS },
	{ .name = "r2",
	  .host = ".r2.cloudflarestorage.com",
	  .server = "cloudflare",
	  .meta_max = 8192,
	  .quirks = S3_NO_TAGS | S3_NO_ACL },
	{ .name = "wasabi", .host = ".wasabisys.com", .server = "WasabiS3", .quirks = 0 },
	{ .name = "b2",
	  .host = ".backblazeb2.com",
	  .meta_max = 2048,
	  .quirks = S3_NO_TAGS | S3_NO_ACL },
};

enum { AWS = 2 }; /* of the choices */

static bool ends_with(const char *text, const char *end)
{
	size_t n = strlen(text), m = strlen(end);

	return n >= m && !strcmp(text + n - m, end);
}

const struct s3_dialect *s3_dialect_of(int choice, const char *host)
{
	if (choice > 0)
		return &dialects[choice - 1];
	if (s3_aws_name(host) != S3_AWS_NOT)
		return &dialects[AWS - 1];
	for (size_t i = 0; i < sizeof(dialects) / sizeof(dialects[0]); i++)
		if (dialects[i].host && ends_with(host, dialects[i].host))
			return &dialects[i];
	return &dialects[0];
}

const struct s3_dialect *s3_dialect_of_server(const char *server)
{
	for (size_t i = 0; server && i < sizeof(dialects) / sizeof(dialects[0]); i++) {
		const char *name = dialects[i].server;

		/* that it says so does not make it AWS */
		if (name && !(dialects[i].quirks & S3_KNOWN) &&
		    !strncmp(server, name, strlen(name)))
			return &dialects[i];
	}
	return NULL;
}
