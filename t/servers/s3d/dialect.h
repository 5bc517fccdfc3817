/* SPDX-License-Identifier: MIT */
#ifndef S3D_DIALECT_H
#define S3D_DIALECT_H

#include <stdbool.h>

/*
 * What an endpoint does, as numbers: NO means "accepted and ignored" (which is
 * how old servers treat what they do not know), REFUSED means 501. Limits are
 * plain numbers. One line in dialect.c says what each is, and what AWS does.
 */
enum { NO = 0, YES = 1, REFUSED = 2 };

enum switch_name {
	SW_ACL,
	SW_CHECKSUMS,
	SW_CHUNKED,
	SW_COMPLETE_ETAG,
	SW_COMPLETE_IF,
	SW_CONTROL_XML,
	SW_COPY,
	SW_COPY_IF,
	SW_COPY_SOURCE_IF,
	SW_COPY_SOURCE_PARTS,
	SW_DELETE_IF,
	SW_DELETE_MD5,
	SW_DELETE_OBJECTS,
	SW_ENCODING_URL,
	SW_EQUAL_PARTS,
	SW_LIST_V2,
	SW_MARKER_RAW,
	SW_MAX_COPY,
	SW_MAX_KEYS,
	SW_MAX_PARTS,
	SW_MAX_PUT,
	SW_META_DASH,
	SW_META_MAX,
	SW_MIN_PART,
	SW_MULTIPART,
	SW_MULTIPART_MD5,
	SW_NEXT_MARKER,
	SW_OWNER_ENFORCED,
	SW_PART_COPY,
	SW_PATH_PLUS,
	SW_PLAIN_MD5,
	SW_PUT_IF_MATCH,
	SW_PUT_IF_NONE_MATCH,
	SW_REGION,
	SW_SHA256_HEADER,
	SW_SIGNED_AMZ,
	SW_SIGV2,
	SW_SIGV4,
	SW_SPACE_PLUS,
	SW_STORAGE_CLASS,
	SW_TAGGING,
	SW_TLS_SSE_C,
	SW_COUNT
};

/* Tests change them while requests are served. */
struct switches {
	_Atomic long long v[SW_COUNT];
	const char *server;
};

/* False when there is no such dialect. */
bool dialect_get(const char *name, struct switches *to);

/* "name=value", value a number or yes, no, refuse. False when it is neither. */
bool dialect_set(struct switches *s, const char *assignment);

/* One line for each dialect's differences, for --help. */
void dialect_print(void);

#endif
