/* SPDX-License-Identifier: MIT */
#include "base/digest.h"

#include "base/error.h"

#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

/*
 * Looking an algorithm up costs more than hashing a small object, so each is
 * fetched once per context and its EVP_MD_CTX is kept for the next object.
 */
struct digest_context {
	EVP_MD *md[MIGRATE_DIGEST_COUNT];
	EVP_MD_CTX *ctx[MIGRATE_DIGEST_COUNT];
	enum migrate_digest_algorithm now;
	bool failed;
	uLong crc;
};

/* Names for people, and for libcrypto where it has the algorithm. */
static const struct {
	const char *name;
	const char *libcrypto;
} algorithms[MIGRATE_DIGEST_COUNT] = {
	[MIGRATE_MD5] = { "md5", "MD5" },
	[MIGRATE_SHA256] = { "sha256", "SHA256" },
	[MIGRATE_SHA1] = { "sha1", "SHA1" },
	[MIGRATE_CRC32C] = { "crc32c", NULL },
	[MIGRATE_CRC64NVME] = { "crc64nvme", NULL },
	[MIGRATE_CRC32] = { "crc32", NULL },
};

struct digest_context *digest_new(void)
{
	return calloc(1, sizeof(struct digest_context));
}

void digest_free(struct digest_context *c)
{
	if (!c)
		return;
	for (int i = 0; i < MIGRATE_DIGEST_COUNT; i++) {
		EVP_MD_CTX_free(c->ctx[i]);
		EVP_MD_free(c->md[i]);
	}
	free(c);
}

/* The first use of an algorithm: fetch it. False: libcrypto does not have it (FIPS and MD5). */
static bool fetch_algorithm(struct digest_context *c, enum migrate_digest_algorithm a)
{
	if (c->ctx[a])
		return true;
	if (!algorithms[a].libcrypto)
		return false;
	if (!c->md[a])
		c->md[a] = EVP_MD_fetch(NULL, algorithms[a].libcrypto, NULL);
	if (c->md[a])
		c->ctx[a] = EVP_MD_CTX_new();
	return c->ctx[a] != NULL;
}

bool digest_begin(struct digest_context *c, enum migrate_digest_algorithm algorithm)
{
	if ((unsigned int)algorithm >= MIGRATE_DIGEST_COUNT)
		return false;
	c->now = algorithm;
	c->failed = false;
	c->crc = 0;
	if (algorithm == MIGRATE_CRC32)
		return true;
	return fetch_algorithm(c, algorithm) &&
	       EVP_DigestInit_ex2(c->ctx[algorithm], c->md[algorithm], NULL) == 1;
}

void digest_add(struct digest_context *c, const void *bytes, size_t n)
{
	if (!n)
		return;
	if (c->now == MIGRATE_CRC32)
		c->crc = crc32_z(c->crc, bytes, n);
	else if (EVP_DigestUpdate(c->ctx[c->now], bytes, n) != 1)
		c->failed = true;
}

static void end_crc32(const struct digest_context *c, struct migrate_digest *out)
{
	for (int i = 0; i < 4; i++)
		out->bytes[i] = (uint8_t)(c->crc >> (24 - 8 * i));
	out->n = 4;
}

/* A digest that libcrypto could not finish is a digest that is not known. */
void digest_end(struct digest_context *c, struct migrate_digest *out)
{
	unsigned int n = 0;

	memset(out, 0, sizeof(*out));
	out->algorithm = (uint16_t)c->now;
	if (c->now == MIGRATE_CRC32)
		end_crc32(c, out);
	else if (EVP_DigestFinal_ex(c->ctx[c->now], out->bytes, &n) == 1 && !c->failed)
		out->n = (uint16_t)n;
}

bool digest_of(struct digest_context *c, enum migrate_digest_algorithm algorithm, const void *bytes,
	       size_t n, struct migrate_digest *out)
{
	memset(out, 0, sizeof(*out));
	if (!digest_begin(c, algorithm))
		return false;
	digest_add(c, bytes, n);
	digest_end(c, out);
	return out->n != 0;
}

bool digest_equal(const struct migrate_digest *a, const struct migrate_digest *b)
{
	return a->n && a->algorithm == b->algorithm && a->n == b->n &&
	       !memcmp(a->bytes, b->bytes, a->n);
}

const char *digest_name(enum migrate_digest_algorithm algorithm)
{
	return (unsigned int)algorithm < MIGRATE_DIGEST_COUNT ? algorithms[algorithm].name
							      : "unknown";
}

/* Two keys that only failed to be hashed must not look alike: that would be our own bug. */
void digest_key(struct digest_context *c, struct migrate_bytes key, uint8_t out[16])
{
	struct migrate_digest d;

	if (!digest_of(c, MIGRATE_SHA256, key.p, key.n, &d))
		BUG("no SHA-256");
	memcpy(out, d.bytes, 16);
}
