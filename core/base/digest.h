/* SPDX-License-Identifier: MIT */
#ifndef MIGRATE_BASE_DIGEST_H
#define MIGRATE_BASE_DIGEST_H

#include <migrate/plugin.h>

/*
 * Digests of contents, by libcrypto (MD5, SHA-1, SHA-256) and zlib (CRC-32);
 * CRC32C and CRC64NVME come when a store needs them.
 */
struct digest_context; /* not thread-safe; reused from object to object */

struct digest_context *digest_new(void);
void digest_free(struct digest_context *c);

/* Begin one algorithm anew. False: not an algorithm we have. */
bool digest_begin(struct digest_context *c, enum migrate_digest_algorithm algorithm);
void digest_add(struct digest_context *c, const void *bytes, size_t n);
void digest_end(struct digest_context *c, struct migrate_digest *out);

/* In one call, through the context's memory. */
bool digest_of(struct digest_context *c, enum migrate_digest_algorithm algorithm, const void *bytes,
	       size_t n, struct migrate_digest *out);

bool digest_equal(const struct migrate_digest *a, const struct migrate_digest *b);

/* "sha256", "md5", ... */
const char *digest_name(enum migrate_digest_algorithm algorithm);

/* The first 16 bytes of the SHA-256 of a key: for collision checks (design: two keys never become one). */
void digest_key(struct digest_context *c, struct migrate_bytes key, uint8_t out[16]);

#endif
